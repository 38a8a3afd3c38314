/** What a run must have come to in the end: equal stores, and clients that saw what the contract promises. */

import { checkHistory } from '../checker/history.js'
import type { FinalItem, Violation } from '../checker/history.js'
import { replicasOf } from './cluster.js'
import type { Run } from './run.js'
import type { HistoryOperation } from '../checker/history.js'

/** What a client may be told while things go wrong. */
const WEATHER = new Set(['TIMEOUT', 'UNAVAILABLE', 'READ_OVERTAKEN', 'LOG_FULL'])
const VALUE_SHOWN = 40

export function judge(run: Run, reads: readonly HistoryOperation[]): string | null {
  const { cluster, recorder } = run
  for (const [code, count] of recorder.errors) {
    if (!WEATHER.has(code) && !recorder.gaveUp) return `${count} operations failed with ${code}`
  }
  const digests = replicasOf(cluster).map(({ machine }) => `${machine.digest()}-${machine.sessionsDigest()}`)
  if (new Set(digests).size !== 1) return `Agreement: digests differ in the end: ${digests.join(' ')}`
  const final = reads.map(({ key, value, version }): FinalItem => ({ key, value, version: version ?? 0 }))
  const [violation] = recorder.gaveUp ? [] : checkHistory(recorder.history, { final })
  if (violation !== undefined) return describeViolation(violation)
  if (cluster.ledger.operations === 0) return 'vacuous: nothing was applied'
  return null
}

function describeViolation({ operation, rule }: Violation): string {
  const value = operation.value?.slice(0, VALUE_SHOWN) ?? null
  return `${rule}: ${JSON.stringify({ ...operation, value })}`
}
