/** Free slots of a region of the slab: a stack of offsets. */

import { assert, at } from '../assert.js'

export interface Slots {
  readonly base: number
  readonly slotBytes: number
  readonly free: Uint32Array
  count: number
}

export function createSlots(base: number, slotBytes: number, count: number): Slots {
  const slots = { base, slotBytes, free: new Uint32Array(count), count }
  freeAllSlots(slots)
  return slots
}

/** Offset of a slot, or -1 when all are lent. */
export function takeSlot(slots: Slots): number {
  return slots.count === 0 ? -1 : at(slots.free, --slots.count)
}

export function giveSlot(slots: Slots, offset: number): void {
  assert(slots.count < slots.free.length, 'giveSlot: no slot comes back twice')
  slots.free[slots.count++] = offset
}

/** Whoever held a slot has forgotten it. */
export function freeAllSlots(slots: Slots): void {
  const most = slots.free.length
  for (let slot = 0; slot < most; slot++) {
    slots.free[slot] = slots.base + (most - 1 - slot) * slots.slotBytes
  }
  slots.count = most
}
