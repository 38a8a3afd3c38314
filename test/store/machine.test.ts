/**
 * The machine and the codec through their bindings: round trips, misuse, life.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread, Worker } from 'node:worker_threads'

import { MACHINE_COUNTERS, type OperationColumns, PREFIX_BYTES_MAX } from '../../src/store/machine.js'
import { openCodec, openMachine, storeAddon } from '../../src/store/open-machine.js'
import {
  BODY_OFFSET,
  DELTA,
  ITEM,
  ITEM_CAS,
  ITEM_HEAD,
  ITEM_OPTION,
  LAYOUTS,
  OP,
  STATUS,
} from '../../src/zab/wire.js'
import { openWorld, resultColumns, valueOf } from './world.js'

const KEY_BYTES = 8
const VALUE_BYTES = 32

function columnsOf(count: number, kind: number): OperationColumns {
  const keys = new Uint8Array(count * KEY_BYTES)
  const values = new Uint8Array(count * VALUE_BYTES)
  for (let i = 0; i < count; i++) {
    new DataView(keys.buffer).setUint32(i * KEY_BYTES, i, true)
    values.fill(i & 0xff, i * VALUE_BYTES, (i + 1) * VALUE_BYTES)
  }
  return { count, kinds: kind, keys, keyBytes: KEY_BYTES, values, valueBytes: VALUE_BYTES, versions: null }
}

function counterOf(world: ReturnType<typeof openWorld>, name: (typeof MACHINE_COUNTERS)[number]): number {
  return world.machine.counters[MACHINE_COUNTERS.indexOf(name)] ?? -1
}

test('counters: both sides declare the same list', () => {
  assert.deepEqual(storeAddon().machineCounterNames(), [...MACHINE_COUNTERS])
})

test('layouts: both sides declare the same fields', () => {
  const native = storeAddon().wireLayouts()
  for (const [name, layout] of LAYOUTS) assert.deepEqual(native[name], layout, name)
})

test('round trip: what is set is got, over as many datagrams as it takes', () => {
  const world = openWorld()
  const count = 300
  for (const kind of [OP.SET, OP.GET]) {
    const columns = columnsOf(count, kind)
    const results = resultColumns(count, count * VALUE_BYTES)
    let row = 0
    for (let from = 0, keys = 0, values = 0; from < count; ) {
      const sent = world.send(columns, from, keys, values)
      assert.ok(sent > 0)
      from += sent
      keys = world.codec.out[3] ?? 0
      values = world.codec.out[4] ?? 0
      row += world.receive(results, row)
    }
    assert.equal(row, count)
    for (let i = 0; i < count; i++) {
      assert.equal(results.statuses[i], STATUS.OK)
      assert.equal(results.versions[i], world.session + 1 + i)
      if (kind === OP.GET) assert.deepEqual(valueOf(results, i), new Uint8Array(VALUE_BYTES).fill(i & 0xff))
    }
  }
  assert.equal(counterOf(world, 'items'), count)
  assert.match(world.machine.digest(), /^[0-9a-f]{16}$/)
  assert.notEqual(world.machine.sessionsDigest(), world.machine.digest())
  world.close()
})

test('round trip: a megabyte goes out in fragments and comes back in parts', () => {
  const world = openWorld()
  const value = new Uint8Array(1 << 20)
  for (let i = 0; i < value.length; i++) value[i] = (i * 7 + (i >>> 10)) & 0xff
  const key = new Uint8Array([1, 2, 3])
  const columns: OperationColumns = {
    count: 1, kinds: OP.SET, keys: key, keyBytes: 3, values: value, valueBytes: value.length, versions: null,
  }
  assert.equal(world.send(columns, 0, 0, 0), 0, 'it fits no datagram')
  const written = resultColumns(1, 0)
  for (let done = 0; done === 0 || done < (world.codec.out[5] ?? 0); ) {
    done = world.sendFragment(columns, 0, done)
    assert.equal(world.receive(written, 0), 1)
    assert.equal(written.statuses[0], STATUS.OK)
  }
  world.send({ ...columns, kinds: OP.GET }, 0, 0, 0)
  const results = resultColumns(1, value.length)
  assert.equal(world.receive(results, 0), 1)
  assert.equal(results.versions[0], written.versions[0])
  assert.ok(Buffer.from(value).equals(valueOf(results, 0)))
  world.close()
})

test('codec: replaced columns are seen, contradicting ones are refused', () => {
  const world = openWorld()
  const columns = columnsOf(2, OP.SET)
  assert.equal(world.send(columns, 0, 0, 0), 2)
  columns.kinds = new Uint8Array([OP.GET, OP.DELETE])
  assert.equal(world.send(columns, 0, 0, 0), 2)
  assert.equal(world.codec.out[2], 1)
  columns.keys = columns.keys.slice(0, KEY_BYTES)
  assert.throws(() => world.send(columns, 0, 0, 0), { code: 'BAD_ARGUMENT' })
  columns.kinds = OP.SET_IF
  columns.count = 1
  assert.throws(() => world.send(columns, 0, 0, 0), { code: 'BAD_ARGUMENT' }, 'no versions')
  columns.versions = new Float64Array([5])
  assert.equal(world.send(columns, 0, 0, 0), 1)
  columns.versions = new Float64Array(0)
  assert.throws(() => world.send(columns, 0, 0, 0), { code: 'BAD_ARGUMENT' }, 'too few versions')
  world.close()
})

test('codec: a detached column is refused, not read', () => {
  const world = openWorld()
  const columns = columnsOf(2, OP.SET)
  world.send(columns, 0, 0, 0)
  structuredClone(columns.keys.buffer, { transfer: [columns.keys.buffer as ArrayBuffer] })
  assert.throws(() => world.send(columns, 0, 0, 0), { code: 'BAD_ARGUMENT' })
  world.close()
})

test('codec: values without room change nothing and decode when there is some', () => {
  const world = openWorld()
  world.send(columnsOf(1, OP.SET), 0, 0, 0)
  world.receive(resultColumns(1, 0), 0)
  world.send(columnsOf(1, OP.GET), 0, 0, 0)
  assert.equal(world.machine.repliesClose(), 1)
  const offset = (world.machine.replyRows[1] ?? 0) + BODY_OFFSET
  const small = resultColumns(1, VALUE_BYTES - 1)
  assert.equal(world.codec.decode(offset, small, 0), -1)
  assert.equal(small.valueEnd[0], 0)
  const enough = resultColumns(1, VALUE_BYTES)
  assert.equal(world.codec.decode(offset, enough, 0), 1)
  assert.equal(world.codec.decode(offset, enough, 1), -2, 'beyond the rows')
  world.close()
})

test('expiry: a session not touched for longer than sessionMicros has ended', () => {
  const world = openWorld(64 << 20, 1000)
  const statusAfter = (micros: number): unknown => {
    const results = resultColumns(1, 0)
    world.pass(micros)
    assert.equal(world.send(columnsOf(1, OP.SET), 0, 0, 0), 1)
    assert.equal(world.receive(results, 0), 1)
    return results.statuses[0]
  }
  assert.equal(statusAfter(1000), STATUS.OK)
  assert.equal(statusAfter(1001), STATUS.SESSION_EXPIRED)
  assert.equal(counterOf(world, 'sessions-expired'), 1)
  world.close()
})

test('refusing: a leader whose disk is full takes deletes, and answers NO_SPACE to what needs room', () => {
  const world = openWorld()
  const statuses = (kind: number, isRefusing: boolean): unknown[] => {
    const results = resultColumns(2, 0)
    world.refuse(isRefusing)
    assert.equal(world.send(columnsOf(2, kind), 0, 0, 0), 2)
    assert.equal(world.receive(results, 0), 2)
    return [...results.statuses]
  }
  assert.deepEqual(statuses(OP.SET, true), [STATUS.NO_SPACE, STATUS.NO_SPACE])
  assert.equal(counterOf(world, 'items'), 0)
  assert.equal(counterOf(world, 'writes-refused-log'), 2)
  assert.deepEqual(statuses(OP.SET, false), [STATUS.OK, STATUS.OK])
  assert.deepEqual(statuses(OP.DELETE, true), [STATUS.OK, STATUS.OK])
  assert.throws(() => world.machine.packBegin(0, 0, 0, 1 as unknown as boolean), { code: 'BAD_ARGUMENT' })
  world.close()
})

test('snapshot: what one machine kept, another restores, and goes on from there', () => {
  const [world, other] = [openWorld(), openWorld()]
  const count = 20
  world.send(columnsOf(count, OP.SET), 0, 0, 0)
  world.receive(resultColumns(count, 0), 0)
  // Its own past is forgotten; the client's count of writes is the same.
  other.send(columnsOf(count, OP.DELETE), 0, 0, 0)
  other.receive(resultColumns(count, 0), 0)
  const stream = world.snapshot()
  assert.equal(other.restore(stream), true)
  assert.equal(other.machine.applied(), world.machine.applied())
  assert.equal(other.machine.forwardApplied(), 0)
  assert.equal(other.machine.digest(), world.machine.digest())
  assert.equal(other.machine.sessionsDigest(), world.machine.sessionsDigest())
  assert.equal(counterOf(other, 'items'), count)
  other.send(columnsOf(count, OP.GET), 0, 0, 0)
  const results = resultColumns(count, count * VALUE_BYTES)
  assert.equal(other.receive(results, 0), count)
  assert.deepEqual(valueOf(results, 7), new Uint8Array(VALUE_BYTES).fill(7))
  other.machine.linkClose(0)
  other.machine.reset()
  assert.equal(other.machine.applied(), 0)
  assert.equal(counterOf(other, 'items'), 0)
  world.close()
  other.close()
})

test('snapshot: a stream that is not whole is refused, and a whole one is taken after it', () => {
  const [world, other] = [openWorld(), openWorld()]
  const stream = world.snapshot()
  const changed = stream.slice()
  changed[stream.length - 1] = (changed[stream.length - 1] ?? 0) ^ 1
  assert.equal(other.restore(changed), false)
  other.machine.reset()
  other.machine.linkOpen(0, 0)
  assert.equal(other.restore(stream.subarray(0, stream.length - 1)), false)
  other.machine.reset()
  other.machine.linkOpen(0, 0)
  assert.equal(other.restore(stream), true)
  assert.equal(other.machine.sessionsDigest(), world.machine.sessionsDigest())
  world.close()
  other.close()
})

test('life: close is idempotent, calls after it throw, rows stay readable', () => {
  const { machine } = openWorld()
  machine.close()
  machine.close()
  assert.throws(() => machine.apply(0), { code: 'CLOSED' })
  assert.throws(() => machine.digest(), { code: 'CLOSED' })
  assert.equal(machine.packRows.length > 0 && machine.counters.length, MACHINE_COUNTERS.length)
})

test('life: impossible settings and arguments throw', () => {
  const slab = new ArrayBuffer(1 << 20)
  const good = {
    slab, datagramBytes: 960, replica: 0, replyOffset: 0, replySlots: 8, linksMax: 1,
    sessionsMax: 1, sessionWindow: 1, storeBytes: 1 << 20, rows: 4,
  }
  openMachine(good).close()
  const wrong: object[] = [
    { datagramBytes: 961 }, { datagramBytes: 1 << 20 }, { replica: 255 }, { replySlots: 1 << 20 },
    { replyOffset: 2 }, { linksMax: 0 }, { rows: 1 }, { sessionMicros: -1 },
    { storeBytes: 2 ** 52 }, { slab: new Uint8Array(8) },
  ]
  for (const change of wrong) {
    const settings = { ...good, ...change }
    assert.throws(() => openMachine(settings), { name: 'ZabkvError', code: 'BAD_ARGUMENT' }, JSON.stringify(change))
  }
  assert.throws(() => openCodec(slab, 0), { code: 'BAD_ARGUMENT' })
  const machine = openMachine(good)
  assert.throws(() => machine.apply(-1), { code: 'BAD_ARGUMENT' })
  assert.throws(() => machine.apply(Number.NaN), { code: 'BAD_ARGUMENT' })
  machine.close()
})

test('life: a worker opens its own and may end without closing it', { skip: !isMainThread }, async () => {
  const source = `import(${JSON.stringify(new URL('./world.js', import.meta.url).href)})
    .then(({ openWorld }) => { openWorld(); openWorld() })`
  for (let i = 0; i < 3; i++) {
    const code = await new Promise((resolve, reject) => {
      const worker = new Worker(source, { eval: true })
      worker.once('error', reject)
      worker.once('exit', resolve)
    })
    assert.equal(code, 0)
  }
})

interface Item {
  flags?: number
  exptime?: number
  options?: number
}

/** Rows of the prefix column, all alike. */
function prefixesOf(count: number, item: Item, delta = 0): Uint8Array {
  const prefixes = new Uint8Array(count * PREFIX_BYTES_MAX)
  const view = new DataView(prefixes.buffer)
  for (let at = 0; at < prefixes.length; at += PREFIX_BYTES_MAX) {
    view.setUint32(at + ITEM.flags, item.flags ?? 0, true)
    view.setInt32(at + ITEM.exptime, item.exptime ?? 0, true)
    view.setUint32(at + ITEM.options, item.options ?? 0, true)
    view.setUint32(at + ITEM.SIZE + ITEM_CAS.SIZE + DELTA.delta, delta, true)
  }
  return prefixes
}

