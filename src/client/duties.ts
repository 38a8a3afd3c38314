/**
 * What a client does by the clock: operations that are overdue, moving on, keeping links and
 * sessions alive.
 */

import { linkUnacked } from '../zab/link.js'
import type { Link } from '../zab/link.js'
import { FLAG_QUESTION, OP } from '../zab/wire.js'
import { attachDuties } from './attach.js'
import { bareBatch } from './bare.js'
import { failBatch, isDone, operationsLeft } from './batch.js'
import type { Core } from './core.js'
import { giveWork } from './sessions.js'
import { answeringOf } from './session-state.js'
import { KEEP_ALIVE_MILLIS, QUESTIONS } from './times.js'
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
    if (now - session.touchMillis < core.touchMillis || answeringOf(session) !== null) continue
    giveWork(core, session, bareBatch(OP.TOUCH, null, now, Infinity))
  }
  if (now - core.sentMillis >= KEEP_ALIVE_MILLIS) sendAcknowledgement(core)
  else askForLife(core, core.link, now)
}

/** Is anything outstanding: operations, or datagrams without acknowledgement? */
export function anyWaiting(core: Core): boolean {
  if (core.link !== null && linkUnacked(core.link) > 0) return true
  for (const session of core.sessions) {
    if (session.phase === 'opening' || answeringOf(session) !== null) return true
  }
  return false
}

/** A replica whose answers take long is not a dead one: it is asked before it is given up. */
function askForLife(core: Core, link: Link, now: number): void {
  const pause = core.settings.failoverMillis / QUESTIONS
  const heard = Math.max(link.heardTick / 10, core.waitingSince)
  if (!core.isWaiting || now - heard < pause || now - core.askedMillis < pause) return
  core.askedMillis = now
  sendAcknowledgement(core, FLAG_QUESTION)
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
