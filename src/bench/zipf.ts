/**
 * Zipf's distribution over key ids in constant time: Walker's alias table, built by Vose's method.
 *
 * The rank of a key is scrambled: the popular keys lie anywhere in [0, keys), as in YCSB. One random word picks a
 * column, another decides between its two keys; both fields of a column share a cache line.
 */
import { assert } from '../assert.js'
import { below, createRandom, nextBelow } from './random.js'

/** 128 MiB of table. */
export const ZIPF_KEYS_MAX = 1 << 24
const TWO31 = 2147483648

export interface Zipf {
  readonly keys: number
  /** Two words a key: the share of the column (of 2^31) that is its own, and the key that has the rest. */
  readonly columns: Int32Array
}

export function createZipf(keys: number, exponent: number, seed: number): Zipf {
  assert(keys >= 1 && keys <= ZIPF_KEYS_MAX, 'zipf: the number of keys fits its table')
  const weights = scrambledWeights(keys, exponent, seed)
  return { keys, columns: aliasColumns(weights) }
}

/**
 * Draws ids[0, count) from 2 * count random words. The columns lie anywhere in memory: they are all read before
 * any of them decides, so that the processor waits for many at a time.
 */
export function drawZipf(zipf: Zipf, words: Int32Array, ids: Uint32Array, count: number, room: ZipfRoom): void {
  const { keys, columns } = zipf
  const { owns, others } = room
  for (let index = 0; index < count; index++) {
    const key = below(words[index] as number, keys)
    ids[index] = key
    owns[index] = columns[2 * key] as number
    others[index] = columns[2 * key + 1] as number
  }
  for (let index = 0; index < count; index++) {
    // 1 or 0 by the sign of the difference: a branch here would be guessed wrong half of the time.
    const isOwn = (((words[count + index] as number) >>> 1) - (owns[index] as number)) >>> 31
    const other = others[index] as number
    ids[index] = other + Math.imul((ids[index] as number) - other, isOwn)
  }
}

/** Columns read, of one batch. */
export interface ZipfRoom {
  readonly owns: Int32Array
  readonly others: Int32Array
}

export function createZipfRoom(count: number): ZipfRoom {
  return { owns: new Int32Array(count), others: new Int32Array(count) }
}

/** Probabilities times the number of keys: the mean is one. */
function scrambledWeights(keys: number, exponent: number, seed: number): Float64Array {
  const weights = new Float64Array(keys)
  let sum = 0
  for (let rank = 0; rank < keys; rank++) {
    const weight = (rank + 1) ** -exponent
    weights[rank] = weight
    sum += weight
  }
  const random = createRandom(seed, 0x5a)
  const scale = keys / sum
  // Fisher and Yates from the end: what is behind `last` is final and scaled.
  for (let last = keys - 1; last >= 0; last--) {
    const other = nextBelow(random, last + 1)
    const chosen = weights[other] as number
    weights[other] = weights[last] as number
    weights[last] = chosen * scale
  }
  return weights
}

/** Fills columns of mean height from keys below the mean, each topped up by one key above it. */
function aliasColumns(weights: Float64Array): Int32Array {
  const keys = weights.length
  const columns = new Int32Array(2 * keys)
  const stack = new Uint32Array(keys) // small keys grow from the front, large ones from the back
  let small = 0
  let large = keys
  for (let key = 0; key < keys; key++) {
    if ((weights[key] as number) < 1) stack[small++] = key
    else stack[--large] = key
  }
  while (small > 0 && large < keys) {
    const low = stack[--small] as number
    const high = stack[large] as number
    columns[2 * low] = share(weights[low] as number)
    columns[2 * low + 1] = high
    const rest = (weights[high] as number) + (weights[low] as number) - 1
    weights[high] = rest
    if (rest >= 1) continue
    large++
    stack[small++] = high
  }
  // What is left is one but for rounding: the column is all its own.
  while (small > 0) ownColumn(columns, stack[--small] as number)
  while (large < keys) ownColumn(columns, stack[large++] as number)
  return columns
}

function ownColumn(columns: Int32Array, key: number): void {
  columns[2 * key] = TWO31 - 1
  columns[2 * key + 1] = key
}

function share(weight: number): number {
  return Math.min(Math.floor(weight * TWO31), TWO31 - 1)
}
