/** Real replicas with several workers: order within sessions, moves between workers and replicas, ends. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'

import { item } from '../../src/assert.js'
import type { Client } from '../../src/client/client.js'
import type { Session } from '../../src/client/session.js'
import type { ReplicaStats } from '../../src/runtime/options.js'
import { ZabkvError } from '../../src/errors.js'
import { checkHistory } from '../checker/history.js'
import type { HistoryOperation } from '../checker/history.js'
import { replicaChild, settled, settledAlike, startProcesses } from '../integration/processes.js'
import { end } from '../integration/replica-process.js'
import type { Processes } from '../integration/processes.js'
import { until } from '../integration/until.js'

const KEYS = 12
const WINDOW = 16 // operations that one session has outstanding
const CLIENTS_MAX = 64

interface Recorder {
  history: HistoryOperation[]
  sessions: number
  values: number
  failed: string[]
}

function createRecorder(): Recorder {
  return { history: [], sessions: 0, values: 0, failed: [] }
}

/** Mixed reads and writes of one session, pipelined; every operation and what it saw is recorded. */
async function work(recorder: Recorder, session: Session | Client, operations: number): Promise<void> {
  const number = recorder.sessions++
  const flying = new Set<Promise<void>>()
  for (let index = 0; index < operations; index++) {
    const key = `key-${(index * 7 + number * 3 + (index >>> 2)) % KEYS}`
    const one = operate(recorder, session, number, index, key).finally(() => flying.delete(one))
    flying.add(one)
    if (flying.size >= WINDOW) await Promise.race(flying)
  }
  await Promise.all(flying)
}

async function operate(
  recorder: Recorder,
  session: Session | Client,
  number: number,
  index: number,
  key: string,
): Promise<void> {
  const isRead = index % 3 !== 0
  const value = isRead ? null : `value-${recorder.values++}`
  const kind = isRead ? ('read' as const) : ('write' as const)
  const start = performance.now()
  const operation: HistoryOperation = {
    session: number, index, kind, key, value, version: null, start, end: Infinity,
  }
  recorder.history.push(operation)
  try {
    if (value === null) {
      const found = await session.get(key)
      operation.value = found === null ? null : Buffer.from(found.value).toString()
      operation.version = found === null ? 0 : found.version
    } else {
      operation.version = (await session.set(key, value)).version
    }
    operation.end = performance.now()
  } catch (error) {
    // A read whose place passed while its session moved is refused: that is the promise, not a failure.
    const code = error instanceof ZabkvError ? error.code : String(error)
    if (code !== 'READ_OVERTAKEN') recorder.failed.push(code)
  }
}

/** Clients until every worker of the replica has one: each chooses its worker at random. */
async function clientsOnEveryWorker(processes: Processes, replica: number): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < CLIENTS_MAX) {
    clients.push(await processes.client(replica))
    if (clients.length < 6) continue
    await new Promise((resolve) => setTimeout(resolve, 150)) // until the workers have posted their figures
    const report = item(await processes.stats(), replica)
    if (report.workers.every(({ links }) => links > 0)) return clients
  }
  assert.fail(`${CLIENTS_MAX} clients, and a worker without one`)
}

function checkRecorded(recorder: Recorder, least: number): void {
  assert.deepEqual(recorder.failed, [])
  assert.deepEqual(checkHistory(recorder.history), [])
  const answered = recorder.history.filter(({ version }) => version !== null).length
  assert.ok(answered >= least, `${answered} operations were answered`)
}

function sum(report: ReplicaStats, count: 'requests' | 'links' | 'writes'): number {
  return report.workers.reduce((total, each) => total + each[count], 0)
}

function isEveryWorkerUsed({ workers }: ReplicaStats): boolean {
  return workers.every(({ requests, writes }) => requests > 0 && writes > 0)
}

async function closeAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()))
}

