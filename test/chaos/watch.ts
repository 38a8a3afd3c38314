/** Asks every replica how it is, again and again: who leads, who holds what was acknowledged, how often epochs rose. */

import { setTimeout as sleep } from 'node:timers/promises'
import { item } from '../../src/assert.js'
import { askReport, isServing } from './adapter.js'
import type { Report } from './adapter.js'
import type { Member } from './member.js'

export interface Watch {
  readonly members: readonly Member[]
  /** The last answer; null when the last question had none. */
  readonly latest: (Report | null)[]
  /** False from when its memory was lost until it serves again and has applied what was committed by then. */
  readonly holds: boolean[]
  /** The life whose memory was lost: what it still says proves nothing. */
  readonly gone: (number | null)[]
  /** What a replica that serves again must have applied to hold everything. */
  readonly bars: (number | null)[]
  committed: number
  epoch: number
  epochsRaised: number
  stopped: boolean
  readonly loops: Promise<void>[]
}

export function startWatch(members: readonly Member[], everyMillis: number): Watch {
  const watch: Watch = {
    members,
    latest: members.map(() => null),
    holds: members.map(() => false),
    gone: members.map(() => null),
    bars: members.map(() => null),
    committed: 0,
    epoch: 0,
    epochsRaised: 0,
    stopped: false,
    loops: [],
  }
  members.forEach((_, id) => watch.loops.push(follow(watch, id, everyMillis)))
  return watch
}

export async function stopWatch(watch: Watch): Promise<void> {
  watch.stopped = true
  await Promise.all(watch.loops)
}

/** Its process was ended: until it has caught up it holds nothing. */
export function loseMemory(watch: Watch, id: number, incarnation: number | null): void {
  watch.holds[id] = false
  watch.gone[id] = incarnation
  watch.bars[id] = null
  watch.latest[id] = null
}

/** Of whom most that answer say that it leads; null when none does. */
export function leaderOf(watch: Watch): number | null {
  const leading = watch.latest
    .map((report, id) => ({ id, report }))
    .filter(({ report }) => report?.role === 'LEADING' && report.phase === 'BROADCAST')
  leading.sort((a, b) => (b.report?.epoch ?? 0) - (a.report?.epoch ?? 0))
  return leading[0]?.id ?? null
}

/** All answer, follow the same leader, and hold everything. */
export function isSteady(watch: Watch): boolean {
  const leaders = new Set(watch.latest.map((report) => (isServing(report) ? report.leader : null)))
  return leaders.size === 1 && !leaders.has(null) && watch.holds.every(Boolean)
}

/** Waits until the fact holds, as it is told by the replicas; false when the time is over. */
export async function awaitFact(fact: () => boolean, millisMax: number): Promise<boolean> {
  const deadline = performance.now() + millisMax
  while (!fact()) {
    if (performance.now() >= deadline) return false
    await sleep(10)
  }
  return true
}

async function follow(watch: Watch, id: number, everyMillis: number): Promise<void> {
  const member = item(watch.members, id)
  while (!watch.stopped) {
    const { child } = member
    const report = child === null ? null : await askReport(member.place)
    // What was asked of a process that was ended meanwhile is not news.
    if (member.child === child) onReport(watch, id, report)
    await sleep(everyMillis)
  }
}

function onReport(watch: Watch, id: number, report: Report | null): void {
  watch.latest[id] = report
  if (report === null || report.incarnation === watch.gone[id]) return
  if (report.epoch > watch.epoch) {
    if (watch.epoch > 0) watch.epochsRaised += report.epoch - watch.epoch
    watch.epoch = report.epoch
  }
  watch.committed = Math.max(watch.committed, report.lastCommitted)
  if (watch.holds[id] === true || !isServing(report)) return
  const bar = watch.bars[id] ?? watch.committed
  watch.bars[id] = bar
  watch.holds[id] = report.lastApplied >= bar
}
