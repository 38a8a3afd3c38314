/**
 * A session's numbers and the queue of its batches.
 *
 * Operations are numbered from 1 without a hole, writes too; numbers are given when a unit is first
 * sent, and a resend gives the same numbers again, because answers come in order: what is
 * unanswered is always a tail.
 */

import { assert } from '../assert.js'
import type { ErrorCode } from '../errors.js'
import { failBatch, isDone, isUnsent, rewindBatch, unitWrites } from './batch.js'
import type { Batch } from './batch.js'
import type { Gather } from './gather.js'

/**
 * absent   no session at the cluster; the next operation opens one
 * opening  OPEN is to be sent or was sent; operations wait
 * open     operations flow
 */
export type SessionPhase = 'absent' | 'opening' | 'open'

export interface SessionState {
  phase: SessionPhase
  id: number // 0 unless open
  nonce: number // of the OPEN
  openSent: boolean // on the current link
  /** Numbers of the current replica's order: the next operation is sentOperations + 1. */
  sentOperations: number
  sentWrites: number
  answeredOperations: number
  answeredWrites: number
  first: Batch | null // oldest that is not answered in full
  last: Batch | null
  sending: Batch | null // oldest that may have unsent units
  /** Takes more promise calls until it is sent. Always the last. */
  gathering: Gather | null
  /** Set once close() was called: nothing may follow CLOSE. */
  closed: boolean
  touchMillis: number // when a write was last sent
  /** Why the session could not be opened: told to whoever waits for it. */
  onOpened: ((code: ErrorCode | null) => void) | null
  ready: boolean // listed among the sessions that have something to send
  nextReady: SessionState | null
}

export function createSessionState(): SessionState {
  return {
    phase: 'absent',
    id: 0,
    nonce: 0,
    openSent: false,
    sentOperations: 0,
    sentWrites: 0,
    answeredOperations: 0,
    answeredWrites: 0,
    first: null,
    last: null,
    sending: null,
    gathering: null,
    closed: false,
    touchMillis: 0,
    onOpened: null,
    ready: false,
    nextReady: null,
  }
}

export function pushBatch(session: SessionState, batch: Batch): void {
  session.gathering = null
  if (session.last === null) session.first = batch
  else session.last.next = batch
  session.last = batch
  session.sending ??= batch
}

/** The oldest batch with unsent units, or null. */
export function sendingOf(session: SessionState): Batch | null {
  while (session.sending !== null && !isUnsent(session.sending)) {
    session.sending = session.sending.next
  }
  return session.sending
}

/** The oldest batch that still waits for answers, or null; those that do not are dropped. */
export function answeringOf(session: SessionState): Batch | null {
  while (session.first !== null && isDone(session.first)) {
    const done = session.first
    if (session.sending === done) session.sending = done.next
    session.first = done.next
    if (session.first === null) session.last = null
  }
  return session.first
}

/** Is there something to be sent now? `window`: writes that may be unanswered. */
export function hasWork(session: SessionState, window: number): boolean {
  if (session.phase === 'opening') return !session.openSent
  if (session.phase !== 'open') return false
  return sendingOf(session) !== null && unansweredWrites(session) < window
}

export function unansweredWrites(session: SessionState): number {
  return session.sentWrites - session.answeredWrites
}

/** The oldest batch's next `units` are answered. */
export function noteAnswered(session: SessionState, batch: Batch, units: number): void {
  assert(batch === session.first, 'noteAnswered: answers are for the oldest batch')
  assert(batch.answered + units <= batch.sendAt, 'noteAnswered: only what was sent is answered')
  session.answeredOperations += units
  session.answeredWrites += unitWrites(batch, batch.answered, batch.answered + units)
  batch.answered += units
}

/** Another replica: everything unanswered goes again, in order, under the same numbers. */
export function rewindSession(session: SessionState): void {
  session.openSent = false
  session.sentOperations = session.answeredOperations
  session.sentWrites = session.answeredWrites
  session.gathering = null
  for (let batch = answeringOf(session); batch !== null; batch = batch.next) rewindBatch(batch)
  session.sending = session.first
}

/**
 * Fails everything that waits and forgets the session at the cluster; the next operation opens a
 * new one.
 */
export function resetSession(session: SessionState, code: ErrorCode): void {
  for (let batch = session.first; batch !== null; batch = batch.next) failBatch(batch, code)
  session.phase = 'absent'
  session.id = 0
  session.openSent = false
  session.sentOperations = 0
  session.sentWrites = 0
  session.answeredOperations = 0
  session.answeredWrites = 0
  session.first = null
  session.last = null
  session.sending = null
  session.gathering = null
}
