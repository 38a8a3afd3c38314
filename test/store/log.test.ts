/** The native log through its bindings: round trips, groups, snapshots, misuse, life. What needs faults: wal/test. */

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { at } from '../../src/assert.js'
import {
  LOG_COUNTERS, LOG_FIELD, LOG_FIELDS, LOG_STATUS, type LogSettings, RECORD_KIND, SNAPSHOT_STATE,
} from '../../src/store/log.js'
import { logAddon } from '../../src/store/open-log.js'
import { WOKEN } from '../../src/transport/endpoint.js'
import { HEADER } from '../../src/zab/wire.js'
import { open as openEndpoint } from '../transport/support.js'
import {
  append, count, directoryOf, isWhole, type LogWorld, open, range, replay, replayOf, ROOM, settle, until,
  writePropose,
} from './log-world.js'

/** Open, and ready for appends. */
function opened(directory: string, changes: Partial<LogSettings> = {}): LogWorld {
  const world = open(directory, changes)
  assert.equal(replay(world).end, RECORD_KIND.END)
  return world
}

test('log: both sides declare the same counters and fields', () => {
  assert.deepEqual(logAddon().logCounterNames(), [...LOG_COUNTERS])
  assert.deepEqual(logAddon().logFieldNames(), [...LOG_FIELDS])
  const names = LOG_FIELDS.map((name) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()))
  assert.deepEqual(LOG_FIELD, Object.fromEntries(names.map((name, index) => [name, index])))
})

test('log: what was appended comes back, but for the header of the datagram', async (t) => {
  const directory = directoryOf(t)
  const first = opened(directory)
  const far = Number.MAX_SAFE_INTEGER - 1
  writePropose(first, far, 1000)
  assert.ok(first.log.appendEntry(0, 1000, far, 2, 0xffffffff, far - 1))
  assert.ok(first.log.appendEpochs(7, 6))
  assert.ok(first.log.appendTruncate(12))
  assert.ok(first.log.appendBase(40, 5))
  await settle(first.log)
  assert.equal(first.log.appended(), 4)
  first.log.close()

  const second = open(directory)
  const { log } = second
  const shown = (): number[] => [...log.fields].slice(0, 11)
  assert.equal(log.replayNext(ROOM, ROOM), RECORD_KIND.ENTRY)
  assert.deepEqual(shown(), [far, 2, 0xffffffff, 4, 1_000_000 + far, far - 1, 1000 - HEADER.SIZE, 0, 0, far + 1, 1])
  assert.ok(isWhole(second, ROOM, far, 1000 - HEADER.SIZE))
  assert.equal(log.replayNext(ROOM, ROOM), RECORD_KIND.EPOCHS)
  assert.deepEqual(shown(), [0, 0, 6, 7, 0, 0, 0, 7, 6, far + 1, 2])
  assert.equal(log.replayNext(ROOM, ROOM), RECORD_KIND.TRUNCATE)
  assert.deepEqual(shown(), [12, 0, 0, 0, 0, 0, 0, 7, 6, 12, 3])
  assert.equal(log.replayNext(ROOM, ROOM), RECORD_KIND.BASE)
  assert.deepEqual(shown(), [40, 0, 5, 0, 0, 0, 0, 7, 6, 40, 4])
  assert.equal(log.replayNext(ROOM, ROOM), RECORD_KIND.END)
  assert.deepEqual(shown(), [0, 0, 0, 0, 0, 0, 0, 7, 6, 40, 0])
  assert.equal(log.error(), null)
  log.close()
})

test('log: many records become few groups, each with one write and one sync', async (t) => {
  const { log, ...rest } = opened(directoryOf(t), { segmentBytes: 16 << 20, bufferBytes: 16 << 20 })
  for (const counter of range(1, 5000)) assert.ok(append({ log, ...rest }, counter, 960))
  assert.equal(log.durable(), 0, 'the writer sleeps until it is flushed')
  await settle(log)
  assert.equal(count(log, 'records'), 5000)
  assert.equal(count(log, 'groups'), 1)
  assert.equal(count(log, 'writes'), 1)
  assert.equal(count(log, 'syncs'), 1)
  assert.ok(count(log, 'bytes') > 5000 * 960)
  assert.ok(count(log, 'sync-micros-max') >= count(log, 'sync-micros-mean'))
  assert.ok(count(log, 'sync-micros-mean') > 0)
  assert.ok(append({ log, ...rest }, 5001, 960))
  await settle(log)
  assert.equal(count(log, 'syncs'), 2)
  log.close()
})

