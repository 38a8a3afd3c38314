/**
 * Looking for a leader: votes are said again and again, and the replica with the best history among a quorum leads.
 *
 * An election is only a guess at who should lead (the paper's leader oracle): that nothing is lost is upheld by
 * discovery.ts and synchronization.ts. Who hears a leader joins it, so that one replica with a bad link does not
 * depose a leader that others hear. Observers look on and join.
 */

import { assert, at } from '../assert.js'
import type { CounterName } from './counters.js'
import { forgetHistory } from './forgetting.js'
import { forgetFollower, STAGE } from './peers.js'
import { compareHistories, hasAllOrClaim, isBetter, sendStanding, takePosition, takeStanding } from './standing.js'
import type { State } from './state.js'
import { count, isMember, majority, PHASE, ROLE, TRUST, VOTE_TICKS_MIN } from './state.js'
import { KIND } from './wire.js'

const VOTE_TICKS_MAX = 200
/** What was said longer ago counts no more: several times the pause between votes. */
const FRESH_TICKS = 600
/** A vote from before its sender led comes no later than this, or costs an election. */
const LATE_TICKS = 200
/** A leader that was tried in vain is left alone for a while. */
const SHUN_TICKS = 300

/** Stops following or leading, and looks for a leader. */
export function becomeLooking(state: State, tick: number): void {
  if (state.role === ROLE.FOLLOWING && state.phase !== PHASE.BROADCAST && state.leader >= 0) {
    state.peers.shunTick[state.leader] = tick + SHUN_TICKS
  }
  if (state.transfer !== 0) forgetHistory(state)
  state.phase = PHASE.ELECTION
  state.role = ROLE.LOOKING
  state.leader = -1
  state.phaseTick = tick
  state.askTick = tick
  state.voteTicks = VOTE_TICKS_MIN
  state.vote = state.config.replica
  state.newEpoch = 0
  state.forming = false
  state.forced = false
  state.established = false
  state.promised = false
  state.targetCounter = -1
  state.parkCounter.fill(0)
  state.parkCount = 0
  state.leaderKeeps = 0
  for (let replica = 0; replica < state.incarnations.length; replica++) {
    forgetFollower(state.peers, replica)
  }
  count(state, 'elections')
}

export function onVote(state: State, sender: number, offset: number, tick: number): CounterName | null {
  if (!takeStanding(state, sender, offset, tick) || !takePosition(state, sender, offset)) {
    return 'ignored-malformed'
  }
  onOtherStanding(state, sender, tick)
  const said = state.peers
  // A looking replica is told where this one stands; two that look say so by themselves.
  if (said.role[sender] === ROLE.LOOKING && state.role !== ROLE.LOOKING) {
    sendStanding(state, sender, KIND.VOTE)
  }
  return null
}

/**
 * What follows from another's standing: an established leader of a later epoch ends this one's, and a leader that
 * leads no more is followed no more.
 */
export function onOtherStanding(state: State, sender: number, tick: number): void {
  const { peers } = state
  const epoch = at(peers.accepted, sender)
  const leads = at(peers.role, sender) === ROLE.LEADING
  const established = leads && at(peers.phase, sender) === PHASE.BROADCAST
  if (state.phase >= PHASE.SYNCHRONIZATION && established && epoch > state.acceptedEpoch) {
    if (state.role === ROLE.LEADING) count(state, 'steps-down')
    return becomeLooking(state, tick)
  }
  if (state.role === ROLE.LEADING || state.role === ROLE.LOOKING || sender !== state.leader || leads) return
  // What it said before it led may come late.
  const later = state.promised ? epoch >= state.acceptedEpoch : tick - state.phaseTick > LATE_TICKS
  if (later) becomeLooking(state, tick)
}

