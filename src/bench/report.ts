/**
 * What a run of the workload reports: one JSON object for programs, a page for people.
 */
import { summarize } from '../histogram.js'
import type { LatencySummary, ReplicaStats } from '../runtime/options.js'
import type { DigestReport } from '../observe/cluster.js'
import { difference, type BatchingReport, type ReplicaDifference } from '../observe/difference.js'
import { grouped, short, shortOrDash, table, type Row } from '../observe/numbers.js'
import { efficiencyOf, efficiencyTable, type EfficiencyReport } from './efficiency.js'
import { errorsTotal } from './tally.js'
import type { WorkloadOptions } from './workload-options.js'
import type { WorkloadResult } from './workload.js'

export interface WorkloadReport {
  writesPerSecond: number
  readsPerSecond: number
  operationsPerSecond: number
  /** Completed within the measured time. */
  writes: number
  reads: number
  elapsedSeconds: number
  errors: number
  errorsByCode: Record<string, number>
  /** How often clients went to another replica, by reason; since their start. */
  moves: Record<string, number>
  verifiedReads: number
  /** Completed after the measured time; in no rate. */
  drained: number
  preload: { writes: number; elapsedSeconds: number; writesPerSecond: number }
  latencyMicros: { measured: string; reads: LatencySummary; writes: LatencySummary }
  /** Of the measured time and the warm-up before it: of the leader, or the first that answered; then of each. */
  batching: Partial<BatchingReport> & { replicas: ReplicaDifference[] }
  /** Of the same time. */
  efficiency: EfficiencyReport
  digests: { replica: number; digest: string | null; sessionsDigest: string | null; lastApplied: number | null }[]
  digestsEqual: boolean
  /** What could not be asked or did not agree, in sentences. */
  problems: string[]
  settings: { workload: Record<string, unknown>; cluster: ReplicaStats['settings'] | null }
}

export interface ReportInput {
  options: WorkloadOptions
  result: WorkloadResult
  before: readonly ReplicaStats[]
  after: readonly ReplicaStats[]
  digests: DigestReport
  moves: readonly Readonly<Record<string, number>>[]
}

export function createReport(input: ReportInput): WorkloadReport {
  const { options, result, before, after, digests } = input
  const { tally, elapsedSeconds } = result
  const replicas = differences(before, after)
  const perSecond = (count: number): number => Math.round(count / elapsedSeconds)
  return {
    writesPerSecond: perSecond(tally.writes),
    readsPerSecond: perSecond(tally.reads),
    operationsPerSecond: perSecond(tally.writes + tally.reads),
    writes: tally.writes,
    reads: tally.reads,
    elapsedSeconds: Math.round(elapsedSeconds * 1000) / 1000,
    errors: errorsTotal(tally),
    errorsByCode: Object.fromEntries(tally.errors),
    moves: sumMoves(input.moves),
    verifiedReads: tally.verified,
    drained: result.drained,
    preload: preloadOf(result),
    latencyMicros: {
      measured: measuredAs(options.rate, result.batch),
      reads: summarize(tally.readMicros),
      writes: summarize(tally.writeMicros),
    },
    batching: batchingOf(replicas),
    efficiency: efficiencyOf(replicas, after[0]?.settings ?? null),
    digests: digests.replicas.map(({ replica, value }) => ({
      replica,
      digest: value?.digest ?? null,
      sessionsDigest: value?.sessionsDigest ?? null,
      lastApplied: value?.lastApplied ?? null,
    })),
    digestsEqual: digests.equal,
    problems: problemsOf(digests),
    settings: { workload: workloadSettings(options, result), cluster: after[0]?.settings ?? null },
  }
}

function preloadOf(result: WorkloadResult): WorkloadReport['preload'] {
  const { writes, elapsedSeconds } = result.preload
  const writesPerSecond = elapsedSeconds > 0 ? Math.round(writes / elapsedSeconds) : 0
  return { writes, elapsedSeconds: Math.round(elapsedSeconds * 1000) / 1000, writesPerSecond }
}

