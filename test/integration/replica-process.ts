/** One replica as a child process: started, ended and started again by the same command; and what its lives said. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { parseHostPort } from '../../src/registry/host-port.js'
import { MAIN } from '../cli/run.js'
import { until } from './until.js'

/** A busy machine may take a while for three processes. */
const READY_MILLIS_MAX = 90_000
const TERM_MILLIS_MAX = 10_000

export interface ReplicaProcess {
  readonly id: number
  readonly words: readonly string[]
  /** Before `node`, as to enter a mount namespace; it must end by exec, because signals go to this process. */
  readonly enter: readonly string[]
  /** Of its log; null in memory. */
  readonly dataDir: string | null
  child: ChildProcess
  /** What this life said. */
  said: string
}

export function spawnReplica(
  id: number,
  words: readonly string[],
  dataDir: string | null,
  enter: readonly string[] = [],
): ReplicaProcess {
  const replica: ReplicaProcess = { id, words, enter, dataDir, child: spawnWords(enter, words), said: '' }
  listen(replica)
  return replica
}

/** A new life by the same command. The one before has ended. */
export function respawn(replica: ReplicaProcess): void {
  if (isRunning(replica)) throw new Error(`replica ${replica.id} runs`)
  replica.child = spawnWords(replica.enter, replica.words)
  replica.said = ''
  listen(replica)
}

export function isRunning({ child }: ReplicaProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** Until it serves clients. */
export async function untilServing(replica: ReplicaProcess): Promise<void> {
  await until(() => isServing(replica) || !isRunning(replica), `replica ${replica.id} serves`, READY_MILLIS_MAX).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; it said: ${replica.said}`)
    },
  )
  const { exitCode, signalCode } = replica.child
  if (isServing(replica)) return
  throw new Error(`replica ${replica.id} ended with ${signalCode ?? exitCode}: ${replica.said}`)
}

export function isServing({ said }: ReplicaProcess): boolean {
  return said.includes('serves cluster')
}

/** Where this life answers questions: known when it serves. */
export function adminOf({ id, said }: ReplicaProcess): { host: string; port: number } {
  const found = /admin (\S+)/.exec(said)?.[1]
  if (found === undefined) throw new Error(`replica ${id} does not serve yet`)
  return parseHostPort(found)
}

/** At once; what it held in memory is gone. */
export async function killReplica({ child }: ReplicaProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** In order; by force when that takes too long. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  child.kill('SIGCONT')
  const timer = setTimeout(() => child.kill('SIGKILL'), TERM_MILLIS_MAX)
  await gone
  clearTimeout(timer)
}

function spawnWords(enter: readonly string[], words: readonly string[]): ChildProcess {
  const [command = process.execPath, ...rest] = [...enter, process.execPath, MAIN, ...words]
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
}

function listen(replica: ReplicaProcess): void {
  const { child } = replica
  const keep = (chunk: Buffer): void => {
    if (replica.child === child) replica.said += chunk.toString()
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
}
