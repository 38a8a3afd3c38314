/**
 * Seeded random numbers of 32 bits for load: xoshiro128**, its state in four words.
 *
 * The same seed gives the same load. Not for secrets. On the path per operation they are made in blocks: the state
 * stays in registers, and everything is a 32-bit integer.
 */

/** Four words of state; never all zero. */
export type Random = Int32Array

const GOLDEN = 0x9e3779b9
const TWO32_INVERSE = 1 / 4294967296

/** `stream` tells generators of one seed apart. */
export function createRandom(seed: number, stream = 0): Random {
  const state = new Int32Array(4)
  let word = (seed ^ Math.imul(stream + 1, 0x85ebca6b)) | 0
  for (let index = 0; index < 4; index++) {
    word = (word + GOLDEN) | 0
    state[index] = mix(word)
  }
  if (state.every((each) => each === 0)) state[0] = GOLDEN | 0
  return state
}

/** A permutation of 32-bit words whose neighbours go far apart. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return mixed ^ (mixed >>> 15)
}

/** Fills words[0, count): uniform over all signed 32-bit integers. */
export function fillWords(state: Random, words: Int32Array, count: number): void {
  let a = state[0] as number
  let b = state[1] as number
  let c = state[2] as number
  let d = state[3] as number
  for (let index = 0; index < count; index++) {
    const times5 = Math.imul(b, 5)
    words[index] = Math.imul((times5 << 7) | (times5 >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
  }
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
}

const ONE = new Int32Array(1)

/** Uniform in [0, 2^32); for what is not on the path per operation. */
export function nextWord(state: Random): number {
  fillWords(state, ONE, 1)
  return (ONE[0] as number) >>> 0
}

/** A word as an integer in [0, bound), by multiplication: the bias is below bound / 2^32. */
export function below(word: number, bound: number): number {
  return ((word >>> 0) * bound * TWO32_INVERSE) >>> 0
}

export function nextBelow(state: Random, bound: number): number {
  return below(nextWord(state), bound)
}