function measuredAs(rate: number, batch: number): string {
  if (rate > 0) return 'per batch of what was due: from when its first operation was due to its last answer'
  if (batch === 1) return 'per operation: from its submission to its answer'
  return `per batch of ${batch} operations: from the submission of the batch to its last answer`
}

function differences(
  before: readonly ReplicaStats[],
  after: readonly ReplicaStats[],
): ReplicaDifference[] {
  return after.flatMap((each) => {
    const earlier = before.find(
      (one) => one.replica === each.replica && one.incarnation === each.incarnation,
    )
    return earlier === undefined ? [] : [difference(earlier, each)]
  })
}

function batchingOf(replicas: ReplicaDifference[]): WorkloadReport['batching'] {
  const leader = replicas.find(({ role }) => role === 'LEADING') ?? replicas[0]
  return { ...leader?.batching, replicas }
}

function problemsOf(digests: DigestReport): string[] {
  const problems = digests.replicas.flatMap(({ replica, problem }) =>
    problem === null ? [] : [`Replica ${replica}: ${problem}`],
  )
  if (!digests.comparable && problems.length === 0) {
    problems.push('The replicas had not all applied the same operations when the time was over.')
  }
  if (digests.comparable && !digests.equal) problems.push('The digests of the replicas differ.')
  return problems
}

function workloadSettings(options: WorkloadOptions, result: WorkloadResult): Record<string, unknown> {
  const { registry: _registry, batch: _batch, ...rest } = options
  return { ...rest, batch: result.batch, sessions: result.sessions }
}

/** A run passes when nothing failed and all replicas hold the same. */
export function passed(report: WorkloadReport): boolean {
  const completed = report.reads + report.writes
  return report.errors === 0 && report.digestsEqual && completed > 0
}

function sumMoves(moves: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const each of moves) {
    for (const [reason, count] of Object.entries(each)) sum[reason] = (sum[reason] ?? 0) + count
  }
  return sum
}

function movesLine(moves: Readonly<Record<string, number>>): string {
  const said = Object.entries(moves).filter(([, count]) => count > 0)
  return said.length === 0 ? '0' : said.map(([reason, count]) => `${reason} ${count}`).join(', ')
}

export function reportForPeople(report: WorkloadReport): string {
  const { errors, errorsByCode, preload } = report
  const codes = Object.entries(errorsByCode).map(([code, count]) => `${code} ${grouped(count)}`)
  const head: Row[] = [
    ['WORKLOAD: completed operations'],
    ['writes/s', grouped(report.writesPerSecond)],
    ['reads/s', grouped(report.readsPerSecond)],
    ['operations/s', grouped(report.operationsPerSecond)],
    ['seconds', report.elapsedSeconds.toFixed(2)],
    ['errors', codes.length === 0 ? '0' : `${grouped(errors)} (${codes.join(', ')})`],
    ['clients moved', movesLine(report.moves)],
    ['reads verified', grouped(report.verifiedReads)],
    ['preload', `${grouped(preload.writes)} keys in ${preload.elapsedSeconds.toFixed(2)} s`],
  ]
  return [
    table(head),
    latencyTable(report),
    replicaTable(report.batching.replicas),
    efficiencyTable(report.efficiency),
    digestLines(report),
    settingLines(report),
  ].join('\n\n')
}

function latencyTable(report: WorkloadReport): string {
  const { reads, writes, measured } = report.latencyMicros
  const row = (name: string, summary: LatencySummary): Row => [
    name,
    ...[summary.mean, summary.p50, summary.p90, summary.p95, summary.p99, summary.p999, summary.p9999, summary.max].map(
      (value) => (summary.count === 0 ? '-' : short(value)),
    ),
  ]
  return table([
    [`LATENCY, microseconds, ${measured}`],
    ['', 'mean', '50 %', '90 %', '95 %', '99 %', '99.9 %', '99.99 %', 'max'],
    row('reads', reads),
    row('writes', writes),
  ])
}

