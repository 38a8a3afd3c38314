/** Waiting for a client or a session to be there. */

import { ZabkvError } from '../errors.js'
import type { ErrorCode } from '../errors.js'
import { REFUSAL } from '../zab/wire.js'
import { Client } from './client.js'
import { closeSession, stopClient } from './closing.js'
import { createCore, setMembers } from './core.js'
import type { Core, CoreSettings } from './core.js'
import { failure } from './failures.js'
import { addSession, openSession } from './sessions.js'
import type { SessionState } from './session-state.js'
import { CLOSE_MILLIS_MAX } from './times.js'
import { startTurns, turn } from './turn.js'
import type { ClientWorld, Member } from './world.js'

/** A client over a world: attached, with its own session open. Everything is given back when it fails. */
export async function openClient(
  world: ClientWorld,
  settings: CoreSettings,
  members: readonly Member[],
  signal?: AbortSignal,
): Promise<Client> {
  const first = members[0]
  if (first === undefined) throw failure('UNAVAILABLE', true)
  const core = createCore(world, settings, first.settings)
  setMembers(core, members)
  startTurns(core)
  try {
    const opened = openNewSession(core, settings.timeoutMillis, signal)
    core.dutiesMillis = -Infinity
    turn(core)
    return new Client(core, await opened)
  } catch (error) {
    const code = error instanceof ZabkvError ? error.code : null
    stopClient(core)
    throw code === 'TIMEOUT' ? whyNot(core) : error
  }
}

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

function whyNot(core: Core): ZabkvError {
  if (core.attach.refusal !== REFUSAL.SETTINGS) return failure('UNAVAILABLE', true)
  const sentence = 'The replicas have other settings than the registry says: is it their registry?'
  return new ZabkvError('WRONG_CLUSTER', sentence)
}
