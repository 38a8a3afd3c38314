import assert from 'node:assert/strict'
import test from 'node:test'
import { members, publishCluster } from '../../src/registry/cluster-document.js'
import {
  chooseIncarnation,
  clusterKey,
  lookup,
  publish,
  readReplica,
  refresh,
  replicaKey,
  withdraw,
} from '../../src/registry/directory.js'
import { keepPublished } from '../../src/registry/keep-published.js'
import { ALIVE, DEAD, dial, entryOf, KINDS, refusal, serve, talk, world } from './world.js'

const SETTINGS = entryOf(0).settings
const OTHER = '{"durability":"fsync","log":{"mode":"a"}}'

for (const { kind, skip } of KINDS) {
  test(`directory (${kind}): what is published is looked up`, { skip }, async (t) => {
    const connection = dial(t, await serve(kind))
    assert.equal(await lookup(connection, 'c', 1), null)
    await publish(connection, 'c', entryOf(1), { isAlive: ALIVE })
    assert.deepEqual(await lookup(connection, 'c', 1), entryOf(1))
    assert.equal(await lookup(connection, 'd', 1), null, 'clusters are apart')
  })

  test(`directory (${kind}): of many that start with one id, one is first`, { skip }, async (t) => {
    const port = await serve(kind)
    const starts = Array.from({ length: 8 }, (_, index) => {
      // The same second gives the same incarnation: only where they listen differs.
      const entry = entryOf(1, { admin: { host: '127.0.0.1', port: 30000 + index } })
      return publish(dial(t, port), 'c', entry, { isAlive: ALIVE })
    })
    const results = await Promise.allSettled(starts)
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
    for (const result of results) {
      if (result.status === 'rejected') refusal('DUPLICATE_REPLICA')(result.reason)
    }
  })

  test(`directory (${kind}): withdrawal takes only one's own entry`, { skip }, async (t) => {
    const connection = dial(t, await serve(kind))
    await publish(connection, 'c', entryOf(1, { incarnation: 2 }), { isAlive: DEAD })
    assert.equal(await withdraw(connection, 'c', entryOf(1, { incarnation: 1 })), false)
    assert.equal((await lookup(connection, 'c', 1))?.incarnation, 2)
    assert.equal(await withdraw(connection, 'c', entryOf(1, { incarnation: 2 })), true)
    assert.equal(await lookup(connection, 'c', 1), null)
    assert.equal(await withdraw(connection, 'c', entryOf(1, { incarnation: 2 })), false)
  })

  test(`directory (${kind}): after flush_all a refresh restores the entry`, { skip }, async (t) => {
    const port = await serve(kind)
    const connection = dial(t, port)
    await publish(connection, 'c', entryOf(1), { isAlive: ALIVE })
    await talk(port, ['flush_all\r\nquit\r\n'])
    assert.equal(await lookup(connection, 'c', 1), null)
    await refresh(connection, 'c', entryOf(1))
    assert.deepEqual(await lookup(connection, 'c', 1), entryOf(1))
  })
}

test('directory: a live replica with the id is a duplicate, nothing changed', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(1), { isAlive: ALIVE })
  const second = publish(connection, 'c', entryOf(1, { incarnation: 2 }), { isAlive: ALIVE })
  await assert.rejects(second, refusal('DUPLICATE_REPLICA', 'Replica 1', '127.0.0.1:24001'))
  assert.deepEqual(await lookup(connection, 'c', 1), entryOf(1))
})

test('directory: a successor that comes during a withdrawal is left alone', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(1, { incarnation: 1 }), { isAlive: DEAD })
  let overtaken = false
  const slow = {
    ...connection,
    get: async (key: string) => {
      const held = await connection.get(key)
      const successor = entryOf(1, { incarnation: 2 })
      if (!overtaken) await publish(connection, 'c', successor, { isAlive: DEAD })
      overtaken = true
      return held
    },
  }
  assert.equal(await withdraw(slow, 'c', entryOf(1, { incarnation: 1 })), false)
  assert.equal((await lookup(connection, 'c', 1))?.incarnation, 2)
})

