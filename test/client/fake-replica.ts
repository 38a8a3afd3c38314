/**
 * A replica's home side in memory: links, requests checked for order, answers from the shared
 * store.
 *
 * It fails the test when a client breaks the protocol: a hole in operation numbers, a wrong write
 * sequence.
 */

import { strict as assert } from 'node:assert'
import { RX_ROW, TX_ROW, TX_SEAL } from '../../src/transport/endpoint.js'
import {
  counterOf,
  countOf,
  extensionOf,
  incarnationOf,
  lengthOf,
  writeHeader,
} from '../../src/zab/header.js'
import type { Sender } from '../../src/zab/header.js'
import {
  createLink,
  linkDue,
  linkLength,
  linkOffset,
  linkOrder,
  linkOweAck,
  linkPark,
  linkParked,
  linkRoom,
  linkAckDue,
  linkSend,
  linkStamp,
  linkTook,
  linkUnpark,
  onLinkAck,
} from '../../src/zab/link.js'
import type { Link } from '../../src/zab/link.js'
import {
  BODY_OFFSET,
  HEADER,
  KIND,
  LINK,
  OP,
  ORIGIN_CLIENT,
  RECORD,
  REFUSAL,
  setWide,
  STATUS,
  TAG_BYTES,
  wideAt,
} from '../../src/zab/wire.js'
import { DATAGRAM_BYTES, openSimEndpoint, schedule } from './network.js'
import type { Network, SimEndpoint } from './network.js'
import { replyBodies } from './reply-bodies.js'
import { applyWrite, forgetAnswers, openShared, parseOperation, readAt } from './store.js'
import type { Answer, Store } from './store.js'

interface Client {
  readonly index: number
  readonly remote: number
  readonly incarnation: number
  readonly destination: number
  readonly link: Link
  /** Next operation number by session: contiguous on a link. */
  readonly next: Map<number, number>
  readonly waiting: Uint8Array[] // REPLY bodies without credit
}

export interface FakeReplica {
  readonly id: number
  incarnation: number
  readonly network: Network
  readonly store: Store
  endpoint: SimEndpoint
  readonly clients: Map<number, Client>
  /** Takes requests but never answers them. */
  isMute: boolean
  isReady: boolean
  /** Behind the others: counters it has not applied. */
  lag: number
  /** Reads are answered OVERTAKEN. */
  overtakes: boolean
  credits: number
  requests: number
  /** Unanswered writes of one session, at most. */
  windowMax: number
  /** Operations in the order they came, with their numbers: `session:operation`. */
  readonly seen: string[]
  slotNext: number
  stop: () => void
}

const SLOTS = 4096

export function startReplica(network: Network, store: Store, id: number, port: number): FakeReplica {
  const endpoint = openReplicaEndpoint(network, port)
  const replica: FakeReplica = {
    id,
    incarnation: 100 + id,
    network,
    store,
    endpoint,
    clients: new Map(),
    isMute: false,
    isReady: true,
    lag: 0,
    overtakes: false,
    credits: 64,
    requests: 0,
    windowMax: 0,
    seen: [],
    slotNext: 0,
    stop: () => undefined,
  }
  listen(replica)
  return replica
}

export function applied(replica: FakeReplica): number {
  return Math.max(0, replica.store.counter - replica.lag)
}

/** Gone without a word. */
export function killReplica(replica: FakeReplica): void {
  replica.stop()
  replica.endpoint.close()
  replica.clients.clear()
}

/** Another life at the same place. */
export function restartReplica(replica: FakeReplica): void {
  killReplica(replica)
  replica.incarnation++
  replica.endpoint = openReplicaEndpoint(replica.network, replica.endpoint.port)
  listen(replica)
}

/** Forgets its links, as after a pause; the next datagram of a client is refused. */
export function forgetLinks(replica: FakeReplica): void {
  replica.clients.clear()
}

function openReplicaEndpoint(network: Network, port: number): SimEndpoint {
  return openSimEndpoint(
    network,
    {
      provider: 'udp',
      address: '127.0.0.1',
      queues: [{ port, rxSlots: 512, socketBytes: 0 }],
      datagramBytes: DATAGRAM_BYTES,
      cluster: 0,
      txSlots: SLOTS,
      extraBytes: 0,
      txRows: 1,
    },
    port,
  )
}

function listen(replica: FakeReplica): void {
  replica.endpoint.watch(() => turn(replica))
  const again = (): void => {
    for (const client of replica.clients.values()) lookAfter(replica, client)
    replica.stop = schedule(replica.network, 5, again)
  }
  again()
}

function tickOf(replica: FakeReplica): number {
  return Math.floor(replica.network.now * 10)
}

function wordsOf(replica: FakeReplica): Uint32Array {
  return new Uint32Array(replica.endpoint.slab)
}

