/** What a run leaves behind: JSON for programs, a Markdown table for people. */

import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { medianOf, summarizeSamples, valuesOf, type Result, type Sample } from './samples.js'
import { compare, type Comparison, type Ratios } from './ratios.js'
import { pairedRatios, summarize } from './statistics.js'
import { markdownTable, short } from './text.js'

export interface Environment {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly kernel: string
  readonly node: string
  /** Where peers keep their data: an fsync costs nothing in memory. */
  readonly disk: 'disk' | 'memory'
  readonly versions: Readonly<Record<string, string>>
}

export interface Results {
  readonly environment: Environment
  readonly ratios: Ratios
  readonly results: readonly Result[]
}

const PACKAGES = ['zookeeper', 'etcd-server', 'redis-server', 'memcached']
const TMPFS = 0x01021994

export function environmentOf(scratch: string): Environment {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    disk: statfsSync(scratch).type === TMPFS ? 'memory' : 'disk',
    versions: Object.fromEntries(PACKAGES.flatMap((name) => {
      const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' })
      return status === 0 && stdout !== '' ? [[name, stdout]] : []
    })),
  }
}

export function resultsOf(samples: readonly Sample[], ratios: Ratios, environment: Environment): Results {
  return { environment, ratios, results: summarizeSamples(samples) }
}

const PEERS = [
  'limit', 'zabkv', 'zabkv-async', 'zabkv-fsync', 'zookeeper', 'zookeeper-fsync', 'etcd', 'etcd-fsync', 'redis',
  'redis-wait', 'memcached',
]

/** The table of peers: medians, and how much zabkv does for each of theirs. */
export function peerTable(samples: readonly Sample[]): string {
  const measured = PEERS.filter((subject) => samples.some((sample) => sample.subject === subject))
  const cell = (subject: string, point: string, name: string): string => {
    const value = medianOf(samples, subject, point, name)
    return value === null ? '-' : short(value)
  }
  const times = (subject: string, point: string, name: string): string => {
    const own = valuesOf(samples, 'zabkv', point, name)
    const ratios = pairedRatios(own, valuesOf(samples, subject, point, name))
    return ratios.length === 0 || subject === 'zabkv' ? '-' : short(summarize(ratios).median)
  }
  const latencies = ['one write, p50 us', 'p99 us', 'one read, p50 us', 'p99 us']
  return markdownTable(
    ['', 'writes/s', 'zabkv / it', 'reads/s', 'zabkv / it', ...latencies],
    measured.map((subject) => [
      subject,
      cell(subject, 'write-ratio=1', 'writes'), times(subject, 'write-ratio=1', 'writes'),
      cell(subject, 'write-ratio=0', 'reads'), times(subject, 'write-ratio=0', 'reads'),
      cell(subject, 'one-write', 'p50'), cell(subject, 'one-write', 'p99'),
      cell(subject, 'one-read', 'p50'), cell(subject, 'one-read', 'p99'),
    ]),
  )
}

export function ratioTable(comparisons: readonly Comparison[]): string {
  return markdownTable(
    ['ratio', 'median', 'least', 'most', 'recorded', 'change'],
    comparisons.map(({ name, before, after, change }) => [
      name, short(after.median), short(after.least), short(after.most),
      before === null ? '-' : `${short(before.median)} (${short(before.least)} to ${short(before.most)})`, change,
    ]),
  )
}

/** Everything that was measured, one line each; what no table above has a place for. */
function pointTable({ results }: Results, subjects: readonly string[]): string {
  const rows = results.filter((each) => subjects.includes(each.subject) && !each.point.startsWith('t='))
    .flatMap(({ subject, point, values }) =>
    Object.entries(values).map(([name, { median, least, most, count }]) =>
      [`${subject} ${point}: ${name}`, short(median), short(least), short(most), String(count)]))
  return markdownTable(['', 'median', 'least', 'most', 'samples'], rows)
}

export function markdownOf(results: Results, samples: readonly Sample[], recorded: Ratios): string {
  const { date, cpu, cores, kernel, node, disk, versions } = results.environment
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')
  const others = [...new Set(results.results.map(({ subject }) => subject))].filter((name) => !PEERS.includes(name))
  const data = `peers' data ${disk === 'disk' ? 'on disk' : 'in memory'}`
  return [
    '# Results',
    `${date}, ${cores} cores (${cpu}), Linux ${kernel}, Node ${node}; ${data}.`,
    peers === '' ? '' : `${peers}.`,
    peerTable(samples),
    '## Ratios',
    ratioTable(compare(recorded, results.ratios)),
    others.length === 0 ? '' : `## Other points\n\n${pointTable(results, others)}`,
  ].filter((part) => part !== '').join('\n\n').concat('\n')
}