/** What is due while looking: the vote, and the decision. */
export function electionTick(state: State, tick: number): void {
  assert(state.role === ROLE.LOOKING, 'electionTick: only who looks elects')
  const found = leaderHeard(state, tick)
  if (found >= 0) return becomeDiscovering(state, found, tick)
  if (isMember(state.config)) {
    const vote = choose(state, tick)
    if (vote !== state.vote) {
      state.vote = vote
      state.askTick = tick
      state.voteTicks = VOTE_TICKS_MIN
    }
    if (isElected(state, vote, tick)) {
      if (vote === state.config.replica) becomeProspective(state, !isQuorumWhole(state, tick), false, tick)
      else becomeDiscovering(state, vote, tick)
      return
    }
  }
  if (tick < state.askTick) return
  state.askTick = tick + state.voteTicks
  state.voteTicks = Math.min(state.voteTicks * 2, VOTE_TICKS_MAX)
  tellStanding(state)
}

/** Follows `leader` if it will have this replica: DISCOVERY. */
export function becomeDiscovering(state: State, leader: number, tick: number): void {
  assert(leader !== state.config.replica, 'becomeDiscovering: another leads')
  if (state.transfer !== 0) forgetHistory(state)
  state.phase = PHASE.DISCOVERY
  state.role = isMember(state.config) ? ROLE.FOLLOWING : ROLE.OBSERVING
  state.leader = leader
  state.vote = isMember(state.config) ? leader : state.vote
  state.phaseTick = tick
  state.askTick = tick
  state.promised = false
  state.targetCounter = -1
  state.followsForming = false
  state.roundHeard = 0
  state.joins++
  state.heardTick[leader] = tick
  state.peers.ageTicks[leader] = 0
  state.leaderKeeps = 0
}

/** Would lead, if a quorum will have it: DISCOVERY. `forming`: all members must agree, or, when forced, a majority. */
export function becomeProspective(state: State, forming: boolean, forced: boolean, tick: number): void {
  const { replica } = state.config
  assert(isMember(state.config), 'becomeProspective: an observer does not lead')
  assert(forced || state.trust !== TRUST.HOLLOW, 'becomeProspective: with what it says it has')
  if (state.trust === TRUST.HOLLOW) state.trust = TRUST.LOST // by an operator, who knows
  state.phase = PHASE.DISCOVERY
  state.role = ROLE.LEADING
  state.leader = replica
  state.vote = replica
  state.phaseTick = tick
  state.askTick = tick
  state.round = 0
  state.newEpoch = 0
  state.forming = forming
  state.forced = forced
  state.established = false
  state.peers.stage[replica] = STAGE.CEPOCH
  count(state, 'elections-won')
  tellStanding(state)
}

/** Replicas that lost what they acknowledged stand in the way of an election that no vote can solve. */
export function isStuck(state: State, tick: number): boolean {
  if (state.role !== ROLE.LOOKING || !isMember(state.config)) return false
  for (let id = 0; id < state.config.members; id++) if (!isLooking(state, id, tick)) return false
  return !canElect(state, tick) && !mayForm(state, tick)
}

/** Is there one that a quorum of whole replicas would have? */
function canElect(state: State, tick: number): boolean {
  const best = bestHistory(state, true, tick)
  let votes = 0
  for (let id = 0; id < state.config.members; id++) {
    if (best < 0 || !isLooking(state, id, tick) || !isWhole(state, id)) continue
    if (trustOf(state, id) === TRUST.WHOLE || compareHistories(state, best, id) >= 0) votes++
  }
  return votes >= majority(state.config)
}

function tellStanding(state: State): void {
  for (let id = 0; id < state.config.members; id++) {
    if (id !== state.config.replica) sendStanding(state, id, KIND.VOTE)
  }
}

/** A replica that leads, heard of just now; one that is established before one that is not. -1: none. */
function leaderHeard(state: State, tick: number): number {
  const { peers, config } = state
  let best = -1
  for (let id = 0; id < config.members; id++) {
    if (id === config.replica || tick - at(peers.saidTick, id) > config.failureTicks) continue
    if (at(peers.role, id) !== ROLE.LEADING || tick < at(peers.shunTick, id)) continue
    if (at(peers.ageTicks, id) > config.stuckTicks) continue
    const established = at(peers.phase, id) === PHASE.BROADCAST
    if (!established && !isMember(config)) continue
    if (best < 0 || rank(state, id) > rank(state, best)) best = id
  }
  return best
}

