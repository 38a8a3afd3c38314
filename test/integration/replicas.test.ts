/** Real replicas in processes of their own, real clients, real datagrams on loopback. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { ZabkvError } from '../../src/client/connect.js'
import { checkHistory } from '../checker/history.js'
import { run, MAIN } from '../cli/run.js'
import { replicaChild, settled, settledAlike, startProcesses } from './processes.js'
import type { Processes } from './processes.js'
import { recordHistory } from './record-history.js'

const text = (item: { value: Uint8Array } | null): string | null =>
  item === null ? null : Buffer.from(item.value).toString()

test('replicas: what one client writes, clients of every replica read after sync', async () => {
  const processes = await startProcesses(3)
  try {
    await using first = await processes.client(1)
    const { version } = await first.set('key', 'value')
    for (const replica of [0, 1, 2]) {
      await using kv = await processes.client(replica)
      await kv.sync()
      assert.equal(text(await kv.get('key')), 'value')
      assert.equal((await kv.get('key'))?.version, version)
      await assert.rejects(kv.create('key', 'other'), { code: 'EXISTS', version, definite: true })
      await assert.rejects(kv.set('key', 'x', { ifVersion: version + 1 }), {
        code: 'VERSION_MISMATCH',
      })
      assert.equal(await kv.delete('nothing'), false)
    }
  } finally {
    await processes.stop()
  }
})

test('replicas: bad input is refused before it is sent, and nothing changes', async () => {
  const processes = await startProcesses(3)
  try {
    await using kv = await processes.client(0)
    await kv.set('k', 'kept')
    const [before] = await settled(processes)
    await assert.rejects(kv.set('', 'v'), { code: 'KEY_EMPTY' })
    await assert.rejects(kv.set('x'.repeat(251), 'v'), { code: 'KEY_TOO_LONG' })
    await assert.rejects(kv.set('k', 'v'.repeat((1 << 20) + 1)), { code: 'VALUE_TOO_LARGE' })
    const longest = 'x'.repeat(250)
    const largest = 'v'.repeat(1 << 20)
    await kv.set(longest, largest)
    assert.equal(text(await kv.get(longest)), largest)
    await kv.delete(longest)
    const [after] = await settled(processes)
    assert.equal(after?.digest, before?.digest)
  } finally {
    await processes.stop()
  }
})

test('replicas: a full store refuses with STORE_FULL, alike everywhere, and keeps what it has', async () => {
  const processes = await startProcesses(3, ['--store-mib', '1'])
  try {
    await using kv = await processes.client(2)
    await kv.set('first', 'kept')
    const value = 'v'.repeat(4000)
    let refused: unknown = null
    for (let index = 0; index < 1000 && refused === null; index++) {
      await kv.set(`key-${index}`, value).catch((error: unknown) => (refused = error))
    }
    assert.ok(refused instanceof ZabkvError)
    assert.equal(refused.code, 'STORE_FULL')
    assert.equal(refused.definite, true)
    assert.equal(text(await kv.get('first')), 'kept')
    assert.equal(await kv.delete('key-0'), true)
    await kv.set('again', 'fits')
    await settledAlike(processes)
  } finally {
    await processes.stop()
  }
})

test('replicas: five percent of datagrams dropped everywhere: no error, equal digests, sessions in order', async () => {
  const processes = await startProcesses(3, ['--drop', '0.05', '--drop-seed', '7'])
  try {
    const history = await recordHistory(processes, { clients: 3, operations: 700, drop: 0.05 })
    assert.deepEqual(checkHistory(history), [])
    assert.ok(history.every(({ end }) => end < Infinity), 'every operation was answered')
    const stats = await settledAlike(processes)
    assert.equal(new Set(stats.map(({ sessionsDigest }) => sessionsDigest)).size, 1)
    for (const { drops } of stats) assert.ok((drops['by-fault'] ?? 0) > 0, JSON.stringify(drops))
  } finally {
    await processes.stop()
  }
})

test('replicas: a killed follower stops nobody, and its clients move with their order kept', async () => {
  const processes = await startProcesses(3)
  try {
    let killed = false
    const history = await recordHistory(processes, {
      clients: 3,
      operations: 1500,
      drop: 0,
      midway: () => {
        killed = replicaChild(processes, 2).kill('SIGKILL')
      },
    })
    assert.ok(killed)
    assert.deepEqual(checkHistory(history), [])
    assert.ok(history.every(({ end }) => end < Infinity), 'every operation was answered')
  } finally {
    await processes.stop()
  }
})

test('replicas: a replica that stops says so, and its clients go on at another at once', async () => {
  const processes = await startProcesses(3)
  try {
    await using kv = await processes.client(2)
    await kv.set('key', 'value')
    assert.equal(kv.stats().replica, 2)
    replicaChild(processes, 2).kill('SIGTERM')
    await once(replicaChild(processes, 2), 'exit')
    assert.equal(text(await kv.get('key')), 'value')
    assert.equal(kv.stats().moves['said-bye'], 1)
  } finally {
    await processes.stop()
  }
})

test('replicas: losing the registry does not disturb a running cluster', async () => {
  const processes = await startProcesses(3)
  try {
    await using kv = await processes.client(1)
    await kv.set('before', '1')
    await processes.loseRegistry()
    for (let index = 0; index < 100; index++) await kv.set(`k${index}`, 'v')
    assert.equal(text(await kv.get('k99')), 'v')
  } finally {
    await processes.stop()
  }
})

test('replicas: a second process with the same id is refused, and the first goes on', async () => {
  const processes = await startProcesses(3)
  try {
    const outcome = await serve(processes, ['--id', '1'])
    assert.equal(outcome.code, 1)
    assert.match(outcome.stderr, /DUPLICATE_REPLICA/)
    assert.equal(outcome.stderr.trim().split('\n').filter((line) => line.includes('zabkv:')).length, 1)
    await using kv = await processes.client(1)
    await kv.set('still', 'here')
  } finally {
    await processes.stop()
  }
})

test('replicas: other settings, an unknown id and a foreign address are refused in one sentence', async () => {
  const processes = await startProcesses(3)
  try {
    replicaChild(processes, 2).kill('SIGTERM')
    await once(replicaChild(processes, 2), 'exit')
    const settings = await serve(processes, ['--id', '2', '--unicast'])
    assert.match(settings.stderr, /SETTINGS_MISMATCH/)
    assert.match(settings.stderr, /multicast/)
    const unknown = await serve(processes, ['--id', '7'])
    assert.equal(unknown.code, 2)
    assert.match(unknown.stderr, /UNKNOWN_REPLICA|no replica 7/)
    const foreign = await serve(processes, ['--id', '0', '--ips', '192.0.2.1'])
    assert.match(foreign.stderr, /NOT_MY_ADDRESS|not an address|not this machine/i)
  } finally {
    await processes.stop()
  }
})

function serve(processes: Processes, words: string[]): ReturnType<typeof run> {
  const registry = `127.0.0.1:${processes.registryPort}`
  const own = words.includes('--ips') ? [] : ['--ips', '127.0.0.1,127.0.0.1,127.0.0.1']
  const base = ['serve', '--registry', registry, '--cluster', processes.cluster, '--transport', 'udp']
  return run(process.execPath, [MAIN, ...base, ...own, ...words], { millisMax: 20_000 })
}
