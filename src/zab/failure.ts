/**
 * Who is taken for dead, and who for stuck.
 *
 * Replicas hear of each other by any message, and at least by ALIVE, which a thread of its own sends: a garbage
 * collection does not delay it, and it says how long ago its replica's loop turned. A leader whose loop stands still
 * on a living machine is found by the weighted mean of that age.
 */

import { at } from '../assert.js'
import type { CounterName } from './counters.js'
import { becomeLooking, onOtherStanding } from './election.js'
import { counterOf } from './header.js'
import { TICK_MICROS } from './limits.js'
import { isQuorumHeard } from './quorum.js'
import { sendStanding, takeStanding } from './standing.js'
import type { State } from './state.js'
import { count, PHASE, ROLE } from './state.js'
import { KIND } from './wire.js'

/** A leader waits so much longer than a follower before it steps down. */
const QUORUM_PATIENCE = 2
/** A discovery that takes longer, in failure times, has failed. */
const DISCOVERY_PATIENCE = 4
const STANDING_TICKS = 50 //   a prospective leader says so again
const AGE_SHARE = 4 //         a new age counts a quarter

export function onAlive(state: State, sender: number, offset: number, tick: number): CounterName | null {
  if (!takeStanding(state, sender, offset, tick)) return 'ignored-malformed'
  const { peers } = state
  count(state, 'beats-received')
  const age = Math.min(counterOf(state.words, offset), 2 ** 32) / TICK_MICROS
  const mean = at(peers.ageTicks, sender)
  peers.ageTicks[sender] = mean + (age - mean) / AGE_SHARE
  const epoch = at(peers.accepted, sender)
  if (state.role === ROLE.LEADING) {
    if (at(peers.leader, sender) === state.config.replica && epoch === state.acceptedEpoch) {
      peers.activeTick[sender] = tick
    }
  }
  onOtherStanding(state, sender, tick)
  return null
}

/** Follower: is the leader silent, or stuck? */
export function superviseLeader(state: State, tick: number): void {
  const { config, leader } = state
  const silent = tick - at(state.heardTick, leader) > config.failureTicks
  const stuck = at(state.peers.ageTicks, leader) > config.stuckTicks
  const unheeded =
    state.phase === PHASE.DISCOVERY &&
    !state.promised &&
    tick - state.phaseTick > config.failureTicks * DISCOVERY_PATIENCE
  if (silent || stuck || unheeded) becomeLooking(state, tick)
}

/** Leader: one that has lost its quorum steps down. */
export function superviseFollowers(state: State, tick: number): void {
  const { config } = state
  const { failureTicks } = config
  if (state.phase === PHASE.DISCOVERY) {
    if (tick >= state.askTick) {
      state.askTick = tick + STANDING_TICKS
      for (let id = 0; id < config.members; id++) if (id !== config.replica) sendStanding(state, id, KIND.VOTE)
    }
    if (tick - state.phaseTick > failureTicks * DISCOVERY_PATIENCE) becomeLooking(state, tick)
    return
  }
  const since = tick - failureTicks * QUORUM_PATIENCE
  if (state.phaseTick > since || isQuorumHeard(state, since)) return
  count(state, 'steps-down')
  becomeLooking(state, tick)
}
