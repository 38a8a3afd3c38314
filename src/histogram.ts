/**
 * A log-linear histogram: about 7 ns a record, 52 KB, no allocation after construction.
 *
 * Pure leaf: any room may use it, in any unit. A value of one unit or more is kept within 1 % (128 steps for each
 * power of two), a smaller one within 1/128 of a unit; values beyond the range count as the largest.
 */
import { assert } from './assert.js'
import type { LatencySummary } from './runtime/options.js'

const STEPS_BITS = 7
const STEPS = 1 << STEPS_BITS
/** Steps of one unit, where the scale is linear. */
const UNIT_STEPS = 64
const EXPONENT_MAX = 54
const BUCKETS = (EXPONENT_MAX - STEPS_BITS + 2) * STEPS
const STEPPED_MAX = 2 ** (EXPONENT_MAX + 1) - 2 ** (EXPONENT_MAX - STEPS_BITS)
/** Up to here a scaled value is a 31-bit integer; above it is scaled down first. */
const SMALL_END = 2 ** 31
const LARGE_BITS = 24
const LARGE_UNIT = 2 ** LARGE_BITS

const COUNT = 0
const SUM = 1
const MAX = 2

export interface Histogram {
  /** Doubles hold counts that 32 bits would wrap after seven minutes at ten million a second. */
  readonly buckets: Float64Array
  /** Count, sum, maximum. */
  readonly totals: Float64Array
}

export function createHistogram(): Histogram {
  return { buckets: new Float64Array(BUCKETS), totals: new Float64Array(3) }
}

export function record(histogram: Histogram, value: number): void {
  recordMany(histogram, value, 1)
}

/** Counts `value` as `count` records. A value below zero, as from a clock that went back, counts as zero. */
export function recordMany(histogram: Histogram, value: number, count: number): void {
  const kept = value > 0 ? value : 0
  const { buckets, totals } = histogram
  const index = bucketOf(kept)
  buckets[index] = (buckets[index] as number) + count
  totals[COUNT] = (totals[COUNT] as number) + count
  totals[SUM] = (totals[SUM] as number) + kept * count
  if (kept > (totals[MAX] as number)) totals[MAX] = kept
}

function bucketOf(value: number): number {
  let stepped = value * UNIT_STEPS
  let shift = 0
  if (stepped >= SMALL_END) {
    stepped = Math.min(stepped, STEPPED_MAX) / LARGE_UNIT
    shift = LARGE_BITS
  }
  const steps = stepped | 0
  if (shift === 0 && steps < 2 * STEPS) return steps
  const more = 31 - Math.clz32(steps) - STEPS_BITS
  return ((shift + more) << STEPS_BITS) + (steps >>> more)
}

/** The middle of a bucket. */
function valueOf(index: number): number {
  if (index < 2 * STEPS) return (index + 0.5) / UNIT_STEPS
  const shift = (index >>> STEPS_BITS) - 1
  const steps = index - (shift << STEPS_BITS)
  return ((steps + 0.5) * 2 ** shift) / UNIT_STEPS
}

export function merge(into: Histogram, from: Histogram): void {
  for (let index = 0; index < BUCKETS; index++) {
    into.buckets[index] = (into.buckets[index] as number) + (from.buckets[index] as number)
  }
  into.totals[COUNT] = countOf(into) + countOf(from)
  into.totals[SUM] = (into.totals[SUM] as number) + (from.totals[SUM] as number)
  into.totals[MAX] = Math.max(maxOf(into), maxOf(from))
}

export function reset(histogram: Histogram): void {
  histogram.buckets.fill(0)
  histogram.totals.fill(0)
}

export function countOf(histogram: Histogram): number {
  return histogram.totals[COUNT] as number
}

/** Exact; 0 when nothing was recorded. */
export function maxOf(histogram: Histogram): number {
  return histogram.totals[MAX] as number
}

/** Exact; 0 when nothing was recorded. */
export function meanOf(histogram: Histogram): number {
  const count = countOf(histogram)
  return count === 0 ? 0 : (histogram.totals[SUM] as number) / count
}

/** The smallest value that `share` (0 to 1) of the records do not exceed; 0 when nothing was recorded. */
export function percentile(histogram: Histogram, share: number): number {
  assert(share >= 0 && share <= 1, 'percentile: a share is from 0 to 1')
  const count = countOf(histogram)
  if (count === 0) return 0
  const rank = Math.max(1, Math.ceil(share * count))
  let seen = 0
  for (let index = 0; index < BUCKETS; index++) {
    seen += histogram.buckets[index] as number
    if (seen >= rank) return Math.min(valueOf(index), maxOf(histogram))
  }
  return maxOf(histogram)
}

export function summarize(histogram: Histogram): LatencySummary {
  return {
    count: countOf(histogram),
    mean: rounded(meanOf(histogram)),
    p50: rounded(percentile(histogram, 0.5)),
    p90: rounded(percentile(histogram, 0.9)),
    p95: rounded(percentile(histogram, 0.95)),
    p99: rounded(percentile(histogram, 0.99)),
    p999: rounded(percentile(histogram, 0.999)),
    p9999: rounded(percentile(histogram, 0.9999)),
    max: rounded(maxOf(histogram)),
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
