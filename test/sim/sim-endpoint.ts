/** The endpoint contract over the simulated network. Checksums are not simulated: what arrives is intact. */

import { assert, at, item } from '../../src/assert.js'
import { ENDPOINT_COUNTERS, RX_ROW, TX_ROW } from '../../src/transport/endpoint.js'
import type { Endpoint, EndpointSettings, QueueAddress } from '../../src/transport/endpoint.js'
import { lengthOf } from '../../src/zab/header.js'
import { TICK_MICROS } from '../../src/zab/limits.js'
import { HEADER, TAG_BYTES } from '../../src/zab/wire.js'
import { closePort, joinGroup, openPort, portOf, sendTo, sendToGroup } from './network.js'
import type { Network } from './network.js'

const LINE = 64
const LENGTH_MIN = HEADER.SIZE + TAG_BYTES

export interface SimEndpoint extends Endpoint {
  readonly node: number
  /** Called by the simulator when something waits: stands for the event loop's wake-up. */
  wake(): void
  waiting(): boolean
  /** What a native thread would send; null while it is stopped. */
  readonly beating: () => SimBeat | null
}

/** Kept until sendSimBeats() sends it. */
interface SimBeat {
  parts: Parts
  queue: number
  bytes: Uint8Array
  targets: (number | string)[]
  periodMicros: number
  ageOffset: number
}

/** What the endpoint's functions share. */
interface Parts {
  network: Network
  settings: EndpointSettings
  port: (queue: number) => number
  words: Uint32Array
  bytes: Uint8Array
  txRows: Uint32Array
  rxRows: Uint32Array[]
  rxBase: number[] //                    first slot of each queue
  destinations: (number | string)[] //   a port, or a group's name
  watcher: (() => void) | null
  beat: SimBeat | null
  seenTick: number //                    of the last rxBurst of queue 0
}

export function createSimEndpoint(
  network: Network,
  node: number,
  settings: EndpointSettings,
  life = 0,
): SimEndpoint {
  const { datagramBytes, queues } = settings
  const rxBase: number[] = []
  let end = settings.txSlots * datagramBytes
  for (const queue of queues) {
    rxBase.push(end)
    end += queue.rxSlots * datagramBytes
  }
  const extraOffset = Math.ceil(end / LINE) * LINE
  const slab = new ArrayBuffer(extraOffset + Math.ceil(settings.extraBytes / LINE) * LINE)
  const parts: Parts = {
    network,
    settings,
    port: (queue) => portOf(node, life, queue),
    words: new Uint32Array(slab),
    bytes: new Uint8Array(slab),
    txRows: new Uint32Array(settings.txRows * TX_ROW.WORDS),
    rxRows: queues.map((queue) => new Uint32Array(queue.rxSlots * RX_ROW.WORDS)),
    rxBase,
    destinations: [],
    watcher: null,
    beat: null,
    seenTick: network.tick,
  }
  queues.forEach((queue, index) => {
    openPort(network, parts.port(index))
    for (const group of queue.multicast?.groups ?? []) joinGroup(network, group, parts.port(index))
  })
  return endpointOf(parts, node, slab, extraOffset)
}

function endpointOf(
  parts: Parts,
  node: number,
  slab: ArrayBuffer,
  extraOffset: number,
): SimEndpoint {
  const { network, settings, txRows, rxRows, port } = parts
  const { queues, datagramBytes } = settings
  return {
    node,
    slab,
    txOffset: 0,
    extraOffset,
    txRows,
    rxRows,
    rxBytes: queues.map((queue) => queue.socketBytes),
    inlineBytesMax: 0,
    counters: new Float64Array(ENDPOINT_COUNTERS.length),
    waiting: () => queues.some((_, queue) => (network.queues.get(port(queue))?.length ?? 0) > 0),
    wake: () => parts.watcher?.(),
    rxBurst: (queue) => receive(parts, queue),
    postReceives: () => undefined,
    txBurst: (queue, count) => transmit(parts, queue, count),
    flush: () => undefined,
    wait: () => 0,
    beat: (queue, offset, length, destinations, count, periodMicros, ageOffset) => {
      const targets = [...destinations.subarray(0, count)].map((each) => item(parts.destinations, each))
      const bytes = parts.bytes.slice(offset, offset + length)
      parts.beat = count === 0 ? null : { parts, queue, bytes, targets, periodMicros, ageOffset }
    },
    beating: () => parts.beat,
    wakeHandle: () => 0,
    waitBeside: () => undefined,
    setSpin: () => undefined,
    local: (queue) => simAddress(port(queue), datagramBytes),
    addDestination: (address) => destinationOf(parts, address.port),
    adoptSource: (queue, row) =>
      destinationOf(parts, at(item(rxRows, queue), row * RX_ROW.WORDS + RX_ROW.source)),
    removeDestination: () => undefined,
    addGroup: (group) => destinationOf(parts, group),
    watch: (callback) => {
      parts.watcher = callback
    },
    unwatch: () => {
      parts.watcher = null
    },
    close: () => {
      parts.watcher = null
      parts.beat = null
      queues.forEach((_, queue) => closePort(network, port(queue)))
    },
  }
}

