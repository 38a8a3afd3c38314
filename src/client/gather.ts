/**
 * Promise calls of one session put together: those made before the next flush are one batch,
 * encoded and answered by one native call. Keys and values are copied at the call, so the caller's
 * arrays are free at once.
 */

import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import type { OperationColumns } from '../store/machine.js'
import { createBatch, isDefinite, isDone } from './batch.js'
import type { Batch, Owner } from './batch.js'
import { failure } from './failures.js'
import { answerOf } from './outcomes.js'
import { createResults } from './results.js'

/** Operations of one batch, at most; then the next is begun. */
export const GATHER_OPERATIONS_MAX = 256
const KEYS_BYTES_MIN = 1024
const VALUES_BYTES_MIN = 1024
const NOWHERE = { first: 0, end: 0, keyStart: 0, valueStart: 0 }

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

export interface Gather {
  readonly batch: Batch
  readonly owner: Owner
  readonly waiters: Waiter[]
  timeoutMillis: number
  keysEnd: number
  valuesEnd: number
}

/** `free`: where the gather goes when every answer is in. */
export function createGather(free: Gather[]): Gather {
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
  const owner: Owner = {
    onAnswered: (batch, from, to) => {
      for (let index = from; index < to; index++) settle(batch, waiters, index)
      // Taken again by a later call only: by then the batch has left its queue.
      if (isDone(batch)) free.push(gather)
    },
    onFailed: (batch, from, to, code) => {
      for (let index = from; index < to; index++) {
        waiters[index]?.reject(failure(code, isDefinite(batch, index, code)))
      }
    },
  }
  const results = createResults(GATHER_OPERATIONS_MAX, VALUES_BYTES_MIN)
  const batch = createBatch(columns, results, NOWHERE, null, owner, false, 0, 0)
  const gather = { batch, owner, waiters, timeoutMillis: 0, keysEnd: 0, valuesEnd: 0 }
  return gather
}

/** Makes it empty, for calls of the same patience. */
export function beginGather(gather: Gather, issued: number, timeoutMillis: number): void {
  const { batch } = gather
  batch.owner = gather.owner
  batch.end = 0
  batch.sendAt = 0
  batch.sentEnd = 0
  batch.resentEnd = 0
  batch.answered = 0
  batch.hasReads = false
  batch.hasWrites = false
  batch.keyCursor = 0
  batch.valueCursor = 0
  batch.issued = issued
  batch.deadline = issued + timeoutMillis
  batch.next = null
  batch.results.valueEnd[0] = 0
  gather.waiters.length = 0
  gather.timeoutMillis = timeoutMillis
  gather.keysEnd = 0
  gather.valuesEnd = 0
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
  const outcome = answerOf(batch.columns, batch.results, index, index < batch.resentEnd)
  if (outcome instanceof ZabkvError) waiter.reject(outcome)
  else waiter.resolve(outcome)
}
