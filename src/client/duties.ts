/**
 * What a client does by the clock: operations that are overdue, moving on, keeping links and
 * sessions alive.
 */

import { linkUnacked } from '../zab/link.js'
import { OP } from '../zab/wire.js'
import { attachDuties } from './attach.js'
import { bareBatch } from './bare.js'
import { failBatch, isDone, operationsLeft } from './batch.js'
import type { Core } from './core.js'
import { giveWork } from './sessions.js'
import { answeringOf } from './session-state.js'
import { KEEP_ALIVE_MILLIS, TOUCH_MILLIS } from './times.js'
import { sendAcknowledgement } from './transmit.js'

/** Called at least every few milliseconds while something is awaited, after receiving. */
export function duties(core: Core, now: number): void {
  const slept = now - core.dutiesMillis > core.settings.failoverMillis / 2
  core.dutiesMillis = now
  core.isWaiting = anyWaiting(core)
  // Silence while this process did not run is not the replica's, nor while nothing was owed.
  if (slept || !core.isWaiting) core.waitingSince = now
  if (now >= core.deadlineNext) failOverdue(core, now)
  attachDuties(core, now)
  if (core.link === null) return
  for (const session of core.sessions) {
    if (session.phase !== 'open' || session.closed) continue
    if (now - session.touchMillis < TOUCH_MILLIS || answeringOf(session) !== null) continue
    giveWork(core, session, bareBatch(OP.TOUCH, null, now, Infinity))
  }
  if (now - core.sentMillis >= KEEP_ALIVE_MILLIS) sendAcknowledgement(core)
}

/** Is anything outstanding: operations, or datagrams without acknowledgement? */
export function anyWaiting(core: Core): boolean {
  if (core.link !== null && linkUnacked(core.link) > 0) return true
  for (const session of core.sessions) {
    if (session.phase === 'opening' || answeringOf(session) !== null) return true
  }
  return false
}

function failOverdue(core: Core, now: number): void {
  let next = Infinity
  for (const session of core.sessions) {
    for (let batch = session.first; batch !== null; batch = batch.next) {
      if (batch.owner === null || isDone(batch)) continue
      if (batch.deadline > now) next = Math.min(next, batch.deadline)
      else {
        core.counts.timeouts += operationsLeft(batch)
        failBatch(batch, 'TIMEOUT')
      }
    }
  }
  core.deadlineNext = next
}