function destinationOf(parts: Parts, target: number | string): number {
  const known = parts.destinations.indexOf(target)
  return known >= 0 ? known : parts.destinations.push(target) - 1
}

function receive(parts: Parts, queue: number): number {
  const { network, settings, port, words, bytes } = parts
  if (queue === 0) parts.seenTick = network.tick
  const arrivals = network.queues.get(port(queue)) ?? []
  const slots = item(settings.queues, queue).rxSlots
  const rows = item(parts.rxRows, queue)
  let count = 0
  let taken = 0
  while (taken < arrivals.length && count < slots) {
    const arrival = item(arrivals, taken++)
    const offset = item(parts.rxBase, queue) + count * settings.datagramBytes
    bytes.set(arrival.bytes, offset)
    const length = lengthOf(words, offset)
    if (length > arrival.bytes.length) continue // truncated: the native endpoint drops it as well
    const row = count++ * RX_ROW.WORDS
    rows[row + RX_ROW.offset] = offset
    rows[row + RX_ROW.length] = length
    rows[row + RX_ROW.kind] = at(words, offset >>> 2) >>> 24
    rows[row + RX_ROW.source] = arrival.source
  }
  arrivals.splice(0, taken)
  return count
}

function transmit(parts: Parts, queue: number, count: number): number {
  const { network, txRows, bytes, destinations, port } = parts
  for (let index = 0; index < count; index++) {
    const row = index * TX_ROW.WORDS
    const offset = at(txRows, row + TX_ROW.offset)
    const length = at(txRows, row + TX_ROW.length)
    const target = destinations[at(txRows, row + TX_ROW.destination)]
    // As the native endpoint has it: what is sealed is whole words.
    const isWhole = offset % 4 === 0 && length >= LENGTH_MIN && lengthOf(parts.words, offset) % 4 === 0
    assert(isWhole && offset + length <= bytes.length, 'txBurst: rows are whole datagrams inside the slab')
    const sent = bytes.slice(offset, offset + length)
    if (typeof target === 'number') sendTo(network, port(queue), target, sent)
    else if (target !== undefined) sendToGroup(network, port(queue), target, sent)
  }
  return count
}

/** One round of beats, now: what the thread does once a period, also while the replica is held up. */
export function sendSimBeats(endpoint: SimEndpoint): void {
  const beat = endpoint.beating()
  if (beat === null) return
  const { network, port, seenTick } = beat.parts
  const age = Math.min((network.tick - seenTick) * TICK_MICROS, 0xffffffff)
  beat.bytes = beat.bytes.slice()
  new DataView(beat.bytes.buffer).setUint32(beat.ageOffset, age, true)
  for (const target of beat.targets) {
    if (typeof target === 'number') sendTo(network, port(beat.queue), target, beat.bytes)
    else sendToGroup(network, port(beat.queue), target, beat.bytes)
    const counter = ENDPOINT_COUNTERS.indexOf('beats-sent')
    endpoint.counters[counter] = at(endpoint.counters, counter) + 1
  }
}

export function simAddress(port: number, mtuBytes: number): QueueAddress {
  const nothing = { qpNumber: 0, qkey: 0, lid: 0, gid: '' }
  return { provider: 'udp', address: '127.0.0.1', port, mtuBytes, ...nothing }
}
