/** Waiting for a session to be there. */

import type { ErrorCode } from '../errors.js'
import { closeSession } from './closing.js'
import type { Core } from './core.js'
import { failure } from './failures.js'
import { addSession, openSession } from './sessions.js'
import type { SessionState } from './session-state.js'
import { CLOSE_MILLIS_MAX } from './times.js'

/** A new session, when the cluster has made it. */
export function openNewSession(
  core: Core,
  timeoutMillis: number,
  signal?: AbortSignal,
): Promise<SessionState> {
  if (core.closed || core.closing) return Promise.reject(failure('CLOSED', true))
  if (signal?.aborted === true) return Promise.reject(failure('ABORTED', true))
  const session = addSession(core)
  return new Promise((resolve, reject) => {
    const settle = (code: ErrorCode | null): void => {
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
      if (code === null) return resolve(session)
      core.sessions.delete(session)
      reject(failure(code, true))
    }
    // The OPEN may still be answered: what nobody waits for is closed at once.
    const giveUp = (code: ErrorCode): void => {
      settle(code)
      core.sessions.add(session)
      session.onOpened = (late) => {
        if (late === null) void closeSession(core, session, CLOSE_MILLIS_MAX)
        else core.sessions.delete(session)
      }
    }
    const onAbort = (): void => giveUp('ABORTED')
    const stopTimer =
      timeoutMillis === Infinity
        ? (): void => undefined
        : core.world.setTimer(() => giveUp('TIMEOUT'), timeoutMillis)
    signal?.addEventListener('abort', onAbort, { once: true })
    session.onOpened = settle
    openSession(core, session)
  })
}