test('items: prefixes go in by a column, and heads come back before the values', () => {
  const world = openWorld()
  const results = resultColumns(1, 1 << 12)
  const one = (columns: OperationColumns): DataView => {
    results.valueEnd[0] = 0
    assert.equal(world.send(columns, 0, 0, 0), 1)
    assert.equal(world.receive(results, 0), 1)
    const value = valueOf(results, 0)
    return new DataView(value.buffer, value.byteOffset, value.byteLength)
  }
  const columns = columnsOf(1, OP.STORE)
  const values = new TextEncoder().encode('41')
  assert.throws(() => one(columns), { code: 'BAD_ARGUMENT' }, 'a prefix is needed')
  one({ ...columns, values, valueBytes: 2, prefixes: prefixesOf(1, { flags: 7 }) })
  assert.equal(results.statuses[0], STATUS.OK)
  const stored = results.versions[0] ?? 0
  const sum = one({ ...columnsOf(1, OP.ARITH), prefixes: prefixesOf(1, {}, 1) })
  assert.equal(sum.byteLength, ITEM_HEAD.SIZE + 8)
  assert.equal(sum.getBigUint64(ITEM_HEAD.SIZE, true), 42n)
  const got = one(columnsOf(1, OP.GET_ITEM))
  assert.equal(got.getUint32(ITEM_HEAD.flags, true), 7)
  assert.equal(got.getBigUint64(ITEM_HEAD.cas, true), BigInt(stored + 1))
  assert.equal(new TextDecoder().decode(valueOf(results, 0).subarray(ITEM_HEAD.SIZE)), '42')
  one({ ...columnsOf(1, OP.FETCH), prefixes: prefixesOf(1, { exptime: -1, options: ITEM_OPTION.TTL }) })
  assert.equal(results.statuses[0], STATUS.OK)
  world.pass(2_000_000)
  one(columnsOf(1, OP.SYNC))
  one(columnsOf(1, OP.GET))
  assert.equal(results.statuses[0], STATUS.NOT_FOUND)
  const impossible = prefixesOf(1, { options: 1 << 20 })
  assert.throws(() => one({ ...columns, prefixes: impossible }), { code: 'BAD_ARGUMENT' })
  world.close()
})
