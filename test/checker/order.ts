/**
 * The one order of all updates against time: that it agrees with real time, and what had begun or was completed when.
 *
 * Used by history.ts alone.
 */

import type { Violation } from './history.js'
import type { Update, Updates } from './updates.js'

export interface Order {
  /** The highest version that was completed, or seen, before that time. */
  completedBefore(time: number): number
  /** The latest start among updates up to that version: a state of that version existed only after it. */
  beganUpTo(version: number): number
}

/** No update may have taken effect before one that comes earlier in the order has begun. */
export function createOrder(updates: Updates, violations: Violation[]): Order {
  const sorted = [...updates.byVersion.values()]
  sorted.sort((a, b) => a.version - b.version)
  const versions = Float64Array.from(sorted, ({ version }) => version)
  const starts = new Float64Array(sorted.length)
  let latestStart = -Infinity
  sorted.forEach((update, place) => {
    if (update.seenBy < latestStart) violations.push({ rule: 'real-time', operation: update.operation })
    latestStart = Math.max(latestStart, update.start)
    starts[place] = latestStart
  })
  const { times, highest } = completions(sorted)
  return {
    completedBefore: (time) => highest[lowerBound(times, time) - 1] ?? 0,
    beganUpTo: (version) => starts[lowerBound(versions, version + 1) - 1] ?? -Infinity,
  }
}

function completions(updates: readonly Update[]): { times: Float64Array; highest: Float64Array } {
  const completed = updates.filter(({ seenBy }) => seenBy < Infinity)
  completed.sort((a, b) => a.seenBy - b.seenBy)
  const times = Float64Array.from(completed, ({ seenBy }) => seenBy)
  const highest = new Float64Array(completed.length)
  let version = 0
  completed.forEach((update, place) => {
    version = Math.max(version, update.version)
    highest[place] = version
  })
  return { times, highest }
}

/** The first place whose value is not below. Versions are integers, so `version + 1` asks for what is above. */
function lowerBound(column: Float64Array, value: number): number {
  let low = 0
  let high = column.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((column[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
