/** What was measured: samples, kept one a line, and grouped by what they are of. */

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { median, summarize, type Summary } from './statistics.js'

/** One measurement of one point of one subject: `zookeeper` at `write-ratio=0.05`, `zabkv` at `one-write`. */
export interface Sample {
  readonly subject: string
  readonly point: string
  readonly values: Readonly<Record<string, number>>
}

export function appendSample(file: string, sample: Sample): void {
  appendFileSync(file, `${JSON.stringify(sample)}\n`)
}

/** What an interrupted run wrote in part is left out. */
export function readSamples(file: string): Sample[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Sample]
      } catch {
        return []
      }
    })
}

/** In the order of the repetitions. */
export function valuesOf(samples: readonly Sample[], subject: string, point: string, name: string): number[] {
  return samples
    .filter((sample) => sample.subject === subject && sample.point === point)
    .flatMap(({ values }) => values[name] ?? [])
}

export function medianOf(samples: readonly Sample[], subject: string, point: string, name: string): number | null {
  const values = valuesOf(samples, subject, point, name)
  return values.length === 0 ? null : median(values)
}

export interface Place {
  readonly x: number
  readonly y: number
}

/** Medians over the points `name=number`, in the order of the numbers. */
export function curveOf(samples: readonly Sample[], subject: string, name: string, value: string): Place[] {
  const points = new Set(samples.filter((sample) => sample.subject === subject).map(({ point }) => point))
  return [...points]
    .filter((point) => point.startsWith(`${name}=`))
    .map((point) => ({ x: Number(point.slice(name.length + 1)), y: medianOf(samples, subject, point, value) ?? NaN }))
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    .sort((a, b) => a.x - b.x)
}

export interface Result {
  readonly subject: string
  readonly point: string
  readonly values: Readonly<Record<string, Summary>>
}

export function summarizeSamples(samples: readonly Sample[]): Result[] {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = `${sample.subject} ${sample.point}`
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const names = Object.keys(first.values)
    const values = names.map((name) => [name, summarize(group.flatMap((each) => each.values[name] ?? []))] as const)
    return [{ subject: first.subject, point: first.point, values: Object.fromEntries(values) }]
  })
}
