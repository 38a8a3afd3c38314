/** A network in virtual time that loses, repeats and reorders by a seed, and endpoints on it. */

import { strict as assert } from 'node:assert'
import { ENDPOINT_COUNTERS, RX_ROW, TX_ROW } from '../../src/transport/endpoint.js'
import type { Endpoint, EndpointSettings, QueueAddress } from '../../src/transport/endpoint.js'
import { kindOf, lengthOf } from '../../src/zab/header.js'

/** Of every endpoint here. */
export const DATAGRAM_BYTES = 1408

export interface Faults {
  loss: number
  repeat: number
  /** Milliseconds on the way: the least, and what chance adds. */
  delay: number
  jitter: number
}

export interface Network {
  now: number
  faults: Faults
  readonly random: () => number
  readonly ports: Map<number, SimEndpoint>
  /** Sees every datagram that is sent; false drops it. */
  filter: (from: number, to: number, words: Uint32Array) => boolean
  events: { at: number; order: number; run: () => void }[]
  order: number
  sent: number
}

export interface SimEndpoint extends Endpoint {
  readonly port: number
  readonly arrived: { bytes: Uint8Array; from: number }[]
  callback: (() => void) | null
  closed: boolean
}

export function createNetwork(seed: number, faults: Partial<Faults> = {}): Network {
  return {
    now: 1000,
    faults: { loss: 0, repeat: 0, delay: 0.05, jitter: 0, ...faults },
    random: mulberry(seed),
    ports: new Map(),
    filter: () => true,
    events: [],
    order: 0,
    sent: 0,
  }
}

export function mulberry(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Returns the cancellation. */
export function schedule(network: Network, millis: number, run: () => void): () => void {
  const event = { at: network.now + millis, order: network.order++, run }
  network.events.push(event)
  return () => {
    network.events = network.events.filter((other) => other !== event)
  }
}

/** Runs the next event; false when there is none. */
export function step(network: Network): boolean {
  let next = network.events[0]
  if (next === undefined) return false
  for (const event of network.events) {
    if (event.at < next.at || (event.at === next.at && event.order < next.order)) next = event
  }
  network.events.splice(network.events.indexOf(next), 1)
  network.now = Math.max(network.now, next.at)
  next.run()
  return true
}

export function addressOf(port: number): QueueAddress {
  return {
    provider: 'udp',
    address: '127.0.0.1',
    port,
    qpNumber: 0,
    qkey: 0,
    lid: 0,
    gid: '',
    mtuBytes: 65472,
  }
}

export function openSimEndpoint(
  network: Network,
  settings: EndpointSettings,
  port: number,
): SimEndpoint {
  const { datagramBytes, txSlots, extraBytes, txRows } = settings
  const rxSlots = settings.queues[0]?.rxSlots ?? 64
  const extraOffset = txSlots * datagramBytes
  const rxOffset = Math.ceil((extraOffset + extraBytes) / 64) * 64
  const slab = new ArrayBuffer(rxOffset + rxSlots * datagramBytes)
  const bytes = new Uint8Array(slab)
  const rows = new Uint32Array(txRows * TX_ROW.WORDS)
  const rxRows = new Uint32Array(rxSlots * RX_ROW.WORDS)
  const sources: number[] = []
  const destinations: (number | null)[] = []
  const destination = (to: number): number => destinations.push(to) - 1
  const endpoint: SimEndpoint = {
    port,
    arrived: [],
    callback: null,
    closed: false,
    slab,
    txOffset: 0,
    extraOffset,
    txRows: rows,
    rxRows: [rxRows],
    rxBytes: [212_992],
    inlineBytesMax: 0,
    counters: new Float64Array(ENDPOINT_COUNTERS.length),
    rxBurst: () => receive(endpoint, rxOffset, datagramBytes, rxSlots, sources),
    postReceives: () => bytes.fill(0xee, rxOffset), // whoever reads a slot given back is found out
    txBurst: (_queue, count) => transmit(network, endpoint, count, datagramBytes, destinations),
    flush: () => undefined,
    wait: () => 0,
    setSpin: () => undefined,
    local: () => addressOf(port),
    addDestination: (address) => destination(address.port),
    adoptSource: (_queue, row) => {
      const from = sources[row]
      assert(from !== undefined)
      const known = destinations.indexOf(from)
      return known >= 0 ? known : destination(from)
    },
    removeDestination: (index) => {
      assert(destinations[index] !== null, 'a destination is removed once')
      destinations[index] = null
    },
    addGroup: () => assert.fail('no groups here'),
    beat: () => assert.fail('no replicas here'),
    wakeHandle: () => assert.fail('one thread here'),
    waitBeside: () => assert.fail('no sockets here'),
    watch: (callback) => {
      endpoint.callback = callback
    },
    unwatch: () => {
      endpoint.callback = null
    },
    close: () => {
      endpoint.closed = true
      network.ports.delete(port)
    },
  }
  network.ports.set(port, endpoint)
  return endpoint
}

function carry(network: Network, from: number, to: number, bytes: Uint8Array): void {
  network.sent++
  const { faults, random } = network
  if (!network.filter(from, to, new Uint32Array(bytes.buffer))) return
  const copies = (random() < faults.loss ? 0 : 1) + (random() < faults.repeat ? 1 : 0)
  for (let copy = 0; copy < copies; copy++) {
    schedule(network, faults.delay + random() * faults.jitter, () => {
      const endpoint = network.ports.get(to)
      if (endpoint === undefined) return
      endpoint.arrived.push({ bytes, from })
      endpoint.callback?.()
    })
  }
}

function receive(
  endpoint: SimEndpoint,
  rxOffset: number,
  datagramBytes: number,
  rxSlots: number,
  sources: number[],
): number {
  const words = new Uint32Array(endpoint.slab)
  const rows = endpoint.rxRows[0]
  assert(rows !== undefined)
  const count = Math.min(endpoint.arrived.length, rxSlots)
  for (let row = 0; row < count; row++) {
    const datagram = endpoint.arrived.shift()
    assert(datagram !== undefined)
    const offset = rxOffset + row * datagramBytes
    assert(datagram.bytes.length <= datagramBytes, 'what arrives fits a slot')
    new Uint8Array(endpoint.slab).set(datagram.bytes, offset)
    rows[row * RX_ROW.WORDS + RX_ROW.offset] = offset
    rows[row * RX_ROW.WORDS + RX_ROW.length] = lengthOf(words, offset)
    rows[row * RX_ROW.WORDS + RX_ROW.kind] = kindOf(words, offset)
    sources[row] = datagram.from
  }
  return count
}

function transmit(
  network: Network,
  endpoint: SimEndpoint,
  count: number,
  datagramBytes: number,
  destinations: readonly (number | null)[],
): number {
  const words = new Uint32Array(endpoint.slab)
  for (let row = 0; row < count; row++) {
    const word = row * TX_ROW.WORDS
    const offset = Number(endpoint.txRows[word + TX_ROW.offset])
    const length = Number(endpoint.txRows[word + TX_ROW.length])
    assert(length <= datagramBytes && length % 4 === 0, 'a datagram fits its slot')
    assert(lengthOf(words, offset) <= length, 'what is used was sent')
    const to = destinations[Number(endpoint.txRows[word + TX_ROW.destination])]
    assert(to !== undefined && to !== null, 'the destination was not removed')
    carry(network, endpoint.port, to, new Uint8Array(endpoint.slab).slice(offset, offset + length))
  }
  return count
}
