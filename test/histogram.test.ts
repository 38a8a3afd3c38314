import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import {
  countOf,
  createHistogram,
  maxOf,
  meanOf,
  merge,
  percentile,
  record,
  recordMany,
  reset,
  summarize,
} from '../src/histogram.js'
import { createRandom, nextWord } from '../src/bench/random.js'

test('histogram: one value is every percentile, within one percent, over the whole range', () => {
  for (let value = 1; value < 2 ** 48; value *= 1.37) {
    const histogram = createHistogram()
    record(histogram, value)
    // A second, larger record: the maximum must not hide the error of the bucket.
    record(histogram, value * 8)
    const found = percentile(histogram, 0.5)
    assert.ok(Math.abs(found - value) <= value * 0.01, `${value} is kept as ${found}`)
    assert.equal(maxOf(histogram), value * 8)
  }
})

test('histogram: below one unit it is exact to a hundredth of a unit', () => {
  for (const value of [0, 0.005, 0.1, 0.25, 0.77, 0.999]) {
    const histogram = createHistogram()
    record(histogram, value)
    record(histogram, 100)
    assert.ok(Math.abs(percentile(histogram, 0.5) - value) <= 0.01, String(value))
  }
})

test('histogram: percentiles agree with a sorted list', () => {
  const random = createRandom(7)
  const histogram = createHistogram()
  const values: number[] = []
  for (let index = 0; index < 100_000; index++) {
    const value = Math.exp((nextWord(random) / 2 ** 32) * 12)
    values.push(value)
    record(histogram, value)
  }
  values.sort((a, b) => a - b)
  for (const share of [0.001, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1]) {
    const expected = values[Math.ceil(share * values.length) - 1] ?? 0
    const found = percentile(histogram, share)
    assert.ok(Math.abs(found - expected) <= expected * 0.01, `${share}: ${found}, not ${expected}`)
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  assert.ok(Math.abs(meanOf(histogram) - mean) < 1e-6 * mean)
})

test('histogram: recording many is recording often, and merging is recording in one', () => {
  const [once, often, merged] = [createHistogram(), createHistogram(), createHistogram()]
  recordMany(once, 12.5, 1000)
  recordMany(once, 99, 3)
  for (let index = 0; index < 1000; index++) record(often, 12.5)
  const rest = createHistogram()
  recordMany(rest, 99, 3)
  merge(merged, often)
  merge(merged, rest)
  assert.deepEqual(summarize(merged), summarize(once))
  assert.equal(countOf(merged), 1003)
})

test('histogram: counts beyond 32 bits do not wrap', () => {
  const histogram = createHistogram()
  recordMany(histogram, 5, 5_000_000_000)
  recordMany(histogram, 5, 5_000_000_000)
  assert.equal(countOf(histogram), 10_000_000_000)
  assert.ok(Math.abs(percentile(histogram, 0.99) - 5) < 0.05)
})

test('histogram: odd values are taken, not thrown at', () => {
  const histogram = createHistogram()
  for (const value of [-1, -0, Number.MAX_VALUE, Infinity]) record(histogram, value)
  assert.equal(countOf(histogram), 4)
  assert.equal(percentile(histogram, 0.25), 0.5 / 64)
})

test('histogram: empty, and empty again after a reset', () => {
  const empty = { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, p9999: 0, max: 0 }
  const histogram = createHistogram()
  assert.deepEqual(summarize(histogram), empty)
  record(histogram, 3)
  reset(histogram)
  assert.deepEqual(summarize(histogram), empty)
})
