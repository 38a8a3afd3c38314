/**
 * Forwarding: writes of clients attached to a follower, on their way to the leader.
 *
 * A follower packs them into FORWARD datagrams of a ring of its own and keeps each until the leader has taken it;
 * the link between the two keeps their order. The leader packs the records into its proposals.
 * A forward's sequence is its sequence in the link, and is stamped in its records (RECORD.operation).
 */

import { assert, at } from '../assert.js'
import type { Machine } from '../store/machine.js'
import { TAKEN } from '../store/machine.js'
import { counterOf, lengthOf, senderOf, writeHeader } from '../zab/header.js'
import { createHistory, historyAppend, historyFind, historyRoom } from '../zab/history.js'
import type { History } from '../zab/history.js'
import {
  createLink,
  linkAckDue,
  linkDue,
  linkLength,
  linkOffset,
  linkOrder,
  linkOweAck,
  linkPark,
  linkParked,
  linkRoom,
  linkSend,
  linkStamp,
  linkTook,
  linkUnpark,
  onLinkAck,
} from '../zab/link.js'
import type { Link } from '../zab/link.js'
import { REPLICAS_MAX } from '../zab/limits.js'
import type { State } from '../zab/state.js'
import { controlSlot, emitSend, sendRoom } from '../zab/state.js'
import { BODY_OFFSET, HEADER, KIND, setWide, TAG_BYTES } from '../zab/wire.js'
import type { Layout } from './layout.js'
import type { Pool } from './pool.js'
import { poolGive, poolTake } from './pool.js'

const FORWARD_ENTRIES = 1 << 15
const FORWARD_CREDITS = 512 //  FORWARDs that a leader takes unacknowledged from one follower
const RESEND_MAX = 64
const SEND_SLACK = 128 //       rows of a turn left for other messages
const NOTE_BYTES = BODY_OFFSET + TAG_BYTES

export interface Forwarding {
  readonly state: State
  readonly machine: Machine
  readonly parked: Pool
  readonly ring: History //       what this replica forwards; counter: the forward's sequence
  readonly links: Link[] //       by replica id: to the leader (following) or from a follower (leading)
  readonly due: Float64Array
  sendNext: number //             absolute index in the ring of the next to send for the first time
  forwards: number //             FORWARD datagrams sent for the first time
  writesForwarded: number
  forwardsTaken: number
  writesTaken: number
  resent: number
  stalls: number //               turns in which forwards waited for the leader's credit
}

export function createForwarding(
  state: State,
  machine: Machine,
  parked: Pool,
  layout: Layout,
  tick: number,
): Forwarding {
  const links: Link[] = []
  for (let replica = 0; replica < REPLICAS_MAX; replica++) {
    links.push(createLink(replica, FORWARD_CREDITS, tick))
  }
  return {
    state,
    machine,
    parked,
    ring: createHistory(layout.forward, layout.forwardBytes, FORWARD_ENTRIES),
    links,
    due: new Float64Array(RESEND_MAX),
    sendNext: 0,
    forwards: 0,
    writesForwarded: 0,
    forwardsTaken: 0,
    writesTaken: 0,
    resent: 0,
    stalls: 0,
  }
}

/** Sequence that the next packed forward will have. */
export function forwardNext(forwarding: Forwarding): number {
  return forwarding.ring.next + 1
}

/** Room for packing at ring.head, or 0. What the leader has taken and everyone applied is forgotten first. */
export function forwardRoom(forwarding: Forwarding, need: number): number {
  const { ring } = forwarding
  const done = Math.min(linkToLeader(forwarding).txAcked, forwarding.machine.forwardApplied())
  const keep = done >= ring.next ? ring.next : Math.max(historyFind(ring, done + 1), ring.first)
  return historyRoom(ring, need, Math.min(keep, forwarding.sendNext))
}

/** A packed entry at ring.head joins the queue. */
export function forward(
  forwarding: Forwarding,
  bytes: number,
  length: number,
  writes: number,
): void {
  const { ring, state } = forwarding
  const kind = KIND.FORWARD
  writeHeader(state.words, ring.head, state.sender, kind, length, state.currentEpoch, writes)
  historyAppend(ring, forwardNext(forwarding), 1, bytes, 0, 0)
  forwarding.writesForwarded += writes
}

