/** The processes of clients, and the history that they recorded together. */

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { HistoryOperation } from '../checker/history.js'

export interface LoadSettings {
  registry: string
  cluster: string
  /** Ids that clients may ask for. */
  replicas: number
  seed: number
  process: number
  processes: number
  /** Operations a second, of all processes. */
  rate: number
  keys: number
  timeoutMillis: number
  file: string
}

export type LoadMessage =
  | { kind: 'progress'; completed: number; completedWrites: number }
  | { kind: 'finished'; codes: Record<string, number> }

export interface Load {
  readonly children: readonly ChildProcess[]
  readonly files: readonly string[]
  readonly completed: number[]
  readonly completedWrites: number[]
  readonly codes: Map<string, number>
  /** Processes that ended without saying that they had finished. */
  readonly broken: string[]
  readonly ends: Promise<void>[]
}

const CLIENT_MAIN = fileURLToPath(new URL('./client-main.js', import.meta.url))
const STOP_MILLIS_MAX = 30_000

export function startLoad(
  folder: string,
  processes: number,
  settings: Omit<LoadSettings, 'process' | 'processes' | 'file'>,
): Load {
  const files = Array.from({ length: processes }, (_, each) => join(folder, `history-${each}.jsonl`))
  const children = files.map((file, each) =>
    fork(CLIENT_MAIN, [JSON.stringify({ ...settings, process: each, processes, file })]),
  )
  const zeros = children.map(() => 0)
  const load: Load = {
    children,
    files,
    completed: [...zeros],
    completedWrites: [...zeros],
    codes: new Map(),
    broken: [],
    ends: [],
  }
  children.forEach((child, each) => load.ends.push(followClient(load, child, each)))
  return load
}

/** Lets what is outstanding come to its end. */
export async function stopLoad(load: Load): Promise<void> {
  for (const child of load.children) if (child.connected) child.send('stop')
  const timer = setTimeout(() => {
    for (const child of load.children) child.kill('SIGKILL')
  }, STOP_MILLIS_MAX)
  await Promise.all(load.ends)
  clearTimeout(timer)
}

export async function readHistory(load: Load): Promise<HistoryOperation[]> {
  const history: HistoryOperation[] = []
  for (const file of load.files) {
    if (!existsSync(file)) continue
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const operation = JSON.parse(line) as HistoryOperation & { end: number | null }
      operation.end ??= Infinity
      history.push(operation)
    }
  }
  return history
}

async function followClient(load: Load, child: ChildProcess, each: number): Promise<void> {
  let hasFinished = false
  child.on('message', (message) => {
    const said = message as LoadMessage
    if (said.kind === 'progress') {
      load.completed[each] = said.completed
      load.completedWrites[each] = said.completedWrites
      return
    }
    hasFinished = true
    for (const [code, count] of Object.entries(said.codes)) {
      load.codes.set(code, (load.codes.get(code) ?? 0) + count)
    }
  })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  if (!hasFinished) load.broken.push(`client process ${each} ended with ${signal ?? code}`)
}
