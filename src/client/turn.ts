/**
 * The turn: receive, do what the clock asks, send. It runs after a wake-up of the endpoint, at the
 * end of the current stretch of JavaScript when there is something new to send, by one coarse
 * timer, and from poll().
 */

import { assert, item } from '../assert.js'
import { detach } from './attach.js'
import type { Core } from './core.js'
import { duties } from './duties.js'
import { drain } from './receive.js'
import { FAST_MILLIS, SLOW_MILLIS } from './times.js'
import { transmit } from './transmit.js'

/** From now on the client runs by itself, until stopTurns. */
export function startTurns(core: Core): void {
  core.wake = () => wake(core)
  core.endpoint.watch(() => turn(core))
  arm(core, true)
}

/** Says goodbye and gives everything back. Idempotent. */
export function stopTurns(core: Core): void {
  if (core.closed) return
  assert(!core.inTurn, 'stopTurns: callbacks run outside of turns')
  core.closed = true
  core.stopTimer?.()
  core.stopTimer = null
  detach(core, core.world.millis())
  core.endpoint.flush()
  core.endpoint.unwatch()
  core.endpoint.close()
  core.world.directory.close()
}

/** Receive before send, so that acknowledgements ride on requests. Returns datagrams received. */
export function turn(core: Core): number {
  if (core.closed || core.inTurn) return 0
  const now = core.world.millis()
  core.turnMillis = now
  core.inTurn = true
  let received = 0
  try {
    received = drain(core, now)
    if (now - core.dutiesMillis >= FAST_MILLIS) duties(core, now)
    transmit(core, now)
  } finally {
    core.inTurn = false
  }
  complete(core)
  return received
}

/** Sends what is new, without receiving. */
export function flush(core: Core): void {
  core.flushScheduled = false
  if (core.closed || core.inTurn) return
  core.turnMillis = core.world.millis()
  core.inTurn = true
  try {
    transmit(core, core.turnMillis)
  } finally {
    core.inTurn = false
  }
}

/**
 * Sends, waits up to `micros` for something to receive, and takes it. For a program that owns its
 * loop: callbacks of submitWith run inside. Returns datagrams received.
 */
export function poll(core: Core, micros: number): number {
  if (core.closed || core.inTurn) return 0
  if (core.readyFirst !== null) flush(core)
  core.endpoint.wait(micros)
  const received = turn(core)
  if (core.readyFirst !== null && !core.closed) flush(core)
  return received
}

/**
 * Callbacks run when the turn is over, so that they may call anything. One that throws does not
 * lose the others.
 */
export function complete(core: Core): void {
  while (core.completions.length > 0) {
    const due = core.completions
    core.completions = []
    let ran = 0
    try {
      while (ran < due.length) item(due, ran++)()
    } finally {
      if (ran < due.length) core.completions = [...due.slice(ran), ...core.completions]
    }
  }
}

function wake(core: Core): void {
  if (core.closed) return
  if (!core.isWaiting) {
    core.isWaiting = true
    core.waitingSince = core.world.millis()
    core.progressMillis = core.waitingSince
    if (!core.timerIsFast) arm(core, true)
  }
  if (core.inTurn || core.flushScheduled) return
  core.flushScheduled = true
  queueMicrotask(() => flush(core))
}

function arm(core: Core, fast: boolean): void {
  core.stopTimer?.()
  core.timerIsFast = fast
  core.stopTimer = core.world.setTimer(() => onTimer(core), fast ? FAST_MILLIS : SLOW_MILLIS)
}

function onTimer(core: Core): void {
  core.stopTimer = null
  if (core.closed) return
  try {
    turn(core)
  } finally {
    if (!core.closed && core.stopTimer === null) arm(core, isBusy(core))
  }
}

/** Does something come due sooner than the slow timer would notice? */
function isBusy(core: Core): boolean {
  const { link } = core
  return link === null || core.isWaiting || core.completions.length > 0 || link.ackOwed > 0
}