/** A FORWARD that passed the ladder of peers. The pack span is open. Returns why it was dropped, or null. */
export function onForward(forwarding: Forwarding, offset: number, tick: number): string | null {
  const { words } = forwarding.state
  const link = forwarding.links[senderOf(words, offset)]
  assert(link !== undefined, 'onForward: the ladder lets members through only')
  const sequence = counterOf(words, offset)
  switch (linkOrder(link, sequence)) {
    case 'next': {
      const ignored = takeForward(forwarding, link, offset, false, tick)
      if (ignored === null) drainForwards(forwarding, link, tick)
      return ignored
    }
    case 'early':
      return park(forwarding, link, sequence, offset, tick)
    case 'duplicate':
      linkOweAck(link, tick)
      return 'forward-duplicate'
    case 'beyond':
      return 'forward-beyond-window'
  }
}

/** LINK_ACK between replicas: the leader tells how far it has taken our forwards. */
export function onForwardAck(forwarding: Forwarding, offset: number, tick: number): void {
  const { words } = forwarding.state
  const link = forwarding.links[senderOf(words, offset)]
  if (link !== undefined) onLinkAck(link, words, offset, tick)
}

/** Starts a leader's turn: forwards that waited for room. */
export function retryForwards(forwarding: Forwarding, tick: number): void {
  for (const link of forwarding.links) drainForwards(forwarding, link, tick)
}

/** Ends a follower's turn: new forwards within the leader's credit, and what is to be sent again. */
export function followerForwards(forwarding: Forwarding, tick: number): void {
  const { ring, state } = forwarding
  const link = linkToLeader(forwarding)
  while (
    forwarding.sendNext < ring.next &&
    linkRoom(link) > 0 &&
    sendRoom(state) > SEND_SLACK
  ) {
    const slot = forwarding.sendNext & ring.mask
    const offset = at(ring.offset, slot)
    const bytes = at(ring.bytes, slot)
    const sequence = linkSend(link, state.words, offset, bytes, tick)
    assert(sequence === at(ring.counter, slot), 'forward: the link numbers as the ring does')
    emitSend(state, state.leader, offset, bytes, true)
    forwarding.sendNext++
    forwarding.forwards++
  }
  if (forwarding.sendNext < ring.next) forwarding.stalls++
  const due = linkDue(link, tick, forwarding.due)
  for (let index = 0; index < due && sendRoom(state) > SEND_SLACK; index++) {
    const sequence = at(forwarding.due, index)
    const offset = linkOffset(link, sequence)
    linkStamp(link, state.words, offset)
    emitSend(state, state.leader, offset, linkLength(link, sequence), true)
    forwarding.resent++
  }
}

/** Ends a leader's turn: followers learn how far their forwards were taken. */
export function leaderForwardAcks(forwarding: Forwarding, tick: number): void {
  const { state } = forwarding
  for (let replica = 0; replica < state.config.members; replica++) {
    const link = forwarding.links[replica]
    if (link === undefined || !linkAckDue(link, tick)) continue
    const offset = controlSlot(state)
    const epoch = state.currentEpoch
    writeHeader(state.words, offset, state.sender, KIND.LINK_ACK, NOTE_BYTES, epoch, 0)
    setWide(state.words, (offset + HEADER.counter) >>> 2, 0)
    linkStamp(link, state.words, offset)
    emitSend(state, replica, offset, NOTE_BYTES, true)
  }
}

function linkToLeader(forwarding: Forwarding): Link {
  const link = forwarding.links[forwarding.state.leader]
  assert(link !== undefined, 'forwarding: a follower has a leader')
  return link
}

function takeForward(
  forwarding: Forwarding,
  link: Link,
  offset: number,
  parked: boolean,
  tick: number,
): string | null {
  const taken = forwarding.machine.forwarded(offset)
  if (taken === TAKEN.NO_ROOM) {
    return parked ? 'forward-no-room' : park(forwarding, link, link.rxNext, offset, tick)
  }
  // A member's forward that is malformed would be malformed again: it is counted and passed over.
  const writes = at(forwarding.state.words, (offset + HEADER.count) >>> 2)
  if (parked) {
    linkUnpark(link)
    poolGive(forwarding.parked, offset)
  }
  linkTook(link, tick)
  if (taken === TAKEN.MALFORMED) return 'forward-malformed'
  forwarding.forwardsTaken++
  forwarding.writesTaken += writes
  return null
}

function drainForwards(forwarding: Forwarding, link: Link, tick: number): void {
  for (;;) {
    const offset = linkParked(link)
    if (offset < 0 || takeForward(forwarding, link, offset, true, tick) === 'forward-no-room') {
      return
    }
  }
}

function park(
  forwarding: Forwarding,
  link: Link,
  sequence: number,
  offset: number,
  tick: number,
): string | null {
  const slot = poolTake(forwarding.parked)
  if (slot < 0) return 'forward-no-room'
  const { state } = forwarding
  state.bytes.copyWithin(slot, offset, offset + lengthOf(state.words, offset))
  linkPark(link, sequence, slot, tick)
  return null
}
