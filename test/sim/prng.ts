/** Seeded randomness: everything that a simulated run draws comes from here, so that a seed replays exactly. */

export interface Prng {
  /** A u32. */
  next(): number
  /** An integer in [0, bound). */
  below(bound: number): number
  /** True with the given probability. */
  chance(probability: number): boolean
  /** A number in [0, 1). */
  unit(): number
}

/** xoshiro128** seeded by splitmix32. */
export function createPrng(seed: number): Prng {
  let mixed = seed >>> 0
  const splitmix = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0
    let z = mixed
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let a = splitmix()
  let b = splitmix()
  let c = splitmix()
  let d = splitmix() | 1
  const rotate = (x: number, k: number): number => ((x << k) | (x >>> (32 - k))) >>> 0
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5) >>> 0, 7), 9) >>> 0
    const t = (b << 9) >>> 0
    c = (c ^ a) >>> 0
    d = (d ^ b) >>> 0
    b = (b ^ c) >>> 0
    a = (a ^ d) >>> 0
    c = (c ^ t) >>> 0
    d = rotate(d, 11)
    return result
  }
  const unit = (): number => next() / 4294967296
  return {
    next,
    unit,
    below: (bound) => Math.floor(unit() * bound),
    chance: (probability) => unit() < probability,
  }
}
