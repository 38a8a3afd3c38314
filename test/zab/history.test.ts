import assert from 'node:assert/strict'
import test from 'node:test'
import {
  createHistory,
  historyAppend,
  historyFind,
  historyLast,
  historyRoom,
} from '../../src/zab/history.js'
import { createPrng } from '../sim/prng.js'

const BASE = 128
const BYTES = 64 * 32

test('history: entries are found by the counters of their operations', () => {
  const history = createHistory(BASE, BYTES, 16)
  historyRoom(history, 64, 0)
  historyAppend(history, 1, 3, 64, 1, 0)
  historyAppend(history, 4, 1, 64, 1, 0)
  historyAppend(history, 5, 10, 128, 2, 0)
  assert.deepEqual(
    [1, 3, 4, 5, 14, 15].map((counter) => historyFind(history, counter)),
    [0, 0, 1, 2, 2, -1],
  )
})

test('history: counters with a gap are refused', () => {
  const history = createHistory(BASE, BYTES, 16)
  historyAppend(history, 1, 3, 64, 1, 0)
  assert.throws(() => historyAppend(history, 5, 1, 64, 1, 0), /contiguous/)
})

test('history: an entry that must be kept is not overwritten: there is no room instead', () => {
  const history = createHistory(BASE, BYTES, 1024)
  let counter = 1
  while (historyRoom(history, 256, 0) > 0) historyAppend(history, counter++, 1, 256, 1, 0)
  assert.equal(history.first, 0)
  assert.ok(historyRoom(history, 256, 2) > 0, 'the two oldest may go now')
  assert.equal(history.first, 2)
})

test('history: kept entries never overlap, over many wraps with random sizes', () => {
  const prng = createPrng(7)
  const history = createHistory(BASE, BYTES, 16)
  let counter = 1
  for (let step = 0; step < 20_000; step++) {
    const bytes = 64 * (1 + prng.below(8))
    const keep = Math.max(history.first, history.next - prng.below(12))
    if (historyRoom(history, bytes, keep) === 0) continue
    assert.ok(history.first <= keep, 'nothing that is kept was forgotten')
    const operations = 1 + prng.below(4)
    historyAppend(history, counter, operations, bytes, 1, 0)
    counter += operations
    const places: [number, number][] = []
    for (let index = history.first; index < history.next; index++) {
      const slot = index & history.mask
      const offset = history.offset[slot] ?? 0
      places.push([offset, offset + (history.bytes[slot] ?? 0)])
      assert.ok(offset >= BASE && offset + (history.bytes[slot] ?? 0) <= BASE + BYTES)
    }
    places.sort((a, b) => a[0] - b[0])
    for (let index = 1; index < places.length; index++) {
      assert.ok((places[index - 1]?.[1] ?? 0) <= (places[index]?.[0] ?? 0), 'no overlap')
    }
    assert.equal(historyLast(history, history.next - 1), counter - 1)
  }
})
