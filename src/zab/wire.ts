/**
 * The wire: every byte offset in TypeScript, declared once. docs/wire.md draws the same tables.
 *
 * Little endian. Every field is aligned to four bytes or lies inside one aligned word, so that a header is
 * read and written through one Uint32Array over the slab: no DataView, no Buffer, no bigint.
 * Wide fields (counters, sequences, sessions, versions) are 64 bits on the wire and at most 2^53 - 1.
 * machine/wire.h declares the same layouts for C++; test/zab/wire.test.ts compares the two.
 */

import { assert } from '../assert.js'

type Fields = Readonly<Record<string, readonly [offset: number, bytes: number]>>
type Layout<F extends Fields> = { readonly [K in keyof F]: number } & { readonly SIZE: number }

/** Declared layouts by name, for the test that compares them with machine/wire.h. */
export const LAYOUTS = new Map<string, { size: number; fields: Fields }>()

/** Asserts: no gap, no overlap, aligned, exactly `size`. */
function layout<F extends Fields>(name: string, size: number, fields: F): Layout<F> {
  let end = 0
  const offsets: Record<string, number> = {}
  for (const [field, [offset, bytes]] of Object.entries(fields)) {
    assert(offset === end, 'layout: a field starts where the one before it ends')
    assert(offset % Math.min(bytes, 4) === 0, 'layout: a field is aligned')
    offsets[field] = offset
    end = offset + bytes
  }
  assert(end === size, 'layout: the fields fill the size exactly')
  LAYOUTS.set(name, { size, fields })
  return { ...offsets, SIZE: size } as Layout<F>
}

/** Starts every datagram. */
export const HEADER = layout('HEADER', 48, {
  magic: [0, 2], //        MAGIC
  version: [2, 1], //      WIRE_VERSION
  kind: [3, 1], //         one of KIND
  checksum: [4, 4], //     fold32 of the hash of bytes [8, length), seeded with bytes [0, 4)
  cluster: [8, 4], //      hash of the cluster's name
  length: [12, 4], //      bytes used, this header and the tag included; the datagram may be padded beyond
  sender: [16, 2], //      replica id, SENDER_CLIENT for a client
  flags: [18, 2], //       FLAG_*
  incarnation: [20, 4], // of the sender: which life of that replica or client
  epoch: [24, 4], //       the epoch that the sender leads or follows
  count: [28, 4], //       PROPOSE: operations; others: see docs/wire.md
  counter: [32, 8], //     PROPOSE: of its first operation; ACK: highest held; link kinds: sequence
  committed: [40, 8], //   leader: last committed counter; link kinds: next sequence expected
})

/** Follows HEADER in PROPOSE. */
export const PROPOSE = layout('PROPOSE', 16, {
  time: [0, 8], //     the log's time: microseconds since 1970, never less than the proposal before
  previous: [8, 4], // epoch of the proposal before this one
  epoch: [12, 4], //    epoch in which this was proposed; HEADER.epoch is the sender's when it is sent again
})

/** Follows HEADER in the kinds of an election and of synchronization, and in ALIVE. */
export const EPOCHS = layout('EPOCHS', 24, {
  accepted: [0, 4], // the sender's acceptedEpoch; from NEWEPOCH on, the epoch in question
  current: [4, 4], //  the sender's currentEpoch; NEWLEADER: number of the snapshot's transfer
  last: [8, 4], //     epoch of the sender's last entry; NEWLEADER with SNAP: of the snapshot's last
  mode: [12, 4], //    NEWLEADER: one of SYNC_MODE and SYNC_FORMING; NEWEPOCH: 1 when established; CEPOCH: PROMISED_TO
  receiver: [16, 4], // a leader's answer: incarnation of whom it is for, so that no former life's reaches it
  join: [20, 4], //    number of the follower's joining, echoed by the leader
})

/** Follows HEADER in the kinds of a link: HELLO, WELCOME, REQUEST, REPLY, FORWARD, LINK_ACK, BYE. */
export const LINK = layout('LINK', 16, {
  link: [0, 4], //    the receiver's index of this link, from WELCOME; HELLO: the sender's
  credits: [4, 4], // datagrams beyond the acknowledged one that the sender of this message will take
  sackLow: [8, 4], // bit i: sequence acknowledged + 1 + i has arrived out of order
  sackHigh: [12, 4],
})

/** Ends every datagram: an authentication tag, zero and unchecked until it is switched on. */
export const TAG_BYTES = 16

/** Datagrams without a body. */
export const CONTROL_BYTES = HEADER.SIZE + TAG_BYTES

/** A run of operations of one session: the unit of forwarding, ordering and answering. */
export const RECORD = layout('RECORD', 40, {
  bytes: [0, 4], //      this header and its operations, a multiple of four
  count: [4, 2], //      operations
  origin: [6, 1], //     replica that the session is attached to; ORIGIN_CLIENT in a REQUEST
  flags: [7, 1], //      zero
  session: [8, 8], //    counter of the OPEN that made the session; 0 for OPEN itself
  sequence: [16, 8], //  write sequence of the first write among them, or of the next write if none
  operation: [24, 8], // REQUEST: session's number of the first operation; ordered: forward sequence
  writes: [32, 4], //    writes among the operations
  unanswered: [36, 4], // writes before `sequence` that the client has no answer for yet
})

