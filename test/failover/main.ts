/**
 * npm run failover: how long nothing is written when a replica dies or hangs, over many rounds.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { item } from '../../src/assert.js'
import { startCluster, stopCluster } from '../chaos/cluster.js'
import type { Cluster } from '../chaos/cluster.js'
import { integer, UsageError } from '../chaos/options.js'
import { createPrng } from '../sim/prng.js'
import { histogramLines, summarizeGaps } from './gaps.js'
import type { Summary } from './gaps.js'
import { abandonThreads, endThreads, nowIn, startThreads } from './load.js'
import type { FailoverLoad } from './load.js'
import { ROUND_MILLIS_MAX, RoundFailure, runRound } from './rounds.js'
import type { Round, Signal } from './rounds.js'

const USAGE = `npm run failover -- [options]
  --rounds N             (100)
  --signal S             SIGKILL, SIGSTOP or BOTH: one after the other (BOTH)
  --target T             leader or follower (leader)
  --replicas N           on loopback, in memory (3)
  --p50-max MS           exit code 0 only if the median gap is not longer (100)
  --p99-max MS           and this quantile (250)
  --down-ms N            from the signal to bringing the victim back (1500)
  --seed N               of the moments at which it happens (1)
  --failure-timeout-ms N given to the replicas
  --failover-ms N        silence after which clients move; their own default unless given
  --json                 one object on standard output
  --verbose              a line for each round, on standard error
Exit codes: 0 as wanted, 1 not, 2 usage.`

interface FailoverOptions {
  readonly rounds: number
  readonly signals: readonly Signal[]
  readonly target: 'leader' | 'follower'
  readonly replicas: number
  readonly p50Max: number
  readonly p99Max: number
  readonly downMillis: number
  readonly seed: number
  readonly failureTimeoutMillis: number | null
  readonly failoverMillis: number | null
  readonly json: boolean
  readonly verbose: boolean
}

interface Outcome {
  readonly rounds: readonly Round[]
  readonly codes: Record<string, number>
  readonly operations: number
  /** Epochs raised between rounds, with no fault at all. */
  readonly idleElections: number
  readonly problem: string | null
}

const WATCH_MILLIS = 40
const TIMELINE_MILLIS_MIN = 120_000
/** Of rounds as they usually are; a run that takes longer ends with what it has. */
const ROUND_MILLIS_USUAL = 20_000

async function main(words: string[]): Promise<number> {
  if (words.includes('--help')) {
    console.log(USAGE)
    return 0
  }
  try {
    const options = readFailoverOptions(words)
    return tell(options, await measure(options))
  } catch (error) {
    const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
    console.error(`failover: ${(error as Error).message}`)
    return isUsage === true ? 2 : 1
  }
}

function readFailoverOptions(words: string[]): FailoverOptions {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: words,
    options: {
      rounds: text, signal: text, target: text, replicas: text, 'p50-max': text, 'p99-max': text, 'down-ms': text,
      seed: text, 'failure-timeout-ms': text, 'failover-ms': text, json: flag, verbose: flag,
    },
  })
  const { signal = 'BOTH', target = 'leader' } = values
  if (target !== 'leader' && target !== 'follower') throw new UsageError('--target is leader or follower')
  if (signal !== 'SIGKILL' && signal !== 'SIGSTOP' && signal !== 'BOTH') {
    throw new UsageError('--signal is SIGKILL, SIGSTOP or BOTH')
  }
  const number = (name: keyof typeof values, usual: number, least: number, most: number): number =>
    integer(`--${name}`, String(values[name] ?? usual), least, most)
  const optional = (name: keyof typeof values): number | null =>
    values[name] === undefined ? null : number(name, 0, 1, 600_000)
  return {
    rounds: number('rounds', 100, 1, 100_000),
    signals: signal === 'BOTH' ? ['SIGKILL', 'SIGSTOP'] : [signal],
    target,
    replicas: number('replicas', 3, 2, 16),
    p50Max: number('p50-max', 100, 0, 600_000),
    p99Max: number('p99-max', 250, 0, 600_000),
    downMillis: number('down-ms', 1500, 10, 60_000),
    seed: number('seed', 1, 0, 2 ** 32 - 1),
    failureTimeoutMillis: optional('failure-timeout-ms'),
    failoverMillis: optional('failover-ms'),
    json: values.json,
    verbose: values.verbose,
  }
}

