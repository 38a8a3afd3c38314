/**
 * Ratios between what was measured close in time: they say more than figures on a machine that is never twice the same.
 * The recorded ones are in bench/recorded.json; --quick compares with them.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../test/package-root.js'
import { FRONT_LOADS, FRONT_MIXES } from './peers/zabkv-memcached.js'
import { valuesOf, type Sample } from './samples.js'
import { changeOf, pairedRatios, summarize, type Change, type Summary } from './statistics.js'

interface Term {
  readonly subject: string
  readonly point: string
  readonly value: string
}

export interface Ratio {
  readonly name: string
  readonly over: Term
  readonly under: Term
}

const WRITES = { point: 'write-ratio=1', value: 'writes' }
const READS = { point: 'write-ratio=0', value: 'reads' }

function ratio(name: string, over: Term, under: Term): Ratio {
  return { name, over, under }
}

function throughputs(zabkv: string, other: string): Ratio[] {
  return [
    ratio(`${zabkv} writes / ${other} writes`, { subject: zabkv, ...WRITES }, { subject: other, ...WRITES }),
    ratio(`${zabkv} reads / ${other} reads`, { subject: zabkv, ...READS }, { subject: other, ...READS }),
  ]
}

/** Larger is better for zabkv in all of them, so latencies stand the other way round. */
export const RATIOS: readonly Ratio[] = [
  ...throughputs('zabkv', 'limit'),
  ...['write', 'read'].map((kind) =>
    ratio(
      `limit latency of one ${kind} / zabkv latency of one ${kind}`,
      { subject: 'limit', point: `one-${kind}`, value: 'p50' },
      { subject: 'zabkv', point: `one-${kind}`, value: 'p50' },
    )),
  ratio(
    'store batch sets / std::unordered_map sets, 1 M keys',
    { subject: 'micro', point: 'keys=1000000', value: 'map set' },
    { subject: 'micro', point: 'keys=1000000', value: 'store set, batch' },
  ),
  ratio(
    'store batch gets / std::unordered_map gets, 1 M keys',
    { subject: 'micro', point: 'keys=1000000', value: 'map get, hit' },
    { subject: 'micro', point: 'keys=1000000', value: 'store get, batch, hit' },
  ),
  ...['zookeeper', 'etcd', 'redis', 'redis-wait', 'memcached'].flatMap((peer) => throughputs('zabkv', peer)),
  ...['zookeeper-fsync', 'etcd-fsync'].map((subject) =>
    ratio(`zabkv-fsync writes / ${subject} writes`, { subject: 'zabkv-fsync', ...WRITES }, { subject, ...WRITES })),
  ...FRONT_LOADS.flatMap(({ name: load }) =>
    FRONT_MIXES.flatMap(([kind]) =>
      ['replicas', 'leader'].map((value) => {
        const both = { subject: 'zabkv-memcached', point: `${kind}, ${load}` }
        const name = `front of ${value} / memcached: ${both.point}`
        return ratio(name, { ...both, value }, { ...both, value: 'memcached' })
      }))),
]

export type Ratios = Readonly<Record<string, Summary>>

const RECORDED = join(packageRoot(), 'bench', 'recorded.json')

/** Those of which both sides were measured. */
export function ratiosOf(samples: readonly Sample[]): Ratios {
  const made: Record<string, Summary> = {}
  for (const { name, over, under } of RATIOS) {
    const sides = [over, under].map(({ subject, point, value }) => valuesOf(samples, subject, point, value))
    const values = pairedRatios(sides[0] ?? [], sides[1] ?? [])
    if (values.length > 0) made[name] = summarize(values)
  }
  return made
}

export function readRecorded(): Ratios {
  if (!existsSync(RECORDED)) return {}
  return JSON.parse(readFileSync(RECORDED, 'utf8')) as Ratios
}

/** What was not measured this time stays as it was. */
export function record(ratios: Ratios): void {
  writeFileSync(RECORDED, `${JSON.stringify({ ...readRecorded(), ...ratios }, roundedNumber, 2)}\n`)
}

function roundedNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}

export interface Comparison {
  readonly name: string
  readonly before: Summary | null
  readonly after: Summary
  readonly change: Change | 'new'
}

export function compare(recorded: Ratios, measured: Ratios): Comparison[] {
  return Object.entries(measured).map(([name, after]) => {
    const before = recorded[name] ?? null
    return { name, before, after, change: before === null ? 'new' : changeOf(before, after) }
  })
}
