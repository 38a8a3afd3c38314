/**
 * One violation of each kind, planted into a valid history at a place that the prng draws. Null when the history has no
 * such place. Each is a violation by construction, whatever else is in the history.
 */

import { item } from '../../src/assert.js'
import type { Prng } from '../sim/prng.js'
import type { HistoryOperation, Violation } from './history.js'
import type { RandomHistory } from './random-history.js'

type Planter = (prng: Prng, given: RandomHistory) => RandomHistory | null

const isDone = ({ version, outcome }: HistoryOperation): boolean => version !== null && outcome === undefined
const isWrite = (each: HistoryOperation): boolean => each.kind === 'write' && isDone(each)
const isUpdate = (each: HistoryOperation): boolean => each.kind !== 'read' && isDone(each)
const versionOf = ({ version }: HistoryOperation): number => version ?? 0

/** After everything else, in time and in the order. */
const LATE = 1e9

function highest({ history }: RandomHistory): number {
  return Math.max(0, ...history.map(versionOf))
}

function drawn<T>(prng: Prng, from: readonly T[]): T | null {
  return from.length === 0 ? null : item(from, prng.below(from.length))
}

function pairs(
  prng: Prng,
  history: readonly HistoryOperation[],
  fits: (a: HistoryOperation, b: HistoryOperation) => boolean,
): [HistoryOperation, HistoryOperation] | null {
  const found = history.flatMap((a) => history.filter((b) => a !== b && fits(a, b)).map((b) => [a, b] as const))
  const pair = drawn(prng, found)
  return pair === null ? null : [pair[0], pair[1]]
}

function replaced(given: RandomHistory, changes: Map<HistoryOperation, Partial<HistoryOperation>>): RandomHistory {
  const history = given.history.map((each) => ({ ...each, ...changes.get(each) }))
  return { history, final: given.final }
}

function added(given: RandomHistory, ...operations: Partial<HistoryOperation>[]): RandomHistory {
  const more = operations.map((operation, index) => ({
    session: 1000,
    index: 1_000_000 + index,
    kind: 'read' as const,
    key: 'k0',
    value: null,
    version: null,
    start: LATE + 10 * index,
    end: LATE + 10 * index + 5,
    ...operation,
  }))
  return { history: [...given.history, ...more], final: given.final }
}

function swapped(pair: [HistoryOperation, HistoryOperation] | null, given: RandomHistory): RandomHistory | null {
  if (pair === null) return null
  const [a, b] = pair
  return replaced(given, new Map([[a, { version: b.version }], [b, { version: a.version }]]))
}

/** A write and one that came over it later; both answered. */
function overwritten(prng: Prng, { history }: RandomHistory): [HistoryOperation, HistoryOperation] | null {
  const isOver = (b: HistoryOperation): boolean => b.kind !== 'sync' && isUpdate(b)
  return pairs(prng, history, (a, b) => isWrite(a) && isOver(b) && a.key === b.key && versionOf(a) < versionOf(b))
}

function seenAgain(given: RandomHistory, write: HistoryOperation | null, more: number): RandomHistory | null {
  if (write === null) return null
  const { key, value } = write
  return added(given, { key, value, version: highest(given) + more })
}

function stale(replica: number | undefined): Planter {
  return (prng, given) => {
    const pair = overwritten(prng, given)
    if (pair === null) return null
    const [{ key, value, version }, { session }] = pair
    return added(given, { session, key, value, version, ...(replica === undefined ? {} : { replica }) })
  }
}

/** The key whose newest is `kept` of what was answered; a history in which no delete of unknown result excuses it. */
function lost(prng: Prng, given: RandomHistory): RandomHistory | null {
  const mayBeDeleted = new Set(
    given.history.filter(({ kind, version, outcome }) => kind === 'delete' && version === null && outcome !== 'failed')
      .map(({ key }) => key),
  )
  const acknowledged = new Set(given.history.filter(isWrite).map(versionOf))
  const fits = ({ key, version }: { key: string; version: number }): boolean =>
    acknowledged.has(version) && !mayBeDeleted.has(key)
  const victim = drawn(prng, given.final.filter(fits))
  if (victim === null) return null
  return { history: given.history, final: given.final.filter((each) => each !== victim) }
}

export const PLANTERS: Record<Violation['rule'], Planter> = {
  'real-time': (prng, given) =>
    swapped(pairs(prng, given.history, (a, b) => isUpdate(a) && isUpdate(b) && a.end < b.start), given),
  'two-writes-one-version': (prng, given) => {
    const pair = pairs(prng, given.history, (a, b) => isUpdate(a) && isUpdate(b))
    return pair === null ? null : replaced(given, new Map([[pair[0], { version: pair[1].version }]]))
  },
  'written-twice': (prng, given) => seenAgain(given, drawn(prng, given.history.filter(isWrite)), 10),
  'refused-but-written': (prng, given) => {
    const refused = given.history.filter(({ kind, outcome }) => kind === 'write' && outcome === 'refused')
    return seenAgain(given, drawn(prng, refused), 10)
  },
  'failed-but-written': (prng, given) => {
    const failed = given.history.filter(({ kind, outcome }) => kind === 'write' && outcome === 'failed')
    return seenAgain(given, drawn(prng, failed), 10)
  },
  'session-order': (prng, given) =>
    swapped(pairs(prng, given.history, (a, b) => isUpdate(a) && isUpdate(b) && a.session === b.session), given),
  'stale-in-session': stale(undefined),
  'stale-after-move': stale(99),
  'stale-after-sync': (prng, given) => {
    const pair = overwritten(prng, given)
    if (pair === null) return null
    const [{ key, value, version }] = pair
    return added(given, { kind: 'sync', version: highest(given) + 10 }, { key, value, version })
  },
  'stale-refusal': (prng, given) => {
    const pair = overwritten(prng, given)
    if (pair === null) return null
    const [{ key, version }] = pair
    return added(given, { kind: 'write', key, value: 'x', version, condition: 'absent', outcome: 'refused' })
  },
  'wrong-refusal': (prng, given) => {
    const write = drawn(prng, given.history.filter(isWrite))
    if (write === null) return null
    const { key, version } = write
    const condition = versionOf(write)
    return added(given, { kind: 'write', key, value: 'x', version, condition, outcome: 'refused' })
  },
  'condition-ignored': (prng, given) => {
    const pair = overwritten(prng, given)
    if (pair === null) return null
    const [{ key, version }] = pair
    const condition = version ?? 0
    return added(given, { kind: 'write', key, value: 'x', version: highest(given) + 10, condition })
  },
  'deleted-nothing': (_, given) => added(given, { kind: 'delete', key: 'nobody', version: highest(given) + 10 }),
  'never-written': (prng, given) =>
    added(given, { value: 'ghost', version: highest(given) + 1 + prng.below(10) }),
  'wrong-value': (prng, given) => {
    const write = drawn(prng, given.history.filter(isWrite))
    return write === null ? null : added(given, { key: write.key, value: 'ghost', version: write.version })
  },
  'from-the-future': (prng, given) => {
    const write = drawn(prng, given.history.filter(isWrite))
    if (write === null) return null
    const { key, value, version, start } = write
    return added(given, { key, value, version, start: start - 2, end: start - 1 })
  },
  'acknowledged-write-lost': lost,
  'seen-write-lost': (_, given) => {
    const version = highest(given) + 10
    const write = { kind: 'write', key: 'seen', value: 'seen', session: 1001, end: Infinity } as const
    return added(given, write, { key: 'seen', value: 'seen', version })
  },
}
