/** The client's codec in plain TypeScript: slow, and independent of the native one. */

import { strict as assert } from 'node:assert'
import { RECORD_ROW } from '../../src/store/machine.js'
import type { Codec, OperationColumns, ResultColumns } from '../../src/store/machine.js'
import { OPERATION, PART, REPLY_RECORD, RESULT, RESULT_TAG, STATUS } from '../../src/zab/wire.js'

const VALUED = [1, 2, 3]
const VERSIONED = [3, 5]

export function openPlainCodec(slab: ArrayBuffer): Codec {
  const view = new DataView(slab)
  const bytes = new Uint8Array(slab)
  const out = new Uint32Array(5)
  const recordRows = new Uint32Array(RECORD_ROW.WORDS * 4096)
  const parts = new Map<number, Uint8Array>()
  return {
    out,
    recordRows,
    encode: (columns, from, key, value, offset, room) =>
      encode(view, bytes, out, columns, from, key, value, offset, room),
    encodeFragment: () => assert.fail('not used by the client'),
    records: (offset, length) => records(view, recordRows, offset, length),
    decode: (offset, results, from) => decode(view, bytes, parts, offset, results, from),
  }
}

function encode(
  view: DataView,
  bytes: Uint8Array,
  out: Uint32Array,
  columns: OperationColumns,
  from: number,
  keyCursor: number,
  valueCursor: number,
  offset: number,
  room: number,
): number {
  let [at, key, value, writes] = [offset, keyCursor, valueCursor, 0]
  let index = from
  for (; index < columns.count; index++) {
    const pick = (column: number | ArrayLike<number>): number =>
      typeof column === 'number' ? column : Number(column[index])
    const kind = pick(columns.kinds)
    const keyBytes = pick(columns.keyBytes)
    const valueBytes = VALUED.includes(kind) ? pick(columns.valueBytes) : 0
    const head = OPERATION.SIZE + (VERSIONED.includes(kind) ? 8 : 0)
    const size = head + ((keyBytes + valueBytes + 3) & ~3)
    if (at + size > offset + room) break
    view.setUint8(at, kind)
    view.setUint8(at + 1, keyBytes)
    view.setUint16(at + 2, valueBytes, true)
    if (VERSIONED.includes(kind)) {
      view.setBigUint64(at + 4, BigInt(columns.versions?.[index] ?? 0), true)
    }
    bytes.fill(0, at + head, at + size)
    bytes.set(columns.keys.subarray(key, key + keyBytes), at + head)
    bytes.set(columns.values.subarray(value, value + valueBytes), at + head + keyBytes)
    at += size
    key += keyBytes
    value += valueBytes
    if (kind < 64) writes++
  }
  out.set([at - offset, index - from, writes, key, value])
  return index - from
}

function records(view: DataView, rows: Uint32Array, offset: number, length: number): number {
  let row = 0
  for (let at = offset; at < offset + length; row++) {
    const size = view.getUint32(at, true)
    if (size < REPLY_RECORD.SIZE || at + size > offset + length) return -1
    const word = row * RECORD_ROW.WORDS
    rows[word + RECORD_ROW.offset] = at
    rows[word + RECORD_ROW.count] = view.getUint16(at + REPLY_RECORD.count, true)
    for (const half of [0, 4]) {
      const next = half / 4
      rows[word + RECORD_ROW.session + next] = view.getUint32(at + REPLY_RECORD.session + half, true)
      rows[word + RECORD_ROW.operation + next] = view.getUint32(at + REPLY_RECORD.operation + half, true)
    }
    at += size
  }
  return row
}

function decode(
  view: DataView,
  bytes: Uint8Array,
  parts: Map<number, Uint8Array>,
  offset: number,
  results: ResultColumns,
  from: number,
): number {
  const session = Number(view.getBigUint64(offset + REPLY_RECORD.session, true))
  const end = offset + view.getUint32(offset, true)
  const answers: { status: number; version: number; value: Uint8Array | null }[] = []
  let assembling = parts.get(session)
  for (let at = offset + REPLY_RECORD.SIZE; at < end; ) {
    const tag = view.getUint8(at)
    const status = view.getUint8(at + RESULT.status)
    const length = view.getUint32(at + RESULT.bytes, true)
    const version = Number(view.getBigUint64(at + RESULT.version, true))
    at += RESULT.SIZE
    if (tag === RESULT_TAG.RUN) {
      const step = status === STATUS.OK ? 1 : 0
      for (let i = 0; i < length; i++) answers.push({ status, version: version + i * step, value: null })
    } else if (tag === RESULT_TAG.STATUS) {
      answers.push({ status, version, value: null })
    } else if (tag === RESULT_TAG.VALUE) {
      answers.push({ status, version, value: bytes.slice(at, at + length) })
      at += (length + 3) & ~3
    } else {
      const start = view.getUint32(at + PART.offset, true)
      const part = view.getUint32(at + PART.bytes, true)
      at += PART.SIZE
      if (start === 0) assembling = new Uint8Array(length)
      assembling?.set(bytes.subarray(at, at + part), start)
      at += (part + 3) & ~3
      if (start + part === length) answers.push({ status, version, value: assembling ?? null })
    }
  }
  if (from + answers.length > results.statuses.length) return -2
  const wanted = answers.reduce((sum, answer) => sum + (answer.value?.length ?? 0), 0)
  let valueEnd = Number(results.valueEnd[0])
  if (valueEnd + wanted > results.values.length) return -1
  if (assembling !== undefined) parts.set(session, assembling)
  answers.forEach(({ status, version, value }, index) => {
    results.statuses[from + index] = status
    results.versions[from + index] = version
    results.valueOffsets[from + index] = valueEnd
    results.valueBytes[from + index] = value?.length ?? 0
    if (value !== null) results.values.set(value, valueEnd)
    valueEnd += value?.length ?? 0
  })
  results.valueEnd[0] = valueEnd
  return answers.length
}