test('log: a full buffer takes nothing, and all that was taken comes back', async (t) => {
  const directory = directoryOf(t)
  const world = opened(directory)
  let last = 0
  for (let refused = 0; refused < 3; ) {
    if (append(world, last + 1, 8192)) last++
    else refused++
  }
  assert.equal(count(world.log, 'buffer-full'), 3)
  assert.equal(world.log.appended(), last)
  await settle(world.log)
  world.log.close()
  assert.deepEqual(replayOf(directory), { counters: range(1, last), end: RECORD_KIND.END })
})

test('log: durability ends the wait of the endpoint', async (t) => {
  const endpoint = openEndpoint()
  const world = opened(directoryOf(t), { wakeHandle: endpoint.wakeHandle() })
  append(world, 1, 500)
  world.log.flush()
  assert.equal(endpoint.wait(1_000_000), WOKEN)
  await until(() => world.log.durable() === 1, 'it is durable')
  world.log.close()
  endpoint.close()
})

test('log: async is durable when it is written', async (t) => {
  const directory = directoryOf(t)
  const world = opened(directory, { mode: 'async' })
  const start = performance.now()
  for (const counter of range(1, 20)) {
    append(world, counter, 500)
    await settle(world.log)
  }
  const seconds = (performance.now() - start) / 1000
  const syncs = count(world.log, 'syncs')
  assert.ok(syncs <= 1 + seconds, `${syncs} syncs in ${seconds} s`)
  await until(() => count(world.log, 'syncs') > 0, 'it is synchronised')
  world.log.close()
  assert.equal(replayOf(directory).counters.length, 20)
})

test('log: a failed sync is final', async (t) => {
  const directory = directoryOf(t)
  const world = opened(directory, { faultSync: 3 }) // the first segment's, the first group's, this
  append(world, 1, 500)
  await settle(world.log)
  append(world, 2, 500)
  world.log.flush()
  await until(() => world.log.status() === LOG_STATUS.FAILED, 'it failed')
  assert.equal(world.log.durable(), 1)
  assert.equal(append(world, 3, 500), false)
  assert.match(world.log.error() ?? '', /log-0000000001 could not be written, fdatasync: Input\/output error: /)
  world.log.close()
})

test('snapshot: parts come back as they were handed in, the newest first', async (t) => {
  const directory = directoryOf(t)
  const world = opened(directory, { snapshotBufferBytes: 64 << 10 })
  assert.equal(world.log.snapshotState(), SNAPSHOT_STATE.NONE)
  assert.equal(world.log.snapshotOpen(), false)
  assert.equal(await writeSnapshot(world, 10, 5), SNAPSHOT_STATE.FINISHED)
  assert.equal(await writeSnapshot(world, 20, 200), SNAPSHOT_STATE.FINISHED)
  world.log.snapshotBegin(30, 3)
  assert.equal(world.log.snapshotState(), SNAPSHOT_STATE.WRITING)
  assert.equal(readSnapshot(world), 200, 'an unfinished one is none')
  world.log.snapshotAbandon()
  assert.equal(world.log.snapshotState(), SNAPSHOT_STATE.NONE)
  world.log.close()
  const again = opened(directory)
  assert.equal(readSnapshot(again), 200)
  assert.equal(again.log.fields[LOG_FIELD.counter], 20)
  assert.equal(again.log.fields[LOG_FIELD.epoch], 3)
  again.log.close()
})

