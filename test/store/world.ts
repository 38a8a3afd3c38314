/**
 * A machine and a client's codec over one slab, with what the runtime does between them: links, sealing, order.
 */

import assert from 'node:assert/strict'

import { at } from '../../src/assert.js'
import {
  type Codec,
  type Machine,
  type OperationColumns,
  PACK_ROW,
  RECORD_ROW,
  REPLY_ROW,
  type ResultColumns,
  SNAPSHOT_PART_BYTES_MIN,
  TAKEN,
} from '../../src/store/machine.js'
import { openCodec, openMachine } from '../../src/store/open-machine.js'
import {
  BODY_OFFSET,
  HEADER,
  OP,
  OPERATION,
  ORIGIN_CLIENT,
  OVERHEAD_BYTES,
  PROPOSE,
  RECORD,
  setWide,
} from '../../src/zab/wire.js'

export const DATAGRAM_BYTES = 1472
const SPAN_DATAGRAMS = 16
const REPLY_SLOTS = 64
const ROWS = 64
const LINK = 0
const EPOCH = 1

export interface World {
  machine: Machine
  codec: Codec
  session: number
  /** Whether the leader that this world plays refuses what needs room. Not said at first. */
  refuse(isRefusing: boolean): void
  /** Lets the log's time go on. */
  pass(micros: number): void
  /** Sends a record of operations of the columns, from `from` on; orders and applies it. Returns how many. */
  send(columns: OperationColumns, from: number, keyCursor: number, valueCursor: number): number
  /** The next fragment of a wide operation; returns how far it is. */
  sendFragment(columns: OperationColumns, index: number, done: number): number
  /** Decodes what was answered into the columns from row `from`; returns how many. */
  receive(results: ResultColumns, from: number): number
  /** The whole snapshot of this world's machine. */
  snapshot(): Uint8Array
  /** Gives a snapshot to this world's machine, whose link is closed before and opened after. */
  restore(stream: Uint8Array): boolean
  close(): void
}

const BODY = BODY_OFFSET + RECORD.SIZE
const ROOM = DATAGRAM_BYTES - OVERHEAD_BYTES - RECORD.SIZE

export function openWorld(storeBytes = 64 << 20, sessionMicros = 0): World {
  const slab = new ArrayBuffer(DATAGRAM_BYTES * (1 + SPAN_DATAGRAMS + REPLY_SLOTS))
  const words = new Uint32Array(slab)
  const machine = openMachine({
    slab,
    datagramBytes: DATAGRAM_BYTES,
    replica: 1,
    replyOffset: DATAGRAM_BYTES * (1 + SPAN_DATAGRAMS),
    replySlots: REPLY_SLOTS,
    linksMax: 2,
    sessionsMax: 4,
    sessionWindow: 4096,
    sessionMicros,
    storeBytes,
    rows: ROWS,
  })
  const codec = openCodec(slab, 64)
  machine.linkOpen(LINK, 0)
  const requests = requestsOf(machine, words)

  // OPEN: the nonce is the key and the record's operation, here 1.
  words[BODY >>> 2] = OP.OPEN | (8 << 8)
  setWide(words, (BODY + OPERATION.SIZE) >>> 2, 1)
  requests.send(0, OPERATION.SIZE + 8, 1, 1)
  const opened = resultColumns(1, 0)
  assert.equal(receive(machine, codec, opened, 0), 1)
  const session = at(opened.versions, 0)

  return {
    machine,
    codec,
    session,
    refuse: (isRefusing) => requests.refuse(isRefusing),
    pass: (micros) => requests.pass(micros),
    send(columns, from, keyCursor, valueCursor) {
      const sent = codec.encode(columns, from, keyCursor, valueCursor, BODY, ROOM)
      if (sent > 0) requests.send(session, at(codec.out, 0), sent, at(codec.out, 2))
      return sent
    },
    sendFragment(columns, index, done) {
      const reached = codec.encodeFragment(columns, index, 0, 0, done, BODY, ROOM)
      requests.send(session, at(codec.out, 0), 1, 1)
      return reached
    },
    receive: (results, from) => receive(machine, codec, results, from),
    snapshot: () => snapshot(machine, slab),
    restore: (stream) => restore(machine, slab, stream),
    close: () => machine.close(),
  }
}

interface Requests {
  refuse(isRefusing: boolean): void
  pass(micros: number): void
  /** Sends the operations that lie in the slab at BODY as one record; orders and applies what comes of it. */
  send(session: number, bytes: number, count: number, writes: number): void
}

