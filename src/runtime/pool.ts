/** Free slots of a region of the slab: a stack of offsets. */

import { assert, at } from '../assert.js'

export interface Pool {
  readonly free: Uint32Array
  count: number
}

export function createPool(base: number, slotBytes: number, slots: number): Pool {
  const free = new Uint32Array(slots)
  for (let slot = 0; slot < slots; slot++) free[slot] = base + slot * slotBytes
  return { free, count: slots }
}

/** Offset of a slot, or -1 when all are lent. */
export function poolTake(pool: Pool): number {
  if (pool.count === 0) return -1
  return at(pool.free, --pool.count)
}

export function poolGive(pool: Pool, offset: number): void {
  assert(pool.count < pool.free.length, 'poolGive: no slot comes back twice')
  pool.free[pool.count++] = offset
}
