/**
 * Leader: fills the holes that followers ask for. A short one at once; a long one, of a follower that comes back, as
 * fast as its acknowledgements come: what would not fit its queue would be lost, and asked for again.
 *
 * Nothing is sent again unasked: a follower learns of a lost tail from the next heartbeat.
 */

import { at } from '../assert.js'
import { committedOf, counterOf, lengthOf, setCommitted, setCounter, writeHeader } from './header.js'
import { historyFind, historyFirst, historyLast } from './history.js'
import { NODES_MAX } from './limits.js'
import type { State } from './state.js'
import { controlSlot, count, emitSend, sendRoom } from './state.js'
import { CONTROL_BYTES, KIND } from './wire.js'

/** Entries of a hole that is filled at once. */
const SHORT_HOLE = 32
/** What is sent again in a turn is at most this part of what a queue can take. */
const RESEND_WINDOWS = 4
/** What the kernel counts of a queue for a datagram beyond its bytes. */
const QUEUE_OVERHEAD_BYTES = 1024
const STREAM_ENTRIES_MIN = 16
/** 30 ms: so long what was streamed may be on its way, or wait for a follower that has no time. */
const STREAM_AGAIN_TICKS = 300
/** Rows of a turn left for other messages. */
export const ROWS_SLACK = 64

/** A follower asks for what it lacks. */
export function onNack(state: State, sender: number, offset: number, tick: number): void {
  const { history, peers } = state
  const from = Math.max(counterOf(state.words, offset), 1)
  const to = Math.min(committedOf(state.words, offset), sentLast(state))
  count(state, 'nacks-received')
  peers.activeTick[sender] = tick
  if (from > to) return
  const first = historyFind(history, from)
  if (first < 0) return tellGone(state, sender)
  const last = historyFind(history, to)
  if (last - first < SHORT_HOLE) {
    for (let index = first; index <= last; index++) if (!resend(state, sender, index)) return
    return
  }
  askForStream(state, sender, first, last, tick)
}

/**
 * A long hole. What was sent is not sent again as long as acknowledgements come, or might still: on a machine that has
 * no time for the follower each sending more would make it later.
 */
function askForStream(state: State, sender: number, first: number, last: number, tick: number): void {
  const { peers } = state
  const next = at(peers.streamNext, sender)
  const end = at(peers.streamEnd, sender)
  if (next >= 0) peers.streamLast[sender] = Math.max(at(peers.streamLast, sender), last)
  // Holes come in order: a later one is on the way of the stream that the first began.
  if (next >= 0 && first > next) return
  const quiet = tick - Math.max(at(peers.progressTick, sender), at(peers.streamTick, sender))
  if (first < end && quiet < STREAM_AGAIN_TICKS) {
    if (next >= 0 || last < end) return
    peers.streamNext[sender] = end
  } else {
    peers.streamNext[sender] = first
    peers.streamTick[sender] = tick
  }
  peers.streamLast[sender] = last
}

/** Ends a turn: what followers that are far behind may be sent now. */
export function fillHoles(state: State): void {
  // Who is flooded loses more, and asks for more: what it gets again must not hold up the others.
  state.resendRoom = Math.floor(state.config.windowBytes / RESEND_WINDOWS)
  for (let id = 0; id < NODES_MAX; id++) if (at(state.peers.streamNext, id) >= 0) stream(state, id)
}

/** Counter of the last operation that was sent at least once. */
export function sentLast(state: State): number {
  if (state.sendNext === state.history.first) return state.lastCommitted
  return historyLast(state.history, state.sendNext - 1)
}

function stream(state: State, id: number): void {
  const { history, peers, config } = state
  const acked = at(state.acked, id)
  const held = acked >= sentLast(state) ? state.sendNext : historyFind(history, acked + 1)
  const next = Math.max(at(peers.streamNext, id), held)
  if (next < history.first) {
    peers.streamNext[id] = -1
    return tellGone(state, id)
  }
  const window = Math.floor(config.windowBytes / (config.datagramBytes + QUEUE_OVERHEAD_BYTES))
  const end = Math.min(Math.max(held, history.first) + Math.max(window, STREAM_ENTRIES_MIN), state.sendNext)
  const last = at(peers.streamLast, id)
  let index = next
  // The other half is for short holes, which come before the next turn's end: without them a stream is of no use.
  const reserve = state.config.windowBytes / RESEND_WINDOWS / 2
  while (index < end && index <= last && state.resendRoom > reserve && resend(state, id, index)) index++
  peers.streamEnd[id] = Math.max(at(peers.streamEnd, id), index)
  peers.streamNext[id] = index > last || index >= state.sendNext ? -1 : index
}

/**
 * Entries of former epochs leave with this leader's name on them; the epoch in which they were proposed stays. False:
 * no more in this turn.
 */
function resend(state: State, follower: number, index: number): boolean {
  const { history, words } = state
  if (state.resendRoom <= 0 || sendRoom(state) <= ROWS_SLACK) return false
  const slot = index & history.mask
  const offset = at(history.offset, slot)
  const bytes = at(history.bytes, slot)
  const operations = at(history.count, slot)
  state.resendRoom -= bytes
  writeHeader(words, offset, state.sender, KIND.PROPOSE, lengthOf(words, offset), state.acceptedEpoch, operations)
  setCommitted(words, offset, state.lastCommitted)
  emitSend(state, follower, offset, bytes, true)
  count(state, 'propose-resent')
  return true
}

/** What the follower asks for is no longer kept: a NACK of the leader's names the oldest counter that is. */
function tellGone(state: State, follower: number): void {
  const { history } = state
  count(state, 'ignored-not-kept')
  const kept = history.first === history.next ? state.lastProposed + 1 : historyFirst(history)
  const offset = controlSlot(state)
  writeHeader(state.words, offset, state.sender, KIND.NACK, CONTROL_BYTES, state.acceptedEpoch, 0)
  setCounter(state.words, offset, kept)
  setCommitted(state.words, offset, state.lastProposed)
  emitSend(state, follower, offset, CONTROL_BYTES, true)
}
