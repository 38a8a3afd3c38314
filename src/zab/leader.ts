/**
 * Leader, BROADCAST phase: propose, send, count acks, commit the acked prefix, fill gaps.
 *
 * Called only by replica.ts and the runtime's turn, only while leading.
 * Upholds TotalOrder, LocalPrimaryOrder and Integrity; assumes PrefixConsistency from synchronization.
 */

import { assert, at } from '../assert.js'
import { committedOf, counterOf, setCommitted, setCounter, writeHeader } from './header.js'
import { historyAppend, historyFind, historyFirst, historyLast } from './history.js'
import type { State } from './state.js'
import {
  controlSlot,
  count,
  emitSend,
  PHASE,
  quorumSize,
  ROLE,
  sendRoom,
  TO_ALL,
} from './state.js'
import { HEADER, KIND, PROPOSE, setWide, TAG_BYTES } from './wire.js'

/** Datagrams without a body. */
export const CONTROL_BYTES = HEADER.SIZE + TAG_BYTES

const HEARTBEAT_TICKS = 100 //      10 ms: also how long a lost last proposal stays unnoticed
const SILENT_TICKS = 10_000 //      a follower not heard of for a second is not waited for
const RESEND_ENTRIES_MAX = 32 //    of one turn, to one follower
const ROWS_SLACK = 64 //            rows kept for control messages

/** Why an ACK was dropped; null when it was not. One that repeats what is known is a sign of life. */
export type AckIgnored = 'ignored-already-acked' | 'ignored-never-proposed' | null

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
  const previous =
    history.next === history.first
      ? state.currentEpoch
      : at(history.epoch, (history.next - 1) & history.mask)

  writeHeader(words, offset, state.sender, KIND.PROPOSE, length, state.currentEpoch, operations)
  setCounter(words, offset, counter)
  const extension = (offset + HEADER.SIZE) >>> 2
  setWide(words, extension + (PROPOSE.time >>> 2), time)
  words[extension + (PROPOSE.previous >>> 2)] = previous
  words[extension + (PROPOSE.reserved >>> 2)] = 0

  historyAppend(history, counter, operations, bytes, state.currentEpoch, time)
  state.lastProposed = counter + operations - 1
  state.lastHeld = state.lastProposed
  state.acked[state.config.replica] = state.lastHeld
  count(state, 'proposals')
  count(state, 'writes-proposed', operations)
  count(state, 'proposal-bytes', length)
}

export function onAck(state: State, sender: number, offset: number): AckIgnored {
  const counter = counterOf(state.words, offset)
  if (counter > state.lastProposed) return 'ignored-never-proposed'
  const before = at(state.acked, sender)
  if (counter < before) return 'ignored-already-acked'
  if (counter === before) return null

  state.acked[sender] = counter
  count(state, 'acks-received')
  count(state, 'writes-in-acks', counter - before)
  commitPrefix(state)
  return null
}