function requestsOf(machine: Machine, words: Uint32Array): Requests {
  let counter = 0
  let sequence = 1
  let operation = 1
  let refusing: boolean | undefined
  let time = 1

  function order(): void {
    const entries = machine.packEnd()
    for (let i = 0; i < entries; i++) {
      const row = i * PACK_ROW.WORDS
      const offset = at(machine.packRows, row + PACK_ROW.offset)
      const operations = at(machine.packRows, row + PACK_ROW.operations)
      words[(offset + HEADER.length) >>> 2] = at(machine.packRows, row + PACK_ROW.length)
      words[(offset + HEADER.count) >>> 2] = operations
      setWide(words, (offset + HEADER.counter) >>> 2, counter + 1)
      setWide(words, (offset + HEADER.SIZE + PROPOSE.time) >>> 2, time)
      words[(offset + HEADER.SIZE + PROPOSE.epoch) >>> 2] = EPOCH
      counter += operations
      machine.applyRows[i] = offset
    }
    machine.apply(entries)
  }

  return {
    refuse: (isRefusing) => {
      refusing = isRefusing
    },
    pass: (micros) => {
      time += micros
    },
    send(session, bytes, count, writes) {
      const record = BODY_OFFSET >>> 2
      words[HEADER.length >>> 2] = OVERHEAD_BYTES + RECORD.SIZE + bytes
      words[record] = RECORD.SIZE + bytes
      words[record + (RECORD.count >>> 2)] = count | (ORIGIN_CLIENT << 16)
      setWide(words, record + (RECORD.session >>> 2), session)
      setWide(words, record + (RECORD.sequence >>> 2), sequence)
      setWide(words, record + (RECORD.operation >>> 2), operation)
      words[record + (RECORD.writes >>> 2)] = writes
      words[record + (RECORD.unanswered >>> 2)] = 0
      machine.packBegin(DATAGRAM_BYTES, DATAGRAM_BYTES * SPAN_DATAGRAMS, 0, refusing)
      assert.equal(machine.request(0, LINK), TAKEN.OK)
      order()
      if (session === 0) return
      sequence += writes
      operation += count
    },
  }
}

function receive(machine: Machine, codec: Codec, results: ResultColumns, from: number): number {
  let row = from
  for (;;) {
    const replies = machine.repliesClose()
    if (replies === 0) return row - from
    for (let i = 0; i < replies; i++) {
      const offset = at(machine.replyRows, i * REPLY_ROW.WORDS + REPLY_ROW.offset)
      const length = at(machine.replyRows, i * REPLY_ROW.WORDS + REPLY_ROW.length)
      const records = codec.records(offset + BODY_OFFSET, length - OVERHEAD_BYTES)
      assert.ok(records > 0, 'a reply is well formed')
      for (let k = 0; k < records; k++) {
        const answered = codec.decode(at(codec.recordRows, k * RECORD_ROW.WORDS), results, row)
        assert.ok(answered >= 0, 'a record decodes')
        row += answered
      }
      machine.replyFree(offset)
    }
  }
}

function snapshot(machine: Machine, slab: ArrayBuffer): Uint8Array {
  const parts: Buffer[] = []
  assert.equal(machine.snapshotBegin(), true)
  assert.equal(machine.snapshotBegin(), false, 'one at a time')
  for (;;) {
    const bytes = machine.snapshotNext(DATAGRAM_BYTES, SNAPSHOT_PART_BYTES_MIN)
    if (bytes === 0) break
    parts.push(Buffer.copyBytesFrom(new Uint8Array(slab, DATAGRAM_BYTES, bytes)))
  }
  machine.snapshotEnd()
  return new Uint8Array(Buffer.concat(parts))
}

function restore(machine: Machine, slab: ArrayBuffer, stream: Uint8Array): boolean {
  const room = new Uint8Array(slab, DATAGRAM_BYTES, DATAGRAM_BYTES * SPAN_DATAGRAMS)
  machine.linkClose(LINK)
  machine.restoreBegin()
  for (let from = 0; from < stream.length; from += room.length) {
    const part = stream.subarray(from, from + room.length)
    room.set(part)
    if (!machine.restorePart(DATAGRAM_BYTES, part.length)) return false
  }
  if (!machine.restoreEnd()) return false
  machine.linkOpen(LINK, 0)
  return true
}

export function resultColumns(rows: number, valueBytes: number): ResultColumns {
  return {
    statuses: new Uint8Array(rows),
    versions: new Float64Array(rows),
    values: new Uint8Array(valueBytes),
    valueOffsets: new Uint32Array(rows),
    valueBytes: new Uint32Array(rows),
    valueEnd: new Uint32Array(1),
  }
}

/** The value in a row. */
export function valueOf(results: ResultColumns, row: number): Uint8Array {
  const offset = at(results.valueOffsets, row)
  return results.values.subarray(offset, offset + at(results.valueBytes, row))
}
