/**
 * Which updates certainly happened, and where in the order: those that were answered, and those that somebody saw.
 *
 * Used by history.ts alone.
 */

import type { HistoryOperation, Violation } from './history.js'

export interface Update {
  readonly version: number
  readonly kind: 'write' | 'delete' | 'sync'
  readonly key: string
  /** Null: deleted. Undefined: not known, a refusal told only the version. */
  readonly value: string | null | undefined
  readonly start: number
  /** When it had certainly taken effect: answered, or seen by somebody who was answered. */
  seenBy: number
  /** The operation itself; for a version known from a refusal only, that. */
  readonly operation: HistoryOperation
  readonly isAcknowledged: boolean
}

export interface Updates {
  readonly byVersion: Map<number, Update>
  /** Of values that were written or seen, by whom and where. */
  readonly versionOfValue: Map<string, number>
  /** Updates without a known result that nobody saw, by key. */
  readonly unseen: Map<string, HistoryOperation[]>
}

export function collectUpdates(
  history: readonly HistoryOperation[],
  last: readonly HistoryOperation[],
  violations: Violation[],
): Updates {
  const updates: Updates = { byVersion: new Map(), versionOfValue: new Map(), unseen: new Map() }
  const writers = new Map<string, HistoryOperation>()
  for (const operation of history) {
    if (operation.kind === 'write' && operation.value !== null) {
      if (writers.has(operation.value)) throw new Error(`the value ${operation.value} was written by two`)
      writers.set(operation.value, operation)
    }
    if (isDoneUpdate(operation)) addDone(updates, operation, violations)
  }
  for (const read of history) addSeen(updates, writers, read, violations)
  for (const read of last) addSeen(updates, writers, read, violations)
  for (const operation of history) {
    if (!isUnknownUpdate(operation) || versionIn(updates, operation) !== null) continue
    const list = updates.unseen.get(operation.key)
    if (list === undefined) updates.unseen.set(operation.key, [operation])
    else list.push(operation)
  }
  for (const operation of history) addRefused(updates, operation, violations)
  return updates
}

/** The version of an update that is done or was seen, else null. */
export function versionIn(updates: Updates, operation: HistoryOperation): number | null {
  if (operation.outcome !== undefined || operation.kind === 'read') return null
  if (operation.version !== null) return operation.version
  if (operation.kind !== 'write' || operation.value === null) return null
  return updates.versionOfValue.get(operation.value) ?? null
}

export function isDoneUpdate(operation: HistoryOperation): boolean {
  return operation.kind !== 'read' && operation.version !== null && operation.outcome === undefined
}

/** A sync of unknown result changes nothing and promises nothing. */
function isUnknownUpdate({ kind, version, outcome }: HistoryOperation): boolean {
  return (kind === 'write' || kind === 'delete') && version === null && outcome === undefined
}

function addDone(updates: Updates, operation: HistoryOperation, violations: Violation[]): void {
  const version = operation.version ?? 0
  if (updates.byVersion.has(version)) violations.push({ rule: 'two-writes-one-version', operation })
  updates.byVersion.set(version, updateOf(operation, version, operation.end, true))
  if (operation.kind === 'write' && operation.value !== null) {
    updates.versionOfValue.set(operation.value, version)
  }
}

function updateOf(
  operation: HistoryOperation,
  version: number,
  seenBy: number,
  isAcknowledged: boolean,
): Update {
  const { kind, key, start } = operation
  const value = kind === 'delete' ? null : operation.value
  return { version, kind: kind as Update['kind'], key, value, start, seenBy, operation, isAcknowledged }
}

/** A read proves that its value was written at its version, and by when. */
function addSeen(
  updates: Updates,
  writers: ReadonlyMap<string, HistoryOperation>,
  read: HistoryOperation,
  violations: Violation[],
): void {
  const { kind, value, version, end } = read
  if (kind !== 'read' || value === null || version === null || version === 0) return
  const update = updates.byVersion.get(version)
  if (update !== undefined && update.value === value) {
    update.seenBy = Math.min(update.seenBy, end)
    return
  }
  const writer = writers.get(value)
  if (writer === undefined) return // Said by the check of sessions, or of the end.
  if (writer.outcome !== undefined) {
    violations.push({ rule: `${writer.outcome}-but-written`, operation: writer })
    return
  }
  const known = updates.versionOfValue.get(value)
  if (known !== undefined) {
    violations.push({ rule: 'written-twice', operation: read })
    return
  }
  if (update !== undefined) return // 'wrong-value', said by the check of sessions, or of the end.
  updates.versionOfValue.set(value, version)
  updates.byVersion.set(version, updateOf(writer, version, end, false))
}

/** A refusal proves that there was a write at the version it saw, though not which. */
function addRefused(updates: Updates, operation: HistoryOperation, violations: Violation[]): void {
  const { outcome, version, key, end } = operation
  if (outcome !== 'refused' || version === null || version === 0) return
  const update = updates.byVersion.get(version)
  if (update !== undefined) {
    if (update.kind === 'write' && update.key === key) update.seenBy = Math.min(update.seenBy, end)
    return // else 'never-written', said by the check of sessions
  }
  let start = Infinity
  for (const unseen of updates.unseen.get(key) ?? []) {
    if (unseen.kind === 'write') start = Math.min(start, unseen.start)
  }
  if (start > end) {
    violations.push({ rule: 'never-written', operation })
    return
  }
  updates.byVersion.set(version, {
    version,
    kind: 'write',
    key,
    value: undefined,
    start,
    seenBy: end,
    operation,
    isAcknowledged: false,
  })
}
