/**
 * What a replica says of itself while it says nothing else: the endpoint's own thread repeats it (ALIVE), whatever this
 * one is doing. Told anew whenever it changes.
 */

import { at } from '../assert.js'
import { NODES_MAX } from '../zab/limits.js'
import { packStanding, STANDING_BYTES, writeAlive } from '../zab/standing.js'
import { controlSlot } from '../zab/state.js'
import { HEADER, KIND } from '../zab/wire.js'
import type { Core } from './core.js'
import { QUEUE_PEERS } from './core.js'

const BEAT_MICROS = 5000

export interface Beats {
  /** What was last told; -1: nothing, or destinations changed. */
  standing: number
  epoch: number
  readonly destinations: Uint32Array
}

export function createBeats(): Beats {
  return { standing: -1, epoch: 0, destinations: new Uint32Array(NODES_MAX) }
}

export function tellBeats(core: Core): void {
  const { state, beats, destinations } = core
  const standing = packStanding(state)
  if (beats.standing === standing && beats.epoch === state.acceptedEpoch) return
  beats.standing = standing
  beats.epoch = state.acceptedEpoch
  let count = 0
  for (let id = 0; id < NODES_MAX; id++) {
    const destination = at(destinations, id)
    if (destination >= 0) beats.destinations[count++] = destination
  }
  const offset = controlSlot(state)
  writeAlive(state, offset, KIND.ALIVE)
  core.endpoint.beat(QUEUE_PEERS, offset, STANDING_BYTES, beats.destinations, count, BEAT_MICROS, HEADER.counter)
}
