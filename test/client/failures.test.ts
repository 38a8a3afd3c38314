import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { answerFailure } from '../../src/client/failures.js'
import { KIND, OP, STATUS } from '../../src/zab/wire.js'
import { killReplica } from './fake-replica.js'
import { createWorld, failureOf, openInWorld, pass, run } from './world.js'
import type { World } from './world.js'

function silence(world: World, isMute: boolean): void {
  for (const replica of world.replicas) replica.isMute = isMute
}

test('client: a timeout is definite for reads and for what was never sent', async () => {
  const world = createWorld(1)
  const kv = await openInWorld(world)
  silence(world, true)
  const write = failureOf(world, kv.set('a', '1', { timeoutMillis: 300 }))
  const read = failureOf(world, kv.get('a', { timeoutMillis: 300 }))
  assert.deepEqual([(await write).code, (await write).definite], ['TIMEOUT', false])
  assert.deepEqual([(await read).code, (await read).definite], ['TIMEOUT', true])
  world.network.filter = () => false
  await pass(world, 1000) // now there is no link
  const unsent = await failureOf(world, kv.set('a', '2', { timeoutMillis: 300 }))
  assert.deepEqual([unsent.code, unsent.definite], ['TIMEOUT', true])
  world.network.filter = () => true
  silence(world, false)
  await run(world, kv.set('a', '3'))
  assert.deepEqual(world.store.log, ['a=1', 'a=3'], 'what was definite did not happen')
  assert.equal(kv.stats().operations.timeouts, 3)
  await run(world, kv.close())
})

test('client: a disk without room is told as LOG_FULL, definite and with what to do', () => {
  for (const kind of [OP.SET, OP.CREATE, OP.SET_IF]) {
    const error = answerFailure(kind, STATUS.NO_SPACE, 0, false)
    assert.deepEqual([error?.code, error?.definite], ['LOG_FULL', true])
    assert.match(error?.message ?? '', /make room/)
  }
})

test('client: an operation that timed out keeps its place, and its late answer is discarded', async () => {
  const world = createWorld(2)
  const kv = await openInWorld(world)
  silence(world, true)
  const lost = failureOf(world, kv.set('a', 'lost', { timeoutMillis: 50 }))
  await lost
  const next = kv.get('a')
  silence(world, false)
  assert.equal((await run(world, next))?.value.toString(), 'lost')
  assert.deepEqual(world.store.log, ['a=lost'])
  await run(world, kv.close())
})

test('client: calls fail within their time, each its own', async () => {
  const world = createWorld(3)
  const kv = await openInWorld(world)
  silence(world, true)
  const start = world.network.now
  const ends = [100, 400, 200].map((timeoutMillis) =>
    kv.get('a', { timeoutMillis }).catch(() => Math.round(world.network.now - start)),
  )
  const ended = await run(world, Promise.all(ends))
  for (const [index, wanted] of [100, 400, 200].entries()) {
    const took = Number(ended[index])
    assert.ok(took >= wanted && took < wanted + 20, `${took} for ${wanted}`)
  }
  silence(world, false)
  await run(world, kv.close())
})

test('client: an abort before sending is definite, after it only for reads', async () => {
  const world = createWorld(4)
  const kv = await openInWorld(world)
  const none = await failureOf(world, kv.set('a', '0', { signal: AbortSignal.abort() }))
  assert.deepEqual([none.code, none.definite], ['ABORTED', true])
  const early = new AbortController()
  const unsent = failureOf(world, kv.set('a', '1', { signal: early.signal }))
  early.abort()
  assert.deepEqual([(await unsent).code, (await unsent).definite], ['ABORTED', true])
  silence(world, true)
  const late = new AbortController()
  const write = failureOf(world, kv.set('a', '2', { signal: late.signal }))
  const read = failureOf(world, kv.get('a', { signal: late.signal }))
  await pass(world, 10)
  late.abort()
  assert.deepEqual([(await write).code, (await write).definite], ['ABORTED', false])
  assert.deepEqual([(await read).code, (await read).definite], ['ABORTED', true])
  silence(world, false)
  const kept = new AbortController()
  await run(world, kv.set('a', '3', { signal: kept.signal }))
  kept.abort() // too late to matter
  assert.deepEqual(world.store.log, ['a=2', 'a=3'])
  await run(world, kv.close())
})

