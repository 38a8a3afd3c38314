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

/**
 * Copies answers [from, from + count) of one to [to, ...) of another, values included: in one piece where the values
 * lie one after another, as a record leaves them.
 */
export function copyAnswers(
  source: ResultColumns,
  from: number,
  target: ResultColumns,
  to: number,
  count: number,
): void {
  assert(to + count <= target.statuses.length, 'copyAnswers: the target has the rows')
  const end = from + count
  target.statuses.set(source.statuses.subarray(from, end), to)
  target.versions.set(source.versions.subarray(from, end), to)
  target.valueBytes.set(source.valueBytes.subarray(from, end), to)
  for (let row = from; row < end; ) row = copyValues(source, row, end, target, to + row - from)
}

/** Values of rows from `from` on, as many as lie one after another. Returns the first row behind them. */
function copyValues(source: ResultColumns, from: number, end: number, target: ResultColumns, to: number): number {
  const begin = at(source.valueOffsets, from)
  let behind = begin
  let row = from
  const moved = at(target.valueEnd, 0) - begin
  for (; row < end; row++) {
    const bytes = at(source.valueBytes, row)
    if (bytes > 0 && at(source.valueOffsets, row) !== behind) break
    target.valueOffsets[to + row - from] = behind + moved
    behind += bytes
  }
  const bytes = behind - begin
  if (bytes > 0) {
    if (behind + moved > target.values.length) growValues(target, bytes)
    target.values.set(source.values.subarray(begin, behind), begin + moved)
    target.valueEnd[0] = behind + moved
  }
  return row
}