function turn(replica: FakeReplica): void {
  const { endpoint } = replica
  const count = endpoint.rxBurst(0)
  const rows = endpoint.rxRows[0]
  assert(rows !== undefined)
  for (let row = 0; row < count; row++) {
    const offset = Number(rows[row * RX_ROW.WORDS + RX_ROW.offset])
    onDatagram(replica, row, offset, Number(rows[row * RX_ROW.WORDS + RX_ROW.kind]))
  }
  endpoint.postReceives(0)
}

function onDatagram(replica: FakeReplica, row: number, offset: number, kind: number): void {
  const words = wordsOf(replica)
  if (kind === KIND.HELLO) return onHello(replica, row, offset)
  const client = replica.clients.get(extensionOf(words, offset, LINK.link))
  if (client === undefined || client.incarnation !== incarnationOf(words, offset)) {
    return refuse(replica, row, offset, REFUSAL.UNKNOWN_LINK)
  }
  onLinkAck(client.link, words, offset, tickOf(replica))
  if (kind === KIND.BYE) {
    replica.clients.delete(client.index)
    return
  }
  if (kind === KIND.REQUEST) onRequest(replica, client, offset)
  lookAfter(replica, client)
}

function onHello(replica: FakeReplica, row: number, offset: number): void {
  const words = wordsOf(replica)
  if (!replica.isReady || applied(replica) < counterOf(words, offset)) {
    return refuse(replica, row, offset, REFUSAL.NOT_READY)
  }
  const remote = extensionOf(words, offset, LINK.link)
  const incarnation = incarnationOf(words, offset)
  const destination = replica.endpoint.adoptSource(0, row)
  let client = [...replica.clients.values()].find(
    (known) => known.remote === remote && known.incarnation === incarnation,
  )
  if (client === undefined) {
    const index = Math.max(0, ...replica.clients.keys()) + 1
    const link = createLink(remote, replica.credits, tickOf(replica))
    link.txAllowed = extensionOf(words, offset, LINK.credits)
    client = { index, remote, incarnation, destination, link, next: new Map(), waiting: [] }
    replica.clients.set(index, client)
  }
  const note = noteSlot(replica)
  writeHeader(words, note, senderOf(replica), KIND.WELCOME, BODY_OFFSET + TAG_BYTES, 0, 0)
  const flags = (note + HEADER.sender) >>> 2
  words[flags] = (Number(words[flags]) | (client.index << 16)) >>> 0
  setWide(words, (note + HEADER.epoch) >>> 2, applied(replica))
  linkStamp(client.link, words, note)
  send(replica, client.destination, note, BODY_OFFSET + TAG_BYTES)
}

function refuse(replica: FakeReplica, row: number, offset: number, why: number): void {
  const words = wordsOf(replica)
  const destination = replica.endpoint.adoptSource(0, row)
  const note = noteSlot(replica)
  writeHeader(words, note, senderOf(replica), KIND.REFUSED, BODY_OFFSET + TAG_BYTES, 0, why)
  words[(note + HEADER.SIZE + LINK.link) >>> 2] = extensionOf(words, offset, LINK.link)
  words[(note + HEADER.SIZE + LINK.credits) >>> 2] = incarnationOf(words, offset)
  send(replica, destination, note, BODY_OFFSET + TAG_BYTES)
}

function onRequest(replica: FakeReplica, client: Client, offset: number): void {
  const words = wordsOf(replica)
  const sequence = counterOf(words, offset)
  const order = linkOrder(client.link, sequence)
  if (order === 'duplicate') linkOweAck(client.link, tickOf(replica))
  if (order === 'early') {
    const slot = noteSlot(replica)
    new Uint8Array(replica.endpoint.slab).copyWithin(slot, offset, offset + lengthOf(words, offset))
    linkPark(client.link, sequence, slot, tickOf(replica))
  }
  if (order !== 'next') return
  take(replica, client, offset)
  for (let slot = linkParked(client.link); slot >= 0; slot = linkParked(client.link)) {
    linkUnpark(client.link)
    take(replica, client, slot)
  }
}

function take(replica: FakeReplica, client: Client, offset: number): void {
  linkTook(client.link, tickOf(replica))
  replica.requests++
  const words = wordsOf(replica)
  const length = lengthOf(words, offset)
  const bytes = new Uint8Array(replica.endpoint.slab).slice(offset, offset + length)
  assert(bytes.subarray(length - TAG_BYTES).every((byte) => byte === 0), 'the tag is zero')
  let operations = 0
  for (let at = BODY_OFFSET; at < length - TAG_BYTES; ) {
    const size = Number(words[(offset + at) >>> 2])
    operations += takeRecord(replica, client, bytes.slice(at, at + size))
    at += size
    assert(at <= length - TAG_BYTES, 'records end with the body')
  }
  assert.equal(countOf(words, offset), operations)
}

