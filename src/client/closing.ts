/** The end of sessions and of the client. */

import { OP } from '../zab/wire.js'
import { bareBatch } from './bare.js'
import type { Owner } from './batch.js'
import type { Core } from './core.js'
import { endSession, giveWork } from './sessions.js'
import { resetSession } from './session-state.js'
import type { SessionState } from './session-state.js'
import { CLOSE_MILLIS_MAX } from './times.js'
import { complete, stopTurns } from './turn.js'

/**
 * CLOSE goes after everything the session has issued, so that its answer says that all else is
 * answered. Resolves when it is answered, or after `millis`; never rejects.
 */
export function closeSession(core: Core, session: SessionState, millis: number): Promise<void> {
  if (session.closed) return Promise.resolve()
  session.closed = true
  if (session.phase !== 'open') {
    forget(core, session)
    return Promise.resolve()
  }
  return new Promise((resolve) => {
    const now = core.world.millis()
    const owner: Owner = {
      onAnswered: () => {
        core.sessions.delete(session)
        endSession(core, session)
        resolve()
      },
      onFailed: () => resolve(),
    }
    giveWork(core, session, bareBatch(OP.CLOSE, owner, now, now + millis))
  })
}

/** Waits a little for what is outstanding, then fails it with CLOSED, and gives everything back. */
export async function closeClient(core: Core): Promise<void> {
  core.closing = true
  const millis = core.link === null ? 0 : CLOSE_MILLIS_MAX
  if (millis > 0) {
    const sessions = [...core.sessions]
    await Promise.all(sessions.map((session) => closeSession(core, session, millis)))
  }
  stopClient(core)
}

/** At once. */
export function stopClient(core: Core): void {
  for (const session of core.sessions) resetSession(session, 'CLOSED')
  stopTurns(core)
  complete(core)
}

function forget(core: Core, session: SessionState): void {
  endSession(core, session)
  resetSession(session, 'CLOSED')
  core.sessions.delete(session)
}
