/**
 * Opens the native state machine and the client's codec.
 *
 * The machine points into the slab: close it before the endpoint that owns the slab.
 */

import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { loadAddon } from '../transport/addon.js'
import { withNativeErrors } from '../transport/native-error.js'
import type { Codec, Machine, MachineSettings, OperationColumns, ResultColumns } from './machine.js'

interface NativeCodec {
  readonly out: Uint32Array
  readonly recordRows: Uint32Array
  bindOperations(
    count: number,
    kinds: OperationColumns['kinds'],
    keys: Uint8Array,
    keyBytes: OperationColumns['keyBytes'],
    values: Uint8Array,
    valueBytes: OperationColumns['valueBytes'],
    versions: Float64Array | null,
    prefixes: Uint8Array | null,
  ): void
  bindResults(
    statuses: Uint8Array,
    versions: Float64Array,
    valueOffsets: Uint32Array,
    valueBytes: Uint32Array,
    values: Uint8Array,
    valueEnd: Uint32Array,
  ): void
  encode(from: number, keyCursor: number, valueCursor: number, offset: number, bytes: number): number
  encodeFragment(
    index: number, keyCursor: number, valueCursor: number, done: number, offset: number, bytes: number,
  ): number
  records(offset: number, bytes: number): number
  decode(offset: number, from: number): number
}

/** The part of the addon that is the store's. */
export interface StoreAddon {
  openMachine(settings: MachineSettings): Machine
  openCodec(slab: ArrayBuffer, rows: number): NativeCodec
  machineCounterNames(): readonly string[]
  /** As LAYOUTS of src/zab/wire.ts. */
  wireLayouts(): Readonly<Record<string, { size: number; fields: Record<string, [offset: number, bytes: number]> }>>
  /** Constants by the names that src/zab/wire.ts has for them: 'MAGIC', 'KIND.PROPOSE'. */
  wireConstants(): Readonly<Record<string, number>>
}

export function storeAddon(): StoreAddon {
  return loadAddon() as StoreAddon
}

export function openMachine(settings: MachineSettings): Machine {
  return withNativeErrors(() => storeAddon().openMachine(settings))
}

/** `rows`: of recordRows. A body of B bytes has at most B / 40 reply records. */
export function openCodec(slab: ArrayBuffer, rows: number): Codec {
  const native = withNativeErrors(() => storeAddon().openCodec(slab, rows))
  const operations: Held<OperationColumns> = { columns: { ...NO_OPERATIONS }, lengths: 0 }
  const results: Held<ResultColumns> = { columns: { ...NO_RESULTS }, lengths: 0 }

  // The native side holds pointers into the columns: they are handed over again whenever one was replaced, and kept
  // here so that they are not collected.
  function bindOperations(columns: OperationColumns): void {
    if (sameOperations(columns, operations)) return
    const { count, kinds, keys, keyBytes, values, valueBytes, versions } = columns
    const prefixes = columns.prefixes ?? null
    withNativeErrors(() => {
      native.bindOperations(count, kinds, keys, keyBytes, values, valueBytes, versions, prefixes)
    })
    holdOperations(operations, columns)
  }

  function bindResults(columns: ResultColumns): void {
    if (sameResults(columns, results)) return
    const { statuses, versions, valueOffsets, valueBytes, values, valueEnd } = columns
    withNativeErrors(() => native.bindResults(statuses, versions, valueOffsets, valueBytes, values, valueEnd))
    holdResults(results, columns)
  }

  return {
    out: native.out,
    recordRows: native.recordRows,
    encode(columns, from, keyCursor, valueCursor, offset, bytes) {
      assert(slab.byteLength !== 0, 'codec: the endpoint of the slab is open')
      bindOperations(columns)
      const written = native.encode(from, keyCursor, valueCursor, offset, bytes)
      if (written < 0) throw contradiction()
      return written
    },
    encodeFragment(columns, index, keyCursor, valueCursor, done, offset, bytes) {
      assert(slab.byteLength !== 0, 'codec: the endpoint of the slab is open')
      bindOperations(columns)
      const reached = native.encodeFragment(index, keyCursor, valueCursor, done, offset, bytes)
      if (reached < 0) throw contradiction()
      return reached
    },
    records(offset, bytes) {
      assert(slab.byteLength !== 0, 'codec: the endpoint of the slab is open')
      return native.records(offset, bytes)
    },
    decode(offset, columns, from) {
      assert(slab.byteLength !== 0, 'codec: the endpoint of the slab is open')
      bindResults(columns)
      return native.decode(offset, from)
    },
  }
}