async function measure(options: FailoverOptions): Promise<Outcome> {
  const { replicas, failureTimeoutMillis, failoverMillis, rounds } = options
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-failover.'))
  const cluster = await startCluster({
    replicas, observers: 0, durability: 'memory', failureTimeoutMillis, prefix: null, diskMebibytes: null, folder,
    watchMillis: WATCH_MILLIS,
  })
  const { registry, cluster: name } = cluster.plan
  const length = TIMELINE_MILLIS_MIN + rounds * ROUND_MILLIS_USUAL + ROUND_MILLIS_MAX
  const load = startThreads(replicas, length, { registry, cluster: name, failoverMillis })
  const stop = (): void => void stopCluster(cluster).finally(() => process.exit(1))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const done: Round[] = []
  let idleElections = 0
  let problem: string | null = null
  try {
    await runRounds(options, cluster, load, done, (count) => (idleElections += count))
  } catch (error) {
    if (!(error instanceof RoundFailure)) {
      await abandonThreads(load)
      await stopCluster(cluster)
      throw error
    }
    problem = `round ${done.length + 1}: ${error.message}; logs: ${folder}`
  }
  const { codes, completed } = await endThreads(load)
  await stopCluster(cluster)
  if (problem === null) rmSync(folder, { recursive: true, force: true })
  if (completed === 0) problem ??= 'vacuous: no operation was completed'
  return { rounds: done, codes: Object.fromEntries(codes), operations: completed, idleElections, problem }
}

async function runRounds(
  options: FailoverOptions,
  cluster: Cluster,
  load: FailoverLoad,
  done: Round[],
  onIdle: (epochs: number) => void,
): Promise<void> {
  const { rounds, signals, target, downMillis, verbose } = options
  const prng = createPrng(options.seed)
  let epoch = cluster.watch.epoch
  for (let round = 0; round < rounds; round++) {
    const signal = item(signals, round % signals.length)
    if (nowIn(load) + ROUND_MILLIS_MAX > load.lengthMillis) throw new RoundFailure('the rounds take too long')
    const result = await runRound(cluster, load, prng, { signal, target, downMillis })
    done.push(result)
    onIdle(result.epochBefore - epoch)
    epoch = cluster.watch.epoch
    if (verbose) console.error(`${round + 1}: ${JSON.stringify(result)}`)
  }
}

function tell(options: FailoverOptions, outcome: Outcome): number {
  const { rounds, problem } = outcome
  const writes = rounds.map(({ writeGapMillis }) => writeGapMillis)
  const summary = {
    writeGapMillis: summarizeGaps(writes),
    readGapMillis: summarizeGaps(rounds.map(({ readGapMillis }) => readGapMillis)),
    returnGapMillis: summarizeGaps(rounds.map(({ returnGapMillis }) => returnGapMillis)),
    calmGapMillis: summarizeGaps(rounds.map(({ calmGapMillis }) => calmGapMillis)),
    returnMillis: summarizeGaps(rounds.map(({ returnMillis }) => returnMillis)),
  }
  const sum = (count: (round: Round) => number): number => rounds.reduce((all, round) => all + count(round), 0)
  const elections = {
    byFaults: sum(({ epochs }) => epochs.byFault),
    needless: sum(({ epochs }) => epochs.needless),
    byReturns: sum(({ epochs }) => epochs.byReturn),
    idle: outcome.idleElections,
  }
  const { p50, p99 } = summary.writeGapMillis
  const isGood = problem === null && rounds.length === options.rounds && p50 <= options.p50Max && p99 <= options.p99Max
  if (options.json) {
    const { p50Max, p99Max, target, signals } = options
    console.log(JSON.stringify({ ok: isGood, target, signals, p50Max, p99Max, ...summary, elections, ...outcome }))
    return isGood ? 0 : 1
  }
  console.log(`${rounds.length} rounds: ${options.signals.join(' and ')} of the ${options.target}`)
  for (const line of histogramLines(writes)) console.log(line)
  for (const [name, gaps] of Object.entries(summary)) console.log(row(name, gaps))
  const { byFaults, needless, byReturns, idle } = elections
  console.log(`epochs raised: ${byFaults} by the faults, of which ${needless} needless; false elections: ` +
    `${byReturns} when the victim returned, ${idle} without any fault`)
  console.log(`operations: ${outcome.operations}; failures: ${JSON.stringify(outcome.codes)}`)
  if (problem !== null) console.log(problem)
  const bounds = `p50 ${p50} ms of ${options.p50Max}, p99 ${p99} ms of ${options.p99Max}`
  console.log(`${isGood ? 'PASS' : 'FAIL'}: ${bounds}`)
  return isGood ? 0 : 1
}

const LABELS: Record<string, string> = {
  writeGapMillis: 'gap without completed writes',
  readGapMillis: 'gap of reads at the others',
  returnGapMillis: 'gap when the victim returned',
  calmGapMillis: 'gap before the fault',
  returnMillis: 'until all was steady again',
}

function row(name: string, { p50, p90, p99, max }: Summary): string {
  return `${(LABELS[name] ?? name).padEnd(30)} p50 ${p50}  p90 ${p90}  p99 ${p99}  max ${max} ms`
}

process.exitCode = await main(process.argv.slice(2))