async function writeSnapshot(world: LogWorld, counter: number, parts: number): Promise<number> {
  const { log } = world
  log.snapshotBegin(counter, 3)
  for (let part = 0; part < parts; part++) {
    world.bytes.fill(part & 0xff, 0, 1000 + part)
    await until(() => log.snapshotPart(0, 1000 + part), 'there is room for a part')
  }
  log.snapshotFinish()
  await until(() => log.snapshotState() !== SNAPSHOT_STATE.WRITING, 'the snapshot ends')
  return log.snapshotState()
}

function readSnapshot({ log, bytes }: LogWorld): number {
  assert.ok(log.snapshotOpen())
  for (let part = 0; ; part++) {
    const got = log.snapshotRead(ROOM, ROOM)
    if (got === 0) return part
    assert.equal(got, 1000 + part)
    assert.ok(bytes.subarray(ROOM, ROOM + got).every((byte) => byte === (part & 0xff)))
  }
}

test('directory: what cannot be used is refused with what to do', (t) => {
  const directory = directoryOf(t)
  assert.throws(() => open(join(directory, 'absent')), { code: 'DATA_DIR', errno: 'ENOENT', message: /mkdir -p/ })
  writeFileSync(join(directory, 'file'), '')
  assert.throws(() => open(join(directory, 'file')), { code: 'DATA_DIR', errno: 'ENOTDIR', message: /not a directory/ })
  assert.throws(() => open('/proc/self'), { code: 'DATA_DIR' }, 'a file system that takes no files')
  assert.throws(() => open(directory, { cluster: 'a\nb' }), { code: 'BAD_ARGUMENT' })
  assert.throws(() => open(directory, { segmentBytes: 1000 }), { code: 'BAD_ARGUMENT', message: /segmentBytes/ })
  const used = join(directory, 'used')
  mkdirSync(used)
  const world = opened(used)
  assert.throws(() => open(used), { code: 'DATA_DIR_IN_USE', message: /in use by another process/ })
  world.log.close()
  assert.throws(() => open(used, { replica: 2 }), { code: 'WRONG_DATA_DIR', message: /replica 1 of cluster test/ })
  assert.throws(() => open(used, { cluster: 'other' }), { code: 'WRONG_DATA_DIR', message: /of cluster other/ })
  opened(used).log.close()
})

test('misuse: appends before the replay has ended, offsets beyond the slab, half a datagram', (t) => {
  const world = open(directoryOf(t))
  const { log } = world
  assert.throws(() => append(world, 1, 500), /follow the end of the replay/)
  assert.throws(() => log.snapshotBegin(1, 1), /follow the end of the replay/)
  assert.equal(replay(world).end, RECORD_KIND.END)
  assert.throws(() => log.replayNext(0, ROOM), /before the first append/)
  assert.throws(() => log.appendEntry(2 * ROOM - 100, 500, 1, 1, 1, 0), /lie in the slab/)
  assert.throws(() => log.appendEntry(0, 79, 1, 1, 1, 0), /a whole PROPOSE datagram/)
  assert.throws(() => log.appendEntry(0, 500, -1, 1, 1, 0), { code: 'BAD_ARGUMENT' })
  assert.throws(() => log.snapshotPart(0, log.snapshotPartBytesMax + 1), /lie in the slab/)
  log.close()
  log.close()
  assert.throws(() => log.flush(), { code: 'CLOSED' })
  assert.throws(() => log.error(), { code: 'CLOSED' })
  assert.equal(at(log.counters, 0), 0)
})

test('life: a log that is left open ends with its worker, and what was appended is there', async (t) => {
  const directory = directoryOf(t)
  const code = `
    import(${JSON.stringify(new URL('log-world.js', import.meta.url).href)}).then(({ append, open, replay }) => {
      const world = open(${JSON.stringify(directory)})
      replay(world)
      append(world, 1, 500)
    })`
  const worker = new Worker(code, { eval: true })
  await new Promise((resolve) => worker.once('exit', resolve))
  const world = open(directory)
  assert.deepEqual(replay(world).counters, [1])
  world.log.close()
  assert.deepEqual(readdirSync(directory).sort(), ['LOCK', 'META', 'log-0000000001'])
})
