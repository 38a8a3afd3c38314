/**
 * The simulated network: datagrams are lost, delayed, reordered, repeated, cut off, and dropped by receivers that are
 * not ready; multicast is lost for each receiver on its own. Every fault that was delivered is counted.
 */

import { FAULT_KINDS, zeros } from './fault-kinds.js'
import type { FaultCounts } from './fault-kinds.js'
import { popFlight, pushFlight } from './flights.js'
import type { Flight } from './flights.js'
import type { Prng } from './prng.js'
import { describeDatagram, SILENT } from './trace.js'
import type { Trace } from './trace.js'

export interface NetworkFaults {
  loss: number //       probability for each datagram and receiver
  duplicate: number
  reorder: number //    probability of a longer delay than those that follow
  delayTicksMax: number
  reorderTicksMax: number
  /** A repeated datagram comes so much later, at most: in another epoch, or another life. */
  repeatTicksMax?: number
  receiveQueueMax: number // datagrams that wait at a receiver; more are dropped
}

export interface Arrival {
  source: number
  bytes: Uint8Array
}

export interface Network {
  readonly prng: Prng
  readonly faults: NetworkFaults
  readonly counts: FaultCounts
  readonly trace: Trace
  readonly flights: Flight[]
  /** Waiting at each port. */
  readonly queues: Map<number, Arrival[]>
  readonly groups: Map<string, Set<number>>
  /** By cutIndex: how many faults keep datagrams of one node from another. */
  readonly cuts: Uint8Array
  /** By the same: before then nothing of one arrives at the other. */
  readonly stalledUntil: Float64Array
  tick: number
  order: number
}

/** Replicas and clients. A node keeps its number over all lives. */
export const NODES = 64
const PORTS_PER_NODE = 4

export function createNetwork(prng: Prng, faults: NetworkFaults, trace: Trace = SILENT): Network {
  return {
    prng,
    faults,
    counts: zeros(FAULT_KINDS),
    trace,
    flights: [],
    queues: new Map(),
    groups: new Map(),
    cuts: new Uint8Array(NODES * NODES),
    stalledUntil: new Float64Array(NODES * NODES),
    tick: 0,
    order: 0,
  }
}

/** A queue's port. `life`: which of the node's lives has it to itself. */
export function portOf(node: number, life: number, queue: number): number {
  return (life * NODES + node) * PORTS_PER_NODE + queue
}

function nodeOf(port: number): number {
  return Math.floor(port / PORTS_PER_NODE) % NODES
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

/** Keeps datagrams of `from` from reaching `to`, until it is called with -1. */
export function cut(network: Network, from: number, to: number, by: 1 | -1): void {
  const index = from * NODES + to
  network.cuts[index] = (network.cuts[index] ?? 0) + by
}

/** Keeps what `from` says to `to` until then. */
export function stall(network: Network, from: number, to: number, until: number): void {
  network.stalledUntil[from * NODES + to] = until
}

/** `bytes` may be kept: they are not to change. */
export function sendTo(network: Network, source: number, to: number, bytes: Uint8Array): void {
  const { prng, faults, counts } = network
  if (network.trace.verbose) {
    network.trace.say(network.tick, `${nodeOf(source)} -> ${nodeOf(to)} ${describeDatagram(bytes)}`)
  }
  if (network.cuts[nodeOf(source) * NODES + nodeOf(to)] !== 0) {
    counts.cut++
    return
  }
  if (prng.chance(faults.loss)) {
    counts.lost++
    return
  }
  launch(network, source, to, bytes, 0)
  if (prng.chance(faults.duplicate)) {
    counts.duplicated++
    launch(network, source, to, bytes, prng.below(1 + (faults.repeatTicksMax ?? 0)))
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
  for (;;) {
    const flight = popFlight(network.flights, network.tick)
    if (flight === null) return
    arrive(network, flight)
  }
}

function launch(network: Network, source: number, to: number, bytes: Uint8Array, later: number): void {
  const { prng, faults } = network
  let delay = later + prng.below(faults.delayTicksMax + 1)
  if (prng.chance(faults.reorder)) {
    delay += prng.below(faults.reorderTicksMax + 1)
    network.counts.reordered++
  }
  const queue = network.queues.get(to) ?? null
  const stalled = network.stalledUntil[nodeOf(source) * NODES + nodeOf(to)] ?? 0
  const due = Math.max(network.tick, stalled) + delay
  pushFlight(network.flights, { due, order: network.order++, to, source, bytes, queue })
}

function arrive(network: Network, flight: Flight): void {
  const queue = network.queues.get(flight.to)
  if (queue === undefined) {
    network.counts['to-closed-port']++
    return
  }
  if (queue.length >= network.faults.receiveQueueMax) {
    network.counts['receiver-not-ready']++
    return
  }
  if (queue !== flight.queue) network.counts['to-later-life']++
  network.counts.delivered++
  queue.push({ source: flight.source, bytes: flight.bytes })
}
