/**
 * The loop of a thread that turns: turns while there is work, waits on the endpoint when there is none, and lets the
 * event loop (registry, admin port, signals) have its say between. Worker 0 runs a core in it, a front its clients.
 */

import { ZabkvError } from '../errors.js'
import type { Clock } from './clock.js'
import type { Core } from './core.js'
import { isServing, turn } from './core.js'
import { waitBesideFronts } from './fronts.js'

/** Turns before the event loop gets its turn. */
const TURNS_MAX = 32
/** A wait ends at a datagram; this bounds how late timers and the event loop are. */
const WAIT_MICROS_BUSY = 1000
const WAIT_MICROS_QUIET = 5000
const QUIET_TICKS = 2000
const PLACED_POLL_MILLIS = 5

export interface Turner {
  readonly clock: Clock
  /** 0: there was nothing to do. */
  turn(): number
  wait(micros: number): void
}

export interface Turning {
  stop(): void
}

export interface Loop extends Turning {
  /** Resolves once this replica has its place in an established epoch. */
  placed(signal: AbortSignal): Promise<void>
}

/** `fail` gets what a turn throws: a broken invariant. The replica is then stopped, not continued. */
export function startLoop(core: Core, fail: (error: unknown) => void): Loop {
  const { clock, endpoint, fronts } = core
  const wait = (micros: number): void => {
    if (fronts === null) endpoint.wait(micros)
    else waitBesideFronts(fronts, endpoint, micros)
  }
  const { stop } = startTurning({ clock, turn: () => turn(core), wait }, fail)
  return { stop, placed: (signal) => placed(core, signal) }
}

/** Turns until it is stopped, or until a turn throws: then `fail` gets that. */
export function startTurning(turner: Turner, fail: (error: unknown) => void): Turning {
  let running = true
  let busyTick = turner.clock.ticks()

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
      if (turner.turn() > 0) {
        busyTick = turner.clock.ticks()
        continue
      }
      const quiet = turner.clock.ticks() - busyTick > QUIET_TICKS
      turner.wait(quiet ? WAIT_MICROS_QUIET : WAIT_MICROS_BUSY)
      return
    }
  }
  setImmediate(step)
  return {
    stop: () => {
      running = false
    },
  }
}

async function placed(core: Core, signal: AbortSignal): Promise<void> {
  while (!isServing(core)) {
    if (signal.aborted) throw new ZabkvError('CLOSED', 'The replica was stopped before it was ready.')
    await new Promise((resolve) => setTimeout(resolve, PLACED_POLL_MILLIS))
  }
}