function replicaTable(replicas: readonly ReplicaDifference[]): string {
  const row = (label: string, cell: (each: ReplicaDifference) => string): Row => [
    label,
    ...replicas.map(cell),
  ]
  const batching = (label: string, field: keyof ReplicaDifference['batching']): Row =>
    row(label, (each) => shortOrDash(each.batching[field]))
  const kinds = (direction: 'sent' | 'received'): Row[] =>
    [...new Set(replicas.flatMap((each) => Object.keys(each[direction])))].map((kind) =>
      row(`${kind} ${direction}`, (each) => messagesCell(each[direction][kind])),
    )
  const counts = (label: string, of: (each: ReplicaDifference) => Record<string, number>): Row[] =>
    [...new Set(replicas.flatMap((each) => Object.keys(of(each))))]
      .filter((name) => label !== 'dropped' || replicas.some((each) => (of(each)[name] ?? 0) > 0))
      .map((name) => row(`${label}: ${name}`, (each) => short(of(each)[name] ?? 0)))
  return table([
    ['REPLICAS, during the run'],
    row('', (each) => `replica ${each.replica}`),
    row('role', (each) => each.role),
    row('reads/s', (each) => short(each.readsPerSecond)),
    row('writes/s', (each) => short(each.writesPerSecond)),
    batching('writes per proposal', 'writesPerProposal'),
    batching('writes per PROPOSE message', 'writesPerProposeMessage'),
    batching('writes per COMMIT message', 'writesPerCommitMessage'),
    batching('writes per ACK message', 'writesPerAckMessage'),
    batching('writes per FORWARD message', 'writesPerForwardMessage'),
    batching('operations per REQUEST message', 'operationsPerRequest'),
    batching('operations per REPLY message', 'operationsPerReply'),
    batching('bytes per PROPOSE message', 'proposeMessageBytes'),
    batching('bytes per REQUEST message', 'requestMessageBytes'),
    ['MESSAGES (mean bytes)'],
    ...kinds('sent'),
    ...kinds('received'),
    ['TRANSPORT'],
    row('doorbells', (each) => short(each.doorbells)),
    row('datagrams per doorbell', (each) => shortOrDash(each.datagramsPerDoorbell)),
    row('datagrams per receive call', (each) => shortOrDash(each.datagramsPerReceiveCall)),
    row('inline sends', (each) => short(each.inlineSends)),
    row('waits that blocked', (each) => `${short(each.waitsBlocked)} of ${short(each.waits)}`),
    ['STALLS, RESENDS, DROPS'],
    ...counts('stalled for', (each) => each.stalls),
    ...counts('sent again', (each) => each.resends),
    ...counts('dropped', (each) => each.drops),
    ['PROPOSE TO COMMIT, microseconds, since the start'],
    row('50 % / 99 % / max', commitCell),
  ])
}

function messagesCell(counts: { messages: number; bytes: number } | undefined): string {
  if (counts === undefined) return '-'
  return `${short(counts.messages)} (${Math.round(counts.bytes / counts.messages)})`
}

function commitCell({ commitLatencyMicros: latency }: ReplicaDifference): string {
  if (latency.count === 0) return '-'
  return [latency.p50, latency.p99, latency.max].map(short).join(' / ')
}

function digestLines(report: WorkloadReport): string {
  const lines = report.digests.map(({ replica, digest, sessionsDigest, lastApplied }) =>
    digest === null
      ? `replica ${replica}: no digest`
      : `replica ${replica}: ${digest}, sessions ${sessionsDigest}, applied ${grouped(lastApplied ?? 0)}`,
  )
  return ['DIGESTS', ...lines, report.digestsEqual ? 'equal' : 'NOT EQUAL', ...report.problems].join('\n')
}

function settingLines(report: WorkloadReport): string {
  const show = (settings: object | null): string =>
    Object.entries(settings ?? {})
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ')
  return `SETTINGS\nworkload: ${show(report.settings.workload)}\ncluster: ${show(report.settings.cluster)}`
}
