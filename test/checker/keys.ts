/**
 * Each key's updates in their order, and those that may have happened: where a key can have been absent.
 *
 * Used by history.ts alone.
 */

import type { HistoryOperation } from './history.js'
import type { Order } from './order.js'
import { versionIn } from './updates.js'
import type { Update, Updates } from './updates.js'

/** An update of unknown result that nobody saw: if it happened, its version is between the two. */
export interface Unsure {
  readonly kind: 'write' | 'delete'
  readonly above: number
  readonly below: number
  readonly start: number
}

export interface Chain {
  readonly updates: Update[]
  readonly unsure: Unsure[]
  /** For each place, that of the next delete; the length when there is none. */
  nextDelete: Int32Array
}

export type Keys = Map<string, Chain>

export function createKeys(
  updates: Updates,
  order: Order,
  sessions: ReadonlyMap<number, readonly HistoryOperation[]>,
): Keys {
  const keys: Keys = new Map()
  for (const update of updates.byVersion.values()) {
    if (update.kind !== 'sync') chainOf(keys, update.key).updates.push(update)
  }
  for (const operations of sessions.values()) addUnsure(keys, updates, order, operations)
  for (const chain of keys.values()) {
    chain.updates.sort((a, b) => a.version - b.version)
    chain.nextDelete = deletesOf(chain.updates)
  }
  return keys
}

export function chainOf(keys: Keys, key: string): Chain {
  const found = keys.get(key)
  if (found !== undefined) return found
  const chain: Chain = { updates: [], unsure: [], nextDelete: new Int32Array(0) }
  keys.set(key, chain)
  return chain
}

/** Place of the first update with a version above `version`. */
export function placeAfter(chain: Chain, version: number): number {
  const { updates } = chain
  let low = 0
  let high = updates.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((updates[middle]?.version ?? 0) > version) high = middle
    else low = middle + 1
  }
  return low
}

/** The earliest version from `floor` on at which the key can have been absent; Infinity when there is none. */
export function absentFrom(chain: Chain, floor: number, time: number): number {
  const { updates, unsure, nextDelete } = chain
  const place = placeAfter(chain, floor) - 1
  if (place < 0 || updates[place]?.value === null) return floor
  let earliest = updates[nextDelete[place] ?? updates.length]?.version ?? Infinity
  for (const each of unsure) {
    if (each.kind !== 'delete' || each.start > time) continue
    earliest = Math.min(earliest, absentBy(chain, each, floor))
  }
  return earliest
}

/** The same by way of a delete that may have happened: in the first gap between updates that has room for it. */
function absentBy(chain: Chain, unsure: Unsure, floor: number): number {
  const { updates } = chain
  let next = placeAfter(chain, Math.max(floor, unsure.above))
  for (; next <= updates.length; next++) {
    const own = Math.max(unsure.above, updates[next - 1]?.version ?? 0) + 1
    if (own >= unsure.below) return Infinity
    if (own < (updates[next]?.version ?? Infinity)) return Math.max(floor, own)
  }
  return Infinity
}

/** Whether an update that began by `time` and of which nothing is known may lie between the two versions. */
export function mayLie(
  chain: Chain,
  kind: Unsure['kind'],
  above: number,
  below: number,
  time: number,
): boolean {
  return chain.unsure.some(
    (each) =>
      each.kind === kind &&
      each.start <= time &&
      Math.max(above, each.above) + 1 < Math.min(below, each.below),
  )
}

function addUnsure(
  keys: Keys,
  updates: Updates,
  order: Order,
  operations: readonly HistoryOperation[],
): void {
  let open: { operation: HistoryOperation; above: number }[] = []
  const close = (below: number): void => {
    for (const { operation, above } of open) {
      const { key, start } = operation
      const kind = operation.kind === 'delete' ? 'delete' : 'write'
      chainOf(keys, key).unsure.push({ kind, above, below, start })
    }
    open = []
  }
  let previous = 0
  for (const operation of operations) {
    const { kind, outcome, start } = operation
    if (kind === 'read' || outcome !== undefined) continue
    const version = versionIn(updates, operation)
    if (version !== null) {
      close(version)
      previous = Math.max(previous, version)
    } else if (kind !== 'sync') {
      open.push({ operation, above: Math.max(previous, order.completedBefore(start)) })
    }
  }
  close(Infinity)
}

function deletesOf(updates: readonly Update[]): Int32Array {
  const next = new Int32Array(updates.length)
  let place = updates.length
  for (let index = updates.length - 1; index >= 0; index--) {
    if (updates[index]?.value === null) place = index
    next[index] = place
  }
  return next
}