test('client: an expired session fails what waits, and the next call opens another', async () => {
  const world = createWorld(5)
  const kv = await openInWorld(world)
  await run(world, kv.set('a', '1'))
  world.store.sessions.clear()
  const [write, read] = [failureOf(world, kv.set('a', '2')), failureOf(world, kv.get('a'))]
  assert.deepEqual([(await write).code, (await write).definite], ['SESSION_EXPIRED', true])
  assert.equal((await read).code, 'SESSION_EXPIRED')
  await run(world, kv.set('a', '3'))
  assert.equal((await run(world, kv.get('a')))?.value.toString(), '3')
  assert.deepEqual(world.store.log, ['a=1', 'a=3'])
  assert.equal(kv.stats().sessionsExpired, 1)
  await run(world, kv.close())
})

test('client: a write that may have preceded the expiry is not called undone', async () => {
  const world = createWorld(6)
  const kv = await openInWorld(world)
  silence(world, true)
  const write = failureOf(world, kv.set('a', '1'))
  await pass(world, 50)
  killReplica(world.replicas[0] ?? assert.fail())
  world.store.sessions.clear()
  silence(world, false)
  assert.deepEqual([(await write).code, (await write).definite], ['SESSION_EXPIRED', false])
  assert.deepEqual(world.store.log, ['a=1'], 'it had happened')
  await run(world, kv.close())
})

test('client: a read that was overtaken fails definitely, and the session goes on', async () => {
  const world = createWorld(7)
  const kv = await openInWorld(world)
  const first = world.replicas[0] ?? assert.fail()
  first.overtakes = true
  const error = await failureOf(world, kv.get('a'))
  assert.deepEqual([error.code, error.definite], ['READ_OVERTAKEN', true])
  first.overtakes = false
  assert.equal(await run(world, kv.get('a')), null)
  await run(world, kv.close())
})

test('client: a full session table is told by connect and by session', async () => {
  const world = createWorld(8)
  world.store.sessionsMax = 1
  const kv = await openInWorld(world)
  assert.equal((await failureOf(world, kv.session())).code, 'SESSIONS_FULL')
  assert.equal((await failureOf(world, openInWorld(world))).code, 'SESSIONS_FULL')
  assert.deepEqual(world.endpoints.slice(3).map(({ closed }) => closed), [])
  assert.equal(world.endpoints[1]?.closed, true, 'what failed left nothing open')
  await run(world, kv.close())
})

test('client: connect ends in time when nobody answers, and when it is aborted', async () => {
  const world = createWorld(9)
  world.network.filter = () => false
  const start = world.network.now
  const error = await failureOf(world, openInWorld(world, { timeoutMillis: 1000 }))
  assert.equal(error.code, 'UNAVAILABLE')
  assert.ok(world.network.now - start < 1100)
  const stop = new AbortController()
  const connecting = failureOf(world, openInWorld(world, {}, stop.signal))
  stop.abort()
  assert.equal((await connecting).code, 'ABORTED')
  assert.equal(world.endpoints.every(({ closed }) => closed), true)
})

test('client: a session that opens after nobody waits any more is closed at the cluster', async () => {
  const world = createWorld(10)
  const kv = await openInWorld(world)
  world.network.filter = (_from, to) => to < 9000 // nothing comes back
  const late = await failureOf(world, kv.session({ timeoutMillis: 100 }))
  assert.equal(late.code, 'TIMEOUT')
  world.network.filter = () => true
  await pass(world, 1000)
  assert.equal(world.store.sessions.size, 1)
  await run(world, kv.close())
})

test('client: a reply that contradicts the protocol moves it on, and breaks nothing', async () => {
  const world = createWorld(11)
  const kv = await openInWorld(world)
  let spoiled = 0
  world.network.filter = (from, _to, words) => {
    if (from !== 5000 || (Number(words[0]) >>> 24) !== KIND.REPLY) return true
    words[16] = 7 // the record's size
    spoiled++
    return true
  }
  await run(world, kv.set('a', '1'))
  assert.ok(spoiled > 0)
  assert.equal(kv.stats().drops['malformed'], 1)
  assert.equal(kv.stats().replica, 1)
  assert.deepEqual(world.store.log, ['a=1'])
  await run(world, kv.close())
})

test('client: datagrams of other lives and other links are dropped with a reason', async () => {
  const world = createWorld(12)
  const kv = await openInWorld(world)
  world.network.filter = (from, _to, words) => {
    if (from !== 5000 || (Number(words[0]) >>> 24) !== KIND.REPLY) return true
    if (world.network.random() < 0.3) words[5] = 99 // incarnation
    else if (world.network.random() < 0.3) words[12] = 99 // link
    return true
  }
  for (let i = 0; i < 50; i++) await run(world, kv.set('a', `${i}`))
  const { drops } = kv.stats()
  assert.ok((drops['other-incarnation'] ?? 0) > 0 && (drops['stale-link'] ?? 0) > 0)
  assert.equal(world.store.log.length, 50)
  await run(world, kv.close())
})
