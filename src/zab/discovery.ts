/**
 * DISCOVERY, phase 1 of the paper: a quorum promises a new epoch to one prospective leader (CEPOCH, NEWEPOCH,
 * ACKEPOCH), and that leader learns that nobody in the quorum has a better history than its own.
 *
 * Followers repeat what they wait for; a leader answers. Upholds: at most one leader is established in an epoch
 * (Leadership1), because acceptedEpoch only rises and is stored before it is promised.
 */

import { at } from '../assert.js'
import { sentLast } from './catch-up.js'
import type { CounterName } from './counters.js'
import { becomeLooking } from './election.js'
import { epochOf, extensionOf } from './header.js'
import { NODES_MAX } from './limits.js'
import { forgetFollower, STAGE } from './peers.js'
import {
  compareHistories,
  hasAllOrClaim,
  isForThisJoin,
  isOfKnownJoin,
  joinOf,
  mayPromise,
  sendSaid,
  sendStanding,
  takePosition,
  takeStanding,
} from './standing.js'
import type { State } from './state.js'
import { count, epochsChanged, isMember, majority, PHASE, ROLE, TRUST } from './state.js'
import { beginSynchronization, sendNewLeader } from './synchronization.js'
import { EPOCHS, KIND, PROMISED_TO } from './wire.js'

/** What a follower waits for is asked for again after this long. */
export const ASK_TICKS = 40
/**
 * Where an operator overrules a lost majority, some who know of later epochs may not be heard: an epoch of two leaders
 * would let histories differ unnoticed. 32 bits last for as many recoveries.
 */
const FORCED_EPOCHS = 1 << 16

/** Leader: a follower asks for an epoch. */
export function onCepoch(state: State, sender: number, offset: number, tick: number): CounterName | null {
  if (!takeStanding(state, sender, offset, tick) || !takePosition(state, sender, offset)) {
    return 'ignored-malformed'
  }
  if (state.role !== ROLE.LEADING) {
    if (state.leader >= 0) sendStanding(state, sender, KIND.VOTE)
    return 'ignored-not-leading'
  }
  const { peers } = state
  const join = joinOf(state, offset)
  if (join < at(peers.join, sender)) return 'ignored-not-expected'
  const whole = hasAllOrClaim(at(peers.trust, sender))
  if (state.newEpoch !== 0 && hasPromisedToAnother(state, sender, offset)) {
    // Without it there is a quorum, or this leader is soon taken for one that has none.
    forgetFollower(peers, sender)
    return 'ignored-not-expected'
  }
  const promisedMore = at(peers.accepted, sender) > state.acceptedEpoch && at(peers.trust, sender) !== TRUST.LOST
  if (state.newEpoch !== 0 && promisedMore && sender < state.config.members) {
    // It promised a later epoch to a leader that never was, and cannot take that back: all go to a later one.
    count(state, 'steps-down')
    becomeLooking(state, tick)
    return null
  }
  if (join === at(peers.join, sender) && at(peers.stage, sender) !== STAGE.NONE) {
    peers.activeTick[sender] = tick // the answer may have been lost
    if (state.newEpoch !== 0) sendNewEpoch(state, sender)
    return null
  }
  forgetFollower(peers, sender)
  state.acked[sender] = 0
  peers.stage[sender] = STAGE.CEPOCH
  peers.join[sender] = join
  peers.whole[sender] = whole ? 1 : 0
  peers.owed[sender] = state.established ? sentLast(state) : 0
  peers.joinRound[sender] = state.round + 1
  peers.activeTick[sender] = tick
  if (state.newEpoch !== 0) sendNewEpoch(state, sender)
  return null
}

/**
 * Leader: has it promised this leader's epoch to another, and will not promise it again? After a restart it does not
 * know to whom: it may have been this leader, which does not help. An established leader needs no promise.
 */
function hasPromisedToAnother(state: State, sender: number, offset: number): boolean {
  if (state.established || sender >= state.config.members) return false
  if (at(state.peers.trust, sender) === TRUST.LOST || at(state.peers.accepted, sender) !== state.newEpoch) return false
  return extensionOf(state.words, offset, EPOCHS.mode) !== state.config.replica + PROMISED_TO
}

/** Leader: a quorum has asked, so the epoch can be chosen: above all that was promised. */
export function chooseEpoch(state: State): void {
  if (state.newEpoch !== 0 || !hasQuorum(state, STAGE.CEPOCH)) return
  let highest = state.acceptedEpoch
  for (let id = 0; id < state.config.members; id++) {
    if (id !== state.config.replica && at(state.peers.stage, id) >= STAGE.CEPOCH) {
      highest = Math.max(highest, at(state.peers.accepted, id))
    }
  }
  state.newEpoch = highest + (state.forced ? FORCED_EPOCHS : 1)
  state.acceptedEpoch = state.newEpoch
  state.acceptedLeader = state.config.replica
  epochsChanged(state)
  for (let id = 0; id < NODES_MAX; id++) {
    if (id !== state.config.replica && at(state.peers.stage, id) === STAGE.CEPOCH) sendNewEpoch(state, id)
  }
}