test('workers: sessions over every worker of three replicas keep their order', async () => {
  const processes = await startProcesses(3, ['--workers', '3'])
  const clients: Client[] = []
  try {
    for (const replica of [0, 1, 2]) clients.push(...(await clientsOnEveryWorker(processes, replica)))
    const recorder = createRecorder()
    const more = await Promise.all(clients.map((client) => client.session()))
    await Promise.all([...clients, ...more].map((session) => work(recorder, session, 300)))
    checkRecorded(recorder, recorder.sessions * 300)
    // A client mends a lost request or answer by moving on: nothing is lost here, though a busy machine may pause.
    const moves = clients.flatMap((client) => Object.values(client.stats().moves))
    const moved = moves.reduce((total, each) => total + each, 0)
    assert.ok(moved <= clients.length, `${clients.length} clients moved ${moved} times`)
    // One that moved may have left its worker without work.
    const isUsed = (report: ReplicaStats): boolean => moved > 0 || isEveryWorkerUsed(report)
    await until(async () => (await processes.stats()).every(isUsed), 'every worker tells what it served')
    const reports = await settledAlike(processes)
    for (const report of reports) {
      assert.equal(report.workers.length, 3)
      assert.ok(isUsed(report))
      assert.ok(report.workers.slice(1).every(({ transport }) => transport.doorbells > 0))
      assert.equal(sum(report, 'links'), report.store.links)
      assert.equal(report.received['REQUEST']?.messages !== undefined, true)
    }
  } finally {
    await closeAll(clients)
    await processes.stop()
  }
  assert.deepEqual(processes.children.map(({ signalCode }) => signalCode), [null, null, null])
  assert.deepEqual(processes.children.map(({ exitCode }) => exitCode), [0, 0, 0])
})

test('workers: lost datagrams at every worker change nothing that a session can see', async () => {
  const processes = await startProcesses(1, ['--workers', '3', '--drop', '0.2', '--drop-seed', '7'])
  const clients: Client[] = []
  try {
    clients.push(...(await clientsOnEveryWorker(processes, 0)))
    const recorder = createRecorder()
    await Promise.all(clients.map((client) => work(recorder, client, 800)))
    checkRecorded(recorder, recorder.sessions * 800)
    const report = item(await settled(processes), 0)
    assert.ok((report.drops['by-fault'] ?? 0) > 10, JSON.stringify(report.drops))
  } finally {
    await closeAll(clients)
    await processes.stop()
  }
})

test('workers: sessions move between the workers of a paused replica, and keep their order', async () => {
  const processes = await startProcesses(1, ['--workers', '3'])
  const clients: Client[] = []
  try {
    clients.push(...(await clientsOnEveryWorker(processes, 0)))
    const recorder = createRecorder()
    const child = replicaChild(processes, 0)
    let working = true
    const load = Promise.all(clients.map((client) => work(recorder, client, 1500))).then(() => {
      working = false
    })
    let pauses = 0
    for (; working && pauses < 4; pauses++) {
      await new Promise((resolve) => setTimeout(resolve, 40))
      child.kill('SIGSTOP') // longer than clients wait: they greet again, and may choose another worker
      await new Promise((resolve) => setTimeout(resolve, 450))
      child.kill('SIGCONT')
    }
    await load
    assert.ok(pauses > 0)
    checkRecorded(recorder, recorder.sessions * 1000)
    const [report] = await settled(processes)
    assert.ok((report?.sent['WELCOME']?.messages ?? 0) > clients.length, 'clients were greeted again')
  } finally {
    await closeAll(clients)
    await processes.stop()
  }
})

test('workers: sessions of a replica that died go on at the workers of another', async () => {
  const processes = await startProcesses(3, ['--workers', '2'])
  const clients: Client[] = []
  try {
    for (let count = 0; count < 4; count++) clients.push(await processes.client(2))
    const recorder = createRecorder()
    const child = replicaChild(processes, 2)
    const load = Promise.all(clients.map((client) => work(recorder, client, 3000)))
    const gone = once(child, 'exit')
    setTimeout(() => child.kill('SIGKILL'), 100)
    await gone
    await load
    checkRecorded(recorder, recorder.sessions * 2000)
    assert.ok(clients.every((client) => client.stats().replica !== 2))
  } finally {
    await closeAll(clients)
    await processes.stop()
  }
})

test('workers: a replica ends cleanly at once, also with clients in full flight', async () => {
  const processes = await startProcesses(1, ['--workers', '4'])
  const clients = [await processes.client(0), await processes.client(0), await processes.client(0)]
  const recorder = createRecorder()
  const load = Promise.all(clients.map((client) => work(recorder, client, 50_000)))
  await new Promise((resolve) => setTimeout(resolve, 200))
  const start = performance.now()
  const child = replicaChild(processes, 0)
  await end(child)
  const took = performance.now() - start
  assert.equal(child.exitCode, 0)
  assert.equal(child.signalCode, null)
  assert.ok(took < 4000, `it took ${took} ms`) // less than a thread that does not close is given
  await closeAll(clients)
  await load
  await processes.stop()
  assert.deepEqual(checkHistory(recorder.history), [])
})
