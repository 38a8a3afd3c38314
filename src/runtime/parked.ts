/** Datagrams of a link that wait for a hole before them: what happens to them when the link ends. */

import { LINK_EARLY_MAX } from '../zab/link.js'
import type { Link } from '../zab/link.js'
import type { Pool } from './pool.js'
import { poolGive } from './pool.js'

/** Gives their slots back. The link is not used after. */
export function dropParked(link: Link, parked: Pool): void {
  for (let slot = 0; slot < LINK_EARLY_MAX; slot++) {
    const offset = (link.rxEarly[slot] ?? 0) - 1
    if (offset >= 0) poolGive(parked, offset)
    link.rxEarly[slot] = 0
  }
  link.rxEarlyCount = 0
}
