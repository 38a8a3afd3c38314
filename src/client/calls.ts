/** How the public classes put operations into a session. */

import { ZabkvError } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { failBatch, operationsLeft } from './batch.js'
import type { Batch } from './batch.js'
import { checkColumns, checkMillis } from './checks.js'
import { encodedBytes } from './columns.js'
import type { Core } from './core.js'
import { failure } from './failures.js'
import { beginGather, createGather, gatherAdd, gatherBytes, gatherIsFull } from './gather.js'
import type { Gather, Operation, Waiter } from './gather.js'
import { outcomeOf } from './outcomes.js'
import { clearResults, createResults } from './results.js'
import { giveWork } from './sessions.js'
import type { SessionState } from './session-state.js'
import { createSubmission } from './submission.js'
import type { Submission } from './submission.js'
import { FAST_MILLIS } from './times.js'
import { flush } from './turn.js'
import { operationBytesMax } from './wide.js'

/** Of one call. */
export interface CallOptions {
  /**
   * Milliseconds until the call fails with TIMEOUT; the client's own setting unless given.
   * Infinity: never.
   */
  timeoutMillis?: number
  /** Ends the wait with ABORTED. What was sent may still happen. */
  signal?: AbortSignal
}

/** Room for values that a submission starts with, for each operation; it grows when needed. */
const VALUE_BYTES_GUESS = 32

/** One promise call. Its refusals are rejections, never throws. */
export function call(
  core: Core,
  session: SessionState,
  operation: Operation,
  options: CallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timeoutMillis = admit(core, session, options)
    const { kind, key, value } = operation
    if (encodedBytes(kind, key.length, value.length) > operationBytesMax(core.datagramBytes)) {
      return callWide(core, session, operation, options, timeoutMillis, { resolve, reject })
    }
    const { signal } = options
    if (signal !== undefined) {
      const gather = newGather(core, timeoutMillis)
      const waiter = heeding(signal, { resolve, reject }, () => abort(core, gather.batch))
      gatherAdd(gather, operation, waiter)
      return giveWork(core, session, gather.batch)
    }
    join(core, session, operation, timeoutMillis, { resolve, reject })
  })
}

/**
 * Columns of operations; `done` is told on this stack or later, so it must only note or settle
 * promises.
 */
export function submitColumns(
  core: Core,
  session: SessionState,
  columns: OperationColumns,
  given: ResultColumns | null,
  options: CallOptions,
  borrowed: boolean,
  done: (submission: Submission) => void,
): Submission {
  const timeoutMillis = admit(core, session, options)
  const largestBytes = checkColumns(columns, given)
  const { count } = columns
  const results = given ?? createResults(count, count * VALUE_BYTES_GUESS)
  clearResults(results, count)
  const issued = core.world.millis()
  const submission = createSubmission(
    {
      columns,
      results,
      largestBytes,
      datagramBytes: core.datagramBytes,
      issued,
      deadline: issued + timeoutMillis,
      borrowed,
    },
    done,
  )
  for (const batch of submission.batches) giveWork(core, session, batch)
  if (submission.batches.length === 0) done(submission)
  return submission
}

/** Calls `onAbort` when the signal fires before the returned waiter is settled. */
export function heeding(signal: AbortSignal, waiter: Waiter, onAbort: () => void): Waiter {
  signal.addEventListener('abort', onAbort, { once: true })
  const settled = (): void => signal.removeEventListener('abort', onAbort)
  return {
    resolve: (outcome) => {
      settled()
      waiter.resolve(outcome)
    },
    reject: (error) => {
      settled()
      waiter.reject(error)
    },
  }
}

export function abortAll(core: Core, submission: Submission): void {
  for (const batch of submission.batches) abort(core, batch)
}

/** Refuses what cannot be sent; returns the patience. */
function admit(core: Core, session: SessionState, options: CallOptions): number {
  if (core.closed || core.closing || session.closed) throw failure('CLOSED', true)
  if (options.signal?.aborted === true) throw aborted(core, options.signal)
  const { timeoutMillis } = options
  if (timeoutMillis === undefined) return core.settings.timeoutMillis
  return checkMillis(timeoutMillis, 'timeoutMillis')
}

function aborted(core: Core, signal: AbortSignal): ZabkvError {
  core.counts.aborts++
  const sentence = 'The signal given with the operation was aborted before it was sent.'
  return new ZabkvError('ABORTED', sentence, { definite: true, cause: signal.reason })
}

function abort(core: Core, batch: Batch): void {
  if (batch.owner === null) return
  core.counts.aborts += operationsLeft(batch)
  failBatch(batch, 'ABORTED')
}

/** Together with the calls before it that wait for the same flush. */
function join(
  core: Core,
  session: SessionState,
  operation: Operation,
  timeoutMillis: number,
  waiter: Waiter,
): void {
  const open = session.gathering
  if (open !== null && takesMore(core, open, timeoutMillis)) {
    gatherAdd(open, operation, waiter)
    core.wake()
  } else {
    const gather = newGather(core, timeoutMillis)
    gatherAdd(gather, operation, waiter)
    giveWork(core, session, gather.batch)
    session.gathering = gather
  }
  const { gathering } = session
  if (gathering !== null && gatherBytes(gathering) >= core.datagramBytes) flush(core)
}

function takesMore(core: Core, gather: Gather, timeoutMillis: number): boolean {
  if (gather.batch.owner === null || gatherIsFull(gather)) return false
  // One deadline for all: none may join so late that its own would be missed by much.
  if (gather.timeoutMillis !== timeoutMillis) return false
  return core.turnMillis - gather.batch.issued < FAST_MILLIS
}

function newGather(core: Core, timeoutMillis: number): Gather {
  const gather = core.gathers.pop() ?? createGather(core.gathers)
  beginGather(gather, core.world.millis(), timeoutMillis)
  return gather
}

/** An operation in fragments: a submission of one. */
function callWide(
  core: Core,
  session: SessionState,
  operation: Operation,
  options: CallOptions,
  timeoutMillis: number,
  plainWaiter: Waiter,
): void {
  let waiter = plainWaiter
  const columns: OperationColumns = {
    count: 1,
    kinds: operation.kind,
    keys: operation.key,
    keyBytes: operation.key.length,
    values: operation.value,
    valueBytes: operation.value.length,
    versions: new Float64Array([operation.version]),
  }
  const done = (submission: Submission): void => {
    const outcome = outcomeOf(submission, 0)
    if (outcome instanceof ZabkvError) waiter.reject(outcome)
    else waiter.resolve(outcome)
  }
  const { signal } = options
  const submission = submitColumns(core, session, columns, null, { timeoutMillis }, false, done)
  if (signal !== undefined) waiter = heeding(signal, waiter, () => abortAll(core, submission))
}
