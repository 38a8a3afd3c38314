/**
 * Promise calls of one session put together: those made before the next flush are one batch, encoded and
 * answered by one native call. Keys and values are copied at the call, so the caller's arrays are free at once.
 */

import { assert, at } from '../assert.js'
import type { ErrorCode, ZabkvError } from '../errors.js'
import type { OperationColumns } from '../store/machine.js'
import { OP, STATUS } from '../zab/wire.js'
import { createBatch, isDefinite } from './batch.js'
import type { Batch } from './batch.js'
import { kindAt } from './columns.js'
import { answerFailure, failure } from './failures.js'
import { createResults } from './results.js'

/** Operations of one batch, at most; then the next is begun. */
export const GATHER_OPERATIONS_MAX = 256
const KEYS_BYTES_MIN = 1024
const VALUES_BYTES_MIN = 1024

/** What a promise call waits with. */
export interface Waiter {
  resolve(outcome: unknown): void
  reject(error: ZabkvError): void
}

export interface Operation {
  kind: number
  key: Uint8Array
  value: Uint8Array
  version: number
}

/** An item as get returns it. */
export interface Item {
  value: Buffer
  /** Of the write that made it; larger for later writes. For `ifVersion`. */
  version: number
}

/** A write's outcome. */
export interface Written {
  version: number
}

export interface Gather {
  readonly batch: Batch
  readonly waiters: Waiter[]
  readonly timeoutMillis: number
  keysEnd: number
  valuesEnd: number
}

export function createGather(issued: number, timeoutMillis: number): Gather {
  const columns: OperationColumns = {
    count: 0,
    kinds: new Uint8Array(GATHER_OPERATIONS_MAX),
    keys: new Uint8Array(KEYS_BYTES_MIN),
    keyBytes: new Uint8Array(GATHER_OPERATIONS_MAX),
    values: new Uint8Array(VALUES_BYTES_MIN),
    valueBytes: new Uint32Array(GATHER_OPERATIONS_MAX),
    versions: new Float64Array(GATHER_OPERATIONS_MAX),
  }
  const waiters: Waiter[] = []
  const owner = {
    onAnswered: (batch: Batch, from: number, to: number): void => {
      for (let index = from; index < to; index++) settle(batch, waiters, index)
    },
    onFailed: (batch: Batch, from: number, to: number, code: ErrorCode): void => {
      for (let index = from; index < to; index++) {
        waiters[index]?.reject(failure(code, isDefinite(batch, index, code)))
      }
    },
  }
  const results = createResults(GATHER_OPERATIONS_MAX, VALUES_BYTES_MIN)
  const place = { first: 0, end: 0, keyStart: 0, valueStart: 0 }
  const deadline = issued + timeoutMillis
  const batch = createBatch(columns, results, place, null, owner, false, issued, deadline)
  return { batch, waiters, timeoutMillis, keysEnd: 0, valuesEnd: 0 }
}

export function gatherIsFull(gather: Gather): boolean {
  return gather.batch.end >= GATHER_OPERATIONS_MAX
}

/** Bytes of keys and values taken. */
export function gatherBytes(gather: Gather): number {
  return gather.keysEnd + gather.valuesEnd
}

export function gatherAdd(gather: Gather, operation: Operation, waiter: Waiter): void {
  const { batch } = gather
  const { columns } = batch
  const { kinds, keyBytes, valueBytes, versions } = columns
  assert(!gatherIsFull(gather), 'gatherAdd: there is a row for the operation')
  assert(batch.sendAt === batch.start, 'gatherAdd: the batch has not been sent')
  assert(typeof kinds !== 'number' && typeof keyBytes !== 'number', 'gatherAdd: its own columns')
  assert(typeof valueBytes !== 'number' && versions !== null, 'gatherAdd: its own columns')
  const index = batch.end++
  const { key, value } = operation
  kinds[index] = operation.kind
  keyBytes[index] = key.length
  valueBytes[index] = value.length
  versions[index] = operation.version
  columns.keys = append(columns.keys, gather.keysEnd, key)
  columns.values = append(columns.values, gather.valuesEnd, value)
  gather.keysEnd += key.length
  gather.valuesEnd += value.length
  gather.waiters.push(waiter)
}

function append(bytes: Uint8Array, end: number, more: Uint8Array): Uint8Array {
  let target = bytes
  if (end + more.length > bytes.length) {
    target = new Uint8Array(Math.max(bytes.length * 2, end + more.length))
    target.set(bytes.subarray(0, end))
  }
  if (more.length > 0) target.set(more, end)
  return target
}

function settle(batch: Batch, waiters: readonly Waiter[], index: number): void {
  const waiter = waiters[index]
  assert(waiter !== undefined, 'settle: somebody waits for each operation')
  const error = outcomeError(batch, index)
  if (error === null) waiter.resolve(outcomeOf(batch, index))
  else waiter.reject(error)
}

/** The refusal in an answer, or null. */
export function outcomeError(batch: Batch, index: number): ZabkvError | null {
  const status = at(batch.results.statuses, index)
  if (status === STATUS.OK) return null
  const kind = kindAt(batch.columns, index)
  const unit = batch.wide === null ? index : 0
  return answerFailure(kind, status, at(batch.results.versions, index), unit < batch.resentEnd)
}

/** What the call resolves to: an Item or null for GET, whether the key was there for a delete, else Written. */
function outcomeOf(batch: Batch, index: number): Item | Written | boolean | null {
  const { results, columns } = batch
  const found = at(results.statuses, index) === STATUS.OK
  const version = at(results.versions, index)
  switch (kindAt(columns, index)) {
    case OP.GET:
      return found ? { value: valueAt(batch, index), version } : null
    case OP.DELETE:
    case OP.DELETE_IF:
      return found
    default:
      return { version }
  }
}

function valueAt(batch: Batch, index: number): Buffer {
  const { values, valueOffsets, valueBytes } = batch.results
  const offset = at(valueOffsets, index)
  return Buffer.from(values.subarray(offset, offset + at(valueBytes, index)))
}
