/**
 * Operations that do not fit a datagram: put into one block, sent as FRAGMENT writes of a fixed
 * size.
 *
 * The size depends on the cluster's datagramBytes alone, so that a resend after a failover has the
 * same fragments under the same numbers.
 */

import { assert } from '../assert.js'
import type { OperationColumns } from '../store/machine.js'
import { FRAGMENT, OP, OPERATION, OVERHEAD_BYTES, RECORD, setWide, WIDE } from '../zab/wire.js'
import { keyBytesAt, kindAt, valueBytesAt, versionAt } from './columns.js'

const FRAGMENT_HEAD = OPERATION.SIZE + FRAGMENT.SIZE

/** The largest operation that fits a datagram of its own. */
export function operationBytesMax(datagramBytes: number): number {
  return datagramBytes - OVERHEAD_BYTES - RECORD.SIZE
}

/** Bytes of a fragment's chunk; the last one of an operation may be shorter. */
export function chunkBytes(datagramBytes: number): number {
  return (operationBytesMax(datagramBytes) - FRAGMENT_HEAD) & ~3
}

/** The whole operation as it stands when its fragments are put together. */
export function wideBlock(
  columns: OperationColumns,
  index: number,
  keyCursor: number,
  valueCursor: number,
): Uint8Array {
  const keyBytes = keyBytesAt(columns, index)
  const valueBytes = valueBytesAt(columns, index)
  const block = new Uint8Array(WIDE.SIZE + keyBytes + valueBytes)
  const head = new Uint32Array(WIDE.SIZE >>> 2)
  head[WIDE.kind >>> 2] = kindAt(columns, index) | (keyBytes << 8)
  head[WIDE.valueBytes >>> 2] = valueBytes
  setWide(head, WIDE.version >>> 2, versionAt(columns, index))
  block.set(new Uint8Array(head.buffer))
  block.set(columns.keys.subarray(keyCursor, keyCursor + keyBytes), WIDE.SIZE)
  block.set(columns.values.subarray(valueCursor, valueCursor + valueBytes), WIDE.SIZE + keyBytes)
  return block
}

export function fragmentsOf(block: Uint8Array, chunk: number): number {
  return Math.ceil(block.length / chunk)
}

/** Writes a fragment at `offset`; returns its bytes, 0 when `room` is too small. */
export function encodeFragment(
  block: Uint8Array,
  fragment: number,
  chunk: number,
  slab: Uint8Array,
  words: Uint32Array,
  offset: number,
  room: number,
): number {
  const from = fragment * chunk
  assert(from < block.length, 'encodeFragment: the fragment is one of the block')
  const bytes = Math.min(chunk, block.length - from)
  const total = FRAGMENT_HEAD + ((bytes + 3) & ~3)
  if (total > room) return 0
  words[(offset + total - 4) >>> 2] = 0 // the padding, before the chunk is put over it
  words[offset >>> 2] = (OP.FRAGMENT | (bytes << 16)) >>> 0
  words[(offset + OPERATION.SIZE + FRAGMENT.total) >>> 2] = block.length
  words[(offset + OPERATION.SIZE + FRAGMENT.offset) >>> 2] = from
  slab.set(block.subarray(from, from + bytes), offset + FRAGMENT_HEAD)
  return total
}