/** Starts an operation. Then a prefix by kind (machine/operations.h), the key, the value; padded to four. */
export const OPERATION = layout('OPERATION', 4, {
  kind: [0, 1], //       one of OP
  keyBytes: [1, 1],
  valueBytes: [2, 2], // FRAGMENT: of the chunk
})

/** The body of a FRAGMENT operation: a part of a wide operation; the chunk follows. */
export const FRAGMENT = layout('FRAGMENT', 8, {
  total: [0, 4], //  bytes of the whole wide operation
  offset: [4, 4], // of this chunk in it
})

/** An operation too large for a datagram, as it stands when its fragments are put together; key and value follow. */
export const WIDE = layout('WIDE', 16, {
  kind: [0, 1],
  keyBytes: [1, 1],
  reserved: [2, 2],
  valueBytes: [4, 4],
  version: [8, 8],
})

/** Follows OPERATION, or WIDE, in the item operations: STORE has this alone, the others ITEM_CAS too. */
export const ITEM = layout('ITEM', 16, {
  flags: [0, 4], //   of the client; FETCH: seconds of RECACHE
  exptime: [4, 4], // signed, as memcached's: resolved at apply
  options: [8, 4], // bits of ITEM_OPTION
  vivify: [12, 4], // signed: exptime of an item that VIVIFY makes
})

/** Follows ITEM in STORE_IF, FETCH, ARITH and DROP. 64 bits, of which all may be used. */
export const ITEM_CAS = layout('ITEM_CAS', 16, {
  ifCas: [0, 8], //  with IF_CAS
  newCas: [8, 8], // with NEW_CAS
})

/** Follows ITEM_CAS in ARITH. 64 bits, of which all may be used. */
export const DELTA = layout('DELTA', 16, {
  delta: [0, 8],
  initial: [8, 8], // with VIVIFY
})

/** The prefix of FLUSH. */
export const FLUSH = layout('FLUSH', 8, {
  exptime: [0, 4], //  signed: when; 0: at once
  reserved: [4, 4], // zero
})

/** Starts the value of an answer to GET_ITEM, FETCH and ARITH. */
export const ITEM_HEAD = layout('ITEM_HEAD', 24, {
  cas: [0, 8], //     64 bits, of which all may be used
  flags: [8, 4],
  expiry: [12, 4], // seconds since 1970, 0: never
  state: [16, 4], //  bits of ITEM_STATE
  now: [20, 4], //    the log's time, seconds since 1970, by which this was decided
})

/** Starts a run of answers to one session; RESULTs follow, in the order of its operations. */
export const REPLY_RECORD = layout('REPLY_RECORD', 24, {
  bytes: [0, 4],
  count: [4, 2], //      operations answered here
  flags: [6, 2], //      zero
  session: [8, 8], //    0: the answer to an OPEN, whose nonce is `operation`
  operation: [16, 8], // session's number of the first operation answered
})

/** One answer, or a run of equal ones. A value or a part of one follows VALUE and PART, padded to four. */
export const RESULT = layout('RESULT', 16, {
  tag: [0, 1], //     one of RESULT_TAG
  status: [1, 1], //  one of STATUS
  flags: [2, 2], //   zero
  bytes: [4, 4], //   RUN: operations answered; VALUE: bytes of the value; PART: bytes of the whole value
  version: [8, 8], // RUN: of the first; each next is one more if OK, the same if not; else the item's
})

/** Follows RESULT in a PART; the chunk follows, padded to four. Only the last part counts as an answer. */
export const PART = layout('PART', 8, {
  offset: [0, 4],
  bytes: [4, 4],
})

export const MAGIC = 0x6b7a
export const WIRE_VERSION = 3
export const SENDER_CLIENT = 0xffff
export const ORIGIN_CLIENT = 0xff

/** Kinds of datagram. Peers below 32, links from 32. */
export const KIND = {
  PROPOSE: 1,
  ACK: 2,
  COMMIT: 3,
  NACK: 4, //        counter: first missing; committed: last missing
  HEARTBEAT: 5, //   count: round, echoed in ACK
  ALIVE: 6, //       from a thread of its own; counter: how long ago the sender's loop turned, microseconds
  VOTE: 7, //        count: the sender's standing
  CEPOCH: 8,
  NEWEPOCH: 9,
  ACKEPOCH: 10,
  NEWLEADER: 11,
  ACKLD: 12,
  COMMITLD: 13,
  HELLO: 32, //      count: what it asks for, counter: last counter its sessions saw
  WELCOME: 33,
  REFUSED: 34, //    count: why, one of REFUSAL
  REQUEST: 35,
  REPLY: 36,
  FORWARD: 37, //    a follower's records for the leader
  LINK_ACK: 38, //   between replicas, count: number of the transfer, 0 for forwards
  BYE: 39,
  SNAPSHOT: 40, //   a leader's state for a replica that lacks it; count: number of the transfer
} as const

