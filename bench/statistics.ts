/** Medians, ratios, and what counts as a change. Pure. */

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly count: number
}

/** Of an even number of values, the mean of the two in the middle. NaN when there are none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    count: values.length,
  }
}

/**
 * Ratios of values that were measured in the same repetition: what disturbed the machine then disturbed both. Where one
 * has more repetitions, the rest is left out.
 */
export function pairedRatios(over: readonly number[], under: readonly number[]): number[] {
  const count = Math.min(over.length, under.length)
  return Array.from({ length: count }, (_, index) => (over[index] ?? NaN) / (under[index] ?? NaN))
}

export type Change = 'same' | 'better' | 'worse'

/** Ranges that do not meet, and medians that differ by more than this share, are a change. */
export const NOISE_SHARE = 0.05

/** Larger is better. */
export function changeOf(before: Summary, after: Summary): Change {
  if (after.median > before.median * (1 + NOISE_SHARE) && after.least > before.most) return 'better'
  if (after.median < before.median * (1 - NOISE_SHARE) && after.most < before.least) return 'worse'
  return 'same'
}
