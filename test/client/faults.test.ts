import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import type { Client } from '../../src/client/client.js'
import type { Session } from '../../src/client/session.js'
import { forgetLinks, killReplica, restartReplica } from './fake-replica.js'
import type { FakeReplica } from './fake-replica.js'
import { mulberry } from './network.js'
import { createWorld, failureOf, openInWorld, pass, run } from './world.js'
import type { World } from './world.js'

function replicaOf(world: World, id: number): FakeReplica {
  return world.replicas[id] ?? assert.fail()
}

/**
 * Writes and reads of one session, a few outstanding; every read must see the session's last write.
 */
async function work(session: Session | Client, name: string, count: number): Promise<void> {
  const random = mulberry(count)
  let last = ''
  const calls: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    if (random() < 0.5) {
      last = `${i}`
      calls.push(session.set(name, last).then(() => undefined))
    } else {
      const expected = last
      const check = (item: { value: Buffer } | null): void => {
        assert.equal(item?.value.toString() ?? '', expected, `${name}: a read sees the write before it`)
      }
      calls.push(session.get(name).then(check, ignoreOvertaken))
    }
    if (calls.length >= 20) await Promise.all(calls.splice(0))
  }
  await Promise.all(calls)
}

function ignoreOvertaken(error: { code: string }): void {
  assert.equal(error.code, 'READ_OVERTAKEN')
}

/** The writes of one name, without the repetition of any: each once, in order. */
function assertOnceInOrder(world: World, name: string): void {
  const values = world.store.log.filter((line) => line.startsWith(`${name}=`)).map((line) => Number(line.slice(2)))
  assert.deepEqual(values, [...new Set(values)].sort((a, b) => a - b), `${name}: each write once, in order`)
}

test('client: loss, repetition and reordering change nothing but the time', async () => {
  let [resends, duplicates] = [0, 0]
  for (let seed = 1; seed <= 12; seed++) {
    const world = createWorld(seed, 3, { loss: 0.1, repeat: 0.1, delay: 0.1, jitter: 3 })
    const kv = await openInWorld(world)
    const other = await run(world, kv.session())
    await run(world, Promise.all([work(kv, 'a', 300), work(other, 'b', 300)]))
    assertOnceInOrder(world, 'a')
    assertOnceInOrder(world, 'b')
    const stats = kv.stats()
    resends += stats.datagrams.resends
    duplicates += stats.drops['duplicate'] ?? 0
    assert.equal(stats.drops['malformed'], 0)
    await run(world, kv.close())
  }
  assert.ok(resends > 20 && duplicates > 20, `the faults happened: ${resends}, ${duplicates}`)
})

test('client: large values pass through loss', async () => {
  const world = createWorld(20, 1, { loss: 0.05, repeat: 0.05, jitter: 2 })
  const kv = await openInWorld(world, { failoverMillis: 2000 })
  const value = Buffer.alloc(200_000, 'large ')
  await run(world, kv.set('big', value))
  assert.equal((await run(world, kv.get('big')))?.value.equals(value), true)
  await run(world, kv.close())
})

test('client: what a dead replica did not answer goes to the next under the same numbers', async () => {
  const world = createWorld(30)
  const kv = await openInWorld(world)
  await run(world, kv.set('a', '0'))
  const [first, second] = [replicaOf(world, 0), replicaOf(world, 1)]
  first.isMute = true // it applies, and nobody learns of it
  const writes = [kv.set('a', '1'), kv.set('a', '2')]
  const overtaken = failureOf(world, kv.get('a'))
  const calls = [...writes, kv.set('a', '3')]
  const read = kv.get('a')
  await pass(world, 20)
  killReplica(first)
  const [one, two] = await run(world, Promise.all(calls))
  assert.ok(one !== undefined && two !== undefined && two.version > one.version)
  assert.equal((await overtaken).code, 'READ_OVERTAKEN', 'the write after it had taken effect')
  assert.equal((await run(world, read))?.value.toString(), '3')
  assert.deepEqual(world.store.log, ['a=0', 'a=1', 'a=2', 'a=3'], 'each write took effect once')
  assert.equal(world.store.duplicates, 3)
  const again = first.seen.slice(-5)
  assert.deepEqual(second.seen.slice(0, 5), again, 'the same numbers in the same order')
  assert.equal(kv.stats().replica, 1)
  assert.equal(kv.stats().moves['silent'], 1)
  await run(world, kv.close())
})

