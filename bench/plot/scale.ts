/** Axes: where a value stands, and which values are marked. Pure. */

export interface Axis {
  readonly label: string
  readonly kind: 'linear' | 'log' | 'category'
  /** Categories, by their values. */
  readonly categories?: readonly { readonly value: number; readonly label: string }[]
  /** A linear axis begins at zero unless it is a time. */
  readonly isTime?: boolean
}

export interface Scale {
  /** 0 to 1 along the axis. */
  place(value: number): number
  readonly ticks: readonly { readonly value: number; readonly label: string }[]
  /** Between the ticks of a log axis, without a label. */
  readonly minor: readonly number[]
}

const TICKS_ABOUT = 5
const STEPS = [1, 2, 2.5, 5, 10]

export function createScale(axis: Axis, values: readonly number[], show: (value: number) => string): Scale {
  if (axis.kind === 'category') return categoryScale(axis.categories ?? [])
  const finite = values.filter((value) => Number.isFinite(value) && (axis.kind === 'linear' || value > 0))
  const least = finite.length === 0 ? 1 : Math.min(...finite)
  const most = finite.length === 0 ? 10 : Math.max(...finite)
  return axis.kind === 'log' ? logScale(least, most, show) : linearScale(least, most, axis.isTime === true, show)
}

function categoryScale(categories: NonNullable<Axis['categories']>): Scale {
  const count = categories.length
  return {
    place: (value) => (categories.findIndex((each) => each.value === value) + 0.5) / Math.max(1, count),
    ticks: categories,
    minor: [],
  }
}

/** Whole steps of 1, 2, 2.5 or 5 times a power of ten, from at or below the least to at or above the most. */
export function linearTicks(least: number, most: number): number[] {
  const span = most > least ? most - least : Math.abs(most) || 1
  const power = 10 ** Math.floor(Math.log10(span / TICKS_ABOUT))
  const step = power * (STEPS.find((each) => span / (each * power) <= TICKS_ABOUT + 0.5) ?? 10)
  const first = Math.floor(least / step + 1e-9)
  const last = Math.ceil(most / step - 1e-9)
  return Array.from({ length: Math.max(2, last - first + 1) }, (_, index) => (first + index) * step)
}

function linearScale(least: number, most: number, isTime: boolean, show: (value: number) => string): Scale {
  const values = linearTicks(isTime ? least : Math.min(0, least), most)
  const from = values[0] ?? 0
  const to = values.at(-1) ?? 1
  return {
    place: (value) => (value - from) / (to - from),
    ticks: values.map((value) => ({ value, label: show(value) })),
    minor: [],
  }
}

/** Powers of ten around the values; where that is one decade alone, 2 and 5 are marked as well. */
export function logTicks(least: number, most: number): { ticks: number[]; minor: number[] } {
  // An end a little beyond a power does not cost a whole decade: the axis then ends at 2 or 5 times a power.
  const low = floorNice(least)
  const high = ceilNice(most)
  const firstPower = Math.floor(Math.log10(low) + 1e-9)
  const lastPower = Math.ceil(Math.log10(high) - 1e-9)
  const all = Array.from({ length: lastPower - firstPower + 1 }, (_, index) => 10 ** (firstPower + index))
  const within = (value: number): boolean => value >= low * 0.999 && value <= high * 1.001
  const steps = (factors: readonly number[]): number[] =>
    all.flatMap((power) => factors.map((factor) => factor * power)).filter(within)
  const isShort = high / low <= 100
  const ticks = steps(isShort ? [1, 2, 5] : [1])
  const minor = steps([1, 2, 3, 4, 5, 6, 7, 8, 9]).filter((value) => !ticks.includes(value))
  return { ticks, minor }
}

function floorNice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9)
  return power * (value >= 5 * power ? 5 : value >= 2 * power ? 2 : 1)
}

function ceilNice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9)
  return power * (value <= power * 1.001 ? 1 : value <= 2 * power ? 2 : value <= 5 * power ? 5 : 10)
}

function logScale(least: number, most: number, show: (value: number) => string): Scale {
  const from = Math.log10(floorNice(least))
  const to = Math.log10(Math.max(ceilNice(most), floorNice(least) * 2))
  const { ticks, minor } = logTicks(least, Math.max(most, floorNice(least) * 2))
  return {
    place: (value) => (Math.log10(value) - from) / (to - from),
    ticks: ticks.map((value) => ({ value, label: show(value) })),
    minor,
  }
}
