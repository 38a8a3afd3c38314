/**
 * Columns of operations submitted together. One batch, unless some of them are wide: then the runs
 * between the wide ones are batches of their own over the same columns and results.
 */

import { at } from '../assert.js'
import type { ErrorCode, ZabkvError } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { createBatch, isDefinite, isDone } from './batch.js'
import type { Batch, BatchPlace, Owner } from './batch.js'
import { encodedBytes, keyBytesAt, kindAt, valueBytesAt, viewOf } from './columns.js'
import { failure } from './failures.js'
import { UNANSWERED } from './results.js'
import { chunkBytes, fragmentsOf, operationBytesMax, wideBlock } from './wide.js'

export interface Submission {
  readonly columns: OperationColumns
  readonly results: ResultColumns
  readonly count: number
  batches: Batch[]
  left: number
  /** Why some were not answered; null when all were. */
  failed: ErrorCode | null
  /** For each operation: 0, or 1 when it was not answered and may have happened. */
  indefinite: Uint8Array | null
  /** For each operation: 1 when it went to several replicas before its answer. */
  moved: Uint8Array | null
}

export interface SubmissionPlan {
  columns: OperationColumns
  results: ResultColumns
  /** Upper bound of an operation's encoded bytes, from checkColumns. */
  largestBytes: number
  datagramBytes: number
  issued: number
  deadline: number
  borrowed: boolean
}

/** `done` is called once, when every operation is answered or has failed. */
export function createSubmission(
  plan: SubmissionPlan,
  done: (submission: Submission) => void,
): Submission {
  const { columns, results } = plan
  const submission: Submission = {
    columns,
    results,
    count: columns.count,
    batches: [],
    left: 0,
    failed: null,
    indefinite: null,
    moved: null,
  }
  const owner = submissionOwner(submission, done)
  submission.batches = cut(plan, owner)
  submission.left = submission.batches.length
  return submission
}

/**
 * The error of the whole, when some were not answered: definite only if none of them can have
 * happened.
 */
export function submissionError(submission: Submission): ZabkvError | null {
  const { failed, indefinite } = submission
  if (failed === null) return null
  return failure(failed, indefinite === null || !indefinite.includes(1))
}

/** The error of one that was not answered. */
export function operationFailure(submission: Submission, index: number): ZabkvError | null {
  const { failed, indefinite, results } = submission
  if (failed === null || at(results.statuses, index) !== UNANSWERED) return null
  return failure(failed, indefinite === null || at(indefinite, index) === 0)
}

function submissionOwner(submission: Submission, done: (submission: Submission) => void): Owner {
  const settleOne = (): void => {
    if (--submission.left === 0) done(submission)
  }
  return {
    onAnswered: (batch, from, to) => {
      const wideEnd = batch.first + Math.min(1, batch.resentEnd)
      const resentEnd = batch.wide === null ? batch.resentEnd : wideEnd
      if (from < resentEnd) {
        submission.moved ??= new Uint8Array(submission.count)
        submission.moved.fill(1, from, Math.min(to, resentEnd))
      }
      if (isDone(batch)) settleOne()
    },
    onFailed: (batch, from, to, code) => {
      submission.failed ??= code
      for (let index = from; index < to; index++) {
        if (isDefinite(batch, index, code)) continue
        submission.indefinite ??= new Uint8Array(submission.count)
        submission.indefinite[index] = 1
      }
      settleOne()
    },
  }
}

function cut(plan: SubmissionPlan, owner: Owner): Batch[] {
  const { columns, datagramBytes } = plan
  const most = operationBytesMax(datagramBytes)
  const batches: Batch[] = []
  const place: BatchPlace = { first: 0, end: columns.count, keyStart: 0, valueStart: 0 }
  if (plan.largestBytes > most) {
    let key = 0
    let value = 0
    for (let index = 0; index < columns.count; index++) {
      const keyBytes = keyBytesAt(columns, index)
      const valueBytes = valueBytesAt(columns, index)
      if (encodedBytes(kindAt(columns, index), keyBytes, valueBytes) > most) {
        if (index > place.first) batches.push(plain(plan, { ...place, end: index }, owner))
        batches.push(wide(plan, index, key, value, owner))
        place.first = index + 1
        place.keyStart = key + keyBytes
        place.valueStart = value + valueBytes
      }
      key += keyBytes
      value += valueBytes
    }
  }
  if (place.first < place.end) batches.push(plain(plan, place, owner))
  return batches
}

function plain(plan: SubmissionPlan, place: BatchPlace, owner: Owner): Batch {
  const columns = viewOf(plan.columns)
  const { results, borrowed, issued, deadline } = plan
  return createBatch(columns, results, { ...place }, null, owner, borrowed, issued, deadline)
}

function wide(
  plan: SubmissionPlan,
  index: number,
  key: number,
  value: number,
  owner: Owner,
): Batch {
  const block = wideBlock(plan.columns, index, key, value)
  const fragments = fragmentsOf(block, chunkBytes(plan.datagramBytes))
  const place = { first: index, end: index + 1, keyStart: key, valueStart: value }
  const columns = viewOf(plan.columns)
  const { results, issued, deadline } = plan
  return createBatch(columns, results, place, { block, fragments }, owner, false, issued, deadline)
}
