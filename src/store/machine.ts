/**
 * The TypeScript face of the native state machine (machine/machine.h): sessions, the store, packing, answers.
 *
 * Works on the datagrams of one slab by their offsets. Calls of the data path take and return integers.
 */

import { DELTA, ITEM, ITEM_CAS } from '../zab/wire.js'

/** Words of a row of packRows. `bytes`: on the wire and in the ring; `length`: header and tag included. */
export const PACK_ROW = { offset: 0, bytes: 1, length: 2, operations: 3, WORDS: 4 } as const
/** Words of a row of replyRows. */
export const REPLY_ROW = { link: 0, offset: 1, length: 2, reserved: 3, WORDS: 4 } as const
/** Words of a row of recordRows. Session and operation as two words each. */
export const RECORD_ROW = { offset: 0, count: 1, session: 2, operation: 4, WORDS: 6 } as const

/** Bytes that one part of a snapshot may have. */
export const SNAPSHOT_PART_BYTES_MIN = 4096
export const SNAPSHOT_PART_BYTES_MAX = 16 * 1024 * 1024 - 1

/** Bytes of a row of OperationColumns.prefixes. */
export const PREFIX_BYTES_MAX = ITEM.SIZE + ITEM_CAS.SIZE + DELTA.SIZE

export const TAKEN = { OK: 0, NO_ROOM: 1, MALFORMED: 2 } as const

export interface MachineSettings {
  slab: ArrayBuffer
  datagramBytes: number
  replica: number
  replyOffset: number
  replySlots: number
  linksMax: number
  sessionsMax: number
  sessionWindow: number
  /** By the log's time: a session not touched for longer expires. Cluster-wide; 0 or none: never. */
  sessionMicros?: number
  storeBytes: number
  /** 1: a full store evicts items rather than refuse a write. Cluster-wide; 0 or none: it refuses. */
  evict?: 0 | 1
  /** Rows of each row array. */
  rows: number
}

export interface Machine {
  readonly packRows: Uint32Array
  readonly replyRows: Uint32Array
  /** Offsets of committed PROPOSE datagrams for apply. */
  readonly applyRows: Uint32Array
  /** Monotonic counts and gauges, index by MACHINE_COUNTERS. Written natively. */
  readonly counters: Float64Array

  /**
   * `age` orders links that a session may come over: it is where the highest is, and what comes late over another
   * is passed over. 0: this is the youngest so far.
   */
  linkOpen(link: number, age: number): void
  linkClose(link: number): void
  /** A REQUEST datagram, next in its link's order. Returns one of TAKEN. */
  request(offset: number, link: number): number
  /** Closes open reply datagrams into replyRows; returns how many. Slots are lent until replyFree. */
  repliesClose(): number
  replyFree(offset: number): void

  /**
   * What follows is packed into slab[offset, offset + bytes): as PROPOSEs when forwardSequence is 0, else as FORWARDs
   * numbered from it. `refusing`, at a leader only: a write that needs room keeps its place in its session's order,
   * as OP.REFUSED, and nothing else; everywhere it is answered NO_SPACE. DELETE, SYNC, TOUCH, OPEN and CLOSE pass.
   */
  packBegin(offset: number, bytes: number, forwardSequence: number, refusing?: boolean): void
  /** A FORWARD datagram, next in its link's order. Returns one of TAKEN. */
  forwarded(offset: number): number
  /**
   * At a leader that has ordered nothing for a while: packs a TICK, so that the log's time goes on, if there are items
   * that live by it. Whether it did.
   */
  packTick(): boolean
  packEnd(): number

  /** Applies applyRows[0, count): the next committed entries in order. */
  apply(count: number): void
  /** Counter of the last operation applied. */
  applied(): number
  /** Highest forward sequence of this replica that is applied: what is before it need not be kept. */
  forwardApplied(): number

  /**
   * Fixes a snapshot of the replicated state at applied(); what is applied later does not touch it. False when one is
   * in progress. Until snapshotEnd memory is held for what changes before the scan comes to it: at most the state's.
   */
  snapshotBegin(): boolean
  /**
   * Writes the next bytes of the snapshot's stream into slab[offset, offset + bytes); `bytes` is from
   * SNAPSHOT_PART_BYTES_MIN to SNAPSHOT_PART_BYTES_MAX. Returns how many: now and then a few only, 0 when the stream
   * is complete. A call takes about as long as copying `bytes`, or looking at 4096 items.
   */
  snapshotNext(offset: number, bytes: number): number
  /** Ends or abandons the snapshot; nothing when there is none. */
  snapshotEnd(): void
  /**
   * Forgets everything (a snapshot in progress too) and waits for a stream. All links are closed before; until
   * restoreEnd is true or reset is called, no link is opened, nothing is applied and no snapshot begins.
   */
  restoreBegin(): void
  /**
   * The next bytes of the stream, cut anywhere. False when it is malformed or was taken under other limits, which are
   * storeBytes, evict, sessionsMax, sessionWindow and sessionMicros: then restoreBegin again, or reset.
   */
  restorePart(offset: number, bytes: number): boolean
  /**
   * True when the stream was complete and the state has its digests: then applied() is the snapshot's counter, the
   * next entry is the one behind it, and forwardApplied() is 0.
   */
  restoreEnd(): boolean
  /** Back to a machine that has applied nothing. All links are closed before. */
  reset(): void

