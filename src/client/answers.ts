/**
 * Answers: reply records to the sessions and batches they belong to.
 *
 * Answers come in the issue order of each session, so a record's operations are always the oldest
 * unanswered ones. What a reply says is checked against that; a replica that contradicts it is left
 * (receive.ts).
 */

import { at } from '../assert.js'
import { recordMany } from '../histogram.js'
import type { ResultColumns } from '../store/machine.js'
import { VALUE_BYTES_MAX } from '../zab/limits.js'
import { PART, REPLY_RECORD, RESULT, RESULT_TAG, STATUS } from '../zab/wire.js'
import { isDone } from './batch.js'
import type { Batch } from './batch.js'
import type { Core } from './core.js'
import { countDrop } from './counts.js'
import { copyAnswers, growValues } from './results.js'
import { answeringOf, noteAnswered, resetSession } from './session-state.js'
import type { SessionState } from './session-state.js'
import { endSession, openFailed, opened } from './sessions.js'
import { markReady } from './transmit.js'

/** One reply record. False: it contradicts what was asked. */
export function onReplyRecord(
  core: Core,
  offset: number,
  count: number,
  id: number,
  operation: number,
): boolean {
  if (id === 0) return onOpenAnswer(core, offset, count, operation)
  const session = core.byId.get(id)
  if (session === undefined) {
    countDrop(core.counts, 'unknown-session')
    return true
  }
  if (operation !== session.answeredOperations + 1) return false
  if (session.answeredOperations + count > session.sentOperations) return false
  return onSessionAnswers(core, session, offset, count)
}

function onOpenAnswer(core: Core, offset: number, count: number, nonce: number): boolean {
  if (count !== 1) return false
  const { scratch } = core
  if (decodeInto(core, offset, scratch, 0, true) !== 1) return false
  const session = core.byNonce.get(nonce)
  if (session === undefined) {
    countDrop(core.counts, 'unknown-session')
    return true
  }
  const status = at(scratch.statuses, 0)
  const id = at(scratch.versions, 0)
  if (status === STATUS.OK && id > 0) opened(core, session, id)
  else openFailed(core, session, status === STATUS.SESSIONS_FULL ? 'SESSIONS_FULL' : 'UNAVAILABLE')
  return true
}

function onSessionAnswers(
  core: Core,
  session: SessionState,
  offset: number,
  count: number,
): boolean {
  const batch = answeringOf(session)
  if (batch === null) return false
  let last: number
  const parts = isParts(core, offset)
  if (!parts && fitsBatch(batch, count)) {
    const from = batch.answered
    if (decodeInto(core, offset, batch.results, from, false) !== count) return false
    last = at(batch.results.statuses, from + count - 1)
    advance(core, session, batch, count)
  } else {
    const columns = parts ? core.parts : core.scratch
    const afresh = !parts || isFirstPart(core, offset)
    if (decodeInto(core, offset, columns, 0, afresh) !== count) return false
    if (count === 0) return true // a part that is not its value's last
    last = at(columns.statuses, count - 1)
    spread(core, session, columns, count)
  }
  core.progressMillis = core.turnMillis
  if (last === STATUS.SESSION_EXPIRED) expire(core, session)
  else markReady(core, session)
  return true
}

/**
 * A large value comes in parts, in records of their own: they are put together apart from other
 * answers.
 */
function isParts(core: Core, offset: number): boolean {
  const result = offset + REPLY_RECORD.SIZE + RESULT.tag
  return (at(core.words, result >>> 2) & 0xff) === RESULT_TAG.PART
}

function isFirstPart(core: Core, offset: number): boolean {
  return at(core.words, (offset + REPLY_RECORD.SIZE + RESULT.SIZE + PART.offset) >>> 2) === 0
}

/** May the record be decoded straight into the batch's results? */
function fitsBatch(batch: Batch, count: number): boolean {
  return batch.wide === null && batch.owner !== null && batch.answered + count <= batch.sendAt
}

/** Returns the answers decoded, -1 when the record cannot be. */
function decodeInto(
  core: Core,
  offset: number,
  results: ResultColumns,
  from: number,
  afresh: boolean,
): number {
  if (afresh) results.valueEnd[0] = 0
  for (;;) {
    const answered = core.codec.decode(offset, results, from)
    if (answered >= 0) return answered
    if (answered < -1) return -1 // malformed
    const room = results.values.length - at(results.valueEnd, 0)
    if (room > 2 * (VALUE_BYTES_MAX + core.datagramBytes)) return -1
    growValues(results, core.datagramBytes)
  }
}

/** Hands answers that were decoded apart to the batches they are for. */
function spread(core: Core, session: SessionState, columns: ResultColumns, count: number): void {
  let next = 0
  while (next < count) {
    const batch = answeringOf(session)
    if (batch === null) return
    const units = Math.min(count - next, batch.sendAt - batch.answered)
    if (batch.owner !== null) {
      if (batch.wide === null) {
        copyAnswers(columns, next, batch.results, batch.answered, units)
      } else if (batch.answered + units === batch.end) {
        copyAnswers(columns, next + units - 1, batch.results, batch.first, 1)
      }
    }
    advance(core, session, batch, units)
    next += units
  }
}

/** The batch's next units have their answers in its results. */
function advance(core: Core, session: SessionState, batch: Batch, units: number): void {
  const from = batch.answered
  const writesBefore = session.answeredWrites
  noteAnswered(session, batch, units)
  const writes = session.answeredWrites - writesBefore
  const { counts } = core
  const done = isDone(batch)
  if (batch.wide === null) {
    counts.writesAnswered += writes
    counts.readsAnswered += units - writes
    batch.owner?.onAnswered(batch, from, from + units)
  } else if (done) {
    counts.writesAnswered++
    batch.owner?.onAnswered(batch, batch.first, batch.first + 1)
  }
  if (!done) return
  if (core.latency !== null && batch.owner !== null) {
    const operations = batch.wide === null ? batch.end - batch.start : 1
    recordMany(core.latency, (core.turnMillis - batch.issued) * 1000, operations)
  }
  answeringOf(session)
}

function expire(core: Core, session: SessionState): void {
  core.counts.sessionsExpired++
  endSession(core, session)
  resetSession(session, 'SESSION_EXPIRED')
}
