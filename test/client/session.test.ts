import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { createWorld, failureOf, openInWorld, run } from './world.js'

test('client: what is set is read back, with the version of the write', async () => {
  const world = createWorld(1)
  const kv = await openInWorld(world)
  const { version } = await run(world, kv.set('a', 'one'))
  const item = await run(world, kv.get('a'))
  assert.equal(item?.value.toString(), 'one')
  assert.equal(item?.version, version)
  assert.equal(await run(world, kv.get('b')), null)
  await run(world, kv.close())
})

test('client: operations called without waiting take effect in the order of the calls', async () => {
  const world = createWorld(2)
  const kv = await openInWorld(world)
  const calls: Promise<unknown>[] = []
  for (let i = 0; i < 500; i++) {
    calls.push(kv.set('key', `value ${i}`))
    calls.push(kv.get('key'))
  }
  const results = await run(world, Promise.all(calls))
  for (let i = 0; i < 500; i++) {
    const item = results[2 * i + 1] as { value: Buffer; version: number }
    assert.equal(item.value.toString(), `value ${i}`, 'a read sees the write before it')
    assert.equal(item.version, (results[2 * i] as { version: number }).version)
  }
  assert.deepEqual(world.store.log, Array.from({ length: 500 }, (_, i) => `key=value ${i}`))
  await run(world, kv.close())
})

test('client: calls of one stretch of JavaScript share datagrams', async () => {
  const world = createWorld(3)
  const kv = await openInWorld(world)
  const before = kv.stats().datagrams.requests
  await run(world, Promise.all(Array.from({ length: 60 }, (_, i) => kv.set(`k${i}`, 'v'))))
  assert.equal(kv.stats().datagrams.requests - before, 1)
  await run(world, kv.close())
})

test('client: sessions share datagrams and keep their own order', async () => {
  const world = createWorld(4)
  const kv = await openInWorld(world)
  const s = await run(world, kv.session())
  const t = await run(world, kv.session())
  const before = kv.stats().datagrams.requests
  await run(world, Promise.all([s.set('x', '1'), t.set('y', '1'), s.set('x', '2'), t.set('y', '2')]))
  assert.equal(kv.stats().datagrams.requests - before, 1)
  assert.deepEqual(world.store.log, ['x=1', 'x=2', 'y=1', 'y=2'])
  assert.equal((await run(world, kv.get('x', { session: s })))?.value.toString(), '2')
  await run(world, s.close())
  assert.equal((await failureOf(world, s.get('x'))).code, 'CLOSED')
  assert.equal(world.store.sessions.size, 2)
  await run(world, kv.close())
  assert.equal(world.store.sessions.size, 0, 'close ends the sessions at the cluster')
})

test('client: conditional writes tell what stood in their way', async () => {
  const world = createWorld(5)
  const kv = await openInWorld(world)
  const made = await run(world, kv.create('a', '1'))
  const exists = await failureOf(world, kv.create('a', '2'))
  assert.deepEqual([exists.code, exists.version, exists.definite], ['EXISTS', made.version, true])
  const next = await run(world, kv.set('a', '2', { ifVersion: made.version }))
  const stale = await failureOf(world, kv.set('a', '3', { ifVersion: made.version }))
  assert.deepEqual([stale.code, stale.version], ['VERSION_MISMATCH', next.version])
  assert.equal((await failureOf(world, kv.set('b', '1', { ifVersion: 1 }))).code, 'NOT_FOUND')
  assert.equal(await run(world, kv.delete('b', { ifVersion: 1 })), false)
  assert.equal((await failureOf(world, kv.delete('a', { ifVersion: 1 }))).code, 'VERSION_MISMATCH')
  assert.equal(await run(world, kv.delete('a', { ifVersion: next.version })), true)
  assert.equal(await run(world, kv.delete('a')), false)
  await run(world, kv.close())
})

test('client: keys and values beyond the limits are refused before anything is sent', async () => {
  const world = createWorld(6)
  const kv = await openInWorld(world)
  const sent = world.network.sent
  const codes = await Promise.all(
    [
      kv.get(''),
      kv.set('k'.repeat(251), 'v'),
      kv.set('ü'.repeat(126), 'v'),
      kv.set('k', new Uint8Array((1 << 20) + 1)),
      kv.set('k', 'v', { ifVersion: -1 }),
      kv.get(7 as unknown as string),
      kv.get('k', { timeoutMillis: 0 }),
    ].map((call) => call.then(() => '', (error: { code: string }) => error.code)),
  )
  assert.deepEqual(codes, [
    'KEY_EMPTY',
    'KEY_TOO_LONG',
    'KEY_TOO_LONG',
    'VALUE_TOO_LARGE',
    'BAD_ARGUMENT',
    'BAD_ARGUMENT',
    'BAD_ARGUMENT',
  ])
  assert.equal(world.network.sent, sent)
  await run(world, kv.set('k'.repeat(250), ''))
  assert.equal((await run(world, kv.get('k'.repeat(250))))?.value.length, 0)
  await run(world, kv.close())
})

test('client: a value of any size comes back whole, also between small operations', async () => {
  const world = createWorld(7)
  const kv = await openInWorld(world)
  for (const bytes of [1280, 1281, 1300, 1400, 5000, 70_001, 1 << 20]) {
    const value = Buffer.alloc(bytes, `${bytes} `)
    const [, set, , read, small] = await run(
      world,
      Promise.all([kv.set('s', '1'), kv.set('big', value), kv.set('s', '2'), kv.get('big'), kv.get('s')]),
    )
    assert.equal(read?.value.equals(value), true, `${bytes} bytes`)
    assert.equal(read?.version, set.version)
    assert.equal(small?.value.toString(), '2')
  }
  await run(world, kv.close())
})

test('client: a session never has more unanswered writes than the cluster allows', async () => {
  const world = createWorld(8)
  world.sessionWindow = 7
  const kv = await openInWorld(world)
  await run(world, Promise.all(Array.from({ length: 100 }, (_, i) => kv.set('w', `${i}`))))
  await run(world, kv.set('big', Buffer.alloc(50_000)))
  assert.equal(world.store.log.length, 101)
  assert.equal(world.replicas[0]?.windowMax, 7)
  await run(world, kv.close())
})

test('client: closing answers what was called before, and refuses what comes after', async () => {
  const world = createWorld(9)
  const kv = await openInWorld(world)
  const early = kv.set('a', '1')
  const closing = kv.close()
  const late = kv.set('a', '2')
  assert.equal((await failureOf(world, late)).code, 'CLOSED')
  await run(world, closing)
  assert.ok((await early).version > 0)
  assert.equal(world.endpoints.every(({ closed }) => closed), true)
  assert.equal(kv.close(), closing, 'close is idempotent')
})

test('client: closing fails what no replica answers, honestly', async () => {
  const world = createWorld(10)
  const kv = await openInWorld(world)
  for (const replica of world.replicas) replica.isMute = true
  const write = failureOf(world, kv.set('a', '1'))
  const read = failureOf(world, kv.get('a'))
  const start = world.network.now
  await run(world, kv.close())
  assert.ok(world.network.now - start < 1500)
  assert.deepEqual([(await write).code, (await write).definite], ['CLOSED', false])
  assert.deepEqual([(await read).code, (await read).definite], ['CLOSED', true])
})

test('client: await using closes it', async () => {
  const world = createWorld(11)
  const kv = await openInWorld(world)
  await run(world, kv[Symbol.asyncDispose]())
  assert.equal((await failureOf(world, kv.get('a'))).code, 'CLOSED')
})
