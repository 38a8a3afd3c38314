/**
 * Seeded random numbers of 32 bits for load: xoshiro128**, its state in four words.
 *
 * The same seed gives the same load. Not for secrets.
 */

/** Four words of state; never all zero. */
export type Random = Uint32Array

const GOLDEN = 0x9e3779b9

/** `stream` tells generators of one seed apart. */
export function createRandom(seed: number, stream = 0): Random {
  const state = new Uint32Array(4)
  let word = (seed ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0
  for (let index = 0; index < 4; index++) {
    word = (word + GOLDEN) >>> 0
    state[index] = mix(word)
  }
  if (state.every((each) => each === 0)) state[0] = GOLDEN
  return state
}

/** A permutation of 32-bit words whose neighbours go far apart. */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** Uniform in [0, 2^32). */
export function nextWord(state: Random): number {
  const [a, b, c, d] = [state[0] as number, state[1] as number, state[2] as number, state[3] as number]
  const times5 = Math.imul(b, 5)
  const result = Math.imul((times5 << 7) | (times5 >>> 25), 9)
  const moved = c ^ a
  const last = d ^ b
  state[0] = a ^ last
  state[1] = b ^ moved
  state[2] = moved ^ (b << 9)
  state[3] = (last << 11) | (last >>> 21)
  return result >>> 0
}

/** Uniform in [0, bound), by multiplication: the bias is below bound / 2^32. */
export function nextBelow(state: Random, bound: number): number {
  return Math.floor((nextWord(state) * bound) / 4294967296)
}