function takeRecord(replica: FakeReplica, client: Client, record: Uint8Array): number {
  const words = new Uint32Array(record.buffer)
  const count = Number(words[RECORD.count >>> 2]) & 0xffff
  const session = wideAt(words, RECORD.session >>> 2)
  const operation = wideAt(words, RECORD.operation >>> 2)
  let sequence = wideAt(words, RECORD.sequence >>> 2)
  const unanswered = Number(words[RECORD.unanswered >>> 2])
  assert.equal((Number(words[RECORD.count >>> 2]) >>> 16) & 0xff, ORIGIN_CLIENT)
  const answers: Answer[] = []
  if (session === 0) {
    const opening = parseOperation(record, RECORD.SIZE)
    const nonce = new DataView(opening.key.buffer).getBigUint64(0, true)
    assert.equal(nonce, BigInt(operation), 'the nonce is the operation')
    assert.equal(opening.kind, OP.OPEN)
    answers.push(openShared(replica.store, nonce))
  } else {
    assert(unanswered < sequence, 'unanswered writes come before the first one')
    assert.equal(operation, client.next.get(session) ?? operation, 'operations of a session have no hole')
    client.next.set(session, operation + count)
    forgetAnswers(replica.store, session, sequence - unanswered)
    let writes = 0
    let at: number = RECORD.SIZE
    for (let index = 0; index < count; index++) {
      const parsed = parseOperation(record, at)
      replica.seen.push(`${session}:${operation + index}`)
      if (parsed.kind >= 64) {
        const shared = replica.store.sessions.get(session)
        const isOvertaken = replica.overtakes || sequence <= (shared?.applied ?? 0)
        const overtaken = { status: STATUS.OVERTAKEN, version: 0, value: null }
        const expired = { status: STATUS.SESSION_EXPIRED, version: 0, value: null }
        const now = readAt(replica.store, parsed.key, applied(replica))
        answers.push(shared === undefined ? expired : isOvertaken ? overtaken : now)
      } else {
        answers.push(applyWrite(replica.store, session, sequence++, parsed, record.slice(at)))
        writes++
      }
      at += parsed.bytes
    }
    assert.equal(at, record.length, 'operations fill the record')
    assert.equal(Number(words[RECORD.writes >>> 2]), writes)
    replica.windowMax = Math.max(replica.windowMax, unanswered + writes)
  }
  if (!replica.isMute) client.waiting.push(...replyBodies(session, operation, answers))
  return count
}

function lookAfter(replica: FakeReplica, client: Client): void {
  const { link } = client
  const words = wordsOf(replica)
  const tick = tickOf(replica)
  while (client.waiting.length > 0 && linkRoom(link) > 0) {
    const body = client.waiting.shift() ?? assert.fail()
    const slot = noteSlot(replica)
    const length = BODY_OFFSET + body.length + TAG_BYTES
    new Uint8Array(replica.endpoint.slab).set(body, slot + BODY_OFFSET)
    writeHeader(words, slot, senderOf(replica), KIND.REPLY, length, 0, 0)
    setWide(words, (slot + HEADER.epoch) >>> 2, applied(replica))
    linkSend(link, words, slot, length, tick)
    send(replica, client.destination, slot, length)
  }
  const due = new Float64Array(64)
  const count = linkDue(link, tick, due)
  for (let index = 0; index < count; index++) {
    const offset = linkOffset(link, Number(due[index]))
    linkStamp(link, words, offset)
    send(replica, client.destination, offset, linkLength(link, Number(due[index])))
  }
  if (!linkAckDue(link, tick)) return
  const note = noteSlot(replica)
  writeHeader(words, note, senderOf(replica), KIND.LINK_ACK, BODY_OFFSET + TAG_BYTES, 0, 0)
  linkStamp(link, words, note)
  send(replica, client.destination, note, BODY_OFFSET + TAG_BYTES)
}

function senderOf(replica: FakeReplica): Sender {
  return { cluster: 0, sender: replica.id, incarnation: replica.incarnation }
}

function noteSlot(replica: FakeReplica): number {
  const slot = replica.slotNext
  replica.slotNext = (slot + 1) % SLOTS
  const offset = slot * DATAGRAM_BYTES
  new Uint8Array(replica.endpoint.slab).fill(0, offset, offset + DATAGRAM_BYTES)
  return offset
}

function send(replica: FakeReplica, destination: number, offset: number, length: number): void {
  const { txRows } = replica.endpoint
  txRows[TX_ROW.offset] = offset
  txRows[TX_ROW.length] = length
  txRows[TX_ROW.destination] = destination
  txRows[TX_ROW.flags] = TX_SEAL
  replica.endpoint.txBurst(0, 1)
}
