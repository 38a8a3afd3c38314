/** One run: a cluster, clients that record, faults by the schedule, then rest and judgement. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMicros } from '../monotonic-clock.js'
import { createPrng } from '../sim/prng.js'
import { endedBySelf, startCluster, stopCluster } from './cluster.js'
import type { Cluster } from './cluster.js'
import { awaitFaults, createFaultWorld, inflict } from './faults.js'
import type { FaultWorld } from './faults.js'
import { readHistory, startLoad, stopLoad } from './load.js'
import type { Load } from './load.js'
import type { ChaosOptions } from './options.js'
import { createSchedule, nextFault } from './schedule.js'
import type { FaultKind } from './schedule.js'
import { awaitRest, countKnown, judgeHistory, keysOf, longestGap, readFinal } from './verdict.js'
import { awaitFact } from './watch.js'

export interface ChaosReport {
  readonly seconds: number
  readonly operations: number
  readonly known: number
  readonly unknown: number
  readonly failed: number
  readonly codes: Record<string, number>
  readonly faults: Record<string, number>
  readonly ways: Record<string, number>
  readonly epochsRaised: number
  readonly gapMillis: number
  /** Since the start. */
  readonly gapAtSeconds: number
  /** What was under way in the longest gap. */
  readonly gapFaults: string[]
  /** Sentences; none when all held. */
  readonly problems: string[]
}

const TIMEOUT_MILLIS = 4000
/** What the schedule could not do now it tries again so soon. */
const RETRY_MILLIS = 100
const WARM_UP_WRITES = 50
const PROGRESS_WRITES = 20
const PROGRESS_MILLIS_MAX = 30_000
const WATCH_MILLIS = 150

export async function runChaos(
  options: ChaosOptions,
  kinds: readonly FaultKind[],
  prefix: string | null,
  folder: string,
  stop: AbortSignal,
): Promise<ChaosReport> {
  const from = monotonicMicros()
  const lines: string[] = []
  const log = (line: string): void => {
    lines.push(`${((monotonicMicros() - from) / 1e6).toFixed(3)} ${line}`)
  }
  const { replicas, observers, durability, failureTimeoutMillis, diskMebibytes } = options
  const cluster = await startCluster({
    replicas,
    observers,
    durability,
    failureTimeoutMillis,
    prefix,
    diskMebibytes: prefix === null ? null : diskMebibytes,
    folder,
    watchMillis: WATCH_MILLIS,
  })
  try {
    const { registry, cluster: name } = cluster.plan
    const { seed, rate, keys } = options
    const load = startLoad(folder, options.clients, {
      registry, cluster: name, replicas: replicas + observers, seed, rate, keys, timeoutMillis: TIMEOUT_MILLIS,
    })
    const world = worldOf(options, cluster, prefix, stop, log)
    const problems = await underFaults(options, kinds, cluster, load, world)
    await writeFile(join(folder, 'faults.log'), `${lines.join('\n')}\n`)
    return await judge(cluster, load, world, kinds, from, problems)
  } finally {
    await stopCluster(cluster)
  }
}

function worldOf(
  options: ChaosOptions,
  cluster: Cluster,
  prefix: string | null,
  stopping: AbortSignal,
  log: (line: string) => void,
): FaultWorld {
  return createFaultWorld({
    plan: cluster.plan,
    members: cluster.members,
    watch: cluster.watch,
    prefix,
    sparesLeader: options.targets === 'followers',
    log,
    stopping,
  })
}

/** Faults until the time is over, then none: everybody must get on. Returns what did not. */
async function underFaults(
  options: ChaosOptions,
  kinds: readonly FaultKind[],
  cluster: Cluster,
  load: Load,
  world: FaultWorld,
): Promise<string[]> {
  const problems: string[] = []
  const writes = (): number => Math.min(...load.completedWrites)
  const hasEnded = (): boolean => endedBySelf(cluster.members).length > 0 || load.broken.length > 0
  if (!(await awaitFact(() => writes() >= WARM_UP_WRITES || hasEnded(), PROGRESS_MILLIS_MAX))) {
    problems.push('liveness: the clients did not get on before the first fault')
  }
  const deadline = performance.now() + options.seconds * 1000
  const isOver = (): boolean => performance.now() >= deadline || world.stopping.aborted || hasEnded()
  const schedule = createSchedule(createPrng(options.seed), kinds, options.restMillis)
  while (kinds.length > 0 && !isOver()) {
    const fault = nextFault(schedule)
    await awaitFact(isOver, fault.restMillis)
    if (isOver()) break
    if (!inflict(world, fault)) {
      schedule.owed.push(fault.kind)
      await sleep(RETRY_MILLIS)
    }
  }
  await awaitFact(isOver, options.seconds * 1000)
  await awaitFaults(world)
  const healed = [...load.completedWrites]
  const gotOn = (): boolean =>
    load.completedWrites.every((count, each) => count >= (healed[each] ?? 0) + PROGRESS_WRITES)
  if (!hasEnded() && !(await awaitFact(() => gotOn() || hasEnded(), PROGRESS_MILLIS_MAX))) {
    problems.push(`liveness: not all clients wrote again within ${PROGRESS_MILLIS_MAX} ms after the faults`)
  }
  if (world.stopping.aborted) problems.push('stopped before its time')
  await stopLoad(load)
  return problems
}

async function judge(
  cluster: Cluster,
  load: Load,
  world: FaultWorld,
  kinds: readonly FaultKind[],
  from: number,
  problems: string[],
): Promise<ChaosReport> {
  const history = await readHistory(load)
  const restless = endedBySelf(cluster.members).length > 0 ? null : await awaitRest(cluster)
  if (restless !== null) problems.push(restless)
  problems.push(...endedBySelf(cluster.members), ...load.broken)
  const mayRead = restless === null && endedBySelf(cluster.members).length === 0
  const final = mayRead ? await readFinal(cluster, keysOf(history)) : null
  problems.push(...judgeHistory(history, final))
  const counts = countKnown(history)
  if (counts.known === 0) problems.push('vacuous: no operation was completed')
  for (const kind of kinds) {
    if (!world.counts.has(kind)) problems.push(`vacuous: there was no fault of kind ${kind}`)
  }
  const gap = longestGap(history)
  return {
    seconds: (monotonicMicros() - from) / 1e6,
    operations: history.length,
    ...counts,
    codes: Object.fromEntries(load.codes),
    faults: Object.fromEntries(world.counts),
    ways: Object.fromEntries(world.ways),
    epochsRaised: cluster.watch.epochsRaised,
    gapMillis: gap.millis,
    gapAtSeconds: (gap.from - from) / 1e6,
    gapFaults: faultsIn(world, gap),
    problems,
  }
}

/** With the seconds, from the gap's begin, in which each went on. */
function faultsIn({ episodes }: FaultWorld, gap: { millis: number; from: number }): string[] {
  const until = gap.from + gap.millis * 1000
  const seconds = (at: number): string => ((at - gap.from) / 1e6).toFixed(1)
  return episodes
    .filter((episode) => episode.from < until && episode.to > gap.from)
    .map(({ what, from, to }) => `${what} (${seconds(from)} to ${seconds(to)} s)`)
}
