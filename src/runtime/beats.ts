/**
 * What a replica says of itself while it says nothing else: the endpoint's own thread repeats it (ALIVE), whatever this
 * one is doing. Told anew whenever it changes.
 */

import { at } from '../assert.js'
import { NODES_MAX, TICK_MICROS } from '../zab/limits.js'
import { packStanding, STANDING_BYTES, writeAlive } from '../zab/standing.js'
import { controlSlot } from '../zab/state.js'
import { HEADER, KIND } from '../zab/wire.js'
import type { Core } from './core.js'
import { QUEUE_PEERS } from './core.js'

/** So many beats in the time after which this replica takes others for dead: theirs is like it (docs/tuning.md). */
const BEATS_OF_TIMEOUT = 12
const BEAT_MICROS_MIN = 5_000
const BEAT_MICROS_MAX = 100_000

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
  const micros = beatMicros(state.config.failureTicks)
  core.endpoint.beat(QUEUE_PEERS, offset, STANDING_BYTES, beats.destinations, count, micros, HEADER.counter)
}

/** Who is patient need not say so often that it lives. */
function beatMicros(failureTicks: number): number {
  const wanted = Math.floor((failureTicks * TICK_MICROS) / BEATS_OF_TIMEOUT)
  return Math.min(BEAT_MICROS_MAX, Math.max(BEAT_MICROS_MIN, wanted))
}
