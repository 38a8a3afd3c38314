/** The history checker reports every kind of planted violation, and nothing else. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { checkHistory } from './history.js'
import type { FinalItem, HistoryOperation } from './history.js'

const BASE: HistoryOperation = {
  session: 1,
  index: 0,
  kind: 'write',
  key: 'k',
  value: null,
  version: null,
  start: 0,
  end: 1,
}

function history(...operations: Partial<HistoryOperation>[]): HistoryOperation[] {
  return operations.map((operation, index) => ({
    ...BASE,
    index,
    start: index * 10,
    end: index * 10 + 5,
    ...operation,
  }))
}

function rules(operations: HistoryOperation[]): string[] {
  return checkHistory(operations).map((violation) => violation.rule)
}

const write = (version: number | null, value: string, rest: Partial<HistoryOperation> = {}) =>
  ({ kind: 'write', version, value, ...rest }) as const
const read = (version: number | null, value: string | null, rest: Partial<HistoryOperation> = {}) =>
  ({ kind: 'read', version, value, ...rest }) as const

test('checker: a plain history has no violation', () => {
  const operations = history(
    read(0, null),
    write(1, 'a'),
    read(1, 'a'),
    write(2, 'b', { session: 2 }),
    read(1, 'a'), // stale, but never contradicted in its session
    read(2, 'b'),
    { kind: 'delete', version: 3 },
    read(0, null),
    { kind: 'sync', version: 4 },
  )
  assert.deepEqual(rules(operations), [])
})

test('checker: a write that ended before another began must come before it', () => {
  assert.deepEqual(rules(history(write(2, 'a', { session: 1 }), write(1, 'b', { session: 2 }))), [
    'real-time',
  ])
})

test('checker: writes that overlap may be ordered either way', () => {
  const operations = history(
    write(2, 'a', { session: 1, start: 0, end: 20 }),
    write(1, 'b', { session: 2, start: 5, end: 30 }),
  )
  assert.deepEqual(rules(operations), [])
})

test('checker: two writes with one version', () => {
  const operations = history(write(1, 'a', { session: 1, end: 100 }), write(1, 'b', { session: 2 }))
  assert.ok(rules(operations).includes('two-writes-one-version'))
})

test('checker: a write applied twice is seen under two versions', () => {
  const operations = history(
    write(null, 'a', { session: 1 }),
    read(1, 'a', { session: 2 }),
    read(2, 'a', { session: 3 }),
  )
  assert.ok(rules(operations).includes('written-twice'))
})

test('checker: a session does not read what it has overwritten', () => {
  assert.deepEqual(rules(history(write(1, 'a', { session: 2 }), write(2, 'b'), read(1, 'a'))), [
    'stale-in-session',
  ])
})

test('checker: a session that saw a newer state does not go back, also by way of another key', () => {
  const operations = history(
    write(1, 'a', { session: 2 }),
    write(2, 'b', { session: 2 }),
    write(3, 'c', { session: 2, key: 'other' }),
    read(3, 'c', { key: 'other' }),
    read(1, 'a'),
  )
  assert.deepEqual(rules(operations), ['stale-in-session'])
})

test('checker: writes of a session take effect in issue order', () => {
  const operations = history(
    write(2, 'a', { start: 0, end: 30 }),
    write(1, 'b', { start: 1, end: 31 }),
  )
  assert.deepEqual(rules(operations), ['session-order'])
})

test('checker: a read does not see its session\'s later write', () => {
  const operations = history(
    read(1, 'a', { start: 0, end: 30 }),
    write(1, 'a', { start: 1, end: 31 }),
  )
  assert.deepEqual(rules(operations), ['session-order'])
})

test('checker: a value that nobody wrote', () => {
  assert.deepEqual(rules(history(read(7, 'ghost'))), ['never-written'])
})

test('checker: a version with another value than was written', () => {
  const operations = history(write(1, 'a'), write(2, 'b'), read(1, 'zzz', { session: 2 }))
  assert.ok(rules(operations).includes('wrong-value'))
})

test('checker: a read does not see a write that began after the read ended', () => {
  const operations = history(
    read(1, 'a', { session: 2, start: 0, end: 5 }),
    write(1, 'a', { session: 1, start: 10, end: 20 }),
  )
  assert.deepEqual(rules(operations), ['from-the-future'])
})

test('checker: absent after an own write is a violation unless somebody deleted the key', () => {
  assert.deepEqual(rules(history(write(1, 'a'), read(0, null))), ['stale-in-session'])
  const deleted = history(
    write(1, 'a'),
    { kind: 'delete', version: 2, session: 2 },
    read(0, null),
    read(1, 'a'),
  )
  assert.deepEqual(rules(deleted), ['stale-in-session'])
})

test('checker: what a sync must show: all that was completed before it began, acknowledged or seen', () => {
  const lost = history(
    write(1, 'a', { session: 1 }),
    { kind: 'sync', version: 2, session: 2 },
    read(0, null, { session: 2 }),
  )
  assert.deepEqual(rules(lost), ['stale-after-sync'])
  const seen = history(
    write(null, 'a', { session: 1, end: Infinity }),
    read(1, 'a', { session: 3 }),
    { kind: 'sync', version: 2, session: 2 },
    read(0, null, { session: 2 }),
  )
  assert.deepEqual(rules(seen), ['stale-after-sync'])
  const overlapping = history(
    write(2, 'a', { session: 1 }),
    { kind: 'sync', version: 1, session: 2, start: 4, end: 20 },
    read(0, null, { session: 2 }),
  )
  assert.deepEqual(rules(overlapping), [])
})

test('checker: a session that moved does not go back, and it is said that it had moved', () => {
  const operations = history(
    write(1, 'a', { session: 2, replica: 0 }),
    write(2, 'b', { session: 2, replica: 0 }),
    read(2, 'b', { replica: 0 }),
    read(1, 'a', { replica: 1 }),
  )
  assert.deepEqual(rules(operations), ['stale-after-move'])
})

test('checker: a conditional write happens only where its condition holds, and is refused only where not', () => {
  const won = history(
    write(1, 'a'),
    write(2, 'b', { session: 2, condition: 1, start: 20, end: 40 }),
    write(3, 'c', { session: 3, condition: 1, start: 20, end: 40 }),
  )
  assert.deepEqual(rules(won), ['condition-ignored'])
  const created = history(write(1, 'a'), write(2, 'b', { session: 2, condition: 'absent' }))
  assert.deepEqual(rules(created), ['condition-ignored'])
  const refused = history(write(1, 'a'), write(1, 'b', { session: 2, condition: 1, outcome: 'refused' }))
  assert.deepEqual(rules(refused), ['wrong-refusal'])
  const right = history(
    write(1, 'a'),
    write(1, 'b', { session: 2, condition: 'absent', outcome: 'refused' }),
    { kind: 'delete', version: 2, session: 2, condition: 1 },
    { kind: 'delete', version: 0, session: 2, outcome: 'refused' },
    write(3, 'c', { session: 3, condition: 'absent' }),
  )
  assert.deepEqual(rules(right), [])
})

test('checker: a conditional write of unknown result that was seen must have met its condition too', () => {
  const operations = history(
    write(1, 'a'),
    write(2, 'b'),
    write(null, 'c', { session: 2, condition: 1, end: Infinity }),
    read(3, 'c', { session: 3 }),
  )
  assert.deepEqual(rules(operations), ['condition-ignored'])
})

test('checker: an update of unknown result takes effect between its session\'s others, or not at all', () => {
  const late = history(
    write(null, 'a', { session: 1, start: 0, end: Infinity }),
    write(2, 'b', { session: 1, key: 'other', start: 1 }),
    read(3, 'a', { session: 2 }),
  )
  assert.deepEqual(rules(late), ['session-order'])
  const unknown: Partial<HistoryOperation> = { kind: 'delete', version: null, session: 1, start: 0, end: Infinity }
  const excused = history(unknown, write(1, 'a', { session: 2 }), read(0, null, { session: 2 }))
  assert.deepEqual(rules(excused), [])
  const before = history(
    unknown,
    write(1, 'x', { session: 1, key: 'other' }),
    write(2, 'a', { session: 2 }),
    read(0, null, { session: 2 }),
  )
  assert.deepEqual(rules(before), ['stale-in-session'])
})

test('checker: what was acknowledged or seen is there in the end, or overwritten', () => {
  const operations = history(write(1, 'a'), write(2, 'b'), write(3, 'c', { key: 'other' }))
  const there = { key: 'other', value: 'c', version: 3 }
  const check = (...final: FinalItem[]) => checkHistory(operations, { final }).map(({ rule }) => rule)
  assert.deepEqual(check({ key: 'k', value: 'b', version: 2 }, there), [])
  assert.deepEqual(check({ key: 'k', value: 'a', version: 1 }, there), ['acknowledged-write-lost'])
  assert.deepEqual(check(there), ['acknowledged-write-lost'])
  assert.deepEqual(check({ key: 'k', value: 'b', version: 9 }, there), ['written-twice', 'never-written'])
  const seen = history(write(null, 'a', { end: Infinity }), read(1, 'a', { session: 2 }))
  assert.deepEqual(checkHistory(seen, { final: [] }).map(({ rule }) => rule), ['seen-write-lost'])
  const deleted = history(write(1, 'a'), { kind: 'delete', version: null, end: Infinity })
  assert.deepEqual(checkHistory(deleted, { final: [] }), [])
  assert.deepEqual(checkHistory(deleted, { final: [{ key: 'k', value: 'a', version: 1 }] }), [])
})

test('checker: an operation of unknown result counts only if somebody saw it', () => {
  assert.deepEqual(rules(history(write(null, 'a', { end: Infinity }), read(0, null, { session: 2 }))), [])
  const seen = history(
    write(null, 'a', { session: 1, end: Infinity }),
    read(1, 'a', { session: 2 }),
    write(2, 'b', { session: 2 }),
    read(1, 'a', { session: 2 }),
  )
  assert.deepEqual(rules(seen), ['stale-in-session'])
})

test('checker: a million operations take seconds, not minutes', () => {
  const operations: HistoryOperation[] = []
  for (let index = 0; index < 1_000_000; index++) {
    const isWrite = index % 2 === 0
    const version = Math.floor(index / 2) + 1
    operations.push({
      session: index % 2,
      index,
      kind: isWrite ? 'write' : 'read',
      key: `k${Math.floor(index / 2) % 1000}`,
      value: `v${version}`,
      version,
      start: index,
      end: index + 1,
    })
  }
  assert.deepEqual(checkHistory(operations), [])
})
