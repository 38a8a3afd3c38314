/** Gaps are found where they are, quantiles are values that there were. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { histogramLines, longestGap, quantile, summarizeGaps } from './gaps.js'

function timeline(...marks: number[]): Uint8Array {
  const made = new Uint8Array(1000)
  for (const mark of marks) made[mark] = 1
  return made
}

test('gaps: the longest is between two completions, whoever made them', () => {
  const gap = longestGap([timeline(10, 20, 500), timeline(15, 100)], 0, 600, 1000)
  assert.deepEqual(gap, { millis: 500, from: 500, isOpen: true })
  assert.deepEqual(longestGap([timeline(10, 20, 500), timeline(15, 100)], 0, 400, 1000), {
    millis: 400,
    from: 100,
    isOpen: false,
  })
})

test('gaps: one that begins before the end of the window counts whole, one that begins after does not', () => {
  assert.equal(longestGap([timeline(0, 10, 90, 900)], 0, 50, 1000).millis, 80)
  assert.equal(longestGap([timeline(0, 10, 90, 900)], 0, 10, 1000).millis, 10)
})

test('gaps: silence to the end is a gap that is open', () => {
  assert.deepEqual(longestGap([timeline(5)], 0, 100, 300), { millis: 295, from: 5, isOpen: true })
  assert.deepEqual(longestGap([], 0, 100, 300), { millis: 300, from: 0, isOpen: true })
})

test('gaps: quantiles by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.deepEqual(summarizeGaps(values), { count: 100, p50: 50, p90: 90, p99: 99, max: 100 })
  assert.equal(quantile([7], 0.99), 7)
  assert.ok(Number.isNaN(quantile([], 0.5)))
})

test('gaps: the histogram counts every value once', () => {
  const lines = histogramLines([1, 3, 3, 45, 9999])
  const counts = lines.map((line) => Number(line.slice(15, 20)))
  assert.equal(counts.reduce((sum, count) => sum + count, 0), 5)
  assert.match(lines[0] ?? '', /below 2 ms {5}1/)
  assert.match(lines.at(-1) ?? '', /longer/)
})