  /** Order-independent digest of the store, 16 hexadecimal digits. */
  digest(): string
  /** The same over the session table and the clock that items live by, which time alone moves. */
  sessionsDigest(): string
  close(): void
}

/** Index into `counters`; the native side declares the same list (compared by a test). */
export const MACHINE_COUNTERS = [
  'items', //                  gauge
  'store-bytes', //            gauge: charged against the limit
  'resident-bytes', //         gauge
  'sessions', //               gauge
  'pending-records', //        gauge: records owed an answer here
  'reply-slots-free', //       gauge
  'requests', //               REQUEST datagrams taken
  'request-records',
  'reads', //                  answered here
  'reads-parked', //           reads that waited for a write of their session
  'reads-overtaken',
  'writes-taken', //           packed here as the home of their session
  'writes-forwarded', //       packed from FORWARDs
  'writes-applied',
  'writes-duplicate', //       not applied again
  'writes-gap', //             not applied: an earlier write of the session is missing
  'writes-refused-full', //    the store is
  'writes-refused-log', //     the leader's disk is
  'writes-refused-session',
  'writes-failed', //          conditional writes whose condition did not hold
  'sessions-opened',
  'sessions-closed', //        by their clients
  'sessions-expired', //       not touched for sessionMicros
  'entries-packed',
  'entries-applied',
  'records-applied',
  'replies', //                reply datagrams closed
  'replies-overflowed', //     that waited for a slot
  'malformed', //              REQUESTs and FORWARDs refused
  'items-expiring', //         gauge: items with an expiry
  'items-evicted', //          to make room
  'items-reclaimed', //        expired or flushed, and their memory taken back
] as const

/** Columns of many operations, packed one after another; a number for a length means all have that length. */
export interface OperationColumns {
  count: number
  kinds: number | Uint8Array //       OP; one for all, or one each
  keys: Uint8Array
  keyBytes: number | Uint8Array
  values: Uint8Array
  valueBytes: number | Uint32Array // ignored for kinds without a value
  versions: Float64Array | null //    for SET_IF and DELETE_IF
  /** PREFIX_BYTES_MAX each: for item operations ITEM and what follows it by kind, and for FLUSH. */
  prefixes?: Uint8Array | null
}

/** Client side: operations into request bodies, answers out of reply bodies; in native code, many a call. */
export interface Codec {
  /** After encode and encodeFragment: [bytes written, operations, writes, key cursor, value cursor, wide bytes]. */
  readonly out: Uint32Array
  readonly recordRows: Uint32Array
  /**
   * Writes operations [from, ...) that fit into slab[offset, offset + bytes), starting at the cursors into keys and
   * values that the last call left (0 at first). Returns operations written; 0 when the first does not fit: then it
   * goes elsewhere, or is wide when it fits no datagram. Throws BAD_ARGUMENT when the columns contradict themselves.
   */
  encode(
    columns: OperationColumns,
    from: number,
    keyCursor: number,
    valueCursor: number,
    offset: number,
    bytes: number,
  ): number
  /**
   * Writes one FRAGMENT of operation `index` in its wide form, from byte `done` of that on (0 at first), into
   * slab[offset, offset + bytes). Returns the new `done`, the same when nothing fits; the operation is complete
   * when that reaches out[5], and then the cursors in `out` are past it. Each fragment is a write of the session.
   */
  encodeFragment(
    columns: OperationColumns,
    index: number,
    keyCursor: number,
    valueCursor: number,
    done: number,
    offset: number,
    bytes: number,
  ): number
  /** Lists the reply records of a body into recordRows; -1 when malformed, or when there are more than rows. */
  records(offset: number, bytes: number): number
  /**
   * Decodes the record at `offset` into results from index `from`. Values are appended to results.values at
   * results.valueEnd. Returns operations answered; -1 when results.values has no room, -2 when the record is
   * malformed or answers more than the columns have rows: then nothing was changed. A value in parts is put
   * together at the room that its first part took: keep results.values (or a longer copy) until it is answered.
   */
  decode(offset: number, results: ResultColumns, from: number): number
}

export interface ResultColumns {
  statuses: Uint8Array //      STATUS
  versions: Float64Array
  values: Uint8Array
  valueOffsets: Uint32Array
  valueBytes: Uint32Array
  /** One element: end of what is used of `values`. */
  valueEnd: Uint32Array
}
