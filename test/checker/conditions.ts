/**
 * Conditional writes and deletes that happened: what their key held just before is what they demanded.
 *
 * Used by history.ts alone.
 */

import type { Violation } from './history.js'
import { mayLie } from './keys.js'
import type { Chain, Keys } from './keys.js'
import type { Update } from './updates.js'

export function checkConditions(keys: Keys, violations: Violation[]): void {
  for (const chain of keys.values()) {
    let previous: Update | undefined
    for (const update of chain.updates) {
      const rule = ruleBroken(chain, previous, update)
      if (rule !== null) violations.push({ rule, operation: update.operation })
      previous = update
    }
  }
}

function ruleBroken(chain: Chain, previous: Update | undefined, update: Update): Violation['rule'] | null {
  const { operation, version, value, seenBy } = update
  if (value === undefined) return null // known from a refusal: not what was written, nor on what condition
  const { condition } = operation
  const before = previous?.version ?? 0
  const isPresent = previous !== undefined && previous.value !== null
  if (condition === 'absent') {
    const isAllowed = !isPresent || mayLie(chain, 'delete', before, version, seenBy)
    return isAllowed ? null : 'condition-ignored'
  }
  if (condition !== undefined) {
    if (before === condition && isPresent) return null
    const isAllowed = before < condition && mayLie(chain, 'write', condition - 1, condition + 1, seenBy)
    return isAllowed ? null : 'condition-ignored'
  }
  if (value !== null || isPresent) return null
  return mayLie(chain, 'write', before, version, seenBy) ? null : 'deleted-nothing'
}
