/** Opening and ending sessions at the cluster, and giving them work. */

import { assert } from '../assert.js'
import type { ErrorCode } from '../errors.js'
import type { Batch } from './batch.js'
import type { Core } from './core.js'
import { createSessionState, pushBatch, resetSession } from './session-state.js'
import type { SessionState } from './session-state.js'
import { markReady } from './transmit.js'

const TWO32 = 4294967296
const NONCE_HIGH_BITS = 0x1fffff

export function addSession(core: Core): SessionState {
  const session = createSessionState()
  core.sessions.add(session)
  return session
}

/**
 * Asks the cluster for a session. The OPEN is repeated at every replica until it is answered, under
 * one nonce.
 */
export function openSession(core: Core, session: SessionState): void {
  assert(session.phase === 'absent', 'openSession: a session is opened once at a time')
  session.phase = 'opening'
  session.openSent = false
  session.nonce = drawNonce(core)
  core.byNonce.set(session.nonce, session)
  markReady(core, session)
  core.wake()
}

/** The batch takes its place in the session's order. */
export function giveWork(core: Core, session: SessionState, batch: Batch): void {
  pushBatch(session, batch)
  if (batch.deadline < core.deadlineNext) core.deadlineNext = batch.deadline
  if (session.phase === 'absent') openSession(core, session)
  else markReady(core, session)
  core.wake()
}

export function opened(core: Core, session: SessionState, id: number): void {
  core.byNonce.delete(session.nonce)
  core.byId.set(id, session)
  core.counts.sessionsOpened++
  session.phase = 'open'
  session.id = id
  session.touchMillis = core.turnMillis
  core.progressMillis = core.turnMillis
  markReady(core, session)
  tellOpened(session, null)
}

/** The cluster refused: whoever waits for the session is told. */
export function openFailed(core: Core, session: SessionState, code: ErrorCode): void {
  endSession(core, session)
  resetSession(session, code)
  tellOpened(session, code)
}

/** Answers for the session are not expected any more. */
export function endSession(core: Core, session: SessionState): void {
  core.byNonce.delete(session.nonce)
  if (session.id !== 0) core.byId.delete(session.id)
}

function tellOpened(session: SessionState, code: ErrorCode | null): void {
  const tell = session.onOpened
  session.onOpened = null
  tell?.(code)
}

function drawNonce(core: Core): number {
  for (;;) {
    const nonce = (core.world.random() & NONCE_HIGH_BITS) * TWO32 + core.world.random()
    if (nonce !== 0 && !core.byNonce.has(nonce)) return nonce
  }
}
