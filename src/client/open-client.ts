/** From a world to a client that is attached. */

import { ZabkvError } from '../errors.js'
import { REFUSAL } from '../zab/wire.js'
import { Client } from './client.js'
import { stopClient } from './closing.js'
import { createCore, setMembers } from './core.js'
import type { Core, CoreSettings } from './core.js'
import { failure } from './failures.js'
import { openNewSession } from './opening.js'
import { startTurns, turn } from './turn.js'
import type { ClientWorld, Member } from './world.js'

/**
 * A client over a world: attached, with its own session open. Everything is given back when it
 * fails.
 */
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

function whyNot(core: Core): ZabkvError {
  if (core.attach.refusal !== REFUSAL.SETTINGS) return failure('UNAVAILABLE', true)
  const sentence = 'The replicas have other settings than the registry says: is it their registry?'
  return new ZabkvError('WRONG_CLUSTER', sentence)
}
