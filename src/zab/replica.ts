/**
 * The receive ladder and the phases: every datagram from a peer is dropped with a reason or handled by the file of its
 * phase, and a flush ends each turn with what is due.
 *
 * Bytes and ticks in, sends and committed entries out. What the network says is never asserted; what is dropped
 * is counted by name.
 */

import { assert, at } from '../assert.js'
import { onNack } from './catch-up.js'
import type { CounterName } from './counters.js'
import { discoveryTick, leaderDiscoveryTick, onAckEpoch, onCepoch, onNewEpoch } from './discovery.js'
import { becomeDiscovering, becomeLooking, electionTick, onVote } from './election.js'
import { onAlive, superviseFollowers, superviseLeader } from './failure.js'
import { fellBehind, followerFlush, followerKeeps, onCommit, onGone, onPropose } from './follower.js'
import { countOf, epochOf, incarnationOf, kindOf, senderOf } from './header.js'
import { historyLast } from './history.js'
import { leaderFlush, leaderKeeps, onAck } from './leader.js'
import { NODES_MAX } from './limits.js'
import { forgetPeer } from './peers.js'
import type { State } from './state.js'
import { count, PHASE, ROLE } from './state.js'
import {
  followerSynchronizationTick,
  leaderSynchronizationTick,
  onAckLd,
  onCommitLd,
  onNewLeader,
} from './synchronization.js'
import { KIND } from './wire.js'

/** A message between replicas. Returns why it was dropped, or null. */
export function onPeerDatagram(state: State, offset: number, tick: number): CounterName | null {
  const ignored = ignoreStranger(state, offset, tick) ?? dispatch(state, offset, tick)
  if (ignored !== null) count(state, ignored)
  return ignored
}

/** Who may speak to us in this epoch: for FORWARD, LINK_ACK and SNAPSHOT. */
export function ignorePeer(state: State, offset: number, tick: number): CounterName | null {
  return ignoreStranger(state, offset, tick) ?? ignoreEpoch(state, offset)
}

/**
 * A new life of a replica speaks, which is to take the place of the one before once the registry names it: a datagram
 * alone could come from anywhere. The runtime asks and calls meetPeer.
 */
export function isNewLife(state: State, offset: number): boolean {
  const { words, config } = state
  const kind = kindOf(words, offset)
  const sender = senderOf(words, offset)
  if ((kind !== KIND.VOTE && kind !== KIND.CEPOCH) || sender >= NODES_MAX || sender === config.replica) return false
  return incarnationOf(words, offset) > at(state.incarnations, sender)
}

/** Another replica's life, as the registry or its own first message names it. The one before leads no more. */
export function meetPeer(state: State, replica: number, incarnation: number, tick: number): void {
  assert(replica < NODES_MAX && replica !== state.config.replica, 'meetPeer: another replica')
  if (at(state.incarnations, replica) === incarnation) return
  if (state.role !== ROLE.LOOKING && state.leader === replica) becomeLooking(state, tick)
  state.incarnations[replica] = incarnation
  state.acked[replica] = 0
  state.heardTick[replica] = -Infinity
  forgetPeer(state.peers, replica)
}

function ignoreStranger(state: State, offset: number, tick: number): CounterName | null {
  const { words, config } = state
  const sender = senderOf(words, offset)
  if (sender >= NODES_MAX || sender === config.replica) return 'ignored-not-a-member'
  const incarnation = incarnationOf(words, offset)
  const known = at(state.incarnations, sender)
  if (incarnation !== known) {
    return incarnation < known ? 'ignored-stale-incarnation' : 'ignored-unknown-incarnation'
  }
  state.heardTick[sender] = tick
  return null
}

/** Only what is said in the epoch that this replica follows or leads counts once it does. */
function ignoreEpoch(state: State, offset: number): CounterName | null {
  if (state.phase < PHASE.SYNCHRONIZATION) return 'ignored-not-following'
  const epoch = epochOf(state.words, offset)
  if (epoch < state.acceptedEpoch) return 'ignored-epoch-older'
  if (epoch > state.acceptedEpoch) return 'ignored-epoch-newer'
  return null
}

