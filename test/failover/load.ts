/** Threads of clients, one for each replica, and the timelines that they fill. */

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { monotonicMillis } from '../monotonic-clock.js'
import type { Timeline } from './gaps.js'

export interface ThreadSettings {
  readonly registry: string
  readonly cluster: string
  readonly replica: number
  /** Of both timelines: of the one monotonic clock, milliseconds. */
  readonly baseMillis: number
  readonly writes: SharedArrayBuffer
  readonly reads: SharedArrayBuffer
  readonly failoverMillis: number | null
}

export type ThreadMessage = { kind: 'pinned' } | { kind: 'ended'; codes: Record<string, number>; completed: number }

interface LoadThread {
  readonly replica: number
  readonly worker: Worker
  readonly writes: Timeline
  readonly reads: Timeline
  /** Why it broke, if it did. */
  broken: string | null
}

export interface FailoverLoad {
  readonly threads: readonly LoadThread[]
  readonly baseMillis: number
  readonly lengthMillis: number
}

const THREAD = new URL('./load-thread.js', import.meta.url)
const PIN_MILLIS_MAX = 20_000

export function startThreads(
  replicas: number,
  lengthMillis: number,
  settings: Pick<ThreadSettings, 'registry' | 'cluster' | 'failoverMillis'>,
): FailoverLoad {
  const baseMillis = monotonicMillis()
  const threads = Array.from({ length: replicas }, (_, replica): LoadThread => {
    const writes = new SharedArrayBuffer(lengthMillis)
    const reads = new SharedArrayBuffer(lengthMillis)
    const workerData: ThreadSettings = { ...settings, replica, baseMillis, writes, reads }
    const worker = new Worker(fileURLToPath(THREAD), { workerData })
    const thread: LoadThread = {
      replica, worker, writes: new Uint8Array(writes), reads: new Uint8Array(reads), broken: null,
    }
    worker.on('error', (error) => {
      thread.broken = `the clients of replica ${replica} broke: ${error.stack ?? error.message}`
    })
    return thread
  })
  return { threads, baseMillis, lengthMillis }
}

/** Each thread's clients go back to the replica that it is for. A sentence when one does not come to that. */
export async function pinThreads(load: FailoverLoad): Promise<string | null> {
  const pinned = load.threads.map(async ({ worker, replica }) => {
    worker.postMessage('pin')
    const heard = once(worker, 'message').then(() => null)
    const signal = AbortSignal.timeout(PIN_MILLIS_MAX)
    const late = once(signal, 'abort').then(() => `the clients of replica ${replica} did not attach to it`)
    return Promise.race([heard, late])
  })
  return (await Promise.all(pinned)).find((sentence) => sentence !== null) ?? null
}

/** What became of all operations, by code. */
export async function endThreads(load: FailoverLoad): Promise<{ codes: Map<string, number>; completed: number }> {
  const codes = new Map<string, number>()
  let completed = 0
  for (const { worker, broken } of load.threads) {
    if (broken !== null) continue
    worker.postMessage('end')
    const [said] = (await once(worker, 'message')) as [ThreadMessage]
    await worker.terminate()
    if (said.kind !== 'ended') continue
    completed += said.completed
    for (const [code, count] of Object.entries(said.codes)) codes.set(code, (codes.get(code) ?? 0) + count)
  }
  return { codes, completed }
}

export async function abandonThreads(load: FailoverLoad): Promise<void> {
  await Promise.all(load.threads.map(({ worker }) => worker.terminate()))
}

/** Index of now in the timelines. */
export function nowIn(load: FailoverLoad): number {
  return Math.floor(monotonicMillis() - load.baseMillis)
}
