/**
 * A thread of load.ts: one client at one replica, with sessions that write and one that reads, a few batches
 * outstanding on each. Marks every millisecond in which a batch was completed.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { connect, OP, STATUS, ZabkvError } from '../../src/client/connect.js'
import type { Client, OperationColumns, Session } from '../../src/client/connect.js'
import { monotonicMillis } from '../monotonic-clock.js'
import type { ThreadMessage, ThreadSettings } from './load.js'

const WRITERS = 2
const BATCH = 8
const OUTSTANDING_MAX = 16 // batches of each session
const TICK_MILLIS = 2
const TIMEOUT_MILLIS = 10_000
const RETRY_MILLIS = 20
const PIN_ATTEMPTS_MAX = 500
const KEYS = 64

const settings = workerData as ThreadSettings
const writes = new Uint8Array(settings.writes)
const reads = new Uint8Array(settings.reads)
const codes = new Map<string, number>()
let completed = 0
/** Counts up when the clients are to be opened anew; whoever runs for an older one ends. */
let life = 0
let isEnding = false

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (word: 'pin' | 'end') => {
  life++
  if (word === 'end') {
    isEnding = true
    say({ kind: 'ended', codes: Object.fromEntries(codes), completed })
    return
  }
  void pin(life)
})

function columnsOf(kind: number, session: number): OperationColumns {
  const keys = Array.from({ length: BATCH }, (_, each) => `f${(settings.replica * 7 + session * 3 + each) % KEYS}`)
  const valueBytes = kind === OP.GET ? 0 : 32
  return {
    count: BATCH,
    kinds: kind,
    keys: Buffer.from(keys.join('')),
    keyBytes: Uint8Array.from(keys, (key) => key.length),
    values: new Uint8Array(valueBytes * BATCH),
    valueBytes: new Uint32Array(BATCH).fill(valueBytes),
    versions: null,
  }
}

/** A client at our own replica, or the next attempt: it may just have come back. */
async function openPinned(own: number): Promise<Client | null> {
  const { registry, cluster, replica, failoverMillis } = settings
  for (let attempt = 0; attempt < PIN_ATTEMPTS_MAX && own === life; attempt++) {
    try {
      const options = { registry, cluster, replica, timeoutMillis: TIMEOUT_MILLIS }
      const client = await connect(failoverMillis === null ? options : { ...options, failoverMillis })
      if (client.stats().replica === replica) return client
      await client.close()
    } catch (error) {
      note(error)
    }
    await sleep(RETRY_MILLIS)
  }
  return null
}

async function pin(own: number): Promise<void> {
  const client = await openPinned(own)
  if (client === null) return
  const loops = [sessionLoop(own, await client.session(), columnsOf(OP.GET, 0), reads)]
  for (let each = 0; each < WRITERS; each++) {
    loops.push(sessionLoop(own, await client.session(), columnsOf(OP.SET, each), writes))
  }
  say({ kind: 'pinned' })
  await Promise.all(loops)
  await client.close()
}

/** A session that ended at the cluster stays ended until the next pin: the other sessions go on. */
async function sessionLoop(
  own: number,
  session: Session,
  columns: OperationColumns,
  timeline: Uint8Array,
): Promise<void> {
  let outstanding = 0
  while (own === life && !isEnding) {
    if (outstanding < OUTSTANDING_MAX) {
      outstanding++
      void runBatch(session, columns, timeline).finally(() => outstanding--)
    }
    await sleep(TICK_MILLIS)
  }
}

async function runBatch(session: Session, columns: OperationColumns, timeline: Uint8Array): Promise<void> {
  try {
    const { statuses } = await session.submit(columns)
    const millis = Math.floor(monotonicMillis() - settings.baseMillis)
    const done = statuses.filter((status) => status === STATUS.OK || status === STATUS.NOT_FOUND).length
    if (done > 0) timeline[millis] = 1
    completed += done
    if (done < BATCH) codes.set('refused', (codes.get('refused') ?? 0) + BATCH - done)
  } catch (error) {
    note(error)
  }
}

function note(error: unknown): void {
  if (!(error instanceof ZabkvError)) throw error
  codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
}
