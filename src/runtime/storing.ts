/**
 * The history on its way to the log: what was appended, truncated and promised in a turn goes to the log's buffer, and
 * what the log has stored is told to the protocol, which promises and acknowledges nothing that is not.
 *
 * The order in the log: what is void, then entries, then epochs. So history is stored before currentEpoch is.
 */

import { at } from '../assert.js'
import { ZabkvError } from '../errors.js'
import type { Log } from '../store/log.js'
import { LOG_STATUS } from '../store/log.js'
import { lengthOf } from '../zab/header.js'
import { historyLast } from '../zab/history.js'
import type { State } from '../zab/state.js'
import { TRUST } from '../zab/state.js'

/** What was stored when the log has stored its record `sequence`. */
interface Mark {
  sequence: number
  counter: number
  epochs: number
}

export interface Storing {
  readonly state: State
  readonly log: Log
  readonly marks: Mark[]
  epochsAppended: number
  /** Bytes of entries since the last snapshot. */
  bytesSince: number
  /** Turns in which the log's buffer had no room. */
  stalls: number
}

export function createStoring(state: State, log: Log): Storing {
  return { state, log, marks: [], epochsAppended: state.epochsVersion, bytesSince: 0, stalls: 0 }
}

/** Ends a turn. Throws LOG_FAILED when the log can store nothing any more: what it promised would be void. */
export function storeTurn(storing: Storing): void {
  const { state, log } = storing
  // At once, whether the log has room for the word of it or not: what is void is not stored.
  if (state.truncateOwed >= 0) lowerMarks(storing, state.truncateOwed)
  if (log.status() === LOG_STATUS.FAILED) {
    throw new ZabkvError('LOG_FAILED', log.error() ?? 'The log failed: this replica stops.')
  }
  // While a snapshot is loaded the log keeps what this replica had before.
  if (state.transfer === 0 && append(storing)) {
    log.flush()
    const counter = storedUpTo(state)
    storing.marks.push({ sequence: log.appended(), counter, epochs: storing.epochsAppended })
  }
  const durable = log.durable()
  for (;;) {
    const mark = storing.marks[0]
    if (mark === undefined || mark.sequence > durable) return
    storing.marks.shift()
    state.lastStored = Math.max(state.lastStored, mark.counter)
    state.epochsStored = Math.max(state.epochsStored, mark.epochs)
  }
}

/** What is on its way to the disk beyond `counter` is void: that it is stored says nothing of what comes instead. */
export function lowerMarks(storing: Storing, counter: number): void {
  for (const mark of storing.marks) mark.counter = Math.min(mark.counter, counter)
}

/** What was not stored is void, and the log is read again from its beginning. */
export function reopenLog(storing: Storing, isVoid: boolean): void {
  storing.marks.length = 0
  storing.bytesSince = 0
  if (isVoid) storing.log.startAnew()
  else storing.log.reopen()
}

/** After a recovery: everything that the state holds came from the log. */
export function isAllStored(storing: Storing): void {
  storing.epochsAppended = storing.state.epochsVersion
}

/** The history begins anew after a snapshot that is stored. */
export function storeBase(storing: Storing, counter: number, epoch: number): boolean {
  if (!storing.log.appendBase(counter, epoch)) return false
  storing.marks.length = 0
  storing.bytesSince = 0
  return true
}

/** Does the log's disk run out of room? Then a leader refuses what needs some. */
export function isSpaceLow(storing: Storing): boolean {
  const status = storing.log.status()
  return status === LOG_STATUS.SPACE_LOW || status === LOG_STATUS.FULL
}

function append(storing: Storing): boolean {
  const { state, log } = storing
  const { history } = state
  let appended = false
  if (state.truncateOwed >= 0) {
    if (!log.appendTruncate(state.truncateOwed)) return stalled(storing)
    state.truncateOwed = -1
    appended = true
  }
  while (state.storeNext < history.next) {
    const slot = state.storeNext & history.mask
    const offset = at(history.offset, slot)
    const length = lengthOf(state.words, offset)
    const counter = at(history.counter, slot)
    const operations = at(history.count, slot)
    const epoch = at(history.epoch, slot)
    if (!log.appendEntry(offset, length, counter, operations, epoch, state.lastCommitted)) {
      storing.stalls++
      return appended
    }
    storing.bytesSince += length
    state.storeNext++
    appended = true
  }
  if (storing.epochsAppended === state.epochsVersion) return appended
  // A replica that may not be counted yet must not find itself counted after a restart.
  const mayCount = state.config.durable ? state.trust === TRUST.WHOLE : state.trust !== TRUST.LOST
  const current = mayCount ? state.currentEpoch : 0
  if (!log.appendEpochs(state.acceptedEpoch, current)) return appended
  storing.epochsAppended = state.epochsVersion
  return true
}

function stalled(storing: Storing): boolean {
  storing.stalls++
  return false
}

/** Counter of the last entry that was given to the log. */
function storedUpTo(state: State): number {
  const { history } = state
  if (state.storeNext === history.next) return state.lastHeld
  if (state.storeNext > history.first) return historyLast(history, state.storeNext - 1)
  return state.storeNext === history.first ? at(history.counter, history.first & history.mask) - 1 : 0
}
