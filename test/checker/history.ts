/**
 * Checks a recorded history for ordered sequential consistency (docs/guarantees.md): updates are linearizable by
 * their versions, each session's operations take effect in issue order, a read sees a state that was.
 *
 * Sorting and scans, O(n log n). Versions are the counters of the operations that wrote. An operation whose result is
 * not known counts only if somebody saw its value: values must be unique.
 */

export interface HistoryOperation {
  session: number
  /** Position in the session's issue order. */
  index: number
  /** 'write' and 'sync' have a version of their own when they succeeded; 'read' has the version it saw. */
  kind: 'write' | 'delete' | 'read' | 'sync'
  key: string
  /** Written, or read; null: absent (or not known for a write that failed). */
  value: string | null
  /** 0 for a read that found nothing; null: the result is not known. */
  version: number | null
  start: number
  end: number
}

export interface Violation {
  rule:
    | 'real-time' //        a write that began after another ended comes before it in the order
    | 'two-writes-one-version'
    | 'written-twice' //    one unique value was seen under two versions
    | 'session-order' //    an operation takes effect before one issued earlier
    | 'stale-in-session' // a read sees what its session knew to be overwritten
    | 'never-written' //    a read sees a value or version that nobody wrote
    | 'wrong-value' //      a read sees a version with another value than was written
    | 'from-the-future' //  a read sees a write that began after the read ended
  operation: HistoryOperation
}

interface Write {
  version: number
  key: string
  value: string | null
  start: number
}

export function checkHistory(history: readonly HistoryOperation[]): Violation[] {
  const violations: Violation[] = []
  const writes = collectWrites(history, violations)
  checkRealTime(history, violations)
  checkSessions(history, writes, violations)
  return violations
}

/** Writes by version: those that were answered, and those that somebody saw. */
function collectWrites(
  history: readonly HistoryOperation[],
  violations: Violation[],
): Map<number, Write> {
  const writes = new Map<number, Write>()
  const byValue = new Map<string, HistoryOperation>()
  const versionOfValue = new Map<string, number>()
  for (const operation of history) {
    if (operation.kind !== 'write' && operation.kind !== 'delete') continue
    if (operation.value !== null) byValue.set(operation.value, operation)
    if (operation.version === null) continue
    if (writes.has(operation.version)) {
      violations.push({ rule: 'two-writes-one-version', operation })
    }
    writes.set(operation.version, writeOf(operation, operation.version))
    if (operation.value !== null) versionOfValue.set(operation.value, operation.version)
  }
  for (const operation of history) {
    const { kind, value, version } = operation
    if (kind !== 'read' || value === null || version === null) continue
    const known = versionOfValue.get(value)
    if (known !== undefined && known !== version) {
      violations.push({ rule: 'written-twice', operation })
      continue
    }
    const origin = byValue.get(value)
    if (origin === undefined) continue
    versionOfValue.set(value, version)
    if (!writes.has(version)) writes.set(version, writeOf(origin, version))
  }
  return writes
}

function writeOf(operation: HistoryOperation, version: number): Write {
  const value = operation.kind === 'delete' ? null : operation.value
  return { version, key: operation.key, value, start: operation.start }
}

/** In the order of versions, no update may end before one that comes earlier has begun. */
function checkRealTime(history: readonly HistoryOperation[], violations: Violation[]): void {
  const updates = history.filter((operation) => operation.kind !== 'read' && operation.version)
  updates.sort((a, b) => (a.version ?? 0) - (b.version ?? 0))
  let latestStart = -Infinity
  for (const update of updates) {
    if (update.end < latestStart) violations.push({ rule: 'real-time', operation: update })
    latestStart = Math.max(latestStart, update.start)
  }
}

function checkSessions(
  history: readonly HistoryOperation[],
  writes: Map<number, Write>,
  violations: Violation[],
): void {
  const byKey = writesByKey(writes)
  const unsure = new Set<string>() // keys with a delete of unknown result: they may be absent at any time after
  for (const { kind, version, key } of history) {
    if (kind === 'delete' && version === null) unsure.add(key)
  }
  const sessions = new Map<number, HistoryOperation[]>()
  for (const operation of history) {
    const list = sessions.get(operation.session) ?? []
    list.push(operation)
    sessions.set(operation.session, list)
  }
  for (const operations of sessions.values()) {
    operations.sort((a, b) => a.index - b.index)
    let current = 0
    for (const operation of operations) {
      if (operation.version === null) continue
      if (operation.kind === 'read' && operation.value === null && unsure.has(operation.key)) {
        continue
      }
      if (operation.kind === 'read') {
        current = checkRead(operation, current, writes, byKey, violations)
      } else {
        if (operation.version <= current) violations.push({ rule: 'session-order', operation })
        current = Math.max(current, operation.version)
      }
    }
  }
}

/** Returns the earliest position of the order at which the session can stand after this read. */
function checkRead(
  operation: HistoryOperation,
  current: number,
  writes: Map<number, Write>,
  byKey: Map<string, Write[]>,
  violations: Violation[],
): number {
  const { key, value, version } = operation
  const chain = byKey.get(key) ?? []
  if (value === null) return checkAbsent(operation, current, chain, violations)
  const write = writes.get(version ?? 0)
  if (write === undefined || write.key !== key) {
    violations.push({ rule: 'never-written', operation })
    return current
  }
  if (write.value !== value) violations.push({ rule: 'wrong-value', operation })
  if (write.start > operation.end) violations.push({ rule: 'from-the-future', operation })
  const next = chain[firstAfter(chain, write.version)]
  if (next !== undefined && next.version <= current) {
    violations.push({ rule: 'stale-in-session', operation })
  }
  return Math.max(current, write.version)
}

/** The key was absent at some position from `current` on: before its first write, or after a delete. */
function checkAbsent(
  operation: HistoryOperation,
  current: number,
  chain: readonly Write[],
  violations: Violation[],
): number {
  let index = firstAfter(chain, current) - 1
  if (index < 0 || chain[index]?.value === null) return current
  for (index++; index < chain.length; index++) {
    const write = chain[index]
    if (write === undefined || write.value !== null) continue
    if (write.start > operation.end) violations.push({ rule: 'from-the-future', operation })
    return write.version
  }
  violations.push({ rule: 'stale-in-session', operation })
  return current
}

function writesByKey(writes: Map<number, Write>): Map<string, Write[]> {
  const byKey = new Map<string, Write[]>()
  for (const write of writes.values()) {
    const chain = byKey.get(write.key) ?? []
    chain.push(write)
    byKey.set(write.key, chain)
  }
  for (const chain of byKey.values()) chain.sort((a, b) => a.version - b.version)
  return byKey
}

/** Index of the first write with a version above `version`. */
function firstAfter(chain: readonly Write[], version: number): number {
  let low = 0
  let high = chain.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((chain[middle]?.version ?? 0) > version) high = middle
    else low = middle + 1
  }
  return low
}
