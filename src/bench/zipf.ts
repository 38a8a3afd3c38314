/**
 * Zipf's distribution over key ids in constant time: Walker's alias table, built by Vose's method.
 *
 * The rank of a key is scrambled: the popular keys lie anywhere in [0, keys), as in YCSB. One random word picks a
 * column, another decides between its two keys; both fields of a column share a cache line.
 */
import { assert } from '../assert.js'
import { createRandom, nextBelow, nextWord, type Random } from './random.js'

/** 128 MiB of table. */
export const ZIPF_KEYS_MAX = 1 << 24
const TWO32 = 4294967296

export interface Zipf {
  readonly keys: number
  /** Two words a key: the share of the column (of 2^32) that is its own, and the key that has the rest. */
  readonly columns: Uint32Array
}

export function createZipf(keys: number, exponent: number, seed: number): Zipf {
  assert(keys >= 1 && keys <= ZIPF_KEYS_MAX, 'zipf: the number of keys fits its table')
  const weights = scrambledWeights(keys, exponent, seed)
  return { keys, columns: aliasColumns(weights) }
}

export function nextZipf(zipf: Zipf, random: Random): number {
  const key = nextBelow(random, zipf.keys)
  const own = zipf.columns[2 * key] as number
  return nextWord(random) < own ? key : (zipf.columns[2 * key + 1] as number)
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
function aliasColumns(weights: Float64Array): Uint32Array {
  const keys = weights.length
  const columns = new Uint32Array(2 * keys)
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

function ownColumn(columns: Uint32Array, key: number): void {
  columns[2 * key] = TWO32 - 1
  columns[2 * key + 1] = key
}

function share(weight: number): number {
  return Math.min(Math.floor(weight * TWO32), TWO32 - 1)
}