/** Commits what a quorum holds. Called after acknowledgements and, alone in a cluster, after proposing. */
export function commitPrefix(state: State): void {
  const { history } = state
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

/** The highest counter that a quorum has acknowledged: the quorum-th largest. */
function quorumCounter(state: State): number {
  const { members } = state.config
  const needed = quorumSize(state.config)
  let best = 0
  for (let candidate = 0; candidate < members; candidate++) {
    const counter = at(state.acked, candidate)
    if (counter <= best) continue
    let holders = 0
    for (let member = 0; member < members; member++) {
      if (at(state.acked, member) >= counter) holders++
    }
    if (holders >= needed) best = counter
  }
  return best
}

/**
 * Asked to fill a gap: sends the entries again to the one who asked, bounded. Nothing is sent again unasked: a follower
 * learns of a lost tail from the next heartbeat, and repeats an ACK at each.
 */
export function onNack(state: State, sender: number, offset: number): void {
  const from = counterOf(state.words, offset)
  const to = committedOf(state.words, offset)
  count(state, 'nacks-received')
  resend(state, sender, from, Math.min(to, sentLast(state)))
}

/** Sends what is due: new proposals within the window, else the news of a commit or a heartbeat. */
export function leaderFlush(state: State, tick: number): void {
  const { history, config } = state
  const first = state.sendNext
  const rowsEach = config.multicast ? 1 : config.members - 1
  const rowsMax = Math.floor((sendRoom(state) - ROWS_SLACK) / Math.max(1, rowsEach))
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
  if (state.sendNext < history.next) count(state, 'stall-acks')
  if (state.sendNext > first) {
    emitProposals(state, first, tick)
    state.committedTold = state.lastCommitted
    state.heartbeatTick = tick + HEARTBEAT_TICKS
    if (config.members === 1) commitPrefix(state)
  } else if (state.committedTold < state.lastCommitted) {
    count(state, 'commits-sent')
    count(state, 'writes-in-commits', state.lastCommitted - state.committedTold)
    tellAll(state, KIND.COMMIT, tick)
  } else if (tick >= state.heartbeatTick) {
    count(state, 'heartbeats-sent')
    tellAll(state, KIND.HEARTBEAT, tick)
  }
}

/** Is this follower alive as far as its messages tell? */
export function isHeard(state: State, follower: number, tick: number): boolean {
  return tick - at(state.heardTick, follower) <= SILENT_TICKS
}

/** First absolute index that the leader may still be asked for by a follower that is alive. */
export function leaderKeeps(state: State, tick: number): number {
  let lowest = state.lastApplied
  for (let follower = 0; follower < state.config.members; follower++) {
    if (follower === state.config.replica || !isHeard(state, follower, tick)) continue
    lowest = Math.min(lowest, at(state.acked, follower))
  }
  if (lowest >= state.lastProposed) return state.history.next
  const index = historyFind(state.history, lowest + 1)
  return index < 0 ? state.history.first : index
}

function emitProposals(state: State, first: number, tick: number): void {
  const { history, config } = state
  let writes = 0
  for (let index = first; index < state.sendNext; index++) {
    writes += at(history.count, index & history.mask)
  }
  let sealed = false
  const receivers = config.multicast ? 1 : config.members
  for (let receiver = 0; receiver < receivers; receiver++) {
    if (!config.multicast && receiver === config.replica) continue
    if (!config.multicast && !isHeard(state, receiver, tick)) continue
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

function resend(state: State, follower: number, from: number, to: number): void {
  const { history } = state
  const index = historyFind(history, Math.max(from, 1))
  if (index < 0) {
    if (from <= to) tellGone(state, follower)
    return
  }
  for (let next = index; next < state.sendNext && next - index < RESEND_ENTRIES_MAX; next++) {
    const slot = next & history.mask
    if (at(history.counter, slot) > to || sendRoom(state) <= ROWS_SLACK) return
    const offset = at(history.offset, slot)
    setCommitted(state.words, offset, state.lastCommitted)
    emitSend(state, follower, offset, at(history.bytes, slot), true)
    count(state, 'propose-resent')
  }
}

/** What the follower asks for is no longer kept: a NACK of the leader's names the oldest counter that is. */
function tellGone(state: State, follower: number): void {
  const { history } = state
  count(state, 'ignored-not-kept')
  const kept = history.first === history.next ? state.lastProposed + 1 : historyFirst(history)
  const offset = controlSlot(state)
  const epoch = state.currentEpoch
  writeHeader(state.words, offset, state.sender, KIND.NACK, CONTROL_BYTES, epoch, 0)
  setCounter(state.words, offset, kept)
  setCommitted(state.words, offset, state.lastProposed)
  emitSend(state, follower, offset, CONTROL_BYTES, true)
}

/** Counter of the last operation that was sent at least once. */
function sentLast(state: State): number {
  if (state.sendNext === state.history.first) return state.lastCommitted
  return historyLast(state.history, state.sendNext - 1)
}

/** A message of one counter and the last commit, to everyone. */
function tellAll(state: State, kind: number, tick: number): void {
  const offset = controlSlot(state)
  writeHeader(state.words, offset, state.sender, kind, CONTROL_BYTES, state.currentEpoch, 0)
  setCounter(state.words, offset, sentLast(state))
  setCommitted(state.words, offset, state.lastCommitted)
  emitToFollowers(state, offset, CONTROL_BYTES)
  state.committedTold = state.lastCommitted
  state.heartbeatTick = tick + HEARTBEAT_TICKS
}

function emitToFollowers(state: State, offset: number, bytes: number): void {
  const { config } = state
  if (config.members === 1) return
  if (config.multicast) {
    emitSend(state, TO_ALL, offset, bytes, true)
    return
  }
  let seal = true
  for (let follower = 0; follower < config.members; follower++) {
    if (follower === config.replica) continue
    emitSend(state, follower, offset, bytes, seal)
    seal = false
  }
}