/** Kinds of operation. Reads have bit 6. */
export const OP = {
  SET: 1,
  CREATE: 2,
  SET_IF: 3,
  DELETE: 4,
  DELETE_IF: 5,
  SYNC: 6, //     a write of nothing: what was committed before it is visible after it
  OPEN: 7, //     key: a nonce of eight bytes; the new session's id is the operation's counter
  CLOSE: 8,
  FRAGMENT: 9,
  TOUCH: 10, //   keeps a session that only reads
  REFUSED: 11, // in the order only: the place of a write that the leader had no disk for
  STORE: 12, //   the item operations: see machine/items.h
  STORE_IF: 13,
  FETCH: 14,
  ARITH: 15,
  DROP: 16,
  FLUSH: 17,
  USED: 18, //    value: hashes of keys that were read, eight bytes each
  TICK: 19, //    in the order only, of no session: time passes
  GET: 64,
  GET_ITEM: 65, // as GET; the value begins with ITEM_HEAD
} as const
export const OP_READ_BIT = 64

/** Of ITEM.options: a mode, and bits. */
export const ITEM_OPTION = {
  SET: 0, //       modes of STORE and STORE_IF
  ADD: 1,
  REPLACE: 2,
  APPEND: 3,
  PREPEND: 4,
  INCREMENT: 0, // modes of ARITH
  DECREMENT: 1,
  IF_CAS: 256, //  only if the item's cas is ifCas
  NEW_CAS: 512, // what is written gets newCas
  TTL: 1024, //    exptime applies
  VIVIFY: 2048, // make the item if it is not there
  RECACHE: 4096, // win when less than so many seconds are left
  STALE: 8192, //  STORE_IF: an older cas stores a stale item; DROP: mark it rather than remove it
  VALUE: 16384, // answer with the value
  META: 32768, //  win on a stale item
} as const

/** Of ITEM_HEAD.state. */
export const ITEM_STATE = {
  STALE: 1,
  SENT: 2, //      the token is somebody else's already
  FETCHED: 4, //   it was read before, as far as the order knows
  CAS: 8, //       its cas is one that a client chose
  WON: 256, //     the token is whose answer this is
  CREATED: 512,
} as const

export const STATUS = {
  OK: 0,
  NOT_FOUND: 1,
  EXISTS: 2,
  VERSION_MISMATCH: 3,
  FULL: 4,
  SESSION_EXPIRED: 5,
  SESSIONS_FULL: 6,
  OVERTAKEN: 7, //   a read whose place in the session's order has passed
  BAD_REQUEST: 8, // an operation that no client of this version sends
  NO_SPACE: 9, //    the leader has no room on disk for the log: nothing changed
  NOT_NUMBER: 10, // ARITH of a value that is none
  TOO_LARGE: 11, //  the value would be
} as const

export const RESULT_TAG = { RUN: 1, VALUE: 2, STATUS: 3, PART: 4 } as const

/** Why a HELLO was refused. */
export const REFUSAL = {
  NOT_READY: 1, //   no leader yet, or not caught up with what the client has seen: try again or elsewhere
  LINKS_FULL: 2,
  SETTINGS: 3,
  STOPPING: 4,
  UNKNOWN_LINK: 5, // say HELLO again
} as const

/** How a follower comes to its leader's history (NEWLEADER). */
export const SYNC_MODE = {
  DIFF: 1, //     what it has is a prefix: it asks for the rest
  TRUNCATE: 2, // entries beyond HEADER.committed are void; then it says again what it has
  SNAPSHOT: 3, // HEADER.committed is the snapshot's counter; the entries after it follow
} as const
/** CEPOCH's mode: the id of the leader that acceptedEpoch was promised to, plus this; 0: not known any more. */
export const PROMISED_TO = 1

/** Bit of NEWLEADER's mode: a new history, or one that an operator goes on from; its followers count from now on. */
export const SYNC_FORMING = 256

/** HEADER.flags of an ACK: the sender has lost nothing that it acknowledged, and may be counted. */
export const FLAG_WHOLE = 1

/** HEADER.flags of a client's LINK_ACK: it waits for answers and has heard nothing for a while; a LINK_ACK is due. */
export const FLAG_QUESTION = 1

/** Bytes of a body, between the headers and the tag. PROPOSE and the link kinds have equal room. */
export const BODY_OFFSET = HEADER.SIZE + LINK.SIZE
export const OVERHEAD_BYTES = BODY_OFFSET + TAG_BYTES
assert(PROPOSE.SIZE === LINK.SIZE, 'wire: what fits a REQUEST fits a PROPOSE')

const TWO32 = 4294967296

/** Reads a 64-bit field at a word index. Beyond 2^53 - 1 the result is inexact and above COUNTER_MAX: reject it. */
export function wideAt(words: Uint32Array, word: number): number {
  return (words[word + 1] as number) * TWO32 + (words[word] as number)
}

export function setWide(words: Uint32Array, word: number, value: number): void {
  words[word] = value >>> 0
  words[word + 1] = (value - (value >>> 0)) / TWO32
}
