/**
 * Sending: operations of ready sessions into REQUEST datagrams, what the link wants sent again, and
 * acknowledgements. Sessions share datagrams; a full one leaves at full size, so that a burst is
 * one run of equal lengths. Nothing waits to be filled: what is there goes when the turn ends.
 */

import { assert, at } from '../assert.js'
import { TX_ROW, TX_SEAL } from '../transport/endpoint.js'
import { setFlags, writeHeader } from '../zab/header.js'
import {
  linkAckDue,
  linkDue,
  linkLength,
  linkOffset,
  linkRoom,
  linkSend,
  linkStamp,
} from '../zab/link.js'
import type { Link } from '../zab/link.js'
import {
  BODY_OFFSET,
  HEADER,
  KIND,
  OP,
  OPERATION,
  ORIGIN_CLIENT,
  RECORD,
  setWide,
  TAG_BYTES,
} from '../zab/wire.js'
import { noteSent } from './batch.js'
import type { Batch } from './batch.js'
import type { Core } from './core.js'
import { NOTE_BYTES, noteSlot, ticksOf } from './core.js'
import { hasWork, sendingOf, unansweredWrites } from './session-state.js'
import type { SessionState } from './session-state.js'
import { giveSlot, takeSlot } from './slots.js'
import { chunkBytes, encodeFragment } from './wide.js'

const OPERATION_BYTES_MIN = OPERATION.SIZE
const NONCE_BYTES = 8
const OPEN_BYTES = RECORD.SIZE + OPERATION.SIZE + NONCE_BYTES

/** The session may have something to send. */
export function markReady(core: Core, session: SessionState): void {
  if (session.ready || !hasWork(session, core.sessionWindow)) return
  session.ready = true
  session.nextReady = null
  if (core.readyLast === null) core.readyFirst = session
  else core.readyLast.nextReady = session
  core.readyLast = session
}

/** Sends what there is to send, in as few bursts as possible. */
export function transmit(core: Core, now: number): void {
  const { link } = core
  if (link !== null) {
    const tick = ticksOf(now)
    sendAgain(core, link, tick)
    fill(core, link, tick)
    if (linkAckDue(link, tick)) sendAcknowledgement(core)
  }
  burst(core, now)
}

/** Says where this side stands, with nothing to ride on. Also keeps an idle link alive. */
export function sendAcknowledgement(core: Core, flags = 0): void {
  const { link, words } = core
  assert(link !== null, 'sendAcknowledgement: there is a link')
  const note = noteSlot(core)
  writeHeader(words, note, core.sender, KIND.LINK_ACK, NOTE_BYTES, 0, 0)
  if (flags !== 0) setFlags(words, note, flags)
  setWide(words, (note + HEADER.counter) >>> 2, 0)
  linkStamp(link, words, note)
  zeroTag(words, note + NOTE_BYTES - TAG_BYTES)
  queueRow(core, note, NOTE_BYTES)
  core.counts.acknowledgements++
}

/** One datagram more for the attached replica, or the one that is greeted. */
export function queueRow(core: Core, offset: number, bytes: number): void {
  const { txRows } = core.endpoint
  if ((core.txCount + 1) * TX_ROW.WORDS > txRows.length) burst(core, core.turnMillis)
  const row = core.txCount++ * TX_ROW.WORDS
  txRows[row + TX_ROW.offset] = offset
  txRows[row + TX_ROW.length] = bytes
  txRows[row + TX_ROW.destination] = core.attach.destination
  txRows[row + TX_ROW.flags] = TX_SEAL
}

/** What the endpoint does not take is loss, and the link mends loss. */
export function burst(core: Core, now: number): void {
  if (core.txCount === 0) return
  core.endpoint.txBurst(0, core.txCount)
  core.txCount = 0
  core.sentMillis = now
}

export function zeroTag(words: Uint32Array, offset: number): void {
  words.fill(0, offset >>> 2, (offset + TAG_BYTES) >>> 2)
}

function sendAgain(core: Core, link: Link, tick: number): void {
  const due = linkDue(link, tick, core.due)
  for (let index = 0; index < due; index++) {
    const sequence = at(core.due, index)
    const offset = linkOffset(link, sequence)
    linkStamp(link, core.words, offset)
    queueRow(core, offset, linkLength(link, sequence))
  }
  core.counts.resends += due
}

function fill(core: Core, link: Link, tick: number): void {
  for (;;) {
    const session = core.readyFirst
    if (session === null || !openDatagram(core, link)) break
    core.readyFirst = session.nextReady
    if (core.readyFirst === null) core.readyLast = null
    session.ready = false
    fillFrom(core, session, link, tick)
    markReady(core, session)
  }
  closeDatagram(core, link, tick)
}

/** False: no credit or no slot; acknowledgements will bring both. */
function openDatagram(core: Core, link: Link): boolean {
  const { filling } = core
  if (filling.offset >= 0) return true
  if (linkRoom(link) === 0) return false
  const offset = takeSlot(core.requests)
  if (offset < 0) return false
  filling.offset = offset
  filling.cursor = offset + BODY_OFFSET
  filling.recordOffset = -1
  filling.operations = 0
  return true
}

function closeDatagram(core: Core, link: Link, tick: number): void {
  const { filling, words, datagramBytes } = core
  const { offset } = filling
  if (offset < 0) return
  filling.offset = -1
  if (filling.recordOffset < 0) return giveSlot(core.requests, offset)
  const length = filling.cursor - offset + TAG_BYTES
  zeroTag(words, filling.cursor)
  writeHeader(words, offset, core.sender, KIND.REQUEST, length, 0, filling.operations)
  const bytes = length > datagramBytes - datagramBytes / 8 ? datagramBytes : length
  linkSend(link, words, offset, bytes, tick)
  queueRow(core, offset, bytes)
  core.counts.requestDatagrams++
  core.counts.operationsSent += filling.operations
}

