/**
 * What a run counts: completed operations, errors by code, latencies. Issued operations are counted nowhere.
 */
import { createHistogram, recordMany, reset, type Histogram } from '../histogram.js'
import { OP, STATUS } from '../zab/wire.js'
import { isOwnValue, type Batch } from './batch.js'

export interface Tally {
  reads: number
  writes: number
  /** Reads whose value was compared with the key. */
  verified: number
  /** Where the next batch's comparison starts: it moves, so that every position is looked at in its turn. */
  verifyStart: number
  readonly errors: Map<string, number>
  readonly readMicros: Histogram
  readonly writeMicros: Histogram
}

/** Of the values read, one in this many is compared. */
export const VERIFY_EVERY = 8

const STATUS_CODES = new Map<number, string>([
  [STATUS.NOT_FOUND, 'NOT_FOUND'],
  [STATUS.EXISTS, 'EXISTS'],
  [STATUS.VERSION_MISMATCH, 'VERSION_MISMATCH'],
  [STATUS.FULL, 'STORE_FULL'],
  [STATUS.SESSION_EXPIRED, 'SESSION_EXPIRED'],
  [STATUS.SESSIONS_FULL, 'SESSIONS_FULL'],
  [STATUS.OVERTAKEN, 'READ_OVERTAKEN'],
  [STATUS.BAD_REQUEST, 'BAD_REQUEST'],
  [STATUS.NO_SPACE, 'LOG_FULL'],
])

export function createTally(): Tally {
  return {
    reads: 0,
    writes: 0,
    verified: 0,
    verifyStart: 0,
    errors: new Map(),
    readMicros: createHistogram(),
    writeMicros: createHistogram(),
  }
}

/** Forgets operations and latencies, as after the warm-up; errors stay. */
export function resetCounts(tally: Tally): void {
  tally.reads = 0
  tally.writes = 0
  tally.verified = 0
  reset(tally.readMicros)
  reset(tally.writeMicros)
}

export function countError(tally: Tally, code: string, count: number): void {
  tally.errors.set(code, (tally.errors.get(code) ?? 0) + count)
}

export function errorsTotal(tally: Tally): number {
  let total = 0
  for (const count of tally.errors.values()) total += count
  return total
}

export interface Answers {
  /** A key that is not there is an answer, too: when nothing was preloaded. */
  allowMissing: boolean
  valueBytes: number
}

/** Counts an answered batch. `micros`: from submission to its last answer, the latency of each of its operations. */
export function countBatch(tally: Tally, batch: Batch, micros: number, rules: Answers): void {
  const { kinds } = batch
  const { statuses } = batch.results
  const { count } = batch.columns
  let { writes } = batch
  let reads = count - writes
  if (!areAllOk(statuses, count)) {
    reads = writes = 0
    for (let index = 0; index < count; index++) {
      const status = statuses[index] as number
      const isRead = kinds[index] === OP.GET
      if (status === STATUS.OK || (isRead && rules.allowMissing && status === STATUS.NOT_FOUND)) {
        if (isRead) reads++
        else writes++
      } else {
        countError(tally, STATUS_CODES.get(status) ?? `STATUS_${status}`, 1)
      }
    }
  }
  tally.reads += reads
  tally.writes += writes
  if (reads > 0) recordMany(tally.readMicros, micros, reads)
  if (writes > 0) recordMany(tally.writeMicros, micros, writes)
  if (reads > 0) verify(tally, batch, rules)
}

/** As nearly always: without a branch for each. */
function areAllOk(statuses: Uint8Array, count: number): boolean {
  let any: number = STATUS.OK
  for (let index = 0; index < count; index++) any |= statuses[index] as number
  return any === STATUS.OK
}

function verify(tally: Tally, batch: Batch, rules: Answers): void {
  const start = tally.verifyStart % Math.min(VERIFY_EVERY, batch.columns.count)
  tally.verifyStart = (tally.verifyStart + 1) % VERIFY_EVERY
  for (let index = start; index < batch.columns.count; index += VERIFY_EVERY) {
    if (batch.kinds[index] !== OP.GET || batch.results.statuses[index] !== STATUS.OK) continue
    tally.verified++
    if (!isOwnValue(batch, index, rules.valueBytes)) countError(tally, 'WRONG_VALUE', 1)
  }
}
