/** Observers: replicas that learn and serve, and are counted in no quorum. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { item } from '../../src/assert.js'
import { leaderOf, replicaChild, settled, settledAlike, startProcesses } from './processes.js'
import { isServing, respawn, untilServing } from './replica-process.js'
import { until } from './until.js'

const WORDS = ['--store-mib', '64', '--failure-timeout-ms', '200']

const text = (found: { value: Uint8Array } | null): string | null =>
  found === null ? null : Buffer.from(found.value).toString()

test('observers: one that joins late begins with a snapshot, serves, and comes back after a kill', async () => {
  const processes = await startProcesses(3, [...WORDS, '--history-mib', '1'], { observers: 1 })
  try {
    await processes.kill(3)
    await using kv = await processes.client(0)
    const value = 'v'.repeat(4000)
    for (let batch = 0; batch < 10; batch++) {
      await Promise.all(Array.from({ length: 60 }, (_, index) => kv.set(`key-${index}`, `${batch}${value}`)))
    }
    await processes.restart(3)
    const stats = await settledAlike(processes)
    const observer = item(stats, 3)
    assert.equal(observer.role, 'OBSERVING')
    assert.ok(observer.recovery.peerSnapshots >= 1, 'the leader no longer keeps the beginning')

    await using there = await processes.client(3)
    assert.equal(there.stats().replica, 3)
    assert.equal(text(await there.get('key-7')), `9${value}`)
    const reads = (await processes.statsOf(3)).operations.reads
    const [, own] = await Promise.all([there.set('own', '1'), there.get('own')])
    assert.equal(text(own), '1', 'a session sees its own writes')
    assert.ok((await processes.statsOf(3)).operations.reads > reads, 'the observer itself answers reads')
    await kv.set('of another', 'seen')
    await there.sync()
    assert.equal(text(await there.get('of another')), 'seen')

    await processes.kill(3)
    await there.set('moved', 'yes')
    assert.notEqual(there.stats().replica, 3)
    await processes.restart(3)
    await using again = await processes.client(3)
    assert.equal(again.stats().replica, 3)
    await again.sync()
    assert.equal(text(await again.get('moved')), 'yes')
    await settledAlike(processes)
  } finally {
    await processes.stop()
  }
})

test('observers: one is no part of a majority: with one of two voters away, writes wait', async () => {
  const processes = await startProcesses(2, [...WORDS, '--history-mib', '16'], { observers: 1 })
  try {
    const leader = await leaderOf(processes)
    await using kv = await processes.client(leader, { timeoutMillis: 30_000 })
    await kv.set('before', 'v')
    const voter = replicaChild(processes, 1 - leader)
    voter.kill('SIGSTOP')
    let answered = false
    const write = kv.set('meanwhile', 'v').then(() => (answered = true))
    await sleep(1500)
    assert.equal(answered, false)
    assert.equal((await processes.statsOf(leader)).role, 'LOOKING', 'a leader and an observer are no quorum')
    voter.kill('SIGCONT')
    await write
    assert.equal(text(await kv.get('meanwhile')), 'v')
    await settled(processes)
  } finally {
    await processes.stop()
  }
})

test('observers: without the voters they wait, and serve again with them', async () => {
  const processes = await startProcesses(1, [...WORDS, '--history-mib', '16'], { observers: 1, durability: 'fsync' })
  try {
    await using kv = await processes.client(1)
    await kv.set('key', 'value')
    await processes.kill(0, 1)
    const observer = item(processes.replicas, 1)
    respawn(observer)
    await until(() => observer.said.includes('recovered from disk'), 'the observer is there')
    await sleep(1000)
    assert.equal(isServing(observer), false, 'an observer alone is no cluster')
    await processes.restart(0)
    await untilServing(observer)
    assert.equal(text(await kv.get('key')), 'value')
  } finally {
    await processes.stop()
  }
})

test('observers: with --ack-copies 4 a write of three voters waits for their observer', async () => {
  const words = [...WORDS, '--history-mib', '16', '--ack-copies', '4']
  const processes = await startProcesses(3, words, { observers: 1 })
  try {
    const leader = await leaderOf(processes)
    await using kv = await processes.client(leader, { timeoutMillis: 30_000 })
    await kv.set('before', 'v')
    const observer = replicaChild(processes, 3)
    observer.kill('SIGSTOP')
    let answered = false
    const write = kv.set('meanwhile', 'v').then(() => (answered = true))
    await sleep(1500)
    assert.equal(answered, false)
    observer.kill('SIGCONT')
    await write
    await settledAlike(processes)
  } finally {
    await processes.stop()
  }
})
