/** Timelines of completions at a millisecond's resolution, the gaps in them, and how gaps are told. Pure. */

/** One byte a millisecond since the base: not zero when something was completed in it. */
export type Timeline = Uint8Array

export interface Gap {
  /** From the last completion before to the first one after. */
  readonly millis: number
  readonly from: number
  /** There was no completion after it within what was looked at. */
  readonly isOpen: boolean
}

/** The longest gap that begins in [from, to), over all timelines together; it may end later, up to `end`. */
export function longestGap(timelines: readonly Timeline[], from: number, to: number, end: number): Gap {
  const isMarked = (at: number): boolean => timelines.some((timeline) => (timeline[at] ?? 0) !== 0)
  let longest: Gap = { millis: 0, from, isOpen: false }
  let last = from
  for (let at = from; at < end; at++) {
    if (!isMarked(at)) continue
    if (last < to && at - last > longest.millis) longest = { millis: at - last, from: last, isOpen: false }
    last = at
    if (last >= to) return longest
  }
  return end - last > longest.millis ? { millis: end - last, from: last, isOpen: true } : longest
}

/** By nearest rank: a value that there was. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

export interface Summary {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export function summarizeGaps(values: readonly number[]): Summary {
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((share) => quantile(values, share))
  return { count: values.length, p50: p50 ?? NaN, p90: p90 ?? NaN, p99: p99 ?? NaN, max: max ?? NaN }
}

const BOUNDS = [2, 5, 10, 20, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500, 1000, 2000, 5000, Infinity]
const BAR_MAX = 50

/** Lines of `below 50 ms  12  ######`, from the first bucket that has any to the last. */
export function histogramLines(values: readonly number[]): string[] {
  const counts = BOUNDS.map((bound, place) => {
    const least = BOUNDS[place - 1] ?? 0
    return values.filter((value) => value >= least && value < bound).length
  })
  const most = Math.max(1, ...counts)
  const first = counts.findIndex((count) => count > 0)
  const last = counts.findLastIndex((count) => count > 0)
  return counts.slice(Math.max(0, first), last + 1).map((count, index) => {
    const bound = BOUNDS[Math.max(0, first) + index] ?? Infinity
    const label = bound === Infinity ? 'longer' : `below ${bound} ms`
    return `${label.padStart(14)} ${String(count).padStart(5)}  ${'#'.repeat(Math.ceil((count / most) * BAR_MAX))}`
  })
}
