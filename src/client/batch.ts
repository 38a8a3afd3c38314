/**
 * A batch: operations of one session that are numbered, sent and answered in order.
 *
 * Its *units* are what takes an operation number: operations of the columns by index, or the
 * fragments of one wide operation. Everything below `answered` has its answer, everything below
 * `sendAt` went to the current replica, everything below `sentEnd` went to some replica: that may
 * have happened even when no answer comes.
 */

import { assert } from '../assert.js'
import type { ErrorCode } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { copyColumns, cursorsAt, isRead, kindAt, writesIn } from './columns.js'

/** Who waits for a batch. Called outside of user code; the owner hands on what it must. */
export interface Owner {
  /** Operations [from, to) have their answers in the batch's results. */
  onAnswered(batch: Batch, from: number, to: number): void
  /**
   * Operations [from, to) will not be answered; the batch forgets its owner. Must not touch the
   * session.
   */
  onFailed(batch: Batch, from: number, to: number, code: ErrorCode): void
}

export interface Batch {
  columns: OperationColumns // its `count` is set before each encode
  results: ResultColumns
  owner: Owner | null //       null: nobody waits any more, answers are discarded
  /**
   * The columns are the caller's: to be copied when the caller is told before the answers are in.
   */
  readonly borrowed: boolean
  readonly wide: Uint8Array | null // the block of a wide operation, in fragments
  first: number //             index of the first operation
  start: number //             first unit
  end: number //               behind the last unit
  sendAt: number
  sentEnd: number
  resentEnd: number //         units below it went to more than one replica
  answered: number
  hasReads: boolean //         among the units sent
  hasWrites: boolean
  keyStart: number //          cursors of the first operation
  valueStart: number
  keyCursor: number //         cursors of sendAt
  valueCursor: number
  issued: number //            milliseconds
  deadline: number
  next: Batch | null
}

export interface BatchPlace {
  first: number
  end: number
  keyStart: number
  valueStart: number
}

export function createBatch(
  columns: OperationColumns,
  results: ResultColumns,
  place: BatchPlace,
  wide: { block: Uint8Array; fragments: number } | null,
  owner: Owner,
  borrowed: boolean,
  issued: number,
  deadline: number,
): Batch {
  const start = wide === null ? place.first : 0
  return {
    columns,
    results,
    owner,
    borrowed,
    wide: wide === null ? null : wide.block,
    first: place.first,
    start,
    end: wide === null ? place.end : wide.fragments,
    sendAt: start,
    sentEnd: start,
    resentEnd: start,
    answered: start,
    hasReads: false,
    hasWrites: false,
    keyStart: place.keyStart,
    valueStart: place.valueStart,
    keyCursor: place.keyStart,
    valueCursor: place.valueStart,
    issued,
    deadline,
    next: null,
  }
}

export function isUnsent(batch: Batch): boolean {
  return batch.sendAt < batch.end
}

export function isDone(batch: Batch): boolean {
  return batch.answered >= batch.end
}

/** Operations without an answer. */
export function operationsLeft(batch: Batch): number {
  return batch.wide === null ? batch.end - batch.answered : 1
}

/** Writes among units [from, to), which were sent. */
export function unitWrites(batch: Batch, from: number, to: number): number {
  if (!batch.hasReads) return to - from
  return batch.hasWrites ? writesIn(batch.columns, from, to) : 0
}

/** Units up to `to`, `writes` of them writes, are on their way. */
export function noteSent(batch: Batch, to: number, writes: number): void {
  assert(to > batch.sendAt && to <= batch.end, 'noteSent: a batch is sent forward')
  if (writes > 0) batch.hasWrites = true
  if (writes < to - batch.sendAt) batch.hasReads = true
  batch.sendAt = to
  if (to > batch.sentEnd) batch.sentEnd = to
}

/** Another replica is to get everything that is not answered. */
export function rewindBatch(batch: Batch): void {
  batch.resentEnd = batch.sentEnd
  batch.sendAt = batch.answered
  if (batch.wide !== null) return
  const { columns, start, answered, keyStart, valueStart } = batch
  const cursors = cursorsAt(columns, start, answered, keyStart, valueStart)
  batch.keyCursor = cursors.keyCursor
  batch.valueCursor = cursors.valueCursor
}

/**
 * Tells the owner that no answers will come. What was never sent leaves the session's order; what
 * was sent keeps its place, and its answers are discarded.
 */
export function failBatch(batch: Batch, code: ErrorCode): void {
  const { owner } = batch
  if (owner === null) return
  const from = batch.wide === null ? batch.answered : batch.first
  const to = batch.wide === null ? batch.end : batch.first + 1
  if (from < to) owner.onFailed(batch, from, to, code)
  batch.owner = null
  if (batch.wide !== null) {
    // Once begun, the rest follows: the far side waits for whole operations.
    if (batch.sentEnd === 0) batch.end = 0
    return
  }
  batch.end = Math.max(batch.sentEnd, batch.answered)
  if (batch.borrowed && !isDone(batch)) keepCopy(batch)
}

/** Did the operation certainly not happen, now that no answer will come? */
export function isDefinite(batch: Batch, index: number, code: ErrorCode): boolean {
  if (isRead(kindAt(batch.columns, index))) return true
  const unit = batch.wide === null ? index : 0
  // An expired session refuses what comes to it; only what had gone elsewhere before may have been
  // in time.
  return unit >= (code === 'SESSION_EXPIRED' ? batch.resentEnd : batch.sentEnd)
}

/** The caller gets its arrays back, but what was sent may have to be sent again. */
function keepCopy(batch: Batch): void {
  const { columns, start, answered, end } = batch
  const from = cursorsAt(columns, start, answered, batch.keyStart, batch.valueStart)
  batch.columns = copyColumns(columns, answered, end, from.keyCursor, from.valueCursor)
  batch.first = 0
  batch.start = 0
  batch.end -= answered
  batch.sendAt -= answered
  batch.sentEnd -= answered
  batch.resentEnd = Math.max(0, batch.resentEnd - answered)
  batch.answered = 0
  batch.keyStart = 0
  batch.valueStart = 0
  batch.keyCursor -= from.keyCursor
  batch.valueCursor -= from.valueCursor
}
