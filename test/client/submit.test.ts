import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { createResults, UNANSWERED } from '../../src/client/results.js'
import type { ZabkvError } from '../../src/errors.js'
import type { OperationColumns, ResultColumns } from '../../src/store/machine.js'
import { KIND, OP, STATUS } from '../../src/zab/wire.js'
import { killReplica } from './fake-replica.js'
import { step } from './network.js'
import { createWorld, failureOf, openInWorld, pass, run } from './world.js'

interface Row {
  kind: number
  key: string
  value?: Buffer
}

function columnsOf(rows: readonly Row[]): OperationColumns {
  return {
    count: rows.length,
    kinds: Uint8Array.from(rows, ({ kind }) => kind),
    keys: Buffer.concat(rows.map(({ key }) => Buffer.from(key))),
    keyBytes: Uint8Array.from(rows, ({ key }) => key.length),
    values: Buffer.concat(rows.map(({ value }) => value ?? Buffer.alloc(0))),
    valueBytes: Uint32Array.from(rows, ({ value }) => value?.length ?? 0),
    versions: null,
  }
}

function valueAt(results: ResultColumns, index: number): Buffer {
  const offset = Number(results.valueOffsets[index])
  return Buffer.from(results.values.slice(offset, offset + Number(results.valueBytes[index])))
}

test('submit: answers come in the order of the operations, values and versions beside them', async () => {
  const world = createWorld(1)
  const kv = await openInWorld(world)
  const rows: Row[] = []
  for (let i = 0; i < 3000; i++) {
    rows.push({ kind: OP.SET, key: `k${i % 50}`, value: Buffer.from(`v${i}`) })
    rows.push({ kind: OP.GET, key: `k${i % 50}` })
  }
  const results = await run(world, kv.submit(columnsOf(rows)))
  assert.equal(results.count, rows.length)
  for (let i = 0; i < 3000; i++) {
    assert.equal(results.statuses[2 * i], STATUS.OK)
    assert.equal(valueAt(results, 2 * i + 1).toString(), `v${i}`)
    assert.equal(results.versions[2 * i + 1], results.versions[2 * i])
  }
  const { batching } = kv.stats()
  assert.ok((batching.operationsPerRequest ?? 0) > 50)
  await run(world, kv.close())
})

test('submit: one number may stand for a whole column', async () => {
  const world = createWorld(2)
  const kv = await openInWorld(world)
  const keys = Buffer.from('aabbcc')
  const set = { count: 3, kinds: OP.SET, keys, keyBytes: 2, values: Buffer.from('123'), valueBytes: 1, versions: null }
  await run(world, kv.submit(set))
  const results = createResults(3, 0)
  const read = await run(world, kv.submit({ ...set, kinds: OP.GET }, { results }))
  assert.equal(read.statuses, results.statuses, 'the results lent are the results')
  assert.deepEqual([0, 1, 2].map((index) => valueAt(read, index).toString()), ['1', '2', '3'])
  const empty = await run(world, kv.submit({ ...set, count: 0 }))
  assert.equal(empty.count, 0)
  await run(world, kv.close())
})

test('submit: wide operations keep their place among small ones, also after a move', async () => {
  const world = createWorld(3, 3, { loss: 0.02, jitter: 1 })
  const kv = await openInWorld(world)
  const big = Buffer.alloc(30_000, 'big ')
  const rows: Row[] = []
  for (let i = 0; i < 40; i++) {
    const small = Buffer.from(`${i} `)
    rows.push({ kind: OP.SET, key: 'k', value: i % 4 === 0 ? Buffer.concat([small, big]) : small })
    rows.push({ kind: OP.GET, key: 'k' })
  }
  const submitted = kv.submit(columnsOf(rows))
  await pass(world, 4)
  killReplica(world.replicas[0] ?? assert.fail())
  const results = await run(world, submitted)
  let overtaken = 0
  for (let i = 0; i < 40; i++) {
    assert.equal(results.statuses[2 * i], STATUS.OK)
    if (results.statuses[2 * i + 1] === STATUS.OVERTAKEN) {
      overtaken++
      continue
    }
    const value = valueAt(results, 2 * i + 1)
    assert.equal(Number(value.toString('latin1', 0, 10).split(' ')[0]), i)
    assert.equal(value.length > 30_000, i % 4 === 0)
  }
  const order = world.store.log.map((line) => Number(line.slice(2).split(' ')[0]))
  assert.deepEqual(order, Array.from({ length: 40 }, (_, i) => i))
  assert.ok(overtaken < 40)
  await run(world, kv.close())
})

test('submit: the caller has its arrays back after a timeout, and what was sent stays as it was', async () => {
  const world = createWorld(4)
  const kv = await openInWorld(world)
  const rows = Array.from({ length: 10 }, (_, i) => ({ kind: OP.SET, key: `k${i}`, value: Buffer.from('old') }))
  const columns = columnsOf(rows)
  world.network.filter = (_from, to) => to >= 9000 // requests are lost
  const error = await failureOf(world, kv.submit(columns, { timeoutMillis: 50 }))
  assert.deepEqual([error.code, error.definite], ['TIMEOUT', false])
  columns.keys.fill(0x7a)
  columns.values.fill(0x7a)
  killReplica(world.replicas[0] ?? assert.fail())
  world.network.filter = () => true
  await run(world, kv.get('k0'))
  assert.deepEqual(world.store.log, rows.map(({ key }) => `${key}=old`))
  await run(world, kv.close())
})