/** Takes from one session until the datagram is full or the session has nothing to send. */
function fillFrom(core: Core, session: SessionState, link: Link, tick: number): void {
  while (hasWork(session, core.sessionWindow)) {
    const { filling } = core
    const bodyEnd = filling.offset + core.datagramBytes - TAG_BYTES
    const before = filling.recordOffset
    const isEmpty = before < 0
    const written =
      session.phase === 'opening'
        ? writeOpen(core, session, bodyEnd)
        : writeOperations(core, session, bodyEnd)
    if (written) continue
    assert(!isEmpty, 'transmit: an operation of columns that stay as lent fits a datagram')
    closeDatagram(core, link, tick)
    return
  }
}

/** OPEN stands alone in its record. False: no room. */
function writeOpen(core: Core, session: SessionState, bodyEnd: number): boolean {
  const { filling, words } = core
  const offset = filling.cursor
  if (bodyEnd - offset < OPEN_BYTES) return false
  startRecord(core, session, offset)
  const operation = offset + RECORD.SIZE
  words[operation >>> 2] = OP.OPEN | (NONCE_BYTES << 8)
  setWide(words, (operation + OPERATION.SIZE) >>> 2, session.nonce)
  extendRecord(core, OPEN_BYTES - RECORD.SIZE, 1, 1)
  session.openSent = true
  return true
}

/** The next operations of the session that fit, in its record of this datagram or a new one. */
function writeOperations(core: Core, session: SessionState, bodyEnd: number): boolean {
  const batch = sendingOf(session)
  if (batch === null) return false
  if (session.gathering?.batch === batch) session.gathering = null
  const { filling } = core
  const continues = filling.recordOffset >= 0 && filling.recordSession === session.id
  const offset = filling.cursor + (continues ? 0 : RECORD.SIZE)
  const room = bodyEnd - offset
  if (room < OPERATION_BYTES_MIN) return false
  const from = batch.sendAt
  const bytes =
    batch.wide === null
      ? encodePlain(core, session, batch, offset, room)
      : encodeWide(core, batch, batch.wide, offset, room)
  if (bytes === 0) return false
  if (!continues) startRecord(core, session, filling.cursor)
  const writes = batch.wide === null ? at(core.codec.out, 2) : batch.sendAt - from
  extendRecord(core, bytes, batch.sendAt - from, writes)
  session.sentOperations += batch.sendAt - from
  session.sentWrites += writes
  if (writes > 0) session.touchMillis = core.turnMillis
  return true
}

function encodePlain(
  core: Core,
  session: SessionState,
  batch: Batch,
  offset: number,
  room: number,
): number {
  const { columns } = batch
  const { codec } = core
  // The count changes only near the window's end: the codec keeps what it knows of unchanged
  // columns.
  const allowed = core.sessionWindow - unansweredWrites(session)
  const isNear = allowed * OPERATION_BYTES_MIN < room
  columns.count = isNear ? Math.min(batch.end, batch.sendAt + allowed) : batch.end
  const { sendAt, keyCursor, valueCursor } = batch
  const count = codec.encode(columns, sendAt, keyCursor, valueCursor, offset, room)
  if (count === 0) return 0
  batch.keyCursor = at(codec.out, 3)
  batch.valueCursor = at(codec.out, 4)
  noteSent(batch, batch.sendAt + count, at(codec.out, 2))
  return at(codec.out, 0)
}

function encodeWide(
  core: Core,
  batch: Batch,
  block: Uint8Array,
  offset: number,
  room: number,
): number {
  const chunk = chunkBytes(core.datagramBytes)
  const bytes = encodeFragment(block, batch.sendAt, chunk, core.slab, core.words, offset, room)
  if (bytes > 0) noteSent(batch, batch.sendAt + 1, 1)
  return bytes
}

function startRecord(core: Core, session: SessionState, offset: number): void {
  const { words } = core
  const isOpen = session.phase === 'opening'
  const word = offset >>> 2
  words[word + (RECORD.bytes >>> 2)] = RECORD.SIZE
  words[word + (RECORD.count >>> 2)] = ORIGIN_CLIENT << 16
  setWide(words, word + (RECORD.session >>> 2), session.id)
  setWide(words, word + (RECORD.sequence >>> 2), isOpen ? 0 : session.sentWrites + 1)
  const operation = isOpen ? session.nonce : session.sentOperations + 1
  setWide(words, word + (RECORD.operation >>> 2), operation)
  words[word + (RECORD.writes >>> 2)] = 0
  words[word + (RECORD.unanswered >>> 2)] = isOpen ? 0 : unansweredWrites(session)
  core.filling.recordOffset = offset
  core.filling.recordSession = session.id
  core.filling.cursor = offset + RECORD.SIZE
}

function extendRecord(core: Core, bytes: number, operations: number, writes: number): void {
  const { filling, words } = core
  const word = filling.recordOffset >>> 2
  words[word + (RECORD.bytes >>> 2)] = at(words, word + (RECORD.bytes >>> 2)) + bytes
  words[word + (RECORD.count >>> 2)] = at(words, word + (RECORD.count >>> 2)) + operations
  words[word + (RECORD.writes >>> 2)] = at(words, word + (RECORD.writes >>> 2)) + writes
  filling.cursor += bytes
  filling.operations += operations
}
