/**
 * A simulated disk, which belongs to a node and outlives its replicas: it keeps the contract of a log (store/log.ts)
 * over memory. What was appended becomes durable after a while; at a crash the rest is lost, but for a drawn beginning
 * of it. Used by cluster.ts and faults.ts.
 */

import { assert, item } from '../../src/assert.js'
import type { Log } from '../../src/store/log.js'
import { LOG_COUNTERS, LOG_FIELD, LOG_FIELDS, LOG_STATUS, RECORD_KIND, SNAPSHOT_STATE } from '../../src/store/log.js'
import { HEADER, PROPOSE, wideAt } from '../../src/zab/wire.js'
import type { Network } from './network.js'
import type { Prng } from './prng.js'

interface DiskRecord {
  kind: number
  counter: number
  count: number
  epoch: number
  previous: number
  time: number
  committed: number
  payload: Uint8Array
  /** As of this record. */
  accepted: number
  current: number
  lastCounter: number
}

interface Snapshot {
  counter: number
  epoch: number
  parts: Uint8Array[]
}

/** How a seed's disks are. */
export interface DiskOptions {
  delayTicksMax: number
  /** Probability that a flush takes hundreds of milliseconds. */
  stall: number
  bufferRecords: number
  segmentRecords: number
  snapshotTicksMax: number
  snapshotBytes: number
}

export interface SimDisk {
  readonly network: Network
  readonly prng: Prng
  readonly options: DiskOptions
  /** Durable. */
  records: DiskRecord[]
  snapshots: Snapshot[]
  /** Epochs and last counter of what was before the first record. */
  base: { accepted: number; current: number; lastCounter: number }
  /** Appended; the first `underWay.length` of them are durable when their tick comes. */
  buffer: DiskRecord[]
  underWay: number[]
  /** Of what was appended since the log was opened. */
  durable: number
  writing: Snapshot | null
  snapshotState: number
  snapshotTick: number
  slowUntil: number
  fullUntil: number
  isLow: boolean
  failed: boolean
}

const SLOW_TICKS = 600
const STALL_TICKS_MIN = 1000
const STALL_TICKS_MAX = 6000
const PART_BYTES_MAX = 64 << 10
const PART_REFUSED = 0.1
const SNAPSHOTS_KEPT = 2

export function drawDiskOptions(prng: Prng): DiskOptions {
  const delays = [2, 50, 200, 800]
  return {
    delayTicksMax: item(delays, prng.below(delays.length)),
    stall: prng.chance(0.3) ? 0.003 : 0,
    bufferRecords: prng.chance(0.3) ? 2 + prng.below(30) : 1 << 20,
    segmentRecords: 1 + prng.below(60),
    snapshotTicksMax: prng.chance(0.3) ? 4000 : 200,
    snapshotBytes: prng.chance(0.5) ? 4000 + prng.below(60_000) : 1 << 30,
  }
}

export function createSimDisk(network: Network, prng: Prng, options: DiskOptions): SimDisk {
  return {
    network,
    prng,
    options,
    records: [],
    snapshots: [],
    base: { accepted: 0, current: 0, lastCounter: 0 },
    buffer: [],
    underWay: [],
    durable: 0,
    writing: null,
    snapshotState: SNAPSHOT_STATE.NONE,
    snapshotTick: Infinity,
    slowUntil: 0,
    fullUntil: 0,
    isLow: false,
    failed: false,
  }
}

/** The end of a life: what is not durable is lost, or a beginning of it is kept. */
export function crashDisk(disk: SimDisk): void {
  settle(disk)
  const keep = disk.prng.chance(0.5) ? 0 : disk.prng.below(disk.buffer.length + 1)
  disk.records.push(...disk.buffer.slice(0, keep))
  forgetVolatile(disk)
}

/** Another disk in its place. */
export function loseDisk(disk: SimDisk): void {
  forgetVolatile(disk)
  disk.records = []
  disk.snapshots = []
  disk.base = { accepted: 0, current: 0, lastCounter: 0 }
}

export function isDiskEmpty(disk: SimDisk): boolean {
  return disk.records.length === 0 && disk.snapshots.length === 0
}

/** No room until then: what is under way waits, too. `low`: there is some, and it is said to be little. */
export function fillDisk(disk: SimDisk, until: number, low: boolean): void {
  settle(disk)
  disk.fullUntil = until
  disk.isLow = low
  if (low) return
  disk.underWay = disk.underWay.map((tick) => Math.max(tick, until))
  if (disk.snapshotTick !== Infinity) disk.snapshotTick = Math.max(disk.snapshotTick, until)
}