function dispatch(state: State, offset: number, tick: number): CounterName | null {
  const sender = senderOf(state.words, offset)
  switch (kindOf(state.words, offset)) {
    case KIND.VOTE:
      return onVote(state, sender, offset, tick)
    case KIND.ALIVE:
      return onAlive(state, sender, offset, tick)
    case KIND.CEPOCH:
      return onCepoch(state, sender, offset, tick)
    case KIND.NEWEPOCH:
      return onNewEpoch(state, sender, offset, tick)
    case KIND.ACKEPOCH:
      return onAckEpoch(state, sender, offset, tick)
    case KIND.NEWLEADER:
      return onNewLeader(state, sender, offset, tick)
    case KIND.ACKLD:
      return onAckLd(state, sender, offset, tick)
    case KIND.COMMITLD:
      return onCommitLd(state, sender, offset, tick)
    default:
      return ignoreEpoch(state, offset) ?? dispatchBroadcast(state, sender, offset, tick)
  }
}

function dispatchBroadcast(state: State, sender: number, offset: number, tick: number): CounterName | null {
  switch (kindOf(state.words, offset)) {
    case KIND.PROPOSE:
      return ignoreLeader(state, sender) ?? onPropose(state, offset)
    case KIND.COMMIT:
    case KIND.HEARTBEAT: {
      const ignored = ignoreLeader(state, sender)
      if (ignored === null) onCommit(state, offset)
      if (ignored === null && kindOf(state.words, offset) === KIND.HEARTBEAT) {
        state.roundHeard = Math.max(state.roundHeard, countOf(state.words, offset))
        state.ackOwed = true
      }
      return ignored
    }
    case KIND.ACK:
      return state.role === ROLE.LEADING ? onAck(state, sender, offset, tick) : 'ignored-not-leading'
    case KIND.NACK:
      if (state.role !== ROLE.LEADING) return onLeaderNack(state, sender, offset)
      onNack(state, sender, offset, tick)
      return null
    default:
      return 'ignored-unknown-kind'
  }
}

/** A leader that is asked for what it no longer keeps answers with a NACK. */
function onLeaderNack(state: State, sender: number, offset: number): CounterName | null {
  const ignored = ignoreLeader(state, sender)
  if (ignored === null) onGone(state, offset)
  return ignored
}

function ignoreLeader(state: State, sender: number): CounterName | null {
  if (state.role === ROLE.LEADING) return 'ignored-not-following'
  return sender === state.leader ? null : 'ignored-not-my-leader'
}

/**
 * Moves the phases on: what is due by time, and who is silent. `drained`: everything that had arrived was read, so that
 * silence is the others' and not this replica's own.
 */
export function phaseTick(state: State, drained: boolean, tick: number): void {
  if (drained) {
    if (state.role === ROLE.LEADING) superviseFollowers(state, tick)
    else if (state.role !== ROLE.LOOKING) superviseLeader(state, tick)
  }
  if (fellBehind(state)) becomeDiscovering(state, state.leader, tick)
  if (state.role === ROLE.LOOKING) electionTick(state, tick)
  if (state.role === ROLE.LEADING) {
    if (state.phase === PHASE.DISCOVERY) leaderDiscoveryTick(state, tick)
    if (state.phase === PHASE.SYNCHRONIZATION) leaderSynchronizationTick(state, tick)
  } else if (state.phase === PHASE.DISCOVERY) {
    discoveryTick(state, tick)
  } else if (state.phase === PHASE.SYNCHRONIZATION) {
    followerSynchronizationTick(state, tick)
  }
}

/** Ends a turn: what has to be said. */
export function flush(state: State, tick: number): void {
  if (state.phase < PHASE.SYNCHRONIZATION) return
  if (state.role === ROLE.LEADING) leaderFlush(state, tick)
  else followerFlush(state, tick)
}

/** Stops leading or following at once: what was proposed alone is abandoned when another leads. */
export function stepDown(state: State, tick: number): void {
  if (state.role !== ROLE.LOOKING) becomeLooking(state, tick)
}

/** Absolute index from which the history may not be overwritten. */
export function historyKeeps(state: State, tick: number): number {
  const keeps = state.role === ROLE.LEADING ? leaderKeeps(state, tick) : followerKeeps(state)
  const needed = Math.min(keeps, state.applyNext)
  return state.config.logged ? Math.min(needed, state.storeNext) : needed
}

/**
 * Hands out committed entries that were not handed out before, in order: their slab offsets go to `out`.
 * Returns how many. They must be applied before the next step.
 */
export function takeCommitted(state: State, out: Uint32Array): number {
  if (state.transfer !== 0) return 0 // what they apply to is not there yet
  const { history } = state
  let taken = 0
  while (state.applyNext < state.commitNext && taken < out.length) {
    out[taken++] = at(history.offset, state.applyNext & history.mask)
    state.lastApplied = historyLast(history, state.applyNext)
    state.applyNext++
  }
  assert(state.lastApplied <= state.lastCommitted, 'takeCommitted: only committed entries')
  return taken
}
