/** Arguments, checked before anything is sent. */

import { at } from '../assert.js'
import { ZabkvError } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { COUNTER_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../zab/limits.js'
import { OP } from '../zab/wire.js'
import { encodedBytes } from './columns.js'
import { holdsRows } from './results.js'

/** What an operation of some kind has; 0 for kinds that columns may not hold. */
const KNOWN = 1
const KEYED = 2
const VALUED = 4
const VERSIONED = 8
const TRAITS = new Uint8Array(256)
TRAITS[OP.SET] = KNOWN | KEYED | VALUED
TRAITS[OP.CREATE] = KNOWN | KEYED | VALUED
TRAITS[OP.SET_IF] = KNOWN | KEYED | VALUED | VERSIONED
TRAITS[OP.DELETE] = KNOWN | KEYED
TRAITS[OP.DELETE_IF] = KNOWN | KEYED | VERSIONED
TRAITS[OP.SYNC] = KNOWN
TRAITS[OP.GET] = KNOWN | KEYED

export function badArgument(sentence: string): ZabkvError {
  return new ZabkvError('BAD_ARGUMENT', sentence)
}

/** The key's bytes. Throws KEY_EMPTY, KEY_TOO_LONG, BAD_ARGUMENT. */
export function checkKey(key: string | Uint8Array): Uint8Array {
  const bytes = bytesOf(key, 'A key')
  checkKeyBytes(bytes.length)
  return bytes
}

/** The value's bytes. Throws VALUE_TOO_LARGE, BAD_ARGUMENT. */
export function checkValue(value: string | Uint8Array): Uint8Array {
  const bytes = bytesOf(value, 'A value')
  checkValueBytes(bytes.length)
  return bytes
}

export function checkVersion(version: number): number {
  if (Number.isInteger(version) && version >= 0 && version <= COUNTER_MAX) return version
  throw badArgument('ifVersion is a version that get or a write returned.')
}

/** Milliseconds; Infinity for no limit. */
export function checkMillis(millis: number, name: string): number {
  if (typeof millis === 'number' && millis > 0) return millis
  throw badArgument(`${name} is a number of milliseconds above 0.`)
}

/**
 * Everything that native code and the wire rely on, for every operation. Returns an upper bound of
 * the encoded bytes of the largest one: beyond what a datagram takes, some may have to be cut into
 * fragments.
 */
export function checkColumns(columns: OperationColumns, results: ResultColumns | null): number {
  const { count, kinds, keyBytes, valueBytes, versions } = columns
  if (!Number.isInteger(count) || count < 0) throw badArgument('count is a number of operations.')
  checkLength(kinds, count, 'kinds')
  checkLength(keyBytes, count, 'keyBytes')
  checkLength(valueBytes, count, 'valueBytes')
  if (versions !== null) checkLength(versions, count, 'versions')
  if (results !== null && !holdsRows(results, count)) {
    throw badArgument('results has a row for each operation in every column.')
  }
  return checkAlike(columns) ?? checkEach(columns)
}

/**
 * Most loads have keys of one length and values of one length: then the kinds alone differ, and one pass over them is
 * enough. Undefined where that does not do, or something is wrong with them: the other pass says what.
 */
function checkAlike({ count, kinds, keyBytes, valueBytes, keys, values }: OperationColumns): number | undefined {
  if (typeof keyBytes !== 'number' || typeof valueBytes !== 'number' || typeof kinds === 'number') return undefined
  let common = KNOWN | KEYED
  let any = 0
  let valued = 0
  for (let index = 0; index < count; index++) {
    const traits = TRAITS[kinds[index] as number] as number
    common &= traits
    any |= traits
    valued += traits & VALUED
  }
  if (common !== (KNOWN | KEYED) || (any & VERSIONED) !== 0) return undefined
  checkKeyBytes(keyBytes)
  if (valued > 0) checkValueBytes(valueBytes)
  if (keys.length < count * keyBytes || values.length * VALUED < valued * valueBytes) return undefined
  return encodedBytes(OP.SET_IF, keyBytes + (valued > 0 ? valueBytes : 0), 0)
}

/** One pass over all columns. */
function checkEach(columns: OperationColumns): number {
  const { count, kinds, keyBytes, valueBytes } = columns
  let keys = 0
  let values = 0
  let largest = 0
  for (let index = 0; index < count; index++) {
    const kind = typeof kinds === 'number' ? kinds : at(kinds, index)
    const key = typeof keyBytes === 'number' ? keyBytes : at(keyBytes, index)
    const traits = TRAITS[kind] ?? 0
    const stated = typeof valueBytes === 'number' ? valueBytes : at(valueBytes, index)
    const value = (traits & VALUED) === 0 ? 0 : stated
    if (traits === 0) throw badArgument(`${kind} is not a kind of operation.`)
    if ((traits & KEYED) !== 0) checkKeyBytes(key)
    else if (key !== 0) throw badArgument('SYNC has no key: its keyBytes is 0.')
    checkValueBytes(value)
    if ((traits & VERSIONED) !== 0) checkVersion(columns.versions?.[index] ?? -1)
    keys += key
    values += value
    if (key + value > largest) largest = key + value
  }
  if (columns.keys.length < keys) throw badArgument('keys is shorter than the key lengths say.')
  if (columns.values.length < values) {
    throw badArgument('values is shorter than the value lengths say.')
  }
  return encodedBytes(OP.SET_IF, largest, 0)
}

function checkLength(column: number | ArrayLike<number>, count: number, name: string): void {
  if (typeof column === 'number' || column.length >= count) return
  throw badArgument(`${name} has an element for each operation, or is one number for all.`)
}

function checkKeyBytes(bytes: number): void {
  if (bytes === 0) throw new ZabkvError('KEY_EMPTY', 'A key has at least one byte.')
  if (bytes <= KEY_BYTES_MAX && Number.isInteger(bytes) && bytes > 0) return
  throw new ZabkvError('KEY_TOO_LONG', `A key has at most ${KEY_BYTES_MAX} bytes, not ${bytes}.`)
}

function checkValueBytes(bytes: number): void {
  if (bytes >= 0 && bytes <= VALUE_BYTES_MAX && Number.isInteger(bytes)) return
  const sentence = `A value has at most ${VALUE_BYTES_MAX} bytes, not ${bytes}.`
  throw new ZabkvError('VALUE_TOO_LARGE', sentence)
}

function bytesOf(data: string | Uint8Array, what: string): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  if (data instanceof Uint8Array) return data
  throw badArgument(`${what} is a string or a Uint8Array.`)
}
