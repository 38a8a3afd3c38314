/**
 * The loop of a replica on Node's main thread: turns while there is work, waits on the endpoint when there is none,
 * and lets the event loop (registry, admin port, signals) have its say between.
 */

import { ZabkvError } from '../errors.js'
import { ROLE } from '../zab/state.js'
import type { Core } from './core.js'
import { turn } from './core.js'

/** Turns before the event loop gets its turn. */
const TURNS_MAX = 32
/** A wait ends at a datagram; this bounds how late timers and the event loop are. */
const WAIT_MICROS_BUSY = 1000
const WAIT_MICROS_QUIET = 5000
const QUIET_TICKS = 2000
const HEARD_POLL_MILLIS = 5

export interface Loop {
  stop(): void
  /** Resolves once this replica leads or has heard its leader. */
  heardLeader(signal: AbortSignal): Promise<void>
}

/** `fail` gets what a turn throws: a broken invariant. The replica is then stopped, not continued. */
export function startLoop(core: Core, fail: (error: unknown) => void): Loop {
  let running = true
  let busyTick = core.clock.ticks()

  const step = (): void => {
    if (!running) return
    try {
      runTurns()
      setImmediate(step)
    } catch (error) {
      running = false
      fail(error)
    }
  }
  const runTurns = (): void => {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      if (turn(core) > 0) {
        busyTick = core.clock.ticks()
        continue
      }
      const quiet = core.clock.ticks() - busyTick > QUIET_TICKS
      core.endpoint.wait(quiet ? WAIT_MICROS_QUIET : WAIT_MICROS_BUSY)
      return
    }
  }
  setImmediate(step)
  return {
    stop: () => {
      running = false
    },
    heardLeader: (signal) => heardLeader(core, signal),
  }
}

async function heardLeader(core: Core, signal: AbortSignal): Promise<void> {
  const { state } = core
  while (state.role === ROLE.FOLLOWING && !((state.heardTick[state.leader] ?? 0) > 0)) {
    if (signal.aborted) throw new ZabkvError('CLOSED', 'The replica was stopped before it was ready.')
    await new Promise((resolve) => setTimeout(resolve, HEARD_POLL_MILLIS))
  }
}
