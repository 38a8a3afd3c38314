/**
 * One batch of the workload: its columns are filled in place, again and again, without allocation.
 *
 * A value starts with its key's id and a running number, so that a wrong answer shows and every write differs.
 */
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { OP } from '../zab/wire.js'
import { createDrawRoom, createKeyRoom, drawIds, putWord, writeKeys, writeTraceKeys } from './keys.js'
import type { DrawRoom, KeySource } from './keys.js'
import { createRandom, fillWords, type Random } from './random.js'
import { batchOf, type WorkloadOptions } from './workload-options.js'

export interface Batch {
  readonly ids: Uint32Array
  readonly kinds: Uint8Array
  readonly keyLengths: Uint8Array
  readonly columns: OperationColumns
  readonly results: ResultColumns
  /** Writes among its operations. */
  writes: number
  submittedAt: number
}

/** What draws operations; one for all batches. */
export interface Generator {
  readonly source: KeySource
  readonly random: Random
  readonly room: DrawRoom
  readonly keyBytes: number
  readonly valueBytes: number
  /** Of 2^31. */
  readonly writeShare: number
  /** Operations drawn so far. */
  drawn: number
  /** Running number of the values. */
  stamp: number
}

const TWO31 = 2147483648
const STAMPED_BYTES = 8
const TRACE_KEY_BYTES_MAX = 250
/** Values of every length end in this; the first eight bytes are stamped. */
const FILLER = 0x2e

export function createGenerator(options: WorkloadOptions, source: KeySource): Generator {
  return {
    source,
    random: createRandom(options.seed),
    room: createDrawRoom(batchOf(options)),
    keyBytes: options.keyBytes,
    valueBytes: options.valueBytes,
    writeShare: Math.round(options.writeRatio * TWO31),
    drawn: 0,
    stamp: 0,
  }
}

export function createBatch(options: WorkloadOptions, source: KeySource): Batch {
  const count = batchOf(options)
  const isTrace = source.kind === 'trace'
  const keyBytes = isTrace ? TRACE_KEY_BYTES_MAX : options.keyBytes
  const keyLengths = new Uint8Array(isTrace ? count : 0)
  const kinds = new Uint8Array(count)
  return {
    ids: new Uint32Array(count),
    kinds,
    keyLengths,
    columns: {
      count,
      kinds,
      keys: createKeyRoom(count, keyBytes),
      keyBytes: isTrace ? keyLengths : keyBytes,
      values: new Uint8Array(count * options.valueBytes).fill(FILLER),
      valueBytes: options.valueBytes,
      versions: null,
    },
    results: {
      statuses: new Uint8Array(count),
      versions: new Float64Array(count),
      values: new Uint8Array(count * options.valueBytes),
      valueOffsets: new Uint32Array(count),
      valueBytes: new Uint32Array(count),
      valueEnd: new Uint32Array(1),
    },
    writes: 0,
    submittedAt: 0,
  }
}

/** The next operations of the load, as many as the batch has room for, or fewer. */
export function fillBatch(generator: Generator, batch: Batch, count = batch.kinds.length): void {
  batch.columns.count = count
  drawIds(generator.source, generator.random, generator.drawn, batch.ids, count, generator.room)
  generator.drawn += count
  drawKinds(generator, batch, count)
  fillKeysAndValues(generator, batch, count)
}

/** Writes of the keys `first` and those after it; returns how many, which is 0 at the end. */
export function fillPreload(generator: Generator, batch: Batch, first: number): number {
  const count = Math.min(batch.kinds.length, generator.source.keys - first)
  if (count <= 0) return 0
  for (let index = 0; index < count; index++) batch.ids[index] = first + index
  batch.columns.count = count
  batch.kinds.fill(OP.SET, 0, count)
  batch.writes = count
  fillKeysAndValues(generator, batch, count)
  return count
}

/** Without a branch that the processor would have to guess. */
function drawKinds(generator: Generator, batch: Batch, count: number): void {
  const { writeShare, random, room } = generator
  const { kinds } = batch
  if (writeShare === 0 || writeShare >= TWO31) {
    kinds.fill(writeShare === 0 ? OP.GET : OP.SET)
    batch.writes = writeShare === 0 ? 0 : count
    return
  }
  const { words } = room
  fillWords(random, words, count)
  let writes = 0
  for (let index = 0; index < count; index++) {
    const isWrite = (((words[index] as number) >>> 1) - writeShare) >>> 31
    kinds[index] = OP.GET + isWrite * (OP.SET - OP.GET)
    writes += isWrite
  }
  batch.writes = writes
}

function fillKeysAndValues(generator: Generator, batch: Batch, count: number): void {
  const { source, keyBytes, valueBytes } = generator
  if (source.kind === 'trace') {
    writeTraceKeys(source.trace, batch.ids, count, batch.columns.keys, batch.keyLengths)
  } else {
    writeKeys(batch.ids, count, batch.columns.keys, keyBytes)
  }
  if (batch.writes > 0 && valueBytes > 0) stampValues(generator, batch, count)
  batch.results.valueEnd[0] = 0
}

/**
 * Values lie one after another; reads have none: what is stamped for a read is stamped over by the next write, which
 * costs less than to guess which is which.
 */
function stampValues(generator: Generator, batch: Batch, count: number): void {
  const { ids, kinds } = batch
  const { values } = batch.columns
  const { valueBytes } = generator
  if (valueBytes < STAMPED_BYTES) return stampShort(generator, batch, count)
  let { stamp } = generator
  let offset = 0
  for (let index = 0; index < count; index++) {
    stamp = (stamp + 1) | 0
    putWord(values, offset, ids[index] as number)
    putWord(values, offset + 4, stamp)
    offset += kinds[index] === OP.SET ? valueBytes : 0
  }
  generator.stamp = stamp
}

function stampShort(generator: Generator, batch: Batch, count: number): void {
  const { values } = batch.columns
  const { valueBytes } = generator
  let offset = 0
  for (let index = 0; index < count; index++) {
    if (batch.kinds[index] !== OP.SET) continue
    const id = batch.ids[index] as number
    generator.stamp = (generator.stamp + 1) | 0
    for (let at = 0; at < valueBytes; at++) {
      values[offset + at] = at < 4 ? id >>> (8 * at) : generator.stamp >>> (8 * (at - 4))
    }
    offset += valueBytes
  }
}

/** Whether what was read at `index` is a value that this workload wrote for that key. */
export function isOwnValue(batch: Batch, index: number, valueBytes: number): boolean {
  const { results } = batch
  if ((results.valueBytes[index] as number) !== valueBytes) return false
  const offset = results.valueOffsets[index] as number
  const id = batch.ids[index] as number
  const checked = Math.min(4, valueBytes)
  for (let at = 0; at < checked; at++) {
    if (results.values[offset + at] !== ((id >>> (8 * at)) & 255)) return false
  }
  return true
}
