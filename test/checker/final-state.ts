/**
 * What was read at rest: each key's last update that was acknowledged or seen is there, or a later one is.
 *
 * Used by history.ts alone.
 */

import type { HistoryOperation, Violation } from './history.js'
import { mayLie } from './keys.js'
import type { Keys } from './keys.js'
import type { Updates } from './updates.js'

export function checkFinal(
  last: readonly HistoryOperation[],
  updates: Updates,
  keys: Keys,
  violations: Violation[],
): void {
  const found = new Map<string, number>()
  for (const operation of last) {
    const { key, value, version } = operation
    found.set(key, version ?? 0)
    const update = updates.byVersion.get(version ?? 0)
    if (update === undefined || update.kind !== 'write' || update.key !== key) {
      violations.push({ rule: 'never-written', operation })
    } else if (update.value !== undefined && update.value !== value) {
      violations.push({ rule: 'wrong-value', operation })
    }
  }
  for (const [key, chain] of keys) {
    const newest = chain.updates.at(-1)
    const version = found.get(key) ?? 0
    if (newest === undefined || version >= newest.version) continue
    const { operation, isAcknowledged, value } = newest
    if (version === 0 && value === null) continue
    if (version === 0 && mayLie(chain, 'delete', newest.version, Infinity, Infinity)) continue
    violations.push({ rule: isAcknowledged ? 'acknowledged-write-lost' : 'seen-write-lost', operation })
  }
}
