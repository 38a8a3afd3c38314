/**
 * Follower, BROADCAST phase: hold proposals in order, acknowledge what is held, learn what is committed.
 *
 * Zab assumes FIFO channels; datagrams are lost, repeated and reordered. Here the assumption is restored by
 * counters: a proposal is accepted only at the next counter, early ones wait in a bounded window, and holes are
 * asked for. Acknowledgements and commits are cumulative, so that losing one is harmless.
 *
 * Called only by replica.ts, only while following. Upholds TotalOrder and Agreement.
 */

import { assert, at } from '../assert.js'
import {
  committedOf,
  counterOf,
  countOf,
  extensionOf,
  lengthOf,
  setCommitted,
  setCounter,
  setFlags,
  writeHeader,
} from './header.js'
import { historyAppend, historyLast, historyRoom } from './history.js'
import { COUNTER_MAX, DATAGRAM_ALIGN, DATAGRAM_OPERATIONS_MAX } from './limits.js'
import type { State } from './state.js'
import { controlSlot, count, emitSend, epochsAreStored, lastKept, PHASE, ROLE, TRUST } from './state.js'
import { BODY_OFFSET, CONTROL_BYTES, FLAG_WHOLE, HEADER, KIND, PROPOSE, TAG_BYTES, wideAt } from './wire.js'

const NACK_TICKS_MIN = 50 //   5 ms: the same hole is not asked for again sooner
const NACK_TICKS_MAX = 800
const HOLES_MAX = 16 //        NACKs of one turn

/** Why a PROPOSE was dropped; null when it is held or waits for one before it. */
export type ProposeIgnored =
  | 'ignored-duplicate'
  | 'ignored-beyond-window'
  | 'ignored-no-room'
  | 'ignored-malformed'
  | 'ignored-not-continuing'
  | null

export function onPropose(state: State, offset: number): ProposeIgnored {
  assert(state.phase >= PHASE.SYNCHRONIZATION, 'onPropose: only after NEWLEADER')
  assert(state.role !== ROLE.LEADING, 'onPropose: only a follower takes proposals')
  const counter = counterOf(state.words, offset)
  const operations = countOf(state.words, offset)
  count(state, 'propose-received')
  if (isMalformed(state, offset, counter, operations)) return 'ignored-malformed'

  const last = counter + operations - 1
  state.lastProposed = Math.max(state.lastProposed, last)
  if (last <= state.lastHeld) {
    state.ackOwed = true // the acknowledgement of it may have been lost
    onCommitted(state, committedOf(state.words, offset))
    return 'ignored-duplicate'
  }
  if (counter !== state.lastHeld + 1) return park(state, offset, counter)
  if (!continues(state, offset)) return 'ignored-not-continuing'
  if (!hold(state, offset, counter, operations)) return 'ignored-no-room'
  onCommitted(state, committedOf(state.words, offset))
  if (state.parkCount > 0) holdParked(state)
  return null
}

/** COMMIT and HEARTBEAT: how far the leader has proposed and committed. */
export function onCommit(state: State, offset: number): void {
  const proposed = counterOf(state.words, offset)
  if (proposed > COUNTER_MAX) return
  state.lastProposed = Math.max(state.lastProposed, proposed)
  const before = state.commitKnown
  onCommitted(state, committedOf(state.words, offset))
  if (state.commitKnown === before) return
  count(state, 'commits-received')
  count(state, 'writes-in-commits', state.commitKnown - before)
}

/** The leader no longer keeps what this follower lacks: it cannot go on. `fellBehind` tells. */
export function onGone(state: State, offset: number): void {
  const kept = counterOf(state.words, offset)
  if (kept <= COUNTER_MAX) state.leaderKeeps = Math.max(state.leaderKeeps, kept)
}

/** Is there a hole in this follower's history that nobody will fill? It must not serve stale reads for ever. */
export function fellBehind(state: State): boolean {
  return state.phase >= PHASE.SYNCHRONIZATION && state.leaderKeeps > state.lastHeld + 1
}

/** Ends a turn: one cumulative ACK for all that is kept, and NACKs for the holes that are known. */
export function followerFlush(state: State, tick: number): void {
  if (state.parkCount > 0) holdParked(state) // what had no room may have it now
  const kept = lastKept(state)
  if (kept > state.ackedTold || state.ackOwed) {
    sendToLeader(state, KIND.ACK, kept, state.joins)
    if (kept > state.ackedTold) {
      count(state, 'acks-sent')
      count(state, 'writes-in-acks', kept - state.ackedTold)
    }
    state.ackedTold = kept
    state.ackOwed = false
  }
  if (state.parkCount > 0) count(state, 'stall-order')
  if (state.lastHeld < state.lastProposed) askForHoles(state, tick)
}

/** Absolute index from which a follower keeps entries in any case: those not handed out yet. */
export function followerKeeps(state: State): number {
  return state.config.logged ? Math.min(state.applyNext, state.storeNext) : state.applyNext
}

function isMalformed(state: State, offset: number, counter: number, operations: number): boolean {
  return (
    counter < 1 ||
    counter > COUNTER_MAX - operations ||
    operations < 1 ||
    operations > DATAGRAM_OPERATIONS_MAX ||
    lengthOf(state.words, offset) < BODY_OFFSET + TAG_BYTES
  )
}

/** Does the entry before it have the epoch that its leader says? Then both histories are equal up to there. */
function continues(state: State, offset: number): boolean {
  return extensionOf(state.words, offset, PROPOSE.previous) === state.lastEpoch
}

