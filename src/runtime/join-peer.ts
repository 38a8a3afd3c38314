/** Learns where another replica is, and which life of it counts. */

import { at } from '../assert.js'
import type { ReplicaEntry } from '../registry/entry.js'
import { meetPeer } from '../zab/replica.js'
import type { Core } from './core.js'
import { forgetFrom } from './forwarding.js'

/** Called again for one that restarted: nothing of the life before counts any more. */
export function joinPeer(core: Core, replica: number, entry: Pick<ReplicaEntry, 'peers' | 'incarnation'>): void {
  const { state, endpoint, destinations } = core
  const before = at(destinations, replica)
  destinations[replica] = endpoint.addDestination(entry.peers)
  if (before >= 0) endpoint.removeDestination(before)
  meetPeer(state, replica, entry.incarnation, core.clock.ticks())
  forgetFrom(core.forwarding, replica)
  core.beats.standing = -1
}
