/** Replicas in memory whose processes die and come back: what is kept, who counts, and who does not pretend. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { item } from '../../src/assert.js'
import { checkHistory } from '../checker/history.js'
import { zabkv } from '../cli/run.js'
import { leaderOf, settled, settledAlike, startProcesses } from './processes.js'
import type { Processes } from './processes.js'
import { readFinal, recordHistory } from './record-history.js'
import { isServing, respawn, untilServing } from './replica-process.js'
import { until } from './until.js'

const WORDS = ['--store-mib', '64', '--history-mib', '16', '--failure-timeout-ms', '200']

const text = (found: { value: Uint8Array } | null): string | null =>
  found === null ? null : Buffer.from(found.value).toString()

function others(leader: number): [number, number] {
  return leader === 0 ? [1, 2] : leader === 1 ? [0, 2] : [0, 1]
}

test('recovery: a follower killed and started again catches up and is counted', async () => {
  const processes = await startProcesses(3, WORDS)
  try {
    const leader = await leaderOf(processes)
    const [lost, other] = others(leader)
    await using kv = await processes.client(leader)
    for (let index = 0; index < 50; index++) await kv.set(`before-${index}`, 'v')
    await processes.kill(lost)
    for (let index = 0; index < 50; index++) await kv.set(`while-${index}`, 'v')
    await processes.restart(lost)
    const stats = await settledAlike(processes)
    assert.deepEqual(stats.map(({ trust }) => trust), ['WHOLE', 'WHOLE', 'WHOLE'])
    assert.equal(await leaderOf(processes), leader, 'nobody else had to lead for it')
    await processes.kill(other)
    for (let index = 0; index < 50; index++) await kv.set(`after-${index}`, 'v')
    await using there = await processes.client(lost)
    await there.sync()
    for (const when of ['before', 'while', 'after']) assert.equal(text(await there.get(`${when}-49`)), 'v')
  } finally {
    await processes.stop()
  }
})

test('recovery: when the leader dies acknowledged writes stay, and sessions go on with their order', async () => {
  const processes = await startProcesses(3, WORDS)
  try {
    const leader = await leaderOf(processes)
    const before = await processes.statsOf(leader)
    let killed: Promise<void> | null = null
    const midway = (): void => void (killed = processes.kill(leader))
    const history = await recordHistory(processes, { clients: 3, operations: 1000, drop: 0, midway })
    assert.ok(killed !== null)
    assert.ok(history.every(({ end }) => end < Infinity), 'every operation was answered')
    const next = await leaderOf(processes)
    assert.notEqual(next, leader)
    assert.ok((await processes.statsOf(next)).epoch > before.epoch)
    assert.deepEqual(checkHistory(history, { final: await readFinal(processes) }), [])
    await processes.restart(leader)
    const stats = await settledAlike(processes)
    assert.equal(new Set(stats.map(({ sessionsDigest }) => sessionsDigest)).size, 1)
  } finally {
    await processes.stop()
  }
})

test('recovery: when two of three lost their memory nothing is served before an operator decides', async () => {
  const processes = await startProcesses(3, WORDS)
  try {
    const leader = await leaderOf(processes)
    const [survivor, lost] = others(leader)
    await using kv = await processes.client(leader)
    for (let index = 0; index < 50; index++) await kv.set(`key-${index}`, `value-${index}`)
    await settled(processes)
    await processes.kill(leader, lost)
    for (const id of [leader, lost]) respawn(item(processes.replicas, id))
    await until(() => item(processes.replicas, survivor).said.includes('MAJORITY_LOST'), 'the survivor says so')
    await assert.rejects(processes.client(survivor, { timeoutMillis: 1500 }), { code: 'UNAVAILABLE' })
    const roles = await processes.statsOf(survivor)
    assert.deepEqual([roles.role, roles.trust, roles.lastApplied > 50], ['LOOKING', 'WHOLE', true])
    assert.deepEqual([leader, lost].map((id) => isServing(item(processes.replicas, id))), [false, false])
    const whose = new RegExp(`MAJORITY_LOST: replicas ${namesOf(leader, lost)} `)
    assert.match(item(processes.replicas, survivor).said, whose)

    const recovered = await recover(processes, survivor)
    assert.equal(recovered.code, 0, recovered.stderr)
    await Promise.all(processes.replicas.map(untilServing))
    assert.equal(await leaderOf(processes), survivor)
    await using back = await processes.client(lost)
    await back.sync()
    for (let index = 0; index < 50; index++) assert.equal(text(await back.get(`key-${index}`)), `value-${index}`)
    await back.set('more', 'works')
    const stats = await settledAlike(processes)
    assert.deepEqual(stats.map(({ trust }) => trust), ['WHOLE', 'WHOLE', 'WHOLE'])
    const again = await recover(processes, survivor)
    assert.equal(again.code, 2, 'a cluster that serves needs no decision')
    assert.match(again.stderr, /not needed/)
  } finally {
    await processes.stop()
  }
})

function namesOf(one: number, other: number): string {
  return [one, other].sort().join(', ')
}

function recover({ registryPort, cluster }: Processes, from: number): ReturnType<typeof zabkv> {
  const words = ['recover', '--registry', `127.0.0.1:${registryPort}`, '--cluster', cluster]
  return zabkv([...words, '--from', String(from)])
}
