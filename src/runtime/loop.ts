/**
 * The loop of a thread that turns: turns while there is work, waits on the endpoint when there is none, and lets the
 * event loop (registry, admin port, signals) have its say between. Worker 0 runs a core in it, a front its clients.
 */

import { ZabkvError } from '../errors.js'
import { TICK_MICROS } from '../zab/limits.js'
import type { Clock } from './clock.js'
import type { Core } from './core.js'
import { isServing, turn } from './core.js'
import { waitBesideFronts } from './fronts.js'

/** Turns before the event loop gets its turn. */
const TURNS_MAX = 32
/** So long the event loop may wait for its turn while datagrams come: 1 ms. */
export const EVENT_LOOP_TICKS = 1000 / TICK_MICROS
/** A wait ends at a datagram; this bounds how late timers and the event loop are. An idle replica costs little. */
const WAIT_MICROS_BUSY = 1000
export const WAIT_MICROS_QUIET = 5_000
const WAIT_MICROS_QUIET_MAX = 25_000
/** As long a wait as leaves this many of them in the time after which silence is death. */
const WAITS_OF_TIMEOUT = 12
const QUIET_TICKS = 2000
const PLACED_POLL_MILLIS = 5

export interface Turner {
  readonly clock: Clock
  /** 0: there was nothing to do. */
  turn(): number
  /** Whether the last turn left nothing to do but what arrives: then there is no need of one that finds nothing. */
  isDone(): boolean
  /** When there last was more to do than keeping in touch. */
  busyTick(): number
  wait(micros: number): void
  /** How long to wait when there was nothing for a while. */
  readonly quietMicros: number
  /** How long the event loop may wait for its turn while there is something to do. */
  readonly eventLoopTicks: number
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
  const turner: Turner = {
    clock,
    turn: () => turn(core),
    isDone: () => core.isDone,
    busyTick: () => core.busyTick,
    wait,
    quietMicros: quietMicros(core),
    eventLoopTicks: core.memcached?.watchesLoop === true ? 0 : EVENT_LOOP_TICKS,
  }
  const { stop } = startTurning(turner, fail)
  return { stop, placed: (signal) => placed(core, signal) }
}

/** Turns until it is stopped, or until a turn throws: then `fail` gets that. */
export function startTurning(turner: Turner, fail: (error: unknown) => void): Turning {
  let running = true

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
    const begun = turner.clock.ticks()
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      const isDone = turner.turn() === 0
      if (!isDone && !turner.isDone()) continue
      const quiet = turner.clock.ticks() - turner.busyTick() > QUIET_TICKS
      turner.wait(quiet ? turner.quietMicros : WAIT_MICROS_BUSY)
      if (turner.clock.ticks() - begun >= turner.eventLoopTicks) return
    }
  }
  setImmediate(step)
  return {
    stop: () => {
      running = false
    },
  }
}

function quietMicros(core: Core): number {
  const micros = (core.state.config.failureTicks * TICK_MICROS) / WAITS_OF_TIMEOUT
  return Math.min(Math.max(WAIT_MICROS_QUIET, micros), WAIT_MICROS_QUIET_MAX)
}

async function placed(core: Core, signal: AbortSignal): Promise<void> {
  while (!isServing(core)) {
    if (signal.aborted) throw new ZabkvError('CLOSED', 'The replica was stopped before it was ready.')
    await new Promise((resolve) => setTimeout(resolve, PLACED_POLL_MILLIS))
  }
}
