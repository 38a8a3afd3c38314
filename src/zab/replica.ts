/**
 * The receive ladder: every datagram from a peer is dropped with a reason or handled by the role's file.
 *
 * Bytes and ticks in, sends and committed entries out. What the network says is never asserted; what is dropped
 * is counted by name.
 */

import { assert, at } from '../assert.js'
import type { CounterName } from './counters.js'
import { followerFlush, followerKeeps, onCommit, onGone, onPropose } from './follower.js'
import { epochOf, incarnationOf, kindOf, senderOf } from './header.js'
import { historyLast } from './history.js'
import { leaderFlush, leaderKeeps, onAck, onNack } from './leader.js'
import type { State } from './state.js'
import { count, PHASE, ROLE } from './state.js'
import { KIND } from './wire.js'

/** A message between replicas that carries epoch and incarnation. Returns why it was dropped, or null. */
export function onPeerDatagram(state: State, offset: number, tick: number): CounterName | null {
  const ignored = ignorePeer(state, offset, tick) ?? dispatch(state, offset)
  if (ignored !== null) count(state, ignored)
  return ignored
}

/** Who may speak to us at all: members, in their current life, in our epoch. Used for FORWARDs too. */
export function ignorePeer(state: State, offset: number, tick: number): CounterName | null {
  const { words, config } = state
  const sender = senderOf(words, offset)
  if (sender >= config.members || sender === config.replica) return 'ignored-not-a-member'
  const incarnation = incarnationOf(words, offset)
  const known = at(state.incarnations, sender)
  if (incarnation !== known) {
    return incarnation < known ? 'ignored-stale-incarnation' : 'ignored-unknown-incarnation'
  }
  state.heardTick[sender] = tick
  const epoch = epochOf(words, offset)
  if (epoch < state.currentEpoch) return 'ignored-epoch-older'
  if (epoch > state.currentEpoch) return 'ignored-epoch-newer'
  return null
}

function dispatch(state: State, offset: number): CounterName | null {
  const { words } = state
  const sender = senderOf(words, offset)
  switch (kindOf(words, offset)) {
    case KIND.PROPOSE:
      return ignoreLeader(state, sender) ?? onPropose(state, offset)
    case KIND.COMMIT:
    case KIND.HEARTBEAT: {
      const ignored = ignoreLeader(state, sender)
      if (ignored === null) onCommit(state, offset)
      if (ignored === null && kindOf(words, offset) === KIND.HEARTBEAT) state.ackOwed = true
      return ignored
    }
    case KIND.ACK:
      return state.role === ROLE.LEADING
        ? onAck(state, sender, offset)
        : 'ignored-not-leading'
    case KIND.NACK:
      if (state.role !== ROLE.LEADING) return onLeaderNack(state, sender, offset)
      onNack(state, sender, offset)
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
  if (state.role !== ROLE.FOLLOWING) return 'ignored-not-following'
  return sender === state.leader ? null : 'ignored-not-my-leader'
}

/** Ends a turn: what is due by time, and what has to be said. */
export function flush(state: State, tick: number): void {
  if (state.role === ROLE.LEADING) {
    leaderFlush(state, tick)
  } else if (state.role === ROLE.FOLLOWING) {
    followerFlush(state, tick)
  }
}

/** Absolute index from which the history may not be overwritten. */
export function historyKeeps(state: State, tick: number): number {
  const keeps = state.role === ROLE.LEADING ? leaderKeeps(state, tick) : followerKeeps(state)
  return Math.min(keeps, state.applyNext)
}

/**
 * Hands out committed entries that were not handed out before, in order: their slab offsets go to `out`.
 * Returns how many. They must be applied before the next step.
 */
export function takeCommitted(state: State, out: Uint32Array): number {
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

/**
 * Enters the BROADCAST phase of an epoch under a leader. The history is what synchronization left: equal at a
 * quorum. A new cluster enters epoch 1 with empty histories, under replica 0.
 */
export function enterBroadcast(state: State, leader: number, epoch: number, tick: number): void {
  assert(epoch >= state.acceptedEpoch, 'enterBroadcast: epochs only rise')
  assert(leader >= 0 && leader < state.config.members, 'enterBroadcast: the leader is a member')
  state.acceptedEpoch = epoch
  state.currentEpoch = epoch
  state.leader = leader
  state.role = leader === state.config.replica ? ROLE.LEADING : ROLE.FOLLOWING
  state.phase = PHASE.BROADCAST
  state.lastProposed = state.lastHeld
  state.acked.fill(0)
  state.acked[state.config.replica] = state.lastHeld
  state.sendNext = state.history.next
  state.unackedBytes = 0
  state.committedTold = 0
  state.heartbeatTick = tick
  state.ackOwed = state.role === ROLE.FOLLOWING
  state.parkCounter.fill(0)
  state.parkCount = 0
  state.leaderKeeps = 0
}
