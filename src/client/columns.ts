/**
 * Reading operation columns one operation at a time: for checks, wide operations and the rare
 * resend. The data path itself hands whole columns to the native codec.
 */

import { at } from '../assert.js'
import type { OperationColumns } from '../store/machine.js'
import { OP, OP_READ_BIT, OPERATION } from '../zab/wire.js'

const VERSION_BYTES = 8

export function isRead(kind: number): boolean {
  return (kind & OP_READ_BIT) !== 0
}

export function hasValue(kind: number): boolean {
  return kind === OP.SET || kind === OP.CREATE || kind === OP.SET_IF
}

export function hasVersion(kind: number): boolean {
  return kind === OP.SET_IF || kind === OP.DELETE_IF
}

export function kindAt(columns: OperationColumns, index: number): number {
  return typeof columns.kinds === 'number' ? columns.kinds : at(columns.kinds, index)
}

export function keyBytesAt(columns: OperationColumns, index: number): number {
  return typeof columns.keyBytes === 'number' ? columns.keyBytes : at(columns.keyBytes, index)
}

/** Bytes that the operation takes from `values`: none for a kind without a value. */
export function valueBytesAt(columns: OperationColumns, index: number): number {
  if (!hasValue(kindAt(columns, index))) return 0
  return typeof columns.valueBytes === 'number' ? columns.valueBytes : at(columns.valueBytes, index)
}

export function versionAt(columns: OperationColumns, index: number): number {
  return columns.versions === null ? 0 : at(columns.versions, index)
}

/** Bytes of an operation in a record. */
export function encodedBytes(kind: number, keyBytes: number, valueBytes: number): number {
  const head = OPERATION.SIZE + (hasVersion(kind) ? VERSION_BYTES : 0)
  return head + ((keyBytes + valueBytes + 3) & ~3)
}

/** Writes among operations [from, to). */
export function writesIn(columns: OperationColumns, from: number, to: number): number {
  if (typeof columns.kinds === 'number') return isRead(columns.kinds) ? 0 : to - from
  let writes = 0
  for (let index = from; index < to; index++) {
    if (!isRead(at(columns.kinds, index))) writes++
  }
  return writes
}

/**
 * Where operation `to` starts in keys and values, when operation `from` starts at the given
 * cursors.
 */
export function cursorsAt(
  columns: OperationColumns,
  from: number,
  to: number,
  keyCursor: number,
  valueCursor: number,
): { keyCursor: number; valueCursor: number } {
  let key = keyCursor
  let value = valueCursor
  for (let index = from; index < to; index++) {
    key += keyBytesAt(columns, index)
    value += valueBytesAt(columns, index)
  }
  return { keyCursor: key, valueCursor: value }
}

/** A view of the same columns whose `count` may be set without the owner seeing it. */
export function viewOf(columns: OperationColumns): OperationColumns {
  return {
    count: columns.count,
    kinds: columns.kinds,
    keys: columns.keys,
    keyBytes: columns.keyBytes,
    values: columns.values,
    valueBytes: columns.valueBytes,
    versions: columns.versions,
  }
}

/** Copies operations [from, to), so that the caller gets its arrays back. */
export function copyColumns(
  columns: OperationColumns,
  from: number,
  to: number,
  keyCursor: number,
  valueCursor: number,
): OperationColumns {
  const end = cursorsAt(columns, from, to, keyCursor, valueCursor)
  const { kinds, keyBytes, valueBytes, versions } = columns
  return {
    count: to - from,
    kinds: typeof kinds === 'number' ? kinds : copyBytes(kinds, from, to),
    keys: copyBytes(columns.keys, keyCursor, end.keyCursor),
    keyBytes: typeof keyBytes === 'number' ? keyBytes : copyBytes(keyBytes, from, to),
    values: copyBytes(columns.values, valueCursor, end.valueCursor),
    valueBytes: typeof valueBytes === 'number' ? valueBytes : valueBytes.slice(from, to),
    versions: versions === null ? null : versions.slice(from, to),
  }
}

/** Not slice: that of a Buffer is a view. */
function copyBytes(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to))
}
