/**
 * Leader, BROADCAST phase: propose, send, count acks, commit the acked prefix.
 *
 * Called only by replica.ts and the runtime's turn, only while leading.
 * Upholds TotalOrder, LocalPrimaryOrder and Integrity; assumes PrefixConsistency from synchronization.
 */

import { assert, at } from '../assert.js'
import { fillHoles, ROWS_SLACK, sentLast } from './catch-up.js'
import {
  committedOf,
  counterOf,
  countOf,
  flagsOf,
  setCommitted,
  setCounter,
  writeHeader,
} from './header.js'
import { historyAppend, historyFind, historyLast } from './history.js'
import { NODES_MAX } from './limits.js'
import { STAGE } from './peers.js'
import { quorumCounter } from './quorum.js'
import type { State } from './state.js'
import {
  controlSlot,
  count,
  emitSend,
  lastKept,
  PHASE,
  quorumSize,
  ROLE,
  sendRoom,
  TO_ALL,
} from './state.js'
import { CONTROL_BYTES, FLAG_WHOLE, HEADER, KIND, PROPOSE, setWide } from './wire.js'

const HEARTBEAT_TICKS = 100 //      10 ms: also how long a lost last proposal stays unnoticed
const HEARTBEATS_MIN = 6 //         in the time after which silence is death, at least
const COMMIT_TICKS = 8 //           0.8 ms: so long the news of a commit waits for a proposal that carries it
const STALL_TICKS = 300 //          30 ms: so long the history waits for somebody who is slow

/** Why an ACK was dropped; null when it was not. One that repeats what is known is a sign of life. */
export type AckIgnored = 'ignored-already-acked' | 'ignored-never-proposed' | 'ignored-of-former-join' | null

/** Orders the entry that was packed at the history's head: from here on its place is fixed. */
export function propose(
  state: State,
  bytes: number,
  length: number,
  operations: number,
  time: number,
): void {
  assert(state.role === ROLE.LEADING, 'propose: only a leader proposes')
  assert(state.phase === PHASE.BROADCAST, 'propose: only in the BROADCAST phase')
  assert(operations > 0, 'propose: an entry has operations')
  const { history, words } = state
  const offset = history.head
  const counter = state.lastProposed + 1
  const epoch = state.acceptedEpoch

  writeHeader(words, offset, state.sender, KIND.PROPOSE, length, epoch, operations)
  setCounter(words, offset, counter)
  const extension = (offset + HEADER.SIZE) >>> 2
  setWide(words, extension + (PROPOSE.time >>> 2), time)
  words[extension + (PROPOSE.previous >>> 2)] = state.lastEpoch
  words[extension + (PROPOSE.epoch >>> 2)] = epoch

  historyAppend(history, counter, operations, bytes, epoch, time)
  state.lastProposed = counter + operations - 1
  state.lastHeld = state.lastProposed
  state.lastEpoch = epoch
  count(state, 'proposals')
  count(state, 'writes-proposed', operations)
  count(state, 'proposal-bytes', length)
}

/** Somebody waits at another replica for what was proposed so far: its commit is told at once. */
export function awaitCommit(state: State): void {
  state.commitAwaited = state.lastProposed
}

export function onAck(state: State, sender: number, offset: number, tick: number): AckIgnored {
  const { peers } = state
  const counter = counterOf(state.words, offset)
  if (counter > state.lastProposed) return 'ignored-never-proposed'
  if (committedOf(state.words, offset) !== at(peers.join, sender)) return 'ignored-of-former-join'
  peers.activeTick[sender] = tick
  peers.echoed[sender] = Math.max(at(peers.echoed, sender), countOf(state.words, offset))
  if (at(peers.stage, sender) === STAGE.ACTIVE && (flagsOf(state.words, offset) & FLAG_WHOLE) !== 0) {
    peers.whole[sender] = 1
  }
  const before = at(state.acked, sender)
  if (counter < before) return 'ignored-already-acked'
  if (counter === before) return null

  state.acked[sender] = counter
  peers.progressTick[sender] = tick
  if (counter >= state.lastProposed) peers.behind[sender] = 0
  count(state, 'acks-received')
  count(state, 'writes-in-acks', counter - before)
  return null
}

/** Commits what a quorum holds. Called once a turn, and by tests. */
export function commitPrefix(state: State): void {
  // The history that the epoch begins with is committed by establishing it: a quorum must have promised it first.
  if (!state.established) return
  const { history } = state
  state.acked[state.config.replica] = lastKept(state)
  const target = Math.min(quorumCounter(state), state.lastHeld)
  while (state.commitNext < state.sendNext) {
    const last = historyLast(history, state.commitNext)
    if (last > target) break
    const slot = state.commitNext & history.mask
    count(state, 'writes-committed', at(history.count, slot))
    state.unackedBytes -= at(history.bytes, slot)
    state.lastCommitted = last
    state.commitNext++
  }
  assert(state.unackedBytes >= 0, 'commitPrefix: what is committed was sent')
  state.commitKnown = state.lastCommitted
}

/** Sends what is due: new proposals within the window, else the news of a commit; and the heartbeat. */
export function leaderFlush(state: State, tick: number): void {
  fillHoles(state)
  commitPrefix(state)
  const first = state.sendNext
  takeWindow(state, tick)
  if (state.sendNext < state.history.next) count(state, 'stall-acks')
  if (state.sendNext > first) {
    emitProposals(state, first, tick)
    hasten(state, tick)
    state.committedTold = state.lastCommitted
    state.commitTick = -1
    if (quorumSize(state.config) === 1) commitPrefix(state)
  } else if (isCommitDue(state, tick)) {
    count(state, 'commits-sent')
    count(state, 'writes-in-commits', state.lastCommitted - state.committedTold)
    tellAll(state, KIND.COMMIT, tick)
    hasten(state, tick)
  }
  if (tick < state.heartbeatTick) return
  count(state, 'heartbeats-sent')
  state.round++
  tellAll(state, KIND.HEARTBEAT, tick)
  const longest = Math.max(HEARTBEAT_TICKS, Math.floor(state.config.failureTicks / HEARTBEATS_MIN))
  const isSettled = leaderKeeps(state, tick) === state.history.next
  const doubled = Math.max(HEARTBEAT_TICKS, 2 * state.heartbeatTicks)
  state.heartbeatTicks = isSettled ? Math.min(doubled, longest) : HEARTBEAT_TICKS
  state.heartbeatTick = tick + state.heartbeatTicks
}

