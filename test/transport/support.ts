/**
 * What the transport's tests share: endpoints on loopback with ports the kernel chooses, datagrams,
 * patience.
 */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'

import { at, item } from '../../src/assert.js'
import {
  type Endpoint,
  ENDPOINT_COUNTERS,
  type EndpointSettings,
  type QueueSettings,
  RX_ROW,
  TX_ROW,
  TX_SEAL,
} from '../../src/transport/endpoint.js'
import { openEndpoint } from '../../src/transport/open-endpoint.js'
import { HEADER, MAGIC, WIRE_VERSION } from '../../src/zab/wire.js'

export const CLUSTER = 0x5eed
export const LENGTH_MIN = 64
export const GROUP = '239.195.7.1'

/**
 * A machine under load, or an emulated one, may be this slow; a passing test never waits so
 * long.
 */
const PATIENCE_MILLIS = 10_000

export interface Received {
  kind: number
  length: number
  source: number
  row: number
  body: Uint8Array
}

export function queueSettings(changes: Partial<QueueSettings> = {}): QueueSettings {
  return { port: 0, rxSlots: 256, socketBytes: 1 << 20, ...changes }
}

export function endpointSettings(changes: Partial<EndpointSettings> = {}): EndpointSettings {
  return {
    provider: 'udp',
    address: '127.0.0.1',
    queues: [queueSettings()],
    datagramBytes: 1472,
    cluster: CLUSTER,
    txSlots: 256,
    extraBytes: 1 << 16,
    txRows: 256,
    ...changes,
  }
}

export function open(changes: Partial<EndpointSettings> = {}): Endpoint {
  return openEndpoint(endpointSettings(changes))
}

export interface DatagramFields {
  kind?: number
  length?: number
  cluster?: number
  magic?: number
  version?: number
  /** Every byte after the header. */
  fill?: number
}

/** Writes a datagram that only lacks its checksum. */
export function writeDatagram(
  endpoint: Endpoint,
  offset: number,
  fields: DatagramFields = {},
): void {
  const length = fields.length ?? LENGTH_MIN
  const view = new DataView(endpoint.slab, offset)
  view.setUint16(HEADER.magic, fields.magic ?? MAGIC, true)
  view.setUint8(HEADER.version, fields.version ?? WIRE_VERSION)
  view.setUint8(HEADER.kind, fields.kind ?? 1)
  view.setUint32(HEADER.checksum, 0, true)
  view.setUint32(HEADER.cluster, fields.cluster ?? CLUSTER, true)
  view.setUint32(HEADER.length, length, true)
  if (length > HEADER.SIZE)
    new Uint8Array(endpoint.slab, offset + HEADER.SIZE, length - HEADER.SIZE).fill(fields.fill ?? 7)
}

export function writeRow(
  endpoint: Endpoint,
  row: number,
  offset: number,
  length: number,
  destination: number,
  flags: number = TX_SEAL,
): void {
  const base = row * TX_ROW.WORDS
  endpoint.txRows[base + TX_ROW.offset] = offset
  endpoint.txRows[base + TX_ROW.length] = length
  endpoint.txRows[base + TX_ROW.destination] = destination
  endpoint.txRows[base + TX_ROW.flags] = flags
}

/** Sends one datagram from TX slot 0. */
export function sendOne(
  endpoint: Endpoint,
  destination: number,
  fields: DatagramFields = {},
  queue = 0,
): number {
  const length = fields.length ?? LENGTH_MIN
  writeDatagram(endpoint, endpoint.txOffset, fields)
  writeRow(endpoint, 0, endpoint.txOffset, length, destination)
  const taken = endpoint.txBurst(queue, 1)
  endpoint.flush()
  return taken
}

function copyRow(endpoint: Endpoint, queue: number, row: number): Received {
  const rows = item(endpoint.rxRows, queue)
  const base = row * RX_ROW.WORDS
  const offset = at(rows, base + RX_ROW.offset)
  const length = at(rows, base + RX_ROW.length)
  return {
    kind: at(rows, base + RX_ROW.kind),
    length,
    source: at(rows, base + RX_ROW.source),
    row,
    body: new Uint8Array(endpoint.slab, offset, length).slice(HEADER.SIZE),
  }
}

/** Receives until `count` datagrams came; fails loudly when they do not. */
export function receive(
  endpoint: Endpoint,
  count: number,
  queue = 0,
  each?: (received: Received) => void,
): Received[] {
  const all: Received[] = []
  const deadline = Date.now() + PATIENCE_MILLIS
  while (all.length < count) {
    if (Date.now() > deadline) throw new Error(`only ${all.length} of ${count} datagrams came`)
    const burst = endpoint.rxBurst(queue)
    for (let row = 0; row < burst; row++) {
      const received = copyRow(endpoint, queue, row)
      each?.(received)
      all.push(received)
    }
    endpoint.postReceives(queue)
    if (burst === 0) endpoint.wait(10_000)
  }
  return all
}

/** Receives what comes until a counter has the value. */
export function receiveUntil(
  endpoint: Endpoint,
  counter: (typeof ENDPOINT_COUNTERS)[number],
  value: number,
): number {
  let received = 0
  const deadline = Date.now() + PATIENCE_MILLIS
  while (count(endpoint, counter) < value) {
    if (Date.now() > deadline)
      throw new Error(`${counter} is ${count(endpoint, counter)}, not ${value}`)
    received += endpoint.rxBurst(0)
    endpoint.postReceives(0)
    endpoint.wait(1_000)
  }
  return received
}

/** True when nothing more comes within the time. */
export function quiet(endpoint: Endpoint, micros: number, queue = 0): boolean {
  endpoint.wait(micros)
  const burst = endpoint.rxBurst(queue)
  endpoint.postReceives(queue)
  return burst === 0
}

export function count(endpoint: Endpoint, counter: (typeof ENDPOINT_COUNTERS)[number]): number {
  return at(endpoint.counters, ENDPOINT_COUNTERS.indexOf(counter))
}

/** A port that was free a moment ago, for groups: they need one that several endpoints agree on. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '0.0.0.0')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