test('directory: the probe is asked about the registered process', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(1), { isAlive: ALIVE })
  const asked: number[] = []
  await publish(connection, 'c', entryOf(1, { incarnation: 2 }), {
    isAlive: (entry) => Promise.resolve(asked.push(entry.incarnation) < 0),
  })
  assert.deepEqual(asked, [1])
})

test('directory: a restarted incarnation replaces its dead predecessor', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(1, { incarnation: 5 }), { isAlive: DEAD })
  await publish(connection, 'c', entryOf(1, { incarnation: 6 }), { isAlive: DEAD })
  assert.equal((await lookup(connection, 'c', 1))?.incarnation, 6)
  const older = publish(connection, 'c', entryOf(1, { incarnation: 4 }), { isAlive: DEAD })
  await assert.rejects(older, refusal('BAD_ARGUMENT', 'incarnation 4', '6 is registered'))
})

test('directory: a paused process that was replaced takes nothing back', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(1, { incarnation: 5 }), { isAlive: DEAD })
  await publish(connection, 'c', entryOf(1, { incarnation: 6 }), { isAlive: DEAD })
  const woken = refresh(connection, 'c', entryOf(1, { incarnation: 5 }))
  await assert.rejects(woken, refusal('DUPLICATE_REPLICA', 'incarnation 6'))
  assert.equal((await lookup(connection, 'c', 1))?.incarnation, 6)
})

test('directory: an incarnation grows even when the clock goes back', async (t) => {
  const connection = await world(t)
  const began = Date.UTC(2025, 0, 1)
  assert.equal(await chooseIncarnation(connection, 'c', 1, began + 500_099), 5000)
  await publish(connection, 'c', entryOf(1, { incarnation: 5000 }), { isAlive: DEAD })
  assert.equal(await chooseIncarnation(connection, 'c', 1, began + 500_099), 5001)
  assert.equal(await chooseIncarnation(connection, 'c', 1, 1000), 5001)
  assert.equal(await chooseIncarnation(connection, 'c', 1, began + 900_000), 9000)
})

const POISONS = ['', 'null', '42', '{"replica":1', '\u0000', 'x'.repeat(100_000), '[[[[']

for (const poison of POISONS) {
  const start = JSON.stringify(poison.slice(0, 12))
  test(`directory: the poison ${start} is missing, then repaired`, async (t) => {
    const connection = await world(t)
    await connection.set(replicaKey('c', 1), poison, 0)
    assert.equal(await lookup(connection, 'c', 1), null)
    const read = await readReplica(connection, 'c', 1)
    assert.match(read.ok ? '' : read.reason, /^unreadable entry: /)
    await refresh(connection, 'c', entryOf(1))
    assert.deepEqual(await lookup(connection, 'c', 1), entryOf(1))
    await connection.set(replicaKey('c', 1), poison, 0)
    await publish(connection, 'c', entryOf(1, { incarnation: 9 }), { isAlive: ALIVE })
    assert.equal((await lookup(connection, 'c', 1))?.incarnation, 9)
  })
}

test('directory: names that memcached would misread are refused', async (t) => {
  const connection = await world(t)
  for (const name of ['', 'a b', 'a\r\n', 'ü', 'x'.repeat(65), 'a/b']) {
    await assert.rejects(lookup(connection, name, 1), refusal('BAD_ARGUMENT', 'cluster name'))
  }
  await lookup(connection, 'x'.repeat(64), 1)
  await assert.rejects(lookup(connection, 'c', -1), refusal('BAD_ARGUMENT', 'replica id'))
})

test('cluster document: clients read the members that replicas wrote', async (t) => {
  const connection = await world(t)
  const unknown = refusal('NOT_REGISTERED', 'Cluster c', connection.where)
  await assert.rejects(members(connection, 'c'), unknown)
  const document = { members: [0, 1, 2], settings: SETTINGS }
  await publishCluster(connection, 'c', document, { replica: 0, isAlive: ALIVE })
  await publishCluster(connection, 'c', document, { replica: 1, isAlive: ALIVE })
  assert.deepEqual(await members(connection, 'c'), document)
})

