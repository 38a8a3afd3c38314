/**
 * Checks a recorded history for ordered sequential consistency (docs/guarantees.md): updates are linearizable by
 * their versions, each session's operations take effect in issue order, a read sees a state that was, what was
 * acknowledged is kept, and a conditional write is decided at its place in the order.
 *
 * Sorting and scans, O(n log n). Versions are the counters of the operations that wrote. An operation whose result is
 * not known counts only if somebody saw its value: values must be unique. The store was empty before the history.
 *
 * Every report is proof: where an operation of unknown result could explain what was seen, nothing is reported.
 */

import { checkConditions } from './conditions.js'
import { checkFinal } from './final-state.js'
import { createKeys } from './keys.js'
import { createOrder } from './order.js'
import { checkSessions, sessionsOf } from './sessions.js'
import { collectUpdates } from './updates.js'

export interface HistoryOperation {
  session: number
  /** Position in the session's issue order. */
  index: number
  /** A done 'write', 'delete' or 'sync' has a version of its own; a 'read' has the version it saw. */
  kind: 'write' | 'delete' | 'read' | 'sync'
  key: string
  /** Written, or read; null: absent (or not known for a write that failed). */
  value: string | null
  /** 0 for a read that found nothing; null: the result is not known, or there is none. */
  version: number | null
  /** Of one clock for all. `end` is Infinity while there was no answer. */
  start: number
  end: number
  /** Of a conditional write: the key is absent, or its item has that version. */
  condition?: 'absent' | number
  /**
   * 'refused': decided at its place in the order to change nothing, as for a condition that does not hold; `version`
   * is then the item's, 0: absent. 'failed': certainly did not happen. Else it is done, or `version` is null.
   */
  outcome?: 'refused' | 'failed'
  /** Which replica answered, where that is known. */
  replica?: number | null
}

export interface FinalItem {
  key: string
  value: string | null
  /** 0: absent. */
  version: number
}

export interface Violation {
  rule:
    | 'real-time' //               an update that began after another ended (or was seen) comes before it in the order
    | 'two-writes-one-version'
    | 'written-twice' //           one unique value was seen under two versions
    | 'refused-but-written' //     the value of a write that was refused is there
    | 'failed-but-written' //      the value of a write that certainly did not happen is there
    | 'session-order' //           an operation takes effect before one issued earlier
    | 'stale-in-session' //        a read sees what its session knew to be overwritten
    | 'stale-after-move' //        the same, and what it had seen it had seen at another replica
    | 'stale-after-sync' //        a read misses what was completed before a sync of its session began
    | 'stale-refusal' //           a conditional write was decided on what was overwritten before it began
    | 'wrong-refusal' //           a conditional write was refused although what it saw meets its condition
    | 'condition-ignored' //       a conditional write happened although its condition did not hold
    | 'deleted-nothing' //         a delete said that it found the key, which was absent
    | 'never-written' //           a read sees a value or version that nobody wrote
    | 'wrong-value' //             a read sees a version with another value than was written
    | 'from-the-future' //         a read sees a state with an update that began after the read ended
    | 'acknowledged-write-lost' // in the end an acknowledged write is neither there nor overwritten
    | 'seen-write-lost' //         the same for one that was not acknowledged, but read
  operation: HistoryOperation
}

export interface CheckOptions {
  /** Read at rest, after the history: a key that is not mentioned is absent. */
  final?: readonly FinalItem[]
}

export function checkHistory(history: readonly HistoryOperation[], options: CheckOptions = {}): Violation[] {
  const violations: Violation[] = []
  const last = (options.final ?? []).filter(({ version }) => version > 0).map(readOf)
  const updates = collectUpdates(history, last, violations)
  const order = createOrder(updates, violations)
  const sessions = sessionsOf(history)
  const keys = createKeys(updates, order, sessions)
  checkSessions(sessions, updates, order, keys, violations)
  checkConditions(keys, violations)
  if (options.final !== undefined) checkFinal(last, updates, keys, violations)
  return violations
}

/** What was read at rest, as a read of a session of its own that ended last. */
function readOf({ key, value, version }: FinalItem, index: number): HistoryOperation {
  return { session: -1, index, kind: 'read', key, value, version, start: Infinity, end: Infinity }
}
