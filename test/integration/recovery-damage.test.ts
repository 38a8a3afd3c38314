/** A log whose middle is damaged: the replica says so, does not pretend to be whole, and is repaired by its peers. */

import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { item } from '../../src/assert.js'
import { zabkv } from '../cli/run.js'
import { leaderOf, settled, settledAlike, startProcesses } from './processes.js'
import { isServing, respawn, untilServing } from './replica-process.js'
import { until } from './until.js'

const WORDS = ['--store-mib', '64', '--history-mib', '16', '--failure-timeout-ms', '200']

interface Record {
  kind: string
  file: string
  offset: number
}

interface Report {
  clean: boolean
  damage: string[]
  setAside: string[]
  log: Record[]
}

async function inspect(directory: string): Promise<{ code: number | null; report: Report }> {
  const { code, stdout } = await zabkv(['inspect', directory, '--json', '--records'])
  return { code, report: JSON.parse(stdout) as Report }
}

/** Flips a byte inside of the record in the middle. Returns where the record begins. */
async function damage(directory: string): Promise<Record> {
  const before = await inspect(directory)
  assert.equal(before.code, 0, 'what was killed left a torn end at most')
  const entries = before.report.log.filter(({ kind }) => kind === 'ENTRY')
  const record = item(entries, entries.length >> 1)
  const file = openSync(join(directory, record.file), 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, record.offset + 60)
  byte[0] = (byte[0] ?? 0) ^ 0x10
  writeSync(file, byte, 0, 1, record.offset + 60)
  closeSync(file)
  return record
}

test('recovery: a log damaged in the middle is named, set aside, and made good by the peers', async () => {
  const processes = await startProcesses(3, WORDS, { durability: 'fsync' })
  try {
    const leader = await leaderOf(processes)
    const damaged = leader === 0 ? 1 : 0
    await using kv = await processes.client(leader)
    for (let index = 0; index < 100; index++) await kv.set(`key-${index}`, `value-${index}`)
    const [before] = await settled(processes)
    await processes.kill(damaged)
    const replica = item(processes.replicas, damaged)
    const directory = replica.dataDir ?? ''
    const record = await damage(directory)

    const found = await inspect(directory)
    assert.equal(found.code, 1)
    assert.equal(found.report.clean, false)
    assert.match(found.report.damage.join(), new RegExp(`${record.file}.*\\b${record.offset}\\b`))

    await processes.restart(damaged)
    assert.match(replica.said, new RegExp(`${record.file}.*\\b${record.offset}\\b`), 'it says where')
    assert.match(replica.said, /What is missing is asked of the other replicas/)
    const stats = await settled(processes)
    assert.equal(new Set([before?.digest, ...stats.map(({ digest }) => digest)]).size, 1)
    const { recovery, trust } = item(stats, damaged)
    assert.equal(trust, 'WHOLE', 'it has all again')
    assert.ok(recovery.diskOperations < 100, `${recovery.diskOperations} operations came from the good part`)

    await processes.kill(damaged)
    const after = await inspect(directory)
    assert.equal(after.code, 0, JSON.stringify(after.report.damage))
    assert.ok(after.report.setAside.length > 0, 'what was damaged is kept for a person')
    assert.ok(readdirSync(directory).some((name) => name.endsWith('.damaged')))
  } finally {
    await processes.stop()
  }
})

test('recovery: a replica with a damaged log counts for no majority before a whole one has led it', async () => {
  const processes = await startProcesses(3, WORDS, { durability: 'fsync' })
  try {
    await using kv = await processes.client()
    for (let index = 0; index < 100; index++) await kv.set(`key-${index}`, `value-${index}`)
    await settled(processes)
    await processes.kill(0, 1, 2)
    const { replicas } = processes
    const [whole, late, damaged] = [item(replicas, 0), item(replicas, 1), item(replicas, 2)]
    await damage(damaged.dataDir ?? '')
    respawn(damaged)
    await until(() => damaged.said.includes('waits for'), 'it waits for the others')
    respawn(whole)
    await until(() => whole.said.includes('waits for'), 'both are there')
    await sleep(1500) // several elections long: whole and damaged are two of three, but not a majority that counts
    assert.deepEqual([damaged, whole].map(isServing), [false, false])
    respawn(late)
    await Promise.all(replicas.map(untilServing))
    for (let index = 0; index < 100; index++) assert.ok((await kv.get(`key-${index}`)) !== null, `key-${index}`)
    await settledAlike(processes)
  } finally {
    await processes.stop()
  }
})