test('cluster document: other settings than of a live member are named with both', async (t) => {
  const connection = await world(t)
  const theirs = { members: [0, 1], settings: OTHER }
  await publish(connection, 'c', entryOf(0, { settings: OTHER }), { isAlive: ALIVE })
  await publishCluster(connection, 'c', theirs, { replica: 0, isAlive: ALIVE })
  const ours = { members: [0, 1], settings: SETTINGS }
  const second = publishCluster(connection, 'c', ours, { replica: 1, isAlive: ALIVE })
  const words = ['"durability"', '"memory"', '"fsync"', 'replica 0']
  await assert.rejects(second, refusal('SETTINGS_MISMATCH', ...words))
  assert.deepEqual(await members(connection, 'c'), theirs)
})

test('cluster document: another list of members is a mismatch too', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(0), { isAlive: ALIVE })
  const theirs = { members: [0, 1], settings: SETTINGS }
  await publishCluster(connection, 'c', theirs, { replica: 0, isAlive: ALIVE })
  const ours = { members: [0, 1, 2], settings: SETTINGS }
  const second = publishCluster(connection, 'c', ours, { replica: 1, isAlive: ALIVE })
  await assert.rejects(second, refusal('SETTINGS_MISMATCH', '"members"', '0,1,2', '0,1'))
})

test('cluster document: what a dead cluster left, or poison, is replaced', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(0, { settings: OTHER }), { isAlive: DEAD })
  const theirs = { members: [0, 1], settings: OTHER }
  await publishCluster(connection, 'c', theirs, { replica: 0, isAlive: DEAD })
  const ours = { members: [0, 1, 2], settings: SETTINGS }
  await publishCluster(connection, 'c', ours, { replica: 1, isAlive: DEAD })
  assert.deepEqual(await members(connection, 'c'), ours)
  await connection.set(clusterKey('c'), 'poison', 0)
  await assert.rejects(members(connection, 'c'), refusal('NOT_REGISTERED', 'unreadable'))
  await publishCluster(connection, 'c', ours, { replica: 1, isAlive: DEAD })
  assert.deepEqual(await members(connection, 'c'), ours)
})

test('keeper: it restores entry and document, and withdraws when it stops', async (t) => {
  const connection = await world(t)
  const document = { members: [1], settings: SETTINGS }
  const fail = (error: unknown): void => assert.fail(String(error))
  const options = { entry: entryOf(1), document, isAlive: ALIVE, everyMillis: 10 }
  await publish(connection, 'c', entryOf(1), { isAlive: ALIVE })
  const keeper = keepPublished(connection, 'c', { ...options, onLost: fail, onTrouble: fail })
  t.after(() => keeper.stop())
  await connection.delete(replicaKey('c', 1))
  await connection.delete(clusterKey('c'))
  let restored = false
  for (let turn = 0; turn < 200 && !restored; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    restored = (await connection.get(clusterKey('c'))) !== null
  }
  assert.notEqual(await lookup(connection, 'c', 1), null)
  assert.deepEqual(await members(connection, 'c'), document)
  await keeper.stop()
  assert.equal(await lookup(connection, 'c', 1), null)
})

test('keeper: one that was replaced is told once and leaves the successor alone', async (t) => {
  const connection = await world(t)
  await publish(connection, 'c', entryOf(1, { incarnation: 2 }), { isAlive: DEAD })
  const document = { members: [1], settings: SETTINGS }
  const codes: string[] = []
  const told = new Promise<void>((resolve) => {
    const keeper = keepPublished(connection, 'c', {
      entry: entryOf(1, { incarnation: 1 }),
      document,
      isAlive: ALIVE,
      everyMillis: 5,
      onLost: (error) => {
        codes.push(error.code)
        setTimeout(resolve, 50)
      },
      onTrouble: (error) => assert.fail(String(error)),
    })
    t.after(() => keeper.stop())
  })
  await told
  assert.deepEqual(codes, ['DUPLICATE_REPLICA'])
  assert.equal((await lookup(connection, 'c', 1))?.incarnation, 2)
})
