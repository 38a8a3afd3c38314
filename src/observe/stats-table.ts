/**
 * A replica's report as a table for people, one column a replica, and as CSV, one column a figure.
 */
import type { KindCounts, LatencySummary, ReplicaStats } from '../runtime/options.js'
import { difference } from './difference.js'
import { bytesShort, grouped, short, shortOrDash, table, type Row } from './numbers.js'

/** `previous`: reports some time earlier, of the same replicas; then rates are of that time, else since the start. */
export function statsTable(stats: readonly ReplicaStats[], previous: readonly ReplicaStats[]): string {
  const cells = (cell: (each: ReplicaStats) => string): string[] => stats.map(cell)
  const rows: Row[] = [
    ['', ...cells((each) => `replica ${each.replica}`)],
    ['role', ...cells((each) => each.role)],
    ['phase', ...cells((each) => each.phase)],
    ['leader', ...cells((each) => (each.leader === null ? '-' : String(each.leader)))],
    ['epoch', ...cells((each) => String(each.epoch))],
    ['last proposed', ...cells((each) => grouped(each.lastProposed))],
    ['last committed', ...cells((each) => grouped(each.lastCommitted))],
    ['last applied', ...cells((each) => grouped(each.lastApplied))],
    ['up, seconds', ...cells((each) => each.uptimeSeconds.toFixed(0))],
    ...operationRows(stats, previous),
    ...batchingRows(stats),
    ...kindRows('messages sent (bytes each)', stats, (each) => each.sent),
    ...kindRows('messages received (bytes each)', stats, (each) => each.received),
    ...transportRows(stats),
    ...countRows('stalls (waited for)', stats, (each) => each.stalls),
    ...countRows('sent again', stats, (each) => each.resends),
    ...countRows('dropped', stats, (each) => onlyCounted(each.drops)),
    ...latencyRows(stats),
    ...storeRows(stats),
    ...workerRows(stats),
    ...settingRows(stats),
  ]
  return table(rows)
}

function operationRows(stats: readonly ReplicaStats[], previous: readonly ReplicaStats[]): Row[] {
  const rate = (each: ReplicaStats, kind: 'reads' | 'writes'): string => {
    const before = previous.find((one) => one.incarnation === each.incarnation && one.replica === each.replica)
    if (before === undefined) return short(each.operations[kind] / Math.max(each.uptimeSeconds, 0.001))
    const now = difference(before, each)
    return short(kind === 'reads' ? now.readsPerSecond : now.writesPerSecond)
  }
  return [
    [previous.length > 0 ? 'OPERATIONS (rates: since the last report)' : 'OPERATIONS (rates: since the start)'],
    ['reads/s', ...stats.map((each) => rate(each, 'reads'))],
    ['writes/s', ...stats.map((each) => rate(each, 'writes'))],
    ['reads', ...stats.map((each) => grouped(each.operations.reads))],
    ['writes', ...stats.map((each) => grouped(each.operations.writes))],
    ['writes proposed', ...stats.map((each) => grouped(each.operations.writesProposed))],
    ['writes forwarded', ...stats.map((each) => grouped(each.operations.writesForwarded))],
    ['proposals', ...stats.map((each) => grouped(each.operations.proposals))],
  ]
}

function batchingRows(stats: readonly ReplicaStats[]): Row[] {
  const row = (label: string, field: keyof ReplicaStats['batching']): Row => [
    label,
    ...stats.map((each) => shortOrDash(each.batching[field])),
  ]
  return [
    ['BATCHING'],
    row('writes per proposal', 'writesPerProposal'),
    row('writes per PROPOSE message', 'writesPerProposeMessage'),
    row('writes per COMMIT message', 'writesPerCommitMessage'),
    row('writes per ACK message', 'writesPerAckMessage'),
    row('writes per FORWARD message', 'writesPerForwardMessage'),
    row('bytes per proposal', 'proposalBytesMean'),
  ]
}

function kindRows(
  heading: string,
  stats: readonly ReplicaStats[],
  kindsOf: (each: ReplicaStats) => Record<string, KindCounts>,
): Row[] {
  const cell = (counts: KindCounts | undefined): string => {
    if (counts === undefined || counts.messages === 0) return '-'
    return `${short(counts.messages)} (${Math.round(counts.bytes / counts.messages)})`
  }
  const kinds = namesOf(stats.map(kindsOf)).filter((kind) =>
    stats.some((each) => (kindsOf(each)[kind]?.messages ?? 0) > 0),
  )
  return [
    [heading.toUpperCase()],
    ...kinds.map((kind): Row => [kind, ...stats.map((each) => cell(kindsOf(each)[kind]))]),
  ]
}

function transportRows(stats: readonly ReplicaStats[]): Row[] {
  const row = (label: string, cell: (transport: ReplicaStats['transport']) => string): Row => [
    label,
    ...stats.map((each) => cell(each.transport)),
  ]
  return [
    ['TRANSPORT'],
    row('provider', (transport) => transport.provider),
    row('doorbells (calls that sent)', (transport) => short(transport.doorbells)),
    row('datagrams per doorbell', (transport) => shortOrDash(transport.datagramsPerDoorbell)),
    row('receive calls', (transport) => short(transport.receiveCalls)),
    row('datagrams per receive call', (transport) => shortOrDash(transport.datagramsPerReceiveCall)),
    row('inline sends', (transport) => short(transport.inlineSends)),
    row('waits', (transport) => short(transport.waits)),
    row('waits that blocked', (transport) => short(transport.waitsBlocked)),
    row('system calls', (transport) => short(transport.systemCalls)),
  ]
}