/** Nothing is wrong with it any more; what was held up goes on. */
export function healDisk(disk: SimDisk): void {
  const soon = disk.network.tick + disk.options.delayTicksMax
  disk.slowUntil = 0
  disk.fullUntil = 0
  disk.underWay = disk.underWay.map((tick) => Math.min(tick, soon))
  if (disk.snapshotTick !== Infinity) disk.snapshotTick = Math.min(disk.snapshotTick, soon)
}

function forgetVolatile(disk: SimDisk): void {
  disk.buffer = []
  disk.underWay = []
  disk.durable = 0
  disk.writing = null
  disk.snapshotState = SNAPSHOT_STATE.NONE
  disk.snapshotTick = Infinity
  disk.failed = false
}

/** What became durable meanwhile. */
function settle(disk: SimDisk): void {
  const { network, buffer, underWay } = disk
  if (disk.failed) return
  let done = 0
  while (done < underWay.length && item(underWay, done) <= network.tick) done++
  if (done > 0) {
    disk.records.push(...buffer.splice(0, done))
    underWay.splice(0, done)
    disk.durable += done
  }
  if (disk.writing === null || disk.snapshotTick > network.tick) return
  const { writing } = disk
  disk.snapshots = disk.snapshots.filter((each) => each.counter !== writing.counter || each.epoch !== writing.epoch)
  disk.snapshots.push(writing)
  disk.snapshots.sort((one, other) => one.counter - other.counter || one.epoch - other.epoch)
  disk.writing = null
  disk.snapshotTick = Infinity
  disk.snapshotState = SNAPSHOT_STATE.FINISHED
  prune(disk)
}

/** Whole segments that the older of two snapshots does not need. */
function prune(disk: SimDisk): void {
  if (disk.snapshots.length < SNAPSHOTS_KEPT) return
  disk.snapshots = disk.snapshots.slice(-SNAPSHOTS_KEPT)
  const { counter } = item(disk.snapshots, 0)
  const { segmentRecords } = disk.options
  while (disk.records.length > segmentRecords) {
    const last = item(disk.records, segmentRecords - 1)
    if (last.lastCounter > counter) return
    disk.records.splice(0, segmentRecords)
    disk.base = last
  }
}

function isFull(disk: SimDisk): boolean {
  return !disk.isLow && disk.network.tick < disk.fullUntil
}

function append(disk: SimDisk, kind: number, fields: Partial<DiskRecord>): boolean {
  settle(disk)
  if (disk.failed || isFull(disk) || disk.buffer.length >= disk.options.bufferRecords) return false
  const before = disk.buffer.at(-1) ?? disk.records.at(-1) ?? disk.base
  const { accepted, current, lastCounter } = before
  const none = { counter: 0, count: 0, epoch: 0, previous: 0, time: 0, committed: 0, payload: new Uint8Array(0) }
  disk.buffer.push({ kind, ...none, accepted, current, lastCounter, ...fields })
  return true
}

function flush(disk: SimDisk): void {
  settle(disk)
  const { prng, network, options, underWay } = disk
  let delay = 1 + prng.below(options.delayTicksMax)
  if (network.tick < disk.slowUntil) delay += prng.below(SLOW_TICKS)
  if (prng.chance(options.stall)) delay += STALL_TICKS_MIN + prng.below(STALL_TICKS_MAX - STALL_TICKS_MIN)
  const due = Math.max(underWay.at(-1) ?? 0, network.tick + delay, disk.isLow ? 0 : disk.fullUntil)
  while (underWay.length < disk.buffer.length) underWay.push(due)
}

/** Writes what was appended, as a log that is closed does. */
function finishWrites(disk: SimDisk): void {
  settle(disk)
  if (!disk.failed && !isFull(disk)) disk.records.push(...disk.buffer)
  forgetVolatile(disk)
}

type Snapshots = Pick<
  Log,
  | 'snapshotBegin' | 'snapshotPart' | 'snapshotPartBytesMax' | 'snapshotFinish' | 'snapshotState'
  | 'snapshotAbandon' | 'snapshotOpen' | 'snapshotRead'
>

