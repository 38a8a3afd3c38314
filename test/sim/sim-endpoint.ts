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

export function createSimEndpoint(
  network: Network,
  node: number,
  settings: EndpointSettings,
): SimEndpoint {
  const { datagramBytes, queues } = settings
  const txOffset = 0
  const rxOffset = txOffset + settings.txSlots * datagramBytes
  const rxBytes = queues.reduce((sum, queue) => sum + queue.rxSlots * datagramBytes, 0)
  const extraOffset = Math.ceil((rxOffset + rxBytes) / LINE) * LINE
  const slab = new ArrayBuffer(extraOffset + Math.ceil(settings.extraBytes / LINE) * LINE)
  const words = new Uint32Array(slab)
  const bytes = new Uint8Array(slab)
  const txRows = new Uint32Array(settings.txRows * TX_ROW.WORDS)
  const rxRows = queues.map((queue) => new Uint32Array(queue.rxSlots * RX_ROW.WORDS))
  const counters = new Float64Array(ENDPOINT_COUNTERS.length)
  /** A port, or a group's name. */
  const destinations: (number | string)[] = []
  const rxBase = queues.map((_, queue) =>
    queues.slice(0, queue).reduce((sum, each) => sum + each.rxSlots * datagramBytes, rxOffset),
  )
  let watcher: (() => void) | null = null
  const port = (queue: number): number => node * PORTS_PER_NODE + queue
  const destinationOf = (target: number | string): number => {
    const known = destinations.indexOf(target)
    return known >= 0 ? known : destinations.push(target) - 1
  }
  queues.forEach((queue, index) => {
    openPort(network, port(index))
    for (const group of queue.multicast?.groups ?? []) joinGroup(network, group, port(index))
  })
  const waiting = (): boolean =>
    queues.some((_, queue) => (network.queues.get(port(queue))?.length ?? 0) > 0)

  return {
    node,
    slab,
    txOffset,
    extraOffset,
    txRows,
    rxRows,
    rxBytes: queues.map((queue) => queue.socketBytes),
    counters,
    waiting,
    wake: () => watcher?.(),
    rxBurst: (queue) => {
      const arrivals = network.queues.get(port(queue)) ?? []
      const count = Math.min(arrivals.length, item(queues, queue).rxSlots)
      const rows = item(rxRows, queue)
      arrivals.splice(0, count).forEach((arrival, index) => {
        const offset = item(rxBase, queue) + index * datagramBytes
        bytes.set(arrival.bytes, offset)
        const row = index * RX_ROW.WORDS
        rows[row + RX_ROW.offset] = offset
        rows[row + RX_ROW.length] = lengthOf(words, offset)
        rows[row + RX_ROW.kind] = at(words, offset >>> 2) >>> 24
        rows[row + RX_ROW.source] = arrival.source
      })
      return count
    },
    postReceives: () => undefined,
    txBurst: (queue, count) => {
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
    },
    flush: () => undefined,
    wait: () => 0,
    setSpin: () => undefined,
    local: (queue) => simAddress(port(queue), datagramBytes),
    addDestination: (address) => destinationOf(address.port),
    adoptSource: (queue, row) =>
      destinationOf(at(item(rxRows, queue), row * RX_ROW.WORDS + RX_ROW.source)),
    removeDestination: () => undefined,
    addGroup: (group) => destinationOf(group),
    wakeHandle: () => {
      throw new Error('the simulator is one thread')
    },
    watch: (callback) => {
      watcher = callback
    },
    unwatch: () => {
      watcher = null
    },
    close: () => {
      watcher = null
      queues.forEach((_, queue) => closePort(network, port(queue)))
    },
  }
}

export function simAddress(port: number, mtuBytes: number): QueueAddress {
  const nothing = { qpNumber: 0, qkey: 0, lid: 0, gid: '' }
  return { provider: 'udp', address: '127.0.0.1', port, mtuBytes, ...nothing }
}
