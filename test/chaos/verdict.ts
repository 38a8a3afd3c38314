/** After the faults: does everything come to rest alike, is nothing lost, and was the history one that may be? */

import { Buffer } from 'node:buffer'
import { connect } from '../../src/client/connect.js'
import { checkHistory } from '../checker/history.js'
import type { FinalItem, HistoryOperation, Violation } from '../checker/history.js'
import type { Report } from './adapter.js'
import type { Cluster } from './cluster.js'
import { nameOfStored } from './recorder.js'
import { awaitFact, isSteady } from './watch.js'

const REST_MILLIS_MAX = 60_000
const READ_MILLIS_MAX = 20_000

/** Waits until all serve, have applied the same and are equal; a sentence when they do not come to that. */
export async function awaitRest(cluster: Cluster): Promise<string | null> {
  const { watch } = cluster
  const isAlike = (): boolean => new Set(watch.latest.map(stateOf)).size === 1
  if (await awaitFact(() => isSteady(watch) && isAlike(), REST_MILLIS_MAX)) return null
  const states = watch.latest.map((report, id) => `${id}: ${report === null ? 'no answer' : describe(report)}`)
  return `liveness: the replicas did not come to the same state within ${REST_MILLIS_MAX} ms: ${states.join('; ')}`
}

function stateOf(report: Report | null): string {
  return report === null ? '' : `${report.lastApplied} ${report.digest} ${report.sessionsDigest}`
}

function describe(report: Report): string {
  const { role, phase, leader, epoch } = report
  return `${role} ${phase} leader ${leader} epoch ${epoch} at ${stateOf(report)}`
}

/** Every key as it is, by linearizable reads. */
export async function readFinal(cluster: Cluster, keys: Iterable<string>): Promise<FinalItem[]> {
  const { registry, cluster: name } = cluster.plan
  await using kv = await connect({ registry, cluster: name, timeoutMillis: READ_MILLIS_MAX })
  await kv.sync()
  const found: FinalItem[] = []
  for (const key of keys) {
    const item = await kv.get(key)
    if (item === null) continue
    found.push({ key, value: nameOfStored(Buffer.from(item.value).toString()), version: item.version })
  }
  return found
}

export function keysOf(history: readonly HistoryOperation[]): Set<string> {
  return new Set(history.filter(({ kind }) => kind !== 'sync').map(({ key }) => key))
}

/** Sentences, by rule with a count and the first of each. */
export function judgeHistory(history: readonly HistoryOperation[], final: readonly FinalItem[] | null): string[] {
  const violations = checkHistory(history, final === null ? {} : { final })
  const byRule = new Map<string, Violation[]>()
  for (const violation of violations) {
    const list = byRule.get(violation.rule) ?? []
    list.push(violation)
    byRule.set(violation.rule, list)
  }
  return [...byRule].map(([rule, list]) => {
    return `${rule}, ${list.length} times, first: ${JSON.stringify(list[0]?.operation)}`
  })
}

/** Longest time in which no write of anybody was completed, in milliseconds, and when it began. */
export function longestGap(history: readonly HistoryOperation[]): { millis: number; from: number } {
  const ends = history
    .filter(({ kind, version, outcome }) => kind !== 'read' && version !== null && outcome === undefined)
    .map(({ end }) => end)
    .filter((end) => end < Infinity)
  ends.sort((a, b) => a - b)
  let longest = { millis: 0, from: ends[0] ?? 0 }
  let previous = ends[0] ?? 0
  for (const end of ends) {
    if ((end - previous) / 1000 > longest.millis) longest = { millis: (end - previous) / 1000, from: previous }
    previous = end
  }
  return longest
}

export function countKnown(history: readonly HistoryOperation[]): { known: number; unknown: number; failed: number } {
  const counts = { known: 0, unknown: 0, failed: 0 }
  for (const { version, outcome } of history) {
    if (outcome === 'failed') counts.failed++
    else if (version === null) counts.unknown++
    else counts.known++
  }
  return counts
}