/** The next proposal in order: copied into the history, where it stays until it is old. */
function hold(state: State, offset: number, counter: number, operations: number): boolean {
  const { history, words } = state
  const length = lengthOf(words, offset)
  const bytes = Math.ceil(length / DATAGRAM_ALIGN) * DATAGRAM_ALIGN
  if (historyRoom(history, bytes, followerKeeps(state)) === 0) return false
  state.bytes.copyWithin(history.head, offset, offset + length)
  const time = wideAt(words, (offset + HEADER.SIZE + PROPOSE.time) >>> 2)
  const epoch = extensionOf(words, offset, PROPOSE.epoch)
  historyAppend(history, counter, operations, bytes, epoch, time)
  state.lastHeld = counter + operations - 1
  state.lastEpoch = epoch
  count(state, 'writes-in-propose-received', operations)
  return true
}

/** Keeps an early proposal for when the hole before it is filled. */
function park(state: State, offset: number, counter: number): ProposeIgnored {
  let slot = -1
  let highest = 0
  for (let each = 0; each < state.config.parkSlots; each++) {
    const parked = at(state.parkCounter, each)
    if (parked === counter) return 'ignored-duplicate'
    if (slot >= 0 && at(state.parkCounter, slot) === 0) continue
    if (parked === 0 || parked > highest) slot = each
    highest = Math.max(highest, parked)
  }
  if (at(state.parkCounter, slot) !== 0) {
    // What is nearer is needed sooner.
    if (counter > highest) return 'ignored-beyond-window'
    freePark(state, slot)
  }
  const to = parkOffset(state, slot)
  state.bytes.copyWithin(to, offset, offset + lengthOf(state.words, offset))
  state.parkCounter[slot] = counter
  state.parkCount++
  return null
}

function holdParked(state: State): void {
  for (;;) {
    const slot = state.parkCounter.indexOf(state.lastHeld + 1)
    if (slot < 0) break
    const offset = parkOffset(state, slot)
    const operations = countOf(state.words, offset)
    if (continues(state, offset) && !hold(state, offset, state.lastHeld + 1, operations)) return
    freePark(state, slot)
    onCommitted(state, committedOf(state.words, offset))
  }
  // What was parked and came again in another way is of no use.
  for (let slot = 0; slot < state.config.parkSlots && state.parkCount > 0; slot++) {
    const counter = at(state.parkCounter, slot)
    if (counter !== 0 && counter <= state.lastHeld) freePark(state, slot)
  }
}

function freePark(state: State, slot: number): void {
  state.parkCounter[slot] = 0
  state.parkCount--
}

function parkOffset(state: State, slot: number): number {
  return state.config.parkOffset + slot * state.config.datagramBytes
}

/** Commits as far as the history goes without a hole. What is beyond is remembered for when it is filled. */
function onCommitted(state: State, committed: number): void {
  if (committed <= COUNTER_MAX) state.commitKnown = Math.max(state.commitKnown, committed)
  const { history } = state
  const target = Math.min(state.commitKnown, state.lastHeld)
  while (state.commitNext < history.next) {
    const last = historyLast(history, state.commitNext)
    if (last > target) break
    count(state, 'writes-committed', last - state.lastCommitted)
    state.lastCommitted = last
    state.commitNext++
  }
}

/** One NACK for each hole between what is held, what is parked and what the leader has proposed. */
function askForHoles(state: State, tick: number): void {
  const from = state.lastHeld + 1
  const again = from === state.nackedFrom
  if (again && tick < state.nackTick) return
  if (!again && from <= state.nackedTo) {
    // What was asked for is coming.
    state.nackedFrom = from
    state.nackTicks = NACK_TICKS_MIN
    state.nackTick = tick + state.nackTicks
    return
  }
  state.nackTicks = again ? Math.min(state.nackTicks * 2, NACK_TICKS_MAX) : NACK_TICKS_MIN
  state.nackedFrom = from
  state.nackTick = tick + state.nackTicks
  let hole = from
  for (let holes = 0; holes < HOLES_MAX && hole <= state.lastProposed; holes++) {
    const slot = lowestParked(state, hole)
    const to = slot < 0 ? state.lastProposed : at(state.parkCounter, slot) - 1
    if (to >= hole) {
      sendToLeader(state, KIND.NACK, hole, to)
      state.nackedTo = to
      count(state, 'nacks-sent')
    } else {
      holes--
    }
    if (slot < 0) return
    hole = at(state.parkCounter, slot) + countOf(state.words, parkOffset(state, slot))
  }
}

/** Park slot of the lowest counter at or after `from`, or -1. */
function lowestParked(state: State, from: number): number {
  let best = -1
  let bestCounter = Infinity
  for (let slot = 0; slot < state.config.parkSlots; slot++) {
    const counter = at(state.parkCounter, slot)
    if (counter < from || counter === 0 || counter >= bestCounter) continue
    best = slot
    bestCounter = counter
  }
  return best
}

function sendToLeader(state: State, kind: number, counter: number, committed: number): void {
  const offset = controlSlot(state)
  const round = kind === KIND.ACK ? state.roundHeard : 0
  writeHeader(state.words, offset, state.sender, kind, CONTROL_BYTES, state.acceptedEpoch, round)
  const whole = state.trust === TRUST.WHOLE && epochsAreStored(state)
  if (kind === KIND.ACK && whole) setFlags(state.words, offset, FLAG_WHOLE)
  setCounter(state.words, offset, counter)
  setCommitted(state.words, offset, committed)
  emitSend(state, state.leader, offset, CONTROL_BYTES, true)
}