/**
 * Is it time for a COMMIT? At once when somebody waits for it at another replica. Else it would only wake the
 * followers, which the next proposal does as well.
 */
function isCommitDue(state: State, tick: number): boolean {
  if (state.committedTold >= state.lastCommitted) return false
  if (state.committedTold < state.commitAwaited) return true
  if (state.commitTick < 0) state.commitTick = tick
  return tick - state.commitTick >= COMMIT_TICKS
}

/** Something may be lost that only a heartbeat will tell of: the next ones come soon again. */
function hasten(state: State, tick: number): void {
  state.heartbeatTicks = 0
  state.heartbeatTick = Math.min(state.heartbeatTick, tick + HEARTBEAT_TICKS)
}

/** Moves sendNext as far as the window and the rows allow. */
function takeWindow(state: State, tick: number): void {
  const { history, config } = state
  const first = state.sendNext
  const rowsEach = Math.max(1, config.multicast ? 1 : receiverCount(state, tick))
  const rowsMax = Math.floor((sendRoom(state) - ROWS_SLACK) / rowsEach)
  while (
    state.sendNext < history.next &&
    state.unackedBytes < config.windowBytes &&
    state.sendNext - first < rowsMax
  ) {
    const slot = state.sendNext & history.mask
    setCommitted(state.words, at(history.offset, slot), state.lastCommitted)
    state.unackedBytes += at(history.bytes, slot)
    state.sendNext++
  }
}

/** Is this follower, or observer, in this epoch and alive as far as its messages tell? */
function isReached(state: State, id: number, tick: number): boolean {
  if (id === state.config.replica || at(state.peers.stage, id) < STAGE.ACKEPOCH) return false
  return tick - at(state.peers.activeTick, id) <= state.config.failureTicks * 2
}

function receiverCount(state: State, tick: number): number {
  let receivers = 0
  for (let id = 0; id < NODES_MAX; id++) if (isReached(state, id, tick)) receivers++
  return receivers
}

/** First absolute index that the leader may still be asked for by somebody whom it waits for. */
export function leaderKeeps(state: State, tick: number): number {
  let lowest = state.lastApplied
  for (let id = 0; id < NODES_MAX; id++) {
    if (!isReached(state, id, tick) || at(state.peers.behind, id) === 1) continue
    lowest = Math.min(lowest, at(state.acked, id))
  }
  if (lowest >= state.lastProposed) return state.history.next
  const index = historyFind(state.history, lowest + 1)
  return index < 0 ? state.history.first : index
}

/**
 * The history has no room, because somebody is waited for. After a while the slowest is waited for no longer: a slow
 * follower never stops the others. It goes on with a snapshot when it comes back.
 */
export function onHistoryFull(state: State, tick: number): void {
  if (state.stallTick < 0) state.stallTick = tick
  if (tick - state.stallTick < STALL_TICKS) return
  let slowest = -1
  for (let id = 0; id < NODES_MAX; id++) {
    if (!isReached(state, id, tick) || at(state.peers.behind, id) === 1) continue
    if (at(state.acked, id) >= state.lastApplied) continue
    if (slowest < 0 || at(state.acked, id) < at(state.acked, slowest)) slowest = id
  }
  if (slowest < 0) return
  state.peers.behind[slowest] = 1
  state.stallTick = tick
  count(state, 'followers-left-behind')
}

function emitProposals(state: State, first: number, tick: number): void {
  const { history, config } = state
  let writes = 0
  for (let index = first; index < state.sendNext; index++) {
    writes += at(history.count, index & history.mask)
  }
  let sealed = false
  for (let receiver = 0; receiver < (config.multicast ? 1 : NODES_MAX); receiver++) {
    if (!config.multicast && !isReached(state, receiver, tick)) continue
    for (let index = first; index < state.sendNext; index++) {
      const slot = index & history.mask
      const to = config.multicast ? TO_ALL : receiver
      emitSend(state, to, at(history.offset, slot), at(history.bytes, slot), !sealed)
    }
    sealed = true
    count(state, 'propose-sent', state.sendNext - first)
    count(state, 'writes-in-propose-sent', writes)
  }
}

/** A message of one counter and the last commit, to everyone. */
function tellAll(state: State, kind: number, tick: number): void {
  const offset = controlSlot(state)
  const round = kind === KIND.HEARTBEAT ? state.round : 0
  writeHeader(state.words, offset, state.sender, kind, CONTROL_BYTES, state.acceptedEpoch, round)
  setCounter(state.words, offset, sentLast(state))
  setCommitted(state.words, offset, state.lastCommitted)
  state.committedTold = state.lastCommitted
  state.commitTick = -1
  if (state.config.multicast) {
    if (state.config.members > 1 || receiverCount(state, tick) > 0) emitSend(state, TO_ALL, offset, CONTROL_BYTES, true)
    return
  }
  let seal = true
  for (let id = 0; id < NODES_MAX; id++) {
    if (!isReached(state, id, tick)) continue
    emitSend(state, id, offset, CONTROL_BYTES, seal)
    seal = false
  }
}
