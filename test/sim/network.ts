/**
 * The simulated network: datagrams are lost, delayed, reordered, repeated, and dropped by receivers that are not
 * ready; multicast is lost for each receiver on its own. Every fault that was delivered is counted.
 */

import type { Prng } from './prng.js'

export interface NetworkFaults {
  loss: number //       probability for each datagram and receiver
  duplicate: number
  reorder: number //    probability of a longer delay than those that follow
  delayTicksMax: number
  reorderTicksMax: number
  receiveQueueMax: number // datagrams that wait at a receiver; more are dropped
}

export const FAULT_KINDS = [
  'delivered',
  'lost',
  'duplicated',
  'reordered',
  'receiver-not-ready',
  'cut',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

interface Flight {
  due: number
  order: number
  to: number
  source: number
  bytes: Uint8Array
}

export interface Arrival {
  source: number
  bytes: Uint8Array
}

export interface Network {
  readonly prng: Prng
  readonly faults: NetworkFaults
  readonly counts: Record<FaultKind, number>
  readonly flights: Flight[]
  /** Waiting at each port. */
  readonly queues: Map<number, Arrival[]>
  readonly groups: Map<string, Set<number>>
  /** Directed pairs "from>to" of nodes that do not reach each other. Ports of one node share its number. */
  readonly cuts: Set<string>
  tick: number
  order: number
}

/** Ports of one node: node * PORTS_PER_NODE + queue. */
export const PORTS_PER_NODE = 4

export function createNetwork(prng: Prng, faults: NetworkFaults): Network {
  const counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Network['counts']
  return {
    prng,
    faults,
    counts,
    flights: [],
    queues: new Map(),
    groups: new Map(),
    cuts: new Set(),
    tick: 0,
    order: 0,
  }
}

export function openPort(network: Network, port: number): void {
  network.queues.set(port, [])
}

export function closePort(network: Network, port: number): void {
  network.queues.delete(port)
  for (const members of network.groups.values()) members.delete(port)
}

export function joinGroup(network: Network, group: string, port: number): void {
  const members = network.groups.get(group) ?? new Set<number>()
  members.add(port)
  network.groups.set(group, members)
}

export function sendTo(network: Network, source: number, to: number, bytes: Uint8Array): void {
  const { prng, faults, counts } = network
  const from = Math.floor(source / PORTS_PER_NODE)
  if (network.cuts.has(`${from}>${Math.floor(to / PORTS_PER_NODE)}`)) {
    counts.cut++
    return
  }
  if (prng.chance(faults.loss)) {
    counts.lost++
    return
  }
  launch(network, source, to, bytes)
  if (prng.chance(faults.duplicate)) {
    counts.duplicated++
    launch(network, source, to, bytes)
  }
}

/** Each receiver loses on its own. */
export function sendToGroup(
  network: Network,
  source: number,
  group: string,
  bytes: Uint8Array,
): void {
  for (const to of network.groups.get(group) ?? []) sendTo(network, source, to, bytes)
}

/** Moves the clock and delivers what is due. */
export function advance(network: Network, ticks: number): void {
  network.tick += ticks
  const due: Flight[] = []
  let kept = 0
  for (const flight of network.flights) {
    if (flight.due <= network.tick) due.push(flight)
    else network.flights[kept++] = flight
  }
  network.flights.length = kept
  due.sort((a, b) => a.due - b.due || a.order - b.order)
  for (const flight of due) arrive(network, flight)
}

function launch(network: Network, source: number, to: number, bytes: Uint8Array): void {
  const { prng, faults } = network
  let delay = prng.below(faults.delayTicksMax + 1)
  if (prng.chance(faults.reorder)) {
    delay += prng.below(faults.reorderTicksMax + 1)
    network.counts.reordered++
  }
  const due = network.tick + delay
  network.flights.push({ due, order: network.order++, to, source, bytes: bytes.slice() })
}

function arrive(network: Network, flight: Flight): void {
  const queue = network.queues.get(flight.to)
  if (queue === undefined) return
  if (queue.length >= network.faults.receiveQueueMax) {
    network.counts['receiver-not-ready']++
    return
  }
  network.counts.delivered++
  queue.push({ source: flight.source, bytes: flight.bytes })
}
