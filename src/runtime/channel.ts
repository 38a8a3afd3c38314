/**
 * The shared memory between worker 0 and one front: a ring in each direction, the front's sleep, a word that stops
 * it, and the numbers that it posts for statistics.
 */

import { DATAGRAM_ALIGN } from '../zab/limits.js'
import { FIGURES_BYTES } from './figures.js'
import { createRingMemory } from './ring.js'

/** Records of a front. Links are numbered by the front; `life` is the ticket that the link got when it opened. */
export const TO_ORDER = { OPEN: 1, CLOSE: 2, REQUEST: 3 } as const
/** Records of worker 0. REPLY: from the body on. LOST: the link sent what no client sends, and is closed here. */
export const TO_FRONT = { REPLY: 1, LOST: 2 } as const

/** Words of the control block, a cache line apart. */
export const CONTROL = { sleep: 0, stop: 16, WORDS: 32 } as const

/** Enough for what worker 0 takes in a few turns; small enough to stay in a cache. */
const RING_BYTES_MIN = 1 << 20
const RING_DATAGRAMS_MIN = 64

export interface ChannelMemory {
  control: SharedArrayBuffer
  requests: SharedArrayBuffer
  replies: SharedArrayBuffer
  figures: SharedArrayBuffer
}

export function createChannelMemory(datagramBytes: number): ChannelMemory {
  const wanted = RING_DATAGRAMS_MIN * (datagramBytes + DATAGRAM_ALIGN)
  const ringBytes = Math.max(RING_BYTES_MIN, 2 ** Math.ceil(Math.log2(wanted)))
  return {
    control: new SharedArrayBuffer(CONTROL.WORDS * 4),
    requests: createRingMemory(ringBytes),
    replies: createRingMemory(ringBytes),
    figures: new SharedArrayBuffer(FIGURES_BYTES),
  }
}
