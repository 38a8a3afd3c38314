/** A log over a slab of its own in a directory of its own, and datagrams that tell whether they are whole. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'

import { at } from '../../src/assert.js'
import { type Log, LOG_COUNTERS, LOG_FIELD, type LogSettings, RECORD_KIND } from '../../src/store/log.js'
import { openLog } from '../../src/store/open-log.js'
import { HEADER, PROPOSE, setWide } from '../../src/zab/wire.js'

export const SEGMENT_BYTES = 128 << 10
export const ROOM = 65536
const PATIENCE_MILLIS = 30_000

export interface LogWorld {
  log: Log
  slab: ArrayBuffer
  bytes: Uint8Array
  words: Uint32Array
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'zabkv-log-'))
}

/** One that goes with the test. */
export function directoryOf(t: TestContext): string {
  const directory = temporaryDirectory()
  t.after(() => remove(directory))
  return directory
}

export function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
}

export function settingsOf(directory: string, changes: Partial<LogSettings> = {}): LogSettings {
  return {
    directory,
    cluster: 'test',
    replica: 1,
    mode: 'fsync',
    slab: new ArrayBuffer(2 * ROOM),
    wakeHandle: null,
    bufferBytes: 1 << 20,
    segmentBytes: SEGMENT_BYTES,
    ...changes,
  }
}

export function open(directory: string, changes: Partial<LogSettings> = {}): LogWorld {
  const settings = settingsOf(directory, changes)
  const { slab } = settings
  return { log: openLog(settings), slab, bytes: new Uint8Array(slab), words: new Uint32Array(slab) }
}

/** A PROPOSE datagram at the slab's beginning; its body depends on the counter in every byte. */
export function writePropose(world: LogWorld, counter: number, length: number): void {
  world.bytes.fill(0xee, 0, HEADER.SIZE) // not stored
  fillBody(world.bytes, HEADER.SIZE, length - HEADER.SIZE, counter)
  setWide(world.words, (HEADER.SIZE + PROPOSE.time) >>> 2, 1_000_000 + counter)
  world.words[(HEADER.SIZE + PROPOSE.previous) >>> 2] = 4
}

function fillBody(bytes: Uint8Array, from: number, count: number, counter: number): void {
  for (let i = PROPOSE.SIZE; i < count; i++) bytes[from + i] = (counter * 31 + i * 7) & 0xff
}

export function append(world: LogWorld, counter: number, length: number): boolean {
  writePropose(world, counter, length)
  return world.log.appendEntry(0, length, counter, 1, 5, counter - 1)
}

/** Whether the payload at `offset` is that of writePropose. */
export function isWhole(world: LogWorld, offset: number, counter: number, count: number): boolean {
  const wanted = new Uint8Array(count)
  fillBody(wanted, 0, count, counter)
  const found = world.bytes.subarray(offset + PROPOSE.SIZE, offset + count)
  return Buffer.compare(found, wanted.subarray(PROPOSE.SIZE)) === 0
}

/** Reads what is there: counters of the entries, checked; and how it ended. */
export function replay(world: LogWorld): { counters: number[]; end: number } {
  const counters: number[] = []
  for (;;) {
    const kind = world.log.replayNext(ROOM, ROOM)
    if (kind === RECORD_KIND.END || kind === RECORD_KIND.DAMAGE) return { counters, end: kind }
    if (kind !== RECORD_KIND.ENTRY) continue
    const counter = at(world.log.fields, LOG_FIELD.counter)
    assert.ok(isWhole(world, ROOM, counter, at(world.log.fields, LOG_FIELD.bytes)), `entry ${counter} is whole`)
    counters.push(counter)
  }
}

/** What a directory holds, by a log that is opened and closed again. */
export function replayOf(directory: string): { counters: number[]; end: number } {
  const world = open(directory)
  const found = replay(world)
  world.log.close()
  return found
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

export async function until(fact: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MILLIS; !fact(); ) {
    if (Date.now() > deadline) throw new Error(`it never came that ${what}`)
    await after(1)
  }
}

export async function settle(log: Log): Promise<void> {
  log.flush()
  await until(() => log.durable() === log.appended(), 'all is durable')
}

export function count(log: Log, name: (typeof LOG_COUNTERS)[number]): number {
  return at(log.counters, LOG_COUNTERS.indexOf(name))
}