function sendNewEpoch(state: State, to: number): void {
  const mode = state.established ? 1 : 0
  sendSaid(state, to, KIND.NEWEPOCH, { current: 0, last: 0, mode, counter: 0, committed: 0 })
}

/** Follower: its leader proposes an epoch. */
export function onNewEpoch(state: State, sender: number, offset: number, tick: number): CounterName | null {
  const epoch = extensionOf(state.words, offset, EPOCHS.accepted)
  if (!isJoining(state, sender, offset) || epoch === 0) return 'ignored-not-expected'
  takeStanding(state, sender, offset, tick)
  const established = extensionOf(state.words, offset, EPOCHS.mode) === 1
  const bound = isMember(state.config) && state.trust !== TRUST.LOST
  if (epoch < state.acceptedEpoch && bound) {
    return 'ignored-epoch-older' // its CEPOCH makes the leader choose a later one
  }
  if (epoch === state.acceptedEpoch && bound && !established && state.acceptedLeader !== sender) {
    becomeLooking(state, tick) // promised to another
    return null
  }
  state.acceptedLeader = sender
  if (epoch !== state.acceptedEpoch) {
    state.acceptedEpoch = epoch
    epochsChanged(state)
  }
  if (!state.promised) state.askTick = tick
  state.promised = true
  return null
}

/** Follower, DISCOVERY: repeats what it waits for. */
export function discoveryTick(state: State, tick: number): void {
  if (tick < state.askTick) return
  if (!state.promised) {
    sendStanding(state, state.leader, KIND.CEPOCH)
  } else if (mayPromise(state)) {
    sendStanding(state, state.leader, KIND.ACKEPOCH)
  } else {
    return // as soon as it is stored
  }
  state.askTick = tick + ASK_TICKS
}

/** Leader: a follower promised the epoch, and says what it has. */
export function onAckEpoch(state: State, sender: number, offset: number, tick: number): CounterName | null {
  const { peers } = state
  if (state.role !== ROLE.LEADING) return 'ignored-not-expected'
  if (at(peers.stage, sender) < STAGE.CEPOCH || epochOf(state.words, offset) !== state.newEpoch) {
    // A promise to an earlier try of this leader: it says as much as a CEPOCH, and its sender waits for an answer.
    return onCepoch(state, sender, offset, tick)
  }
  if (!isOfKnownJoin(state, sender, offset)) return 'ignored-not-expected'
  // One that has the epoch's history is past this: what it had before is no reason to begin anew.
  if (at(peers.stage, sender) > STAGE.ACKEPOCH) return 'ignored-not-expected'
  if (!takeStanding(state, sender, offset, tick) || !takePosition(state, sender, offset)) {
    return 'ignored-malformed'
  }
  peers.activeTick[sender] = tick
  peers.stage[sender] = STAGE.ACKEPOCH
  if (state.phase === PHASE.DISCOVERY) {
    const eligible = sender < state.config.members && (state.forming || at(peers.whole, sender) === 1)
    if (!eligible || compareHistories(state, sender, state.config.replica) <= 0) return null
    if (at(peers.trust, sender) === TRUST.HOLLOW && (!state.forming || state.forced)) {
      peers.whole[sender] = 0 // what it had cannot be had from it: a quorum without it decides
    } else {
      count(state, 'steps-down')
      becomeLooking(state, tick)
    }
    return null
  }
  sendNewLeader(state, sender)
  return null
}

/** Leader, DISCOVERY: goes on once the epoch is its own promise too and a quorum's. */
export function leaderDiscoveryTick(state: State, tick: number): void {
  chooseEpoch(state)
  if (state.newEpoch === 0 || !mayPromise(state)) return
  state.peers.stage[state.config.replica] = STAGE.ACKEPOCH
  if (hasQuorum(state, STAGE.ACKEPOCH)) beginSynchronization(state, tick)
}

/** Have those that decide come this far? A majority of whole members; all members where a history begins. */
export function hasQuorum(state: State, stage: number): boolean {
  const { config, peers } = state
  let there = 0
  for (let id = 0; id < config.members; id++) {
    if (at(peers.stage, id) < stage) continue
    const own = id === config.replica
    if (state.forming || own || at(peers.whole, id) === 1) there++
  }
  return there >= (state.forming && !state.forced ? config.members : majority(config))
}

/** Does this replica wait for such a word of that leader, in this joining? */
export function isJoining(state: State, sender: number, offset: number): boolean {
  if (state.phase !== PHASE.DISCOVERY || state.role === ROLE.LEADING || state.leader !== sender) return false
  return isForThisJoin(state, offset)
}