function snapshotsOf(disk: SimDisk, bytes: Uint8Array, fields: Float64Array): Snapshots {
  let reading: Uint8Array[] = []
  return {
    snapshotPartBytesMax: PART_BYTES_MAX,
    snapshotBegin: (counter, epoch) => {
      disk.writing = { counter, epoch, parts: [] }
      disk.snapshotState = SNAPSHOT_STATE.WRITING
      disk.snapshotTick = Infinity
    },
    snapshotPart: (offset, length) => {
      assert(length <= PART_BYTES_MAX, 'disk: a part is no larger than allowed')
      if (disk.writing === null || disk.failed || isFull(disk) || disk.prng.chance(PART_REFUSED)) return false
      disk.writing.parts.push(bytes.slice(offset, offset + length))
      return true
    },
    snapshotFinish: () => {
      const tick = disk.network.tick + 1 + disk.prng.below(disk.options.snapshotTicksMax)
      disk.snapshotTick = disk.isLow ? tick : Math.max(tick, disk.fullUntil)
    },
    snapshotState: () => {
      settle(disk)
      return disk.snapshotState
    },
    snapshotAbandon: () => {
      settle(disk)
      disk.writing = null
      disk.snapshotTick = Infinity
      disk.snapshotState = SNAPSHOT_STATE.NONE
    },
    snapshotOpen: () => {
      settle(disk)
      const newest = disk.snapshots.at(-1)
      if (newest === undefined) return false
      reading = [...newest.parts]
      fields[LOG_FIELD.counter] = newest.counter
      fields[LOG_FIELD.epoch] = newest.epoch
      fields[LOG_FIELD.bytes] = newest.parts.reduce((sum, part) => sum + part.length, 0)
      return true
    },
    snapshotRead: (offset, bytesMax) => {
      const part = reading.shift()
      if (part === undefined) return 0
      assert(part.length <= bytesMax, 'disk: a part fits where it is read')
      bytes.set(part, offset)
      return part.length
    },
  }
}

function tellRecord(fields: Float64Array, record: DiskRecord): void {
  fields[LOG_FIELD.counter] = record.counter
  fields[LOG_FIELD.count] = record.count
  fields[LOG_FIELD.epoch] = record.epoch
  fields[LOG_FIELD.previous] = record.previous
  fields[LOG_FIELD.time] = record.time
  fields[LOG_FIELD.committed] = record.committed
  fields[LOG_FIELD.bytes] = record.payload.length
  tellEnd(fields, record)
}

function tellEnd(fields: Float64Array, { accepted, current, lastCounter }: SimDisk['base']): void {
  fields[LOG_FIELD.accepted] = accepted
  fields[LOG_FIELD.current] = current
  fields[LOG_FIELD.lastCounter] = lastCounter
}

/** The log of one life, whose datagrams lie in `slab`. */
export function openSimLog(disk: SimDisk, slab: ArrayBuffer): Log {
  const bytes = new Uint8Array(slab)
  const words = new Uint32Array(slab)
  const fields = new Float64Array(LOG_FIELDS.length)
  let next = 0
  return {
    fields,
    counters: new Float64Array(LOG_COUNTERS.length),
    replayNext: (offset, bytesMax) => {
      const record = disk.records[next]
      if (record === undefined) {
        tellEnd(fields, disk.records.at(-1) ?? disk.base)
        return RECORD_KIND.END
      }
      assert(record.payload.length <= bytesMax, 'disk: a payload fits where it is read')
      next++
      bytes.set(record.payload, offset)
      tellRecord(fields, record)
      return record.kind
    },
    discardAfterDamage: () => false,
    appendEntry: (offset, length, counter, count, epoch, committed) => {
      const extension = (offset + HEADER.SIZE) >>> 2
      return append(disk, RECORD_KIND.ENTRY, {
        counter,
        count,
        epoch,
        committed,
        previous: words[extension + (PROPOSE.previous >>> 2)] ?? 0,
        time: wideAt(words, extension + (PROPOSE.time >>> 2)),
        payload: bytes.slice(offset + HEADER.SIZE, offset + length),
        lastCounter: counter + count - 1,
      })
    },
    appendEpochs: (accepted, current) => append(disk, RECORD_KIND.EPOCHS, { accepted, current }),
    appendTruncate: (counter) => append(disk, RECORD_KIND.TRUNCATE, { counter, lastCounter: counter }),
    appendBase: (counter, epoch) => append(disk, RECORD_KIND.BASE, { counter, epoch, lastCounter: counter }),
    flush: () => flush(disk),
    appended: () => disk.durable + disk.buffer.length,
    durable: () => {
      settle(disk)
      return disk.durable
    },
    status: () => {
      if (disk.failed) return LOG_STATUS.FAILED
      if (disk.network.tick >= disk.fullUntil) return LOG_STATUS.FINE
      return disk.isLow ? LOG_STATUS.SPACE_LOW : LOG_STATUS.FULL
    },
    error: () => (disk.failed ? 'The simulated disk failed to synchronise.' : null),
    ...snapshotsOf(disk, bytes, fields),
    reopen: () => {
      finishWrites(disk)
      next = 0
    },
    startAnew: () => {
      loseDisk(disk)
      next = 0
    },
    close: () => finishWrites(disk),
  }
}
