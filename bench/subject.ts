/** What a benchmark is of: a peer, zabkv itself, or a question asked of it. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../test/package-root.js'
import type { Sandbox } from './sandbox.js'
import type { Sample } from './samples.js'

export interface Settings {
  readonly sandbox: Sandbox
  readonly seconds: number
  /** Fewer points, for --quick. */
  readonly quick: boolean
  /** Says what is being done. */
  say(what: string): void
  keep(point: string, values: Sample['values']): void
}

export interface Subject {
  /** As in --only; its group is what stands before a dash. */
  readonly name: string
  readonly about: string
  /** Debian's packages without which it cannot run here; empty when it can. */
  missing(): string[]
  /** One repetition. */
  measure(settings: Settings): Promise<void>
}

/** What a load reports, in the names of samples. */
export interface Measured {
  readonly writes: number
  readonly reads: number
  readonly operations: number
  readonly errors: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly mean: number
}

export const LOCAL = '127.0.0.1'

export function programOf(name: string): string {
  return join(packageRoot(), 'build', 'bench', name)
}

/** Builds a native program unless it is up to date. A sentence when that does not work. */
export function buildProgram(name: string): string | null {
  const script = join(packageRoot(), 'bench', 'build.sh')
  const { status, stderr } = spawnSync('bash', [script, name], { encoding: 'utf8' })
  return status === 0 ? null : `The program ${name} does not build: ${stderr.trim()}`
}

const LOAD_MILLIS_MAX = 180_000

interface NativeReport {
  writes: number
  reads: number
  errors: number
  seconds: number
  latencyMicros: { mean: number; p50: number; p90: number; p99: number; p999: number }
}

/** A native load, from its line of JSON. */
export async function runNative(
  sandbox: Sandbox, name: string, words: Readonly<Record<string, string | number>>,
): Promise<Measured> {
  const flat = Object.entries(words).flatMap(([key, value]) => [`--${key}`, String(value)])
  const said = await sandbox.run(`the load ${name}`, programOf(name), flat, LOAD_MILLIS_MAX)
  const { writes, reads, errors, seconds, latencyMicros } = JSON.parse(said) as NativeReport
  const { mean, p50, p90, p99, p999 } = latencyMicros
  return {
    writes: writes / seconds,
    reads: reads / seconds,
    operations: (writes + reads) / seconds,
    errors,
    mean, p50, p90, p99, p999,
  }
}
