/**
 * Reports of runs beside each other, one column a run: `zabkv compare`.
 */
import { ZabkvError } from '../errors.js'
import { isObject } from '../observe/admin.js'
import { grouped, table, type Row } from '../observe/numbers.js'
import { figure } from './efficiency.js'
import { passed, type WorkloadReport } from './report.js'

export interface NamedReport {
  name: string
  report: WorkloadReport
}

/** The text of a file is foreign data: what the table needs is looked for. */
export function parseReport(text: string, file: string): WorkloadReport {
  let value: unknown = null
  try {
    value = JSON.parse(text)
  } catch {
    // Said below.
  }
  const needed = ['efficiency', 'batching', 'settings', 'latencyMicros']
  const isReport =
    isObject(value) &&
    needed.every((name) => isObject(value[name])) &&
    isObject((value['efficiency'] as Record<string, unknown>)['protocol']) &&
    typeof value['operationsPerSecond'] === 'number'
  // Checked in its parts; the fields inside are of the same version's bench.
  if (isReport) return value as unknown as WorkloadReport
  throw new ZabkvError('BAD_ARGUMENT', `${file} is not a report of this version's zabkv bench --json.`)
}

export function allPassed(runs: readonly NamedReport[]): boolean {
  return runs.every(({ report }) => passed(report))
}

export function comparisonTable(runs: readonly NamedReport[]): string {
  const row = (label: string, cell: (report: WorkloadReport) => string): Row => [
    label,
    ...runs.map(({ report }) => cell(report)),
  ]
  return table([
    ['', ...runs.map(({ name }) => name)],
    row('transport', ({ settings }) => settings.cluster?.transport ?? '-'),
    row('proposals by', ({ efficiency }) => (efficiency.protocol.multicast ? 'multicast' : 'unicast')),
    row('completed operations/s', (report) => grouped(report.operationsPerSecond)),
    row('of them writes/s', (report) => grouped(report.writesPerSecond)),
    row('PROPOSE messages sent for a proposal', ({ efficiency }) =>
      figure(efficiency.protocol.proposeMessagesPerProposal),
    ),
    row('writes per proposal', ({ efficiency }) => figure(efficiency.protocol.writesPerProposal)),
    ['for each committed write, all replicas together'],
    row('posts', ({ efficiency }) => figure(efficiency.cluster.posts)),
    row('datagrams', ({ efficiency }) => figure(efficiency.cluster.datagrams)),
    row('system calls', ({ efficiency }) => figure(efficiency.cluster.systemCalls)),
    row('  of them waiting', ({ efficiency }) => figure(efficiency.cluster.systemCallsWaiting)),
    row('bytes', ({ efficiency }) => figure(efficiency.cluster.bytes)),
    row('  between replicas', ({ efficiency }) => figure(efficiency.cluster.bytesToReplicas)),
    row('protocol messages', ({ efficiency }) => figure(efficiency.protocol.messagesPerWrite.all.sent)),
    row('  least', ({ efficiency }) => figure(efficiency.protocol.messagesPerWrite.all.least)),
    row('errors', ({ errors }) => grouped(errors)),
    row('digests', ({ digestsEqual }) => (digestsEqual ? 'equal' : 'NOT EQUAL')),
  ])
}
