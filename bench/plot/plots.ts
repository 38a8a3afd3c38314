/** Which plots there are, and what is on them; written as SVG files and as one page with all of them. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curveOf, type Place, type Sample } from '../samples.js'
import { drawChart, escape, type Chart, type Series } from './chart.js'

interface Plot {
  readonly file: string
  readonly chart: Chart
}

const PEERS = ['limit', 'zabkv', 'redis', 'memcached', 'redis-wait', 'zabkv-async', 'zabkv-fsync', 'zookeeper',
  'zookeeper-fsync', 'etcd', 'etcd-fsync']

const PERCENT = [0, 0.01, 0.05, 0.2, 0.5, 1].map((value) => ({ value, label: `${Math.round(value * 100)} %` }))

function plotsOf(samples: readonly Sample[]): Plot[] {
  const curve = (subject: string, axis: string, value: string, name: string, isDashed = false): Series =>
    ({ name, isDashed, points: curveOf(samples, subject, axis, value) })
  const plots: Plot[] = [
    { file: 'write-ratio', chart: writeRatio(curve) },
    { file: 'latency', chart: latency(curve) },
    { file: 'batches', chart: batches(curve) },
    { file: 'value-size', chart: valueSize(curve) },
    { file: 'replicas', chart: replicas(curve) },
    { file: 'skew', chart: skew(curve) },
    { file: 'failover', chart: failover(samples) },
  ]
  return plots.filter(({ chart }) => chart.series.some(({ points }) => points.length > 0))
}

type Curve = (subject: string, axis: string, value: string, name: string, isDashed?: boolean) => Series

function writeRatio(curve: Curve): Chart {
  return {
    title: 'Throughput against the share of writes',
    note: 'As many operations outstanding as each does best with; limit: reads alone and writes alone',
    x: { label: 'share of writes', kind: 'category', categories: PERCENT },
    y: { label: 'completed operations per second', kind: 'log' },
    series: PEERS.map((name) => ({
      ...curve(name, 'write-ratio', 'operations', name, name.endsWith('-fsync')),
      isMarksOnly: name === 'limit',
    })),
  }
}

const OFFERED = { label: 'offered operations per second, half of them writes', kind: 'log' } as const

function latency(curve: Curve): Chart {
  return {
    title: 'Latency of a write against offered load',
    note: 'From when an operation was due to its answer; three replicas and the client on this machine',
    x: OFFERED,
    y: { label: 'latency, microseconds', kind: 'log' },
    series: [
      curve('load', 'offered', 'p50', '50 % are faster'),
      curve('load', 'offered', 'p90', '90 %'),
      curve('load', 'offered', 'p99', '99 %'),
      curve('load', 'offered', 'p999', '99.9 %'),
    ],
  }
}

function batches(curve: Curve): Chart {
  return {
    title: 'Batch sizes against offered load',
    note: 'Means at the leader: nothing waits to be filled, so batches grow with what is there',
    x: OFFERED,
    y: { label: 'operations in one message', kind: 'log' },
    series: [
      curve('load', 'offered', 'writesPerProposal', 'writes per PROPOSE'),
      curve('load', 'offered', 'writesPerAck', 'writes per ACK'),
      curve('load', 'offered', 'operationsPerRequest', 'operations per REQUEST'),
      curve('load', 'offered', 'operationsPerReply', 'operations per REPLY'),
    ],
  }
}

function valueSize(curve: Curve): Chart {
  return {
    title: 'Throughput against the size of values',
    note: 'Three replicas in memory, keys of 8 bytes',
    x: { label: 'bytes of a value', kind: 'log' },
    y: { label: 'completed operations per second', kind: 'log' },
    series: [
      curve('value-size', 'value-bytes', 'reads', 'reads alone'),
      curve('value-size', 'value-bytes', 'writes', 'writes alone'),
    ],
  }
}

function replicas(curve: Curve): Chart {
  return {
    title: 'Throughput against the number of replicas',
    note: 'All of them and the client share the cores of this one machine',
    x: { label: 'replicas', kind: 'category', categories: [3, 5, 7].map((value) => ({ value, label: String(value) })) },
    y: { label: 'completed operations per second', kind: 'linear' },
    series: [
      curve('replicas', 'replicas', 'reads', 'reads alone'),
      curve('replicas', 'replicas', 'writes', 'writes alone'),
    ],
  }
}

function skew(curve: Curve): Chart {
  const shown = PERCENT.filter(({ value }) => [0, 0.05, 0.5, 1].includes(value))
  return {
    title: 'Throughput with skewed keys',
    note: "Zipf's distribution with exponent 0.99 over a million keys, beside uniform ones",
    x: { label: 'share of writes', kind: 'category', categories: shown },
    y: { label: 'completed operations per second', kind: 'linear' },
    series: [curve('skew', 'skew', 'uniform', 'uniform'), curve('skew', 'skew', 'zipf', 'Zipf 0.99')],
  }
}

/** One failover, not the median of several: a mean of gaps at different times would show none. */
function failover(samples: readonly Sample[]): Chart {
  const own = samples.filter(({ subject }) => subject === 'failover')
  const begin = own.findIndex(({ point }) => point.startsWith('t='))
  const end = own.findIndex(({ point }) => point === 'gap')
  const points: Place[] = begin < 0 ? [] : own.slice(begin, end < 0 ? undefined : end).map(({ point, values }) =>
    ({ x: Number(point.slice(2)), y: values['operations'] ?? NaN }))
  const gap = end < 0 ? '' : `; the longest time without one: ${Math.round(own[end]?.values['millis'] ?? 0)} ms`
  return {
    title: 'A failover: the leader of three replicas is killed',
    note: `Completed writes of all sessions, in steps of 10 ms${gap}`,
    x: { label: 'milliseconds since kill -9', kind: 'linear', isTime: true },
    y: { label: 'completed writes per second', kind: 'linear' },
    series: [{ name: 'writes', points, isTimeLine: true }],
    event: { x: 0, label: 'kill -9' },
  }
}

export function writePlots(folder: string, samples: readonly Sample[], summary: string): void {
  const plots = plotsOf(samples)
  for (const { file, chart } of plots) writeFileSync(join(folder, `${file}.svg`), `${drawChart(chart)}\n`)
  writeFileSync(join(folder, 'report.html'), pageOf(plots.map(({ chart }) => drawChart(chart)), summary))
}

/** Classes of one SVG are seen by the others of a page; all have the same colours, the longest style wins. */
function pageOf(plots: readonly string[], summary: string): string {
  return [
    '<!doctype html>', '<html lang="en">', '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">', '<title>zabkv: benchmarks</title>',
    '<style>:root{color-scheme:light dark}body{font:14px system-ui,sans-serif;max-width:1100px;margin:24px auto;',
    'padding:0 16px;background:#fff;color:#1b1f24}svg{max-width:100%;height:auto;margin:12px 0}',
    'pre{overflow-x:auto}@media (prefers-color-scheme:dark){body{background:#14171c;color:#e8eaed}}</style>',
    '<h1>zabkv: benchmarks</h1>', ...plots, `<pre>${escape(summary)}</pre>`, '</html>', '',
  ].join('\n')
}
