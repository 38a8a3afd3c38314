/** Rounds: wait until all is steady, take the victim away, see how long nothing is written, bring it back. */

import { item } from '../../src/assert.js'
import type { Prng } from '../sim/prng.js'
import type { Cluster } from '../chaos/cluster.js'
import { endedBySelf } from '../chaos/cluster.js'
import { continueMember, killMember, pauseMember, startMember } from '../chaos/member.js'
import { awaitFact, isSteady, leaderOf, loseMemory } from '../chaos/watch.js'
import { longestGap } from './gaps.js'
import type { Timeline } from './gaps.js'
import { nowIn, pinThreads } from './load.js'
import type { FailoverLoad } from './load.js'

export type Signal = 'SIGKILL' | 'SIGSTOP'

export interface RoundSettings {
  readonly signal: Signal
  readonly target: 'leader' | 'follower'
  /** From taking the victim away to bringing it back. */
  readonly downMillis: number
}

export interface Round {
  readonly signal: Signal
  readonly victim: number
  /** Since the base of the timelines. */
  readonly at: number
  /** In as much time before the fault: what this machine does by itself. */
  readonly calmGapMillis: number
  readonly writeGapMillis: number
  /** At the clients of the replicas that stayed. */
  readonly readGapMillis: number
  /** After the victim had come back. */
  readonly returnGapMillis: number
  readonly returnMillis: number
  readonly leaderBefore: number | null
  readonly leaderAfter: number | null
  readonly epochBefore: number
  /** Epochs raised by the fault, beyond the one that a lost leader costs, and by the return. */
  readonly epochs: { readonly byFault: number; readonly needless: number; readonly byReturn: number }
}

export class RoundFailure extends Error {
  override readonly name = 'RoundFailure'
}

const STEADY_MILLIS_MAX = 30_000
const FLOWING_MILLIS = 100
const CALM_MILLIS = 500
const REST_MILLIS_MAX = 500
/** After the return is complete, for what comes of it. */
const AFTER_MILLIS = 300
/** The most that a round may take. */
export const ROUND_MILLIS_MAX = 3 * STEADY_MILLIS_MAX + 60_000

export async function awaitSteady(cluster: Cluster, load: FailoverLoad): Promise<void> {
  const isBroken = (): boolean =>
    endedBySelf(cluster.members).length > 0 || load.threads.some(({ broken }) => broken !== null)
  const isFlowing = (): boolean => load.threads.every(({ writes }) => hasMarks(writes, nowIn(load) - FLOWING_MILLIS))
  const steady = await awaitFact(() => isBroken() || (isSteady(cluster.watch) && isFlowing()), STEADY_MILLIS_MAX)
  const why = endedBySelf(cluster.members)[0] ?? load.threads.find(({ broken }) => broken !== null)?.broken
  if (why != null) throw new RoundFailure(why)
  if (!steady) {
    const states = cluster.watch.latest.map((report) => `${report?.role ?? 'no answer'} ${report?.phase ?? ''}`)
    throw new RoundFailure(`not steady within ${STEADY_MILLIS_MAX} ms: ${states.join(', ')}`)
  }
}

export async function runRound(
  cluster: Cluster,
  load: FailoverLoad,
  prng: Prng,
  settings: RoundSettings,
): Promise<Round> {
  const { watch, members, plan } = cluster
  const { signal, target, downMillis } = settings
  const unpinned = await pinThreads(load)
  if (unpinned !== null) throw new RoundFailure(unpinned)
  await awaitSteady(cluster, load)
  await pass(load, CALM_MILLIS + prng.below(REST_MILLIS_MAX))
  const leaderBefore = leaderOf(watch)
  const followers = members.map(({ place }) => place.id).filter((id) => id !== leaderBefore)
  const victim = target === 'follower' ? item(followers, prng.below(followers.length)) : leaderBefore
  if (victim === null) throw new RoundFailure('nobody leads')
  const member = item(members, victim)
  const epoch = watch.epoch
  const incarnation = watch.latest[victim]?.incarnation ?? null
  const at = nowIn(load)
  if (signal === 'SIGSTOP') pauseMember(member)
  else await killMember(member)
  await pass(load, downMillis)
  const raised = watch.epoch - epoch
  const returnAt = nowIn(load)
  loseMemory(watch, victim, signal === 'SIGSTOP' ? null : incarnation)
  if (signal === 'SIGSTOP') continueMember(member)
  else startMember(plan, member)
  await awaitSteady(cluster, load)
  const returnMillis = nowIn(load) - returnAt
  await pass(load, AFTER_MILLIS)
  const end = nowIn(load)
  const all = load.threads.map(({ writes }) => writes)
  const stayed = load.threads.filter(({ replica }) => replica !== victim).map(({ reads }) => reads)
  return {
    signal,
    victim,
    at,
    calmGapMillis: longestGap(all, at - CALM_MILLIS, at, at).millis,
    writeGapMillis: longestGap(all, at - 1, returnAt, end).millis,
    readGapMillis: longestGap(stayed, at - 1, returnAt, end).millis,
    returnGapMillis: longestGap(all, returnAt, end, end).millis,
    returnMillis,
    leaderBefore,
    leaderAfter: leaderOf(watch),
    epochBefore: epoch,
    epochs: {
      byFault: raised,
      needless: Math.max(0, raised - (target === 'leader' ? 1 : 0)),
      byReturn: watch.epoch - epoch - raised,
    },
  }
}

/** Lets the load go on for a while: the length is what is wanted, nothing is waited for. */
async function pass(load: FailoverLoad, millis: number): Promise<void> {
  const until = nowIn(load) + millis
  await awaitFact(() => nowIn(load) >= until, millis * 2 + 1000)
}

function hasMarks(timeline: Timeline, from: number): boolean {
  return timeline.subarray(Math.max(0, from), from + FLOWING_MILLIS + 1).some((mark) => mark !== 0)
}
