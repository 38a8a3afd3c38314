/**
 * Sleep and wake-up between two threads that both block in their endpoint's wait().
 *
 * Before it waits, a thread says so in shared memory and then looks at its rings once more; who publishes to a ring
 * looks at that word afterwards. Atomics are sequentially consistent, so one of the two sees the other: no wake-up is
 * lost, and while the other side is busy a message costs no system call.
 */

import type { Waker } from '../transport/waker.js'

const AWAKE = 0
/** Waits for records. */
const ASLEEP = 1
/** Waits for records, or for room in a ring that was full. */
const WANTS_ROOM = 2

/** A word of shared memory: one thread sleeps by it. */
export interface Bed {
  readonly words: Int32Array
  readonly index: number
}

/** To be followed by a last look at the rings, then by the wait or by nothing, then by riseFromBed. */
export function goToBed(bed: Bed, wantsRoom: boolean): void {
  Atomics.store(bed.words, bed.index, wantsRoom ? WANTS_ROOM : ASLEEP)
}

export function riseFromBed(bed: Bed): void {
  Atomics.store(bed.words, bed.index, AWAKE)
}

/** After records were published. True: it slept, and is woken by one system call. */
export function wakeForRecords(bed: Bed, waker: Waker | null): boolean {
  return wake(bed, waker, ASLEEP)
}

/** After room was given back. */
export function wakeForRoom(bed: Bed, waker: Waker | null): boolean {
  return wake(bed, waker, WANTS_ROOM)
}

function wake(bed: Bed, waker: Waker | null, least: number): boolean {
  const seen = Atomics.load(bed.words, bed.index)
  if (seen < least || waker === null) return false
  // Of several that see it asleep, one wakes it.
  if (Atomics.compareExchange(bed.words, bed.index, seen, AWAKE) !== seen) return false
  waker.signal()
  return true
}
