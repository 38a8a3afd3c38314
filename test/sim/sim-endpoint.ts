/** The endpoint contract over the simulated network. Checksums are not simulated: what arrives is intact. */

import { at, item } from '../../src/assert.js'
import { ENDPOINT_COUNTERS, RX_ROW, TX_ROW } from '../../src/transport/endpoint.js'
import type { Endpoint, EndpointSettings, QueueAddress } from '../../src/transport/endpoint.js'
import { lengthOf } from '../../src/zab/header.js'
import { closePort, joinGroup, openPort, PORTS_PER_NODE, sendTo, sendToGroup } from './network.js'
import type { Network } from './network.js'

const LINE = 64

export interface SimEndpoint extends Endpoint {
  readonly node: number
  /** Called by the simulator when something waits: stands for the event loop's wake-up. */
  wake(): void
  waiting(): boolean
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
}

export function createSimEndpoint(
  network: Network,
  node: number,
  settings: EndpointSettings,
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
    port: (queue) => node * PORTS_PER_NODE + queue,
    words: new Uint32Array(slab),
    bytes: new Uint8Array(slab),
    txRows: new Uint32Array(settings.txRows * TX_ROW.WORDS),
    rxRows: queues.map((queue) => new Uint32Array(queue.rxSlots * RX_ROW.WORDS)),
    rxBase,
    destinations: [],
    watcher: null,
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
    wakeHandle: () => 0,
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
  const arrivals = network.queues.get(port(queue)) ?? []
  const count = Math.min(arrivals.length, item(settings.queues, queue).rxSlots)
  const rows = item(parts.rxRows, queue)
  arrivals.splice(0, count).forEach((arrival, index) => {
    const offset = item(parts.rxBase, queue) + index * settings.datagramBytes
    bytes.set(arrival.bytes, offset)
    const row = index * RX_ROW.WORDS
    rows[row + RX_ROW.offset] = offset
    rows[row + RX_ROW.length] = lengthOf(words, offset)
    rows[row + RX_ROW.kind] = at(words, offset >>> 2) >>> 24
    rows[row + RX_ROW.source] = arrival.source
  })
  return count
}

function transmit(parts: Parts, queue: number, count: number): number {
  const { network, txRows, bytes, destinations, port } = parts
  for (let index = 0; index < count; index++) {
    const row = index * TX_ROW.WORDS
    const offset = at(txRows, row + TX_ROW.offset)
    const length = at(txRows, row + TX_ROW.length)
    const target = destinations[at(txRows, row + TX_ROW.destination)]
    const sent = bytes.subarray(offset, offset + length)
    if (typeof target === 'number') sendTo(network, port(queue), target, sent)
    else if (target !== undefined) sendToGroup(network, port(queue), target, sent)
  }
  return count
}

export function simAddress(port: number, mtuBytes: number): QueueAddress {
  const nothing = { qpNumber: 0, qkey: 0, lid: 0, gid: '' }
  return { provider: 'udp', address: '127.0.0.1', port, mtuBytes, ...nothing }
}
