/** Datagrams of a link that wait for a hole before them, or for room. */

import { lengthOf } from '../zab/header.js'
import { LINK_EARLY_MAX, linkPark } from '../zab/link.js'
import type { Link } from '../zab/link.js'
import type { Pool } from './pool.js'
import { poolGive, poolTake } from './pool.js'

/** The slab that datagrams and the pool's slots lie in. */
interface Slab {
  readonly bytes: Uint8Array
  readonly words: Uint32Array
}

/** Keeps a copy of a received datagram, because its slot is received into again. False: no slot is free. */
export function parkDatagram(
  link: Link,
  parked: Pool,
  slab: Slab,
  sequence: number,
  offset: number,
  tick: number,
): boolean {
  const slot = poolTake(parked)
  if (slot < 0) return false
  slab.bytes.copyWithin(slot, offset, offset + lengthOf(slab.words, offset))
  linkPark(link, sequence, slot, tick)
  return true
}

/** Gives their slots back. The link is not used after. */
export function dropParked(link: Link, parked: Pool): void {
  for (let slot = 0; slot < LINK_EARLY_MAX; slot++) {
    const offset = (link.rxEarly[slot] ?? 0) - 1
    if (offset >= 0) poolGive(parked, offset)
    link.rxEarly[slot] = 0
  }
  link.rxEarlyCount = 0
}
