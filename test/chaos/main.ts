/**
 * npm run chaos: real replicas under faults, with clients that record what they see. options.ts says what it is told.
 *
 * Makes its network namespaces, starts itself again inside, and removes them when that is over.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bridgeSpace, makeHosts, removeHosts } from './hosts.js'
import { readOptions, USAGE, UsageError } from './options.js'
import type { ChaosOptions } from './options.js'
import { runChaos } from './run.js'
import type { ChaosReport } from './run.js'
import type { FaultKind } from './schedule.js'

/** Where the tool that runs inside finds its namespaces. */
const PREFIX_NAME = 'ZABKV_CHAOS_PREFIX'
const NEEDS_HOSTS: readonly FaultKind[] = ['cut', 'cut-one-way', 'disk-full']

const given = process.argv.slice(2)
process.exitCode = await main()

async function main(): Promise<number> {
  if (given.includes('--help')) {
    console.log(USAGE)
    return 0
  }
  try {
    const options = readOptions(given)
    const inside = process.env[PREFIX_NAME]
    if (inside !== undefined) return await runInside(options, inside)
    return await runOutside(options)
  } catch (error) {
    const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
    console.error(`chaos: ${(error as Error).message}`)
    return isUsage === true ? 2 : 1
  }
}

async function runOutside(options: ChaosOptions): Promise<number> {
  const prefix = `zc${process.pid % 100_000}`
  const hosts = options.replicas + options.observers
  const missing = options.loopback ? 'loopback was asked for' : makeHosts(prefix, hosts)
  if (missing !== null) return runLoopback(options, missing)
  const ended = new AbortController()
  const forward = (): void => ended.abort()
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  try {
    const words = ['netns', 'exec', bridgeSpace(prefix), process.execPath, ...process.execArgv]
    // The seed is drawn once.
    const child = spawn('ip', [...words, process.argv[1] ?? '', ...given, '--seed', String(options.seed)], {
      env: { ...process.env, [PREFIX_NAME]: prefix },
      stdio: 'inherit',
    })
    ended.signal.addEventListener('abort', () => child.kill('SIGTERM'))
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? 1
  } finally {
    removeHosts(prefix, hosts)
  }
}

function runLoopback(options: ChaosOptions, why: string): Promise<number> {
  const left = options.faults.filter((kind) => NEEDS_HOSTS.includes(kind))
  if (left.length > 0 && options.isExplicit) {
    throw new UsageError(`${left.join(', ')} cannot be done here: ${why}`)
  }
  console.log(`on loopback, without ${NEEDS_HOSTS.join(', ')}: ${why}`)
  return report(options, options.faults.filter((kind) => !left.includes(kind)), null)
}

function runInside(options: ChaosOptions, prefix: string): Promise<number> {
  return report(options, options.faults, prefix)
}

async function report(options: ChaosOptions, kinds: readonly FaultKind[], prefix: string | null): Promise<number> {
  const { folder: wanted, seed, replicas, observers, durability } = options
  if (wanted !== null) mkdirSync(wanted, { recursive: true })
  const folder = wanted ?? mkdtempSync(join(tmpdir(), 'zabkv-chaos.'))
  const stopped = new AbortController()
  const stop = (): void => stopped.abort()
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const hosts = prefix === null ? 'on loopback' : 'on hosts of their own'
  console.log(`seed ${seed}: ${replicas} replicas and ${observers} observers ${hosts}, ${durability}, ` +
    `faults: ${kinds.join(', ') || 'none'}`)
  let result: ChaosReport
  try {
    result = await runChaos(options, kinds, prefix, folder, stopped.signal)
  } catch (error) {
    console.log(`FAIL seed ${seed}: ${(error as Error).message}; logs: ${folder}`)
    return 1
  }
  print(result)
  const { problems } = result
  if (problems.length === 0) {
    if (wanted === null) rmSync(folder, { recursive: true, force: true })
    console.log(`PASS seed ${seed}`)
    return 0
  }
  console.log(`FAIL seed ${seed}: ${problems.join('\n  ')}\nhistory and logs: ${folder}`)
  return 1
}

function print(result: ChaosReport): void {
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts).sort().map(([name, count]) => `${name} ${count}`).join(', ') || 'none'
  const { operations, known, unknown, failed } = result
  console.log(`faults: ${list(result.faults)}`)
  console.log(`as: ${list(result.ways)}`)
  console.log(`operations: ${operations}: ${known} with a result, ${unknown} not known, ${failed} did not happen`)
  console.log(`by code: ${list(result.codes)}`)
  console.log(`epochs raised: ${result.epochsRaised}`)
  console.log(`longest gap without completed writes: ${Math.round(result.gapMillis)} ms, ` +
    `${result.gapAtSeconds.toFixed(1)} s after the start; the whole took ${result.seconds.toFixed(1)} s`)
  console.log(`under way in it: ${result.gapFaults.join('; ') || 'nothing'}`)
}
