/** Medians, ratios and what counts as a change; samples are grouped by what they are of. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { compare, RATIOS, ratiosOf } from '../../../bench/ratios.js'
import { curveOf, summarizeSamples, type Sample } from '../../../bench/samples.js'
import { changeOf, median, pairedRatios, summarize } from '../../../bench/statistics.js'
import { markdownTable, short, tickLabel } from '../../../bench/text.js'

test('statistics: a median is the middle, or between the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.ok(Number.isNaN(median([])))
  assert.deepEqual(summarize([5, 1, 9]), { median: 5, least: 1, most: 9, count: 3 })
})

test('statistics: ratios are of the same repetition', () => {
  assert.deepEqual(pairedRatios([10, 30], [5, 10, 99]), [2, 3])
})

test('statistics: only ranges that do not meet, and medians well apart, are a change', () => {
  const before = summarize([0.5, 0.55, 0.6])
  assert.equal(changeOf(before, summarize([0.7, 0.72, 0.75])), 'better')
  assert.equal(changeOf(before, summarize([0.3, 0.35, 0.4])), 'worse')
  assert.equal(changeOf(before, summarize([0.58, 0.7, 0.8])), 'same')
  assert.equal(changeOf(summarize([100]), summarize([101])), 'same')
})

const SAMPLES: readonly Sample[] = [
  { subject: 'zabkv', point: 'write-ratio=1', values: { writes: 6, operations: 6 } },
  { subject: 'limit', point: 'write-ratio=1', values: { writes: 12 } },
  { subject: 'zabkv', point: 'write-ratio=1', values: { writes: 8, operations: 8 } },
  { subject: 'limit', point: 'write-ratio=1', values: { writes: 10 } },
  { subject: 'zabkv', point: 'write-ratio=0.05', values: { operations: 40 } },
]

test('samples: curves are medians in the order of the axis', () => {
  assert.deepEqual(curveOf(SAMPLES, 'zabkv', 'write-ratio', 'operations'), [{ x: 0.05, y: 40 }, { x: 1, y: 7 }])
  assert.equal(summarizeSamples(SAMPLES).find(({ subject }) => subject === 'limit')?.values['writes']?.median, 11)
})

test('ratios: what was measured on both sides is compared with what was recorded', () => {
  const ratios = ratiosOf(SAMPLES)
  assert.deepEqual(Object.keys(ratios), ['zabkv writes / limit writes'])
  assert.deepEqual(ratios['zabkv writes / limit writes'], summarize([0.5, 0.8]))
  const [unknown] = compare({}, ratios)
  assert.equal(unknown?.change, 'new')
  const [worse] = compare({ 'zabkv writes / limit writes': summarize([0.9]) }, ratios)
  assert.equal(worse?.change, 'worse')
  assert.equal(new Set(RATIOS.map(({ name }) => name)).size, RATIOS.length)
})

test('text: numbers are short, tables have a cell for each column', () => {
  assert.deepEqual([0, 0.5, 9.99, 12.34, 999.96, 1234, 35_000_000].map(short),
    ['0', '0.500', '9.99', '12.3', '1.00 k', '1.23 k', '35.0 M'])
  const lines = markdownTable(['', 'a'], [['x', '1'], ['longer']]).split('\n')
  assert.deepEqual(lines, ['|        |   a |', '| ------ | --: |', '| x      |   1 |', '| longer |     |'])
})

test('text: labels of an axis have no digits that say nothing', () => {
  assert.deepEqual([0, 250, 1000, 10_000, 2_500_000, 10_000_000, 0.5].map(tickLabel),
    ['0', '250', '1,000', '10 k', '2.5 M', '10 M', '0.5'])
})