test('submit: a rejection says which operations were answered', async () => {
  const world = createWorld(5)
  world.sessionWindow = 4
  const kv = await openInWorld(world)
  const results = createResults(8, 0)
  let replies = 0
  world.network.filter = (from, _to, words) => {
    const isReply = from < 9000 && (Number(words[0]) >>> 24) === KIND.REPLY
    return !isReply || ++replies <= 1
  }
  const rows = Array.from({ length: 8 }, (_, i) => ({ kind: OP.SET, key: `k${i}`, value: Buffer.from('v') }))
  const error = await failureOf(world, kv.submit(columnsOf(rows), { results, timeoutMillis: 100 }))
  assert.equal(error.code, 'TIMEOUT')
  const answered = [...results.statuses].filter((status) => status === STATUS.OK).length
  const open = [...results.statuses].filter((status) => status === UNANSWERED).length
  assert.ok(answered >= 4 && open >= 1 && answered + open === 8, `${answered} answered, ${open} not`)
  world.network.filter = () => true
  await run(world, kv.close())
})

test('submit: columns that contradict themselves are refused', async () => {
  const world = createWorld(6)
  const kv = await openInWorld(world)
  const good = columnsOf([{ kind: OP.SET, key: 'k', value: Buffer.from('v') }])
  const bad: [string, OperationColumns][] = [
    ['BAD_ARGUMENT', { ...good, kinds: OP.FRAGMENT }],
    ['BAD_ARGUMENT', { ...good, count: 2 }],
    ['BAD_ARGUMENT', { ...good, count: -1 }],
    ['BAD_ARGUMENT', { ...good, keys: new Uint8Array(0) }],
    ['BAD_ARGUMENT', { ...good, values: new Uint8Array(0) }],
    ['BAD_ARGUMENT', { ...good, kinds: OP.SET_IF }],
    ['KEY_EMPTY', { ...good, keyBytes: 0 }],
    ['KEY_TOO_LONG', { ...good, keyBytes: 251 }],
    ['VALUE_TOO_LARGE', { ...good, valueBytes: (1 << 20) + 1 }],
  ]
  for (const [code, columns] of bad) {
    assert.equal((await failureOf(world, kv.submit(columns))).code, code)
  }
  const short = await failureOf(world, kv.submit(good, { results: createResults(0, 0) }))
  assert.equal(short.code, 'BAD_ARGUMENT')
  await run(world, kv.close())
})

test('submitWith: a program that owns its loop gets its callbacks out of poll', async () => {
  const world = createWorld(7)
  const kv = await openInWorld(world)
  const columns = columnsOf([
    { kind: OP.SET, key: 'k', value: Buffer.from('v') },
    { kind: OP.GET, key: 'k' },
  ])
  const results = createResults(2, 64)
  const told: number[] = []
  const done = (token: number, error: ZabkvError | null): void => {
    assert.equal(error, null)
    assert.equal(valueAt(results, 1).toString(), 'v')
    told.push(token)
    if (token < 100) kv.submitWith(columns, results, done, token + 1)
  }
  kv.submitWith(columns, results, done, 1)
  for (let turn = 0; turn < 10_000 && told.length < 100; turn++) {
    kv.poll(0)
    step(world.network)
  }
  assert.deepEqual(told, Array.from({ length: 100 }, (_, i) => i + 1))
  await run(world, kv.close())
})

test('submitWith: a callback that throws does not lose the others', async () => {
  const world = createWorld(8)
  const kv = await openInWorld(world)
  const columns = columnsOf([{ kind: OP.GET, key: 'k' }])
  const told: number[] = []
  const done = (token: number): void => {
    told.push(token)
    if (token === 1) throw new Error('mine')
  }
  for (let token = 0; token < 3; token++) kv.submitWith(columns, createResults(1, 0), done, token)
  kv.flush()
  const thrown: string[] = []
  for (let turn = 0; turn < 1000 && told.length < 3; turn++) {
    try {
      kv.poll(0)
      step(world.network)
    } catch (error) {
      thrown.push(String(error))
    }
  }
  assert.deepEqual(told, [0, 1, 2])
  assert.deepEqual(thrown, ['Error: mine'])
  await run(world, kv.close())
})

test('batch: one promise, a result for each operation, in order', async () => {
  const world = createWorld(9)
  const kv = await openInWorld(world)
  const batch = kv.batch().set('a', '1').create('a', '2').get('a').delete('b').sync().set('big', Buffer.alloc(9000))
  assert.equal(batch.size, 6)
  const [set, create, get, del, sync, big] = await run(world, batch.commit())
  assert(set?.ok === true && set.operation === 'set' && set.outcome.version > 0)
  assert(create?.ok === false && create.error.code === 'EXISTS')
  assert.equal(create.error.version, set.outcome.version)
  assert(get?.ok === true && get.operation === 'get')
  assert.equal(get.outcome?.value.toString(), '1')
  assert(del?.ok === true && del.outcome === false)
  assert(sync?.ok === true && big?.ok === true)
  assert.equal(batch.size, 0)
  assert.deepEqual(await run(world, batch.commit()), [])
  assert.throws(() => batch.get(''), { code: 'KEY_EMPTY' })
  await run(world, kv.close())
})

test('batch: a timeout is the result of each operation that was not answered', async () => {
  const world = createWorld(10)
  const kv = await openInWorld(world)
  for (const replica of world.replicas) replica.isMute = true
  const results = await run(world, kv.batch().set('a', '1').get('a').commit({ timeoutMillis: 100 }))
  const failed = results.map((result) => (result.ok ? null : [result.error.code, result.error.definite]))
  assert.deepEqual(failed, [['TIMEOUT', false], ['TIMEOUT', true]])
  for (const replica of world.replicas) replica.isMute = false
  await run(world, kv.close())
})