function contradiction(): ZabkvError {
  return new ZabkvError(
    'BAD_ARGUMENT',
    'the columns contradict themselves: an unknown kind, a key or value too long or beyond its column, ' +
      'or no version or prefix',
  )
}

const NO_BYTES = new Uint8Array(0)
const NO_OPERATIONS: OperationColumns = {
  count: -1, kinds: 0, keys: NO_BYTES, keyBytes: 0, values: NO_BYTES, valueBytes: 0, versions: null,
  prefixes: null,
}
const NO_RESULTS: ResultColumns = {
  statuses: NO_BYTES,
  versions: new Float64Array(0),
  values: NO_BYTES,
  valueOffsets: new Uint32Array(0),
  valueBytes: new Uint32Array(0),
  valueEnd: new Uint32Array(0),
}

/** Columns as they were handed over, with the lengths they had: a detached array has none. */
interface Held<T> {
  columns: T
  lengths: number
}

function holdOperations(held: Held<OperationColumns>, columns: OperationColumns): void {
  const { columns: then } = held
  then.count = columns.count
  then.kinds = columns.kinds
  then.keys = columns.keys
  then.keyBytes = columns.keyBytes
  then.values = columns.values
  then.valueBytes = columns.valueBytes
  then.versions = columns.versions
  then.prefixes = columns.prefixes ?? null
  held.lengths = operationLengths(columns)
}

function holdResults(held: Held<ResultColumns>, columns: ResultColumns): void {
  const { columns: then } = held
  then.statuses = columns.statuses
  then.versions = columns.versions
  then.values = columns.values
  then.valueOffsets = columns.valueOffsets
  then.valueBytes = columns.valueBytes
  then.valueEnd = columns.valueEnd
  held.lengths = resultLengths(columns)
}

function operationLengths(columns: OperationColumns): number {
  const { kinds, keyBytes, valueBytes } = columns
  return (
    columns.keys.length + columns.values.length + (columns.versions?.length ?? 0) + (columns.prefixes?.length ?? 0) +
    (typeof kinds === 'number' ? 0 : kinds.length) +
    (typeof keyBytes === 'number' ? 0 : keyBytes.length) +
    (typeof valueBytes === 'number' ? 0 : valueBytes.length)
  )
}

function resultLengths(columns: ResultColumns): number {
  return (
    columns.statuses.length + columns.versions.length + columns.values.length +
    columns.valueOffsets.length + columns.valueBytes.length + columns.valueEnd.length
  )
}

function sameOperations(now: OperationColumns, held: Held<OperationColumns>): boolean {
  const then = held.columns
  return (
    now.count === then.count && now.kinds === then.kinds && now.keys === then.keys &&
    now.keyBytes === then.keyBytes && now.values === then.values && now.valueBytes === then.valueBytes &&
    now.versions === then.versions && (now.prefixes ?? null) === then.prefixes && operationLengths(now) === held.lengths
  )
}

function sameResults(now: ResultColumns, held: Held<ResultColumns>): boolean {
  const then = held.columns
  return (
    now.statuses === then.statuses && now.versions === then.versions && now.values === then.values &&
    now.valueOffsets === then.valueOffsets && now.valueBytes === then.valueBytes &&
    now.valueEnd === then.valueEnd && resultLengths(now) === held.lengths
  )
}
