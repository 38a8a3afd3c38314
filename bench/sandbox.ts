/**
 * Where peers run: a folder of their own that goes when all is over, free ports of loopback, and processes that are
 * ended by their ids, also when this program is interrupted.
 */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Started {
  readonly name: string
  readonly child: ChildProcess
  readonly logFile: string
}

const TERM_MILLIS_MAX = 5_000
const LOOK_MILLIS = 50
const TAIL_LINES = 8
const LINE_MAX = 240
/** A process that was just killed may still be about to write. */
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 } as const
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export class Sandbox {
  readonly folder: string
  private readonly running = new Set<Started>()
  private folders = 0
  private readonly onExit = (): void => this.abandon()
  private readonly onSignal = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal])

  constructor(parent: string) {
    mkdirSync(parent, { recursive: true })
    this.folder = mkdtempSync(join(parent, 'zabkv-bench-'))
    process.once('exit', this.onExit)
    // Not once: a second signal, while the first one's cleaning up goes on, would end this process in the midst of it.
    for (const signal of SIGNALS) process.on(signal, this.onSignal)
  }

  /** A new folder in the sandbox. */
  makeFolder(name: string): string {
    const made = join(this.folder, `${this.folders++}-${name}`)
    mkdirSync(made)
    return made
  }

  /** A server, with what it says in a file. */
  start(name: string, command: string, words: readonly string[]): Started {
    const logFile = join(this.folder, `${this.folders++}-${name}.log`)
    const log = openSync(logFile, 'a')
    const child = spawn(command, words, { cwd: this.folder, stdio: ['ignore', log, log] })
    closeSync(log)
    const started: Started = { name, child, logFile }
    this.running.add(started)
    child.once('exit', () => this.running.delete(started))
    child.once('error', () => this.running.delete(started))
    return started
  }

  /** Runs a program to its end; what it prints. */
  async run(name: string, command: string, words: readonly string[], millisMax: number): Promise<string> {
    const child = spawn(command, words, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const started: Started = { name, child, logFile: '' }
    this.running.add(started)
    let said = ''
    let complained = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
    const timer = setTimeout(() => child.kill('SIGKILL'), millisMax)
    const [code] = (await once(child, 'close')) as [number | null]
    clearTimeout(timer)
    this.running.delete(started)
    if (code === 0) return said
    throw new Error(`${name} failed${code === null ? ` within ${millisMax} ms` : ''}: ${lastLines(complained + said)}`)
  }

  async stop(started: Started, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = started
    if (!isRunning(started)) return
    const gone = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), TERM_MILLIS_MAX)
    await gone
    clearTimeout(timer)
  }

  async close(): Promise<void> {
    await Promise.all([...this.running].map((started) => this.stop(started)))
    process.off('exit', this.onExit)
    for (const signal of SIGNALS) process.off(signal, this.onSignal)
    rmSync(this.folder, REMOVE)
  }

  /** At the end of this process, however it came: nothing of ours may be left. */
  private abandon(): void {
    for (const { child } of this.running) child.kill('SIGKILL')
    rmSync(this.folder, REMOVE)
  }
}

/** Looks until `holds`, as long as the server runs. Fails with what it said last: "NAME SENTENCE: ...". */
export async function awaitServer(
  server: Started, millisMax: number, sentence: string, holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let waited = 0; waited < millisMax && isRunning(server); waited += LOOK_MILLIS) {
    if (await holds()) return
    await sleep(LOOK_MILLIS)
  }
  throw new Error(`${server.name} ${sentence}: ${logTail(server)}`)
}

function isRunning({ child }: Started): boolean {
  return child.exitCode === null && child.signalCode === null
}

function logTail(started: Started): string {
  try {
    return lastLines(readFileSync(started.logFile, 'utf8'))
  } catch {
    return 'it said nothing'
  }
}

function lastLines(text: string): string {
  const lines = text.trim().split('\n').slice(-TAIL_LINES)
  // A report of JSON is one line.
  const said = lines.map((line) => (line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)} ...` : line)).join('\n  ')
  return said === '' ? 'it said nothing' : said
}

/** `count` different ports that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port)
  }
  await Promise.all(servers.map(async (server) => {
    server.close()
    await once(server, 'close')
  }))
  return ports
}

export function hasCommand(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0
}