test('client: a session that was opened without an answer is not opened twice', async () => {
  const world = createWorld(35)
  replicaOf(world, 0).isMute = true
  const kv = await openInWorld(world)
  assert.equal(kv.stats().replica, 1)
  assert.equal(world.store.sessions.size, 1)
  replicaOf(world, 1).isMute = true
  const opening = kv.session()
  await pass(world, 50)
  killReplica(replicaOf(world, 1))
  await run(world, opening)
  assert.equal(world.store.sessions.size, 2)
  await run(world, kv.close())
})

test('client: failover at any moment of a stream of writes loses and repeats nothing', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const world = createWorld(100 + seed, 3, { loss: 0.03, repeat: 0.03, jitter: 1 })
    const kv = await openInWorld(world)
    const other = await run(world, kv.session())
    const done = Promise.all([work(kv, 'a', 400), work(other, 'b', 400)])
    const big = kv.set('big', Buffer.alloc(40_000, 'x'))
    await pass(world, 0.3 * seed)
    killReplica(replicaOf(world, 0))
    await pass(world, 300)
    restartReplica(replicaOf(world, 0))
    forgetLinks(replicaOf(world, 1))
    await run(world, Promise.all([done, big]))
    assertOnceInOrder(world, 'a')
    assertOnceInOrder(world, 'b')
    assert.equal((await run(world, kv.get('big')))?.value.length, 40_000)
    await run(world, kv.close())
  }
})

test('client: a replica that has seen less is not accepted', async () => {
  const world = createWorld(40)
  const kv = await openInWorld(world)
  await run(world, kv.set('a', 'new'))
  replicaOf(world, 1).lag = 1
  killReplica(replicaOf(world, 0))
  assert.equal((await run(world, kv.get('a')))?.value.toString(), 'new')
  assert.equal(kv.stats().replica, 2)
  assert.ok((kv.stats().moves['refused'] ?? 0) > 0)
  await run(world, kv.close())
})

test('client: the registry is needed only to join', async () => {
  const world = createWorld(50)
  const kv = await openInWorld(world)
  world.registryIsDown = true
  killReplica(replicaOf(world, 0))
  await run(world, kv.set('a', '1'))
  assert.equal(kv.stats().registryFailures > 0, true)
  await run(world, kv.close())
})

test('client: a replica that came back is found under its new life', async () => {
  const world = createWorld(60, 1)
  const kv = await openInWorld(world)
  await run(world, kv.set('a', '1'))
  killReplica(replicaOf(world, 0))
  const write = kv.set('a', '2')
  await pass(world, 700)
  restartReplica(replicaOf(world, 0))
  await run(world, write)
  assert.deepEqual(world.store.log, ['a=1', 'a=2'])
  await run(world, kv.close())
})

test('client: a replica that forgot the link is greeted again at once', async () => {
  const world = createWorld(70)
  const kv = await openInWorld(world)
  await run(world, kv.set('a', '1'))
  forgetLinks(replicaOf(world, 0))
  const start = world.network.now
  await run(world, kv.set('a', '2'))
  assert.ok(world.network.now - start < 100, 'without waiting for silence')
  assert.equal(kv.stats().replica, 0)
  assert.equal(kv.stats().moves['unknown-link'], 1)
  await run(world, kv.close())
})

test('client: while no replica is ready it neither gives up nor floods', async () => {
  const world = createWorld(80)
  const kv = await openInWorld(world, { timeoutMillis: 20_000 })
  for (const replica of world.replicas) replica.isReady = false
  for (const replica of world.replicas) forgetLinks(replica)
  const write = kv.set('a', '1')
  const sent = world.network.sent
  await pass(world, 3000)
  assert.ok(world.network.sent - sent < 1000)
  for (const replica of world.replicas) replica.isReady = true
  await run(world, write)
  await run(world, kv.close())
})

test('client: an idle link says that it is there, and a session that only reads too', async () => {
  const world = createWorld(90)
  const kv = await openInWorld(world)
  const before = kv.stats()
  const counter = world.store.counter
  await pass(world, 15_000)
  const after = kv.stats()
  assert.ok(after.datagrams.acknowledgements - before.datagrams.acknowledgements >= 10)
  assert.equal(world.store.counter, counter + 1, 'one TOUCH')
  assert.equal(after.replica, 0)
  await run(world, kv.close())
})
