/**
 * Result columns: where answers go.
 */

import { assert, at } from '../assert.js'
import type { ResultColumns } from '../store/machine.js'

/** In `statuses`: no answer yet. Beyond every STATUS. */
export const UNANSWERED = 255

const VALUES_BYTES_MIN = 256

/** `valuesBytes` is where the room for values starts; it grows when needed. */
export function createResults(count: number, valuesBytes: number): ResultColumns {
  return {
    statuses: new Uint8Array(count).fill(UNANSWERED),
    versions: new Float64Array(count),
    values: new Uint8Array(valuesBytes),
    valueOffsets: new Uint32Array(count),
    valueBytes: new Uint32Array(count),
    valueEnd: new Uint32Array(1),
  }
}

/** Empties the first `count` rows for new answers. */
export function clearResults(results: ResultColumns, count: number): void {
  results.statuses.fill(UNANSWERED, 0, count)
  results.valueEnd[0] = 0
}

export function holdsRows(results: ResultColumns, count: number): boolean {
  const { statuses, versions, valueOffsets, valueBytes, valueEnd } = results
  const rows = Math.min(statuses.length, versions.length, valueOffsets.length, valueBytes.length)
  return rows >= count && valueEnd.length > 0
}

/** Replaces `values` by an array with room for `more` bytes beyond what is used. */
export function growValues(results: ResultColumns, more: number): void {
  const used = at(results.valueEnd, 0)
  const wanted = Math.max(VALUES_BYTES_MIN, results.values.length * 2, used + more)
  const values = new Uint8Array(wanted)
  values.set(results.values.subarray(0, used))
  results.values = values
}

/** Copies answers [from, from + count) of one to [to, ...) of another, values included. */
export function copyAnswers(
  source: ResultColumns,
  from: number,
  target: ResultColumns,
  to: number,
  count: number,
): void {
  assert(to + count <= target.statuses.length, 'copyAnswers: the target has the rows')
  for (let index = 0; index < count; index++) {
    target.statuses[to + index] = at(source.statuses, from + index)
    target.versions[to + index] = at(source.versions, from + index)
    const bytes = at(source.valueBytes, from + index)
    const offset = at(source.valueOffsets, from + index)
    const end = at(target.valueEnd, 0)
    if (end + bytes > target.values.length) growValues(target, bytes)
    target.valueOffsets[to + index] = end
    target.valueBytes[to + index] = bytes
    if (bytes === 0) continue
    target.values.set(source.values.subarray(offset, offset + bytes), end)
    target.valueEnd[0] = end + bytes
  }
}