function countRows(
  heading: string,
  stats: readonly ReplicaStats[],
  countsOf: (each: ReplicaStats) => Record<string, number>,
): Row[] {
  const names = namesOf(stats.map(countsOf))
  if (names.length === 0) return [[heading.toUpperCase()], ['nothing', ...stats.map(() => '0')]]
  return [
    [heading.toUpperCase()],
    ...names.map((name): Row => [name, ...stats.map((each) => short(countsOf(each)[name] ?? 0))]),
  ]
}

function onlyCounted(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

function namesOf(records: readonly Record<string, unknown>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))]
}

function latencyRows(stats: readonly ReplicaStats[]): Row[] {
  const fields: (keyof LatencySummary)[] = [
    'count', 'mean', 'p50', 'p90', 'p95', 'p99', 'p999', 'p9999', 'max',
  ]
  return [
    ['PROPOSE TO COMMIT, MICROSECONDS'],
    ...fields.map((field): Row => [
      field,
      ...stats.map((each) => (each.commitLatencyMicros.count === 0 ? '-' : short(each.commitLatencyMicros[field]))),
    ]),
  ]
}

function storeRows(stats: readonly ReplicaStats[]): Row[] {
  return [
    ['STORE'],
    ['items', ...stats.map((each) => grouped(each.store.items))],
    ['bytes', ...stats.map((each) => bytesShort(each.store.bytes))],
    ['resident bytes', ...stats.map((each) => bytesShort(each.store.residentBytes))],
    ['limit', ...stats.map((each) => bytesShort(each.store.limitBytes))],
    ['sessions', ...stats.map((each) => grouped(each.store.sessions))],
    ['links', ...stats.map((each) => grouped(each.store.links))],
    ['digest', ...stats.map((each) => each.digest)],
    ['digest of sessions', ...stats.map((each) => each.sessionsDigest)],
  ]
}

function workerRows(stats: readonly ReplicaStats[]): Row[] {
  const count = Math.max(0, ...stats.map((each) => each.workers.length))
  const rows: Row[] = [['WORKERS (links / requests / reads / writes)']]
  for (let worker = 0; worker < count; worker++) {
    const cells = stats.map((each) => {
      const own = each.workers[worker]
      if (own === undefined) return '-'
      return [own.links, own.requests, own.reads, own.writes].map(short).join(' / ')
    })
    rows.push([`worker ${worker}`, ...cells])
  }
  return rows
}

function settingRows(stats: readonly ReplicaStats[]): Row[] {
  const names = namesOf(stats.map((each) => ({ ...each.settings })))
  const cell = (settings: Record<string, unknown>, name: string): string => {
    const value = settings[name]
    return Array.isArray(value) ? value.join(',') : String(value ?? '-')
  }
  return [
    ['SETTINGS'],
    ...names.map((name): Row => [name, ...stats.map((each) => cell({ ...each.settings }, name))]),
  ]
}

/** Every figure by its path, as in `sent.PROPOSE.messages`. */
export function flattenStats(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, value === null ? '' : String(value)]]
  return Object.entries(value).flatMap(([key, inner]) =>
    flattenStats(inner, path === '' ? key : `${path}.${key}`),
  )
}

/** CSV by RFC 4180 with a heading line; columns are the union of all figures. */
export function statsCsv(stats: readonly ReplicaStats[], columns: readonly string[]): string {
  return stats
    .map((each) => {
      const figures = new Map(flattenStats(each))
      return columns.map((column) => csvCell(figures.get(column) ?? '')).join(',')
    })
    .join('\n')
}

export function csvColumns(stats: readonly ReplicaStats[]): string[] {
  return [...new Set(stats.flatMap((each) => flattenStats(each).map(([path]) => path)))]
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** One line on the whole cluster: what `run-zookeeper.sh` shows while it is up. */
export function summaryLine(stats: readonly ReplicaStats[], previous: readonly ReplicaStats[], all: number): string {
  let reads = 0
  let writes = 0
  for (const each of stats) {
    const before = previous.find((one) => one.replica === each.replica && one.incarnation === each.incarnation)
    if (before === undefined) continue
    const now = difference(before, each)
    reads += now.readsPerSecond
    writes = Math.max(writes, now.writesPerSecond) // every replica applies every write
  }
  const leader = stats.find((each) => each.role === 'LEADING')
  const ahead = stats.reduce<ReplicaStats | undefined>(
    (best, each) => (best === undefined || each.lastApplied > best.lastApplied ? each : best),
    undefined,
  )
  const zxid = ahead === undefined ? '-' : `(${ahead.epoch},${ahead.lastApplied})`
  return (
    `${stats.length}/${all} replicas, leader ${leader?.replica ?? 'none'}, zxid ${zxid}, ` +
    `${short(reads)} reads/s, ${short(writes)} writes/s, ${grouped(ahead?.store.items ?? 0)} items`
  )
}
