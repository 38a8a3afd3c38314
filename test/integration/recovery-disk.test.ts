/** Replicas with a log on disk: what a restart brings back, where from, and what a damaged log means. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { item } from '../../src/assert.js'
import { ZabkvError } from '../../src/client/connect.js'
import type { Client } from '../../src/client/connect.js'
import { leaderOf, settled, settledAlike, startProcesses } from './processes.js'
import type { Processes } from './processes.js'
import { end } from './replica-process.js'
import { until } from './until.js'

const WORDS = ['--store-mib', '64', '--history-mib', '16', '--failure-timeout-ms', '200']
const PIPELINED = 20

/** Writes until the client is closed; keeps what was acknowledged. */
async function load(kv: Client, prefix: string, acknowledged: Map<string, string>): Promise<void> {
  let next = 0
  let isClosed = false
  const write = async (): Promise<void> => {
    while (!isClosed) {
      const key = `${prefix}-${next++}`
      const value = `of ${key}`
      await kv.set(key, value).then(
        () => acknowledged.set(key, value),
        (error: unknown) => (isClosed = error instanceof ZabkvError && error.code === 'CLOSED'),
      )
    }
  }
  await Promise.all(Array.from({ length: PIPELINED }, write))
}

/** Kills all replicas in the middle of a load. Returns what was acknowledged before. */
async function killUnderLoad(processes: Processes, round: number, before: number): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>()
  const clients = await Promise.all([0, 1, 2].map((id) => processes.client(id)))
  const loads = clients.map((kv, id) => load(kv, `${round}-${id}`, acknowledged))
  try {
    await until(() => acknowledged.size > before, 'writes are acknowledged')
    await processes.kill(0, 1, 2)
    return new Map(acknowledged)
  } finally {
    await Promise.all(clients.map((kv) => kv.close()))
    await Promise.all(loads)
  }
}

async function missingOf(kv: Client, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  await kv.sync()
  const found = await Promise.all([...acknowledged.keys()].map((key) => kv.get(key)))
  return [...acknowledged].flatMap(([key, value], index) =>
    Buffer.from(found[index]?.value ?? []).toString() === value ? [] : [key],
  )
}

test('recovery: with fsync every acknowledged write outlives kill -9 of all at once, three times', async () => {
  const processes = await startProcesses(3, WORDS, { durability: 'fsync' })
  try {
    const acknowledged = new Map<string, string>()
    for (const round of [0, 1, 2]) {
      for (const [key, value] of await killUnderLoad(processes, round, 500)) acknowledged.set(key, value)
      await processes.restart(0, 1, 2)
      await using kv = await processes.client()
      assert.deepEqual(await missingOf(kv, acknowledged), [], `round ${round}, of ${acknowledged.size}`)
      const stats = await settledAlike(processes)
      const found = stats.map(({ recovery }) => recovery.diskOperations)
      assert.ok(found.filter((operations) => operations > 500).length >= 2, `on the disks of a majority: ${found}`)
      await until(async () => (await processes.stats()).every(({ trust }) => trust === 'WHOLE'), 'all count')
    }
  } finally {
    await processes.stop()
  }
})

test('recovery: snapshots are taken while serving, and a restart takes the snapshot and the log after it', async () => {
  const processes = await startProcesses(3, [...WORDS, '--snapshot-mib', '1'], { durability: 'fsync' })
  try {
    const leader = await leaderOf(processes)
    const follower = leader === 0 ? 1 : 0
    await using kv = await processes.client(leader)
    const value = 'v'.repeat(2000)
    const writes = Array.from({ length: 2000 }, (_, index) => kv.set(`key-${index % 700}`, value))
    await Promise.all(writes)
    await until(async () => ((await processes.statsOf(follower)).log?.snapshots ?? 0) >= 1, 'a snapshot is taken')
    for (let index = 0; index < 20; index++) await kv.set(`after-${index}`, 'v')
    const before = await settled(processes)
    await processes.kill(follower)
    await processes.restart(follower)
    const after = await settled(processes)
    assert.equal(new Set([...before, ...after].map(({ digest }) => digest)).size, 1)
    const { recovery, trust } = item(after, follower)
    assert.equal(trust, 'WHOLE')
    assert.ok(recovery.diskSnapshotCounter > 0 && recovery.diskSnapshotBytes > 1_000_000, JSON.stringify(recovery))
    assert.ok(recovery.diskOperations > 0 && recovery.diskOperations < 2000, JSON.stringify(recovery))
    assert.ok(recovery.diskSnapshotCounter + recovery.diskOperations >= item(before, follower).lastApplied)
    assert.equal(recovery.peerSnapshots, 0, 'a disk is nearer than a peer')
    assert.match(item(processes.replicas, follower).said, /from disk: a snapshot at [0-9]+, [0-9]+ operations after/)
  } finally {
    await processes.stop()
  }
})

test('recovery: with async a cluster that is stopped keeps all, one that is killed loses an end at most', async () => {
  const processes = await startProcesses(3, WORDS, { durability: 'async' })
  try {
    await using kv = await processes.client()
    for (let index = 0; index < 200; index++) await kv.set(`key-${index}`, 'v')
    await Promise.all(processes.children.map(end))
    await processes.restart(0, 1, 2)
    for (let index = 0; index < 200; index++) assert.ok(await kv.get(`key-${index}`), `key-${index}`)
    for (let index = 200; index < 400; index++) await kv.set(`key-${index}`, 'v')
    await processes.kill(0, 1, 2)
    await processes.restart(0, 1, 2)
    assert.ok(await lastOfPrefix(processes, 400) >= 200)
    const stats = await settledAlike(processes)
    assert.ok(stats.every(({ trust }) => trust === 'WHOLE'), 'who comes together again counts')
  } finally {
    await processes.stop()
  }
})

/** How many of the keys written in order are there; none may be there after one that is not. */
async function lastOfPrefix(processes: Processes, keys: number): Promise<number> {
  await using kv = await processes.client()
  await kv.sync()
  const found = await Promise.all(Array.from({ length: keys }, (_, index) => kv.get(`key-${index}`)))
  const there = found.map((each) => each !== null)
  const first = there.indexOf(false)
  if (first < 0) return keys
  assert.ok(!there.slice(first).includes(true), `key-${first} is gone, and a later one is there`)
  return first
}
