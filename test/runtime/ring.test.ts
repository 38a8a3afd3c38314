import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { at } from '../../src/assert.js'
import {
  createRingMemory,
  openRingReader,
  openRingWriter,
  ringGotRoom,
  ringHasNews,
  ringLength,
  ringLife,
  ringLink,
  ringNext,
  ringPayload,
  ringPublish,
  ringRelease,
  ringReserve,
  ringTook,
} from '../../src/runtime/ring.js'
import type { RingReader, RingWriter } from '../../src/runtime/ring.js'
import { goToBed, riseFromBed, wakeForRoom } from '../../src/runtime/sleep.js'
import { openWaker } from '../../src/transport/waker.js'
import { open } from '../transport/support.js'
import {
  BED_READER,
  BED_WRITER,
  BEDS_BYTES,
  byteOfRecord,
  lengthOfRecord,
  WORD_HANDLE,
} from './ring-thread.js'
import type { HammerTask } from './ring-thread.js'

const PATIENCE_MILLIS = 60_000
const WAIT_MICROS = 1_000_000

function openRing(size: number): { writer: RingWriter; reader: RingReader } {
  const memory = createRingMemory(size)
  return { writer: openRingWriter(memory), reader: openRingReader(memory) }
}

function write(writer: RingWriter, number: number, length: number): boolean {
  const to = ringReserve(writer, 1 + (number % 3), number, number ^ 0x5555, length)
  if (to < 0) return false
  for (let index = 0; index < length; index++) writer.bytes[to + index] = byteOfRecord(number, index)
  return true
}

/** Checks the next record in every field and byte; false: there is none. */
function read(reader: RingReader, number: number, length: number): boolean {
  const kind = ringNext(reader)
  if (kind === 0) return false
  const heads = [kind, ringLink(reader), ringLife(reader) >>> 0, ringLength(reader)]
  assert.deepEqual(heads, [1 + (number % 3), number, (number ^ 0x5555) >>> 0, length])
  const from = ringPayload(reader)
  for (let index = 0; index < length; index++) {
    if (at(reader.bytes, from + index) !== byteOfRecord(number, index)) {
      assert.fail(`record ${number} has a wrong byte at ${index}`)
    }
  }
  ringTook(reader)
  return true
}

test('ring: a record is not seen before it is published', () => {
  const { writer, reader } = openRing(1024)
  assert.ok(write(writer, 0, 10))
  assert.equal(ringNext(reader), 0)
  assert.equal(ringHasNews(reader), false)
  assert.equal(ringPublish(writer), true)
  assert.equal(ringHasNews(reader), true)
  assert.ok(read(reader, 0, 10))
  assert.equal(ringNext(reader), 0)
  assert.equal(ringPublish(writer), false)
})

test('ring: a full ring refuses, and takes again only after the reader gave room back', () => {
  const { writer, reader } = openRing(1024)
  let written = 0
  while (write(writer, written, 100)) written++
  assert.equal(written, 8) // of 128 bytes each
  assert.equal(writer.full, true)
  assert.equal(ringGotRoom(writer), false)
  ringPublish(writer)
  assert.ok(read(reader, 0, 100))
  assert.equal(write(writer, written, 100), false)
  assert.equal(ringRelease(reader), true)
  assert.equal(ringRelease(reader), false)
  assert.equal(ringGotRoom(writer), true)
  assert.ok(write(writer, written, 100))
  assert.equal(writer.full, false)
})

test('ring: a record that does not fit before the end stands whole at the start', () => {
  const { writer, reader } = openRing(1024)
  for (const [number, length] of [[0, 300], [1, 300], [2, 300]] as const) {
    assert.ok(write(writer, number, length)) // 320 bytes each: 64 are left
    ringPublish(writer)
    assert.ok(read(reader, number, length))
    ringRelease(reader)
  }
  assert.ok(write(writer, 3, 300))
  ringPublish(writer)
  assert.equal(ringNext(reader), 1)
  assert.equal(ringPayload(reader), 16)
  assert.ok(read(reader, 3, 300))
})

