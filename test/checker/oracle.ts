/**
 * The contract by its definition, for a handful of operations: is there any way in which this history can have been?
 * Tries every place for every operation of unknown result. Shares nothing with the checker that it judges.
 */

import { item } from '../../src/assert.js'
import type { HistoryOperation } from './history.js'

interface Placed {
  readonly version: number
  readonly operation: HistoryOperation
}

export const UNKNOWN_MAX = 2

export function isPossible(history: readonly HistoryOperation[]): boolean {
  const updates = history.filter(({ kind, outcome }) => kind !== 'read' && outcome === undefined)
  const placed: Placed[] = []
  for (const operation of updates) {
    if (operation.version !== null) placed.push({ version: operation.version, operation })
  }
  const unknown = updates.filter(({ version, kind }) => version === null && kind !== 'sync')
  if (unknown.length > UNKNOWN_MAX) throw new Error('isPossible: a handful of operations, please')
  const seen = history.map(({ version }) => version ?? 0)
  return tryAll(history, placed, unknown, Math.max(0, ...seen) + unknown.length + 1)
}

function tryAll(
  history: readonly HistoryOperation[],
  placed: readonly Placed[],
  unknown: readonly HistoryOperation[],
  most: number,
): boolean {
  if (unknown.length === 0) return isValid(history, placed)
  const [operation, ...rest] = [item(unknown, 0), ...unknown.slice(1)]
  if (tryAll(history, placed, rest, most)) return true // it did not happen
  for (let version = 1; version <= most; version++) {
    if (tryAll(history, [...placed, { version, operation }], rest, most)) return true
  }
  return false
}

function isValid(history: readonly HistoryOperation[], placed: readonly Placed[]): boolean {
  const log = [...placed].sort((a, b) => a.version - b.version)
  const versions = new Map(log.map(({ version, operation }) => [operation, version]))
  for (let first = 0; first < log.length; first++) {
    const before = item(log, first)
    for (const after of log.slice(first + 1)) {
      if (after.version === before.version) return false
      if (after.operation.end < before.operation.start) return false
    }
    if (!mayHappen(log.slice(0, first), before.operation)) return false
  }
  const sessions = new Set(history.map(({ session }) => session))
  return [...sessions].every((session) => {
    const own = history.filter((operation) => operation.session === session)
    own.sort((a, b) => a.index - b.index)
    return isSessionValid(history, log, versions, own)
  })
}

/** The key's last write before the end of that part of the log; null when there is none, or a delete. */
function stateOf(log: readonly Placed[], key: string): { value: string | null; version: number } {
  const last = log.filter(({ operation }) => operation.kind !== 'sync' && operation.key === key).at(-1)
  if (last === undefined || last.operation.kind === 'delete') return { value: null, version: 0 }
  return { value: last.operation.value, version: last.version }
}

function mayHappen(before: readonly Placed[], { kind, key, condition }: HistoryOperation): boolean {
  if (kind === 'sync') return true
  const { version } = stateOf(before, key)
  if (kind === 'delete' && version === 0) return false
  if (condition === 'absent') return version === 0
  return condition === undefined || condition === version
}

function isSessionValid(
  history: readonly HistoryOperation[],
  log: readonly Placed[],
  versions: ReadonlyMap<HistoryOperation, number>,
  own: readonly HistoryOperation[],
): boolean {
  let position = 0
  for (const operation of own) {
    if (operation.outcome === 'failed') continue
    if (operation.kind !== 'read' && operation.outcome === undefined) {
      const version = versions.get(operation)
      if (version === undefined) continue
      if (version <= position) return false
      position = version
      continue
    }
    if (operation.version === null) continue
    const from = operation.outcome === 'refused' ? Math.max(position, knownBefore(history, operation)) : position
    if (operation.outcome === 'refused' && !isRightRefusal(operation)) return false
    const places = [from, ...log.map(({ version }) => version).filter((version) => version > from)]
    const found = places.find((place) => sees(log, operation, place))
    if (found === undefined) return false
    position = found
  }
  return true
}

function sees(log: readonly Placed[], operation: HistoryOperation, place: number): boolean {
  const prefix = log.filter(({ version }) => version <= place)
  if (prefix.some((each) => each.operation.start > operation.end)) return false
  const { value, version } = stateOf(prefix, operation.key)
  return version === operation.version && (operation.outcome === 'refused' || value === operation.value)
}

/** An update is decided after everything that was answered, or read, before it began. */
function knownBefore(history: readonly HistoryOperation[], { start }: HistoryOperation): number {
  const known = history.filter(({ end, outcome }) => end < start && outcome !== 'failed')
  return Math.max(0, ...known.map(({ version }) => version ?? 0))
}

function isRightRefusal({ kind, version, condition }: HistoryOperation): boolean {
  if (condition === undefined) return kind === 'delete' && version === 0
  return condition === 'absent' ? version !== 0 : version !== condition
}
