/** Records what sessions at several replicas of real processes saw, for the checker. */

import assert from 'node:assert/strict'
import { STATUS, ZabkvError } from '../../src/client/connect.js'
import type { Client, Session } from '../../src/client/connect.js'
import type { FinalItem, HistoryOperation } from '../checker/history.js'
import { columnsOf } from '../checker/operation-columns.js'
import { createPrng } from '../sim/prng.js'
import type { Processes } from './processes.js'

const KEYS = 20

export interface Recording {
  clients: number
  operations: number // of each session
  drop: number
  /** Called once, when half of the operations were issued. */
  midway?: () => void
}

/** Clients at different replicas, two sessions each, pipelining random operations with unique values. */
export async function recordHistory(processes: Processes, recording: Recording): Promise<HistoryOperation[]> {
  const history: HistoryOperation[] = []
  const clients: Client[] = []
  const runs: Promise<void>[] = []
  let issued = 0
  const half = recording.clients * recording.operations
  const onIssue = (): void => {
    if (++issued === half) recording.midway?.()
  }
  try {
    for (let number = 0; number < recording.clients; number++) {
      const client = await processes.client(number % 3, { dropRatio: recording.drop })
      clients.push(client)
      for (const side of [0, 1]) {
        const session = await client.session()
        runs.push(runSession(session, number * 2 + side, recording.operations, history, onIssue))
      }
    }
    await Promise.all(runs)
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
  return history
}

/** What is there at rest. */
export async function readFinal(processes: Processes): Promise<FinalItem[]> {
  await using kv = await processes.client()
  await kv.sync()
  const found: FinalItem[] = []
  for (let number = 0; number < KEYS; number++) {
    const key = `key-${number}`
    const item = await kv.get(key)
    const value = item === null ? null : Buffer.from(item.value).toString()
    found.push({ key, value, version: item?.version ?? 0 })
  }
  return found
}

async function runSession(
  session: Session,
  number: number,
  operations: number,
  history: HistoryOperation[],
  onIssue: () => void,
): Promise<void> {
  const prng = createPrng(number + 1)
  const outstanding = new Set<Promise<void>>()
  for (let index = 0; index < operations; index++) {
    const choice = prng.unit()
    const kind = choice < 0.4 ? 'write' : choice < 0.45 ? 'delete' : choice < 0.5 ? 'sync' : 'read'
    const operation: HistoryOperation = {
      session: number,
      index,
      kind,
      key: `key-${prng.below(KEYS)}`,
      value: kind === 'write' ? `${number}.${index}` : null,
      version: null,
      start: performance.now(),
      end: Infinity,
    }
    history.push(operation)
    onIssue()
    const done = perform(session, operation).finally(() => outstanding.delete(done))
    outstanding.add(done)
    while (outstanding.size > prng.below(30)) await Promise.race(outstanding)
  }
  await Promise.all(outstanding)
}

async function perform(session: Session, operation: HistoryOperation): Promise<void> {
  const results = await session
    .submit(columnsOf(operation), { timeoutMillis: 30_000 })
    .catch((error: unknown) => {
      // After a move, a read whose place in the order has passed: definite, nothing happened.
      assert.ok(error instanceof ZabkvError && error.code === 'READ_OVERTAKEN', String(error))
      return null
    })
  operation.end = performance.now()
  if (results === null) return
  const [status] = results.statuses
  const [version = 0] = results.versions
  if (status === STATUS.OVERTAKEN) return
  if (operation.kind === 'read' && status === STATUS.OK) {
    const [from = 0] = results.valueOffsets
    const [bytes = 0] = results.valueBytes
    operation.value = Buffer.from(results.values.subarray(from, from + bytes)).toString()
    operation.version = version
  } else if (status === STATUS.NOT_FOUND) {
    operation.kind = 'read'
    operation.version = 0
  } else {
    assert.equal(status, STATUS.OK)
    operation.version = version
  }
}