test('ring: records of any size pass in order and unharmed, over the wrap of the positions', () => {
  const size = 4096
  const lengthMax = size / 2 - 16
  const { writer, reader } = openRing(size)
  // A little before 2^32, as after four gigabytes.
  const start = (2 ** 32 - 8 * size) >>> 0
  Object.assign(writer, { head: start, published: start, tail: start })
  Object.assign(reader, { head: start, released: start, tail: start })
  writer.positions.fill(start | 0)
  let written = 0
  let done = 0
  let seed = 7
  for (let round = 0; round < 20_000; round++) {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223
    const writes = (seed >>> 16) % 5
    for (let each = 0; each < writes; each++) {
      if (write(writer, written, lengthOfRecord(written, lengthMax))) written++
    }
    if ((seed >>> 24) % 3 > 0) ringPublish(writer)
    const reads = (seed >>> 8) % 5
    for (let each = 0; each < reads; each++) {
      if (read(reader, done, lengthOfRecord(done, lengthMax))) done++
    }
    if ((seed >>> 28) % 3 > 0) ringRelease(reader)
  }
  assert.ok(done > 5000, `${done} records were read`)
  assert.ok(reader.tail < start, 'the positions wrapped')
})

test('ring: two threads at full speed lose nothing, reorder nothing and tear nothing', async () => {
  const records = 300_000
  const { memory, thread, words } = startHammer({ records, lengthMax: 200, size: 4096, wakeHandle: -1 })
  const reader = openRingReader(memory)
  const end = performance.now() + PATIENCE_MILLIS
  let done = 0
  for (let turns = 0; done < records; turns++) {
    if (read(reader, done, lengthOfRecord(done, 200))) done++
    if (turns % 3 === 0) ringRelease(reader)
    if (turns % 4096 === 0) assert.ok(performance.now() < end, `stuck at ${done} of ${records}`)
  }
  assert.equal(at(words, BED_WRITER), 0)
  await ended(thread)
})

test('ring: threads that sleep when they find nothing are woken every time', async () => {
  const records = 60_000
  const endpoint = open()
  const { memory, thread, words } = startHammer({
    records,
    lengthMax: 60,
    size: 1024, // so small that both sides have to wait all the time
    wakeHandle: endpoint.wakeHandle(),
  })
  while (Atomics.load(words, WORD_HANDLE) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  const waker = openWaker(Atomics.load(words, WORD_HANDLE) - 1)
  const reader = openRingReader(memory)
  const bed = { words, index: BED_READER }
  const start = performance.now()
  let done = 0
  let sleeps = 0
  let slowest = 0
  while (done < records) {
    if (read(reader, done, lengthOfRecord(done, 60))) {
      done++
      continue
    }
    if (ringRelease(reader)) wakeForRoom({ words, index: BED_WRITER }, waker)
    goToBed(bed, false)
    if (!ringHasNews(reader)) {
      sleeps++
      const since = performance.now()
      endpoint.wait(WAIT_MICROS)
      slowest = Math.max(slowest, performance.now() - since)
    }
    riseFromBed(bed)
    assert.ok(performance.now() - start < PATIENCE_MILLIS, `stuck at ${done} of ${records}`)
  }
  ringRelease(reader)
  assert.ok(sleeps > 100, `${sleeps} sleeps`)
  // A lost wake-up shows as a wait that ran to its end.
  assert.ok(slowest < WAIT_MICROS / 1000 - 100, `the longest wait took ${slowest} ms`)
  await ended(thread)
  endpoint.close()
  waker.close()
})

function startHammer(options: {
  records: number
  lengthMax: number
  size: number
  wakeHandle: number
}): { memory: SharedArrayBuffer; thread: Worker; words: Int32Array } {
  const memory = createRingMemory(options.size)
  const beds = new SharedArrayBuffer(BEDS_BYTES)
  const { records, lengthMax, wakeHandle } = options
  const task: HammerTask = { memory, beds, records, lengthMax, wakeHandle }
  const thread = new Worker(new URL('./ring-thread.js', import.meta.url), { workerData: task })
  return { memory, thread, words: new Int32Array(beds) }
}

function ended(thread: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))))
    thread.once('error', reject)
  })
}