function rank(state: State, id: number): number {
  const established = at(state.peers.phase, id) === PHASE.BROADCAST
  return (established ? 2 ** 40 : 0) + at(state.peers.accepted, id)
}

/** The best history among those that may decide. */
function choose(state: State, tick: number): number {
  const wholeOnly = isQuorumWhole(state, tick)
  if (!wholeOnly && !mayForm(state, tick)) return state.config.replica
  const { replica } = state.config
  const best = bestHistory(state, wholeOnly, tick)
  if (best < 0) return replica
  // One that had more than the best has may have acknowledged it: its voice is not for this one.
  if (state.trust === TRUST.HOLLOW && compareHistories(state, best, replica) < 0) return replica
  return best
}

/** The best among those that look and have what they say. -1: none. */
function bestHistory(state: State, wholeOnly: boolean, tick: number): number {
  let best = -1
  for (let id = 0; id < state.config.members; id++) {
    const trust = trustOf(state, id)
    if (!isLooking(state, id, tick) || trust === TRUST.HOLLOW || (wholeOnly && trust !== TRUST.WHOLE)) continue
    if (best < 0 || isBetter(state, id, best)) best = id
  }
  return best
}

function trustOf(state: State, id: number): number {
  return id === state.config.replica ? state.trust : at(state.peers.trust, id)
}

/** A quorum votes for it: of whole replicas, or, for a new history, of all. */
function isElected(state: State, candidate: number, tick: number): boolean {
  const wholeOnly = isQuorumWhole(state, tick)
  if ((!wholeOnly && !mayForm(state, tick)) || trustOf(state, candidate) === TRUST.HOLLOW) return false
  let votes = 0
  for (let id = 0; id < state.config.members; id++) {
    const own = id === state.config.replica
    if (!isLooking(state, id, tick) || (wholeOnly && !isWhole(state, id))) continue
    if ((own ? state.vote : at(state.peers.vote, id)) === candidate) votes++
  }
  return votes >= (wholeOnly ? majority(state.config) : state.config.members)
}

/** Does it look for a leader, or has it decided for this replica already? */
function isLooking(state: State, id: number, tick: number): boolean {
  const { peers, config } = state
  if (id === config.replica) return true
  if (tick - at(peers.saidTick, id) > FRESH_TICKS) return false
  if (at(peers.role, id) === ROLE.LOOKING) return true
  return at(peers.phase, id) === PHASE.DISCOVERY && at(peers.leader, id) === config.replica
}

/** Does its voice count? */
function isWhole(state: State, id: number): boolean {
  return hasAllOrClaim(trustOf(state, id))
}

function isQuorumWhole(state: State, tick: number): boolean {
  let whole = 0
  for (let id = 0; id < state.config.members; id++) {
    if (isLooking(state, id, tick) && isWhole(state, id)) whole++
  }
  return whole >= majority(state.config)
}

/**
 * A history may begin, or go on from the best that the disks of all kept, only with every member there: and nobody may
 * have lost everything while another has something: it may at most have prepared for a history that did not begin.
 */
function mayForm(state: State, tick: number): boolean {
  let empty = true
  let lost = false
  for (let id = 0; id < state.config.members; id++) {
    if (!isLooking(state, id, tick)) return false
    const own = id === state.config.replica
    const held = own ? state.lastHeld : at(state.peers.last, id)
    const formed = own ? state.formed : at(state.peers.formed, id) === 1
    const trust = trustOf(state, id)
    if (held > 0 || formed || trust === TRUST.HOLLOW) empty = false
    if (trust === TRUST.LOST || trust === TRUST.HOLLOW) lost = true
  }
  return empty || !lost
}
