/** The history checker reports every kind of planted violation, and nothing else. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { checkHistory } from './history.js'
import type { HistoryOperation } from './history.js'

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

test('checker: a lost acknowledged write shows as absence', () => {
  const operations = history(
    write(1, 'a', { session: 1 }),
    { kind: 'sync', version: 2, session: 2 },
    read(0, null, { session: 2 }),
  )
  assert.deepEqual(rules(operations), ['stale-in-session'])
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
