import assert from 'node:assert/strict'
import test from 'node:test'
import type { StoreVerb } from '../../src/registry/codec.js'
import {
  createItems,
  flushItems,
  getItem,
  storeItem,
  touchItem,
  type Items,
  type Stored,
} from '../../src/registry/items.js'

const NOW = 1_800_000_000_000
const DAY = 24 * 3600

function put(
  items: Items,
  key: string,
  exptime: number,
  now = NOW,
  verb: StoreVerb = 'set',
  bytes = 1,
): Stored {
  const value = Buffer.alloc(bytes)
  const rest = { flags: 0, exptime, cas: '0', value, noreply: false }
  return storeItem(items, { kind: 'store', verb, key, ...rest }, now)
}

function lives(items: Items, key: string, now: number): boolean {
  return getItem(items, key, now) !== null
}

test('items: a relative time ends the item after so many seconds', () => {
  const items = createItems(1000)
  put(items, 'k', 10)
  assert.equal(lives(items, 'k', NOW + 9_999), true)
  assert.equal(lives(items, 'k', NOW + 10_000), false)
})

test('items: 30 days is relative, one second more is a date', () => {
  const items = createItems(1000)
  put(items, 'relative', 30 * DAY)
  put(items, 'date', 30 * DAY + 1)
  assert.equal(lives(items, 'relative', NOW + 30 * DAY * 1000 - 1), true)
  assert.equal(lives(items, 'date', NOW), false)
  put(items, 'date', NOW / 1000 + 5)
  assert.equal(lives(items, 'date', NOW + 4_999), true)
  assert.equal(lives(items, 'date', NOW + 5_000), false)
})

test('items: a negative time ends the item at once, zero never', () => {
  const items = createItems(1000)
  put(items, 'gone', -1)
  put(items, 'kept', 0)
  assert.equal(lives(items, 'gone', NOW), false)
  assert.equal(lives(items, 'kept', NOW * 2), true)
})

test('items: an expired item can be added again', () => {
  const items = createItems(1000)
  put(items, 'k', 1)
  assert.equal(put(items, 'k', 0, NOW + 999, 'add'), 'NOT_STORED')
  assert.equal(put(items, 'k', 0, NOW + 1000, 'add'), 'STORED')
})

test('items: touch moves the end', () => {
  const items = createItems(1000)
  put(items, 'k', 1)
  assert.equal(touchItem(items, 'k', 100, NOW), true)
  assert.equal(lives(items, 'k', NOW + 50_000), true)
  assert.equal(touchItem(items, 'none', 100, NOW), false)
})

test('items: a delayed flush takes what was there and leaves what came after it', () => {
  const items = createItems(1000)
  put(items, 'old', 0)
  flushItems(items, 10, NOW)
  assert.equal(lives(items, 'old', NOW + 9_999), true)
  put(items, 'new', 0, NOW + 10_000)
  assert.equal(lives(items, 'old', NOW + 10_000), false)
  assert.equal(lives(items, 'new', NOW + 10_000), true)
})

test('items: memory is bounded, nothing is evicted, expired items make room', () => {
  const items = createItems(1000)
  assert.equal(put(items, 'a', 5, NOW, 'set', 800), 'STORED')
  assert.match(put(items, 'b', 0, NOW, 'set', 800), /^SERVER_ERROR out of memory/)
  assert.equal(lives(items, 'a', NOW), true)
  assert.equal(put(items, 'b', 0, NOW + 5000, 'set', 800), 'STORED')
  assert.equal(put(items, 'b', 0, NOW + 5000, 'set', 900), 'STORED')
  flushItems(items, 0, NOW + 5000)
  assert.equal(items.bytes, 0)
})
