/**
 * Forwarding: writes of clients attached to a replica that does not lead, on their way to the leader.
 *
 * They are packed into FORWARD datagrams of a ring and stay there until they are applied: a leader that dies takes
 * nothing along, because the next one is sent them again (sessions see to it that each counts once). A replica that
 * becomes the leader orders its own ring first.
 * The link to a leader lasts as long as one joining of it; LINK.link carries the number of the joining.
 */

import { assert, at, item } from '../assert.js'
import type { Machine } from '../store/machine.js'
import { TAKEN } from '../store/machine.js'
import { counterOf, extensionOf, senderOf, writeHeader } from '../zab/header.js'
import { createHistory, historyAppend, historyClear, historyEntries, historyFind, historyRoom } from '../zab/history.js'
import type { History } from '../zab/history.js'
import {
  createLink,
  linkAckDue,
  linkOrder,
  linkOweAck,
  linkParked,
  linkRoom,
  linkSend,
  linkTook,
  linkUnpark,
  onLinkAck,
} from '../zab/link.js'
import type { Link } from '../zab/link.js'
import { NODES_MAX } from '../zab/limits.js'
import type { State } from '../zab/state.js'
import { emitSend, sendRoom } from '../zab/state.js'
import { HEADER, KIND, LINK } from '../zab/wire.js'
import type { Layout } from './layout.js'
import { dropParked, parkDatagram } from './parked.js'
import { sendDue, sendLinkAck } from './peer-link.js'
import type { Pool } from './pool.js'
import { poolGive } from './pool.js'

const FORWARD_ENTRIES_MAX = 1 << 15
const FORWARD_CREDITS = 512 //  FORWARDs that a leader takes unacknowledged from one follower
const RESEND_MAX = 64
const SEND_SLACK = 128 //       rows of a turn left for other messages

export interface Forwarding {
  readonly state: State
  readonly machine: Machine
  readonly parked: Pool
  readonly ring: History //       what this replica forwards; counter: the forward's number
  /** Numbers begin above those of every former life: RECORD.operation tells ours by them. */
  readonly base: number
  /** From followers, by replica id; null before the first FORWARD. */
  readonly from: (Link | null)[]
  /** To the leader; null while there is none, and at a leader. */
  to: Link | null
  /** A forward's number less its sequence in `to`. */
  toBase: number
  /** Number of the joining that `to` is for; -1: none. */
  joined: number
  readonly due: Float64Array
  sendNext: number //             absolute index in the ring of the next to send, or to order, for the first time
  forwards: number //             FORWARD datagrams sent for the first time
  writesForwarded: number
  forwardsTaken: number
  writesTaken: number
  resent: number
  stalls: number //               turns in which forwards waited for the leader's credit
}

/** `base`: microseconds since 1970, for example: no former life has come so far with its numbers. */
export function createForwarding(
  state: State,
  machine: Machine,
  parked: Pool,
  layout: Layout,
  base: number,
): Forwarding {
  const entries = historyEntries(layout.forwardBytes, FORWARD_ENTRIES_MAX)
  return {
    state,
    machine,
    parked,
    ring: createHistory(layout.forward, layout.forwardBytes, entries),
    base,
    from: new Array<Link | null>(NODES_MAX).fill(null),
    to: null,
    toBase: 0,
    joined: -1,
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

/** Number that the next packed forward will have. */
export function forwardNext(forwarding: Forwarding): number {
  return forwarding.base + forwarding.ring.next + 1
}

/** Room for packing at ring.head, or 0. What is applied, and acknowledged by the leader, is forgotten first. */
export function forwardRoom(forwarding: Forwarding, need: number, entries: number): number {
  const { ring, to } = forwarding
  const acked = to === null ? Infinity : forwarding.toBase + to.txAcked
  const done = Math.min(acked, forwarding.machine.forwardApplied())
  return historyRoom(ring, need, Math.min(indexAfter(forwarding, done), forwarding.sendNext), entries)
}

/** A packed entry at ring.head joins the queue. */
export function forward(forwarding: Forwarding, bytes: number, length: number, writes: number): void {
  const { ring, state } = forwarding
  writeHeader(state.words, ring.head, state.sender, KIND.FORWARD, length, 0, writes)
  historyAppend(ring, forwardNext(forwarding), 1, bytes, 0, 0)
  forwarding.writesForwarded += writes
}

/** A leader is followed: what is not applied goes to it, from the first on. */
export function joinLeader(forwarding: Forwarding, tick: number): void {
  const { state, ring } = forwarding
  forwarding.joined = state.joins
  forwarding.sendNext = indexAfter(forwarding, forwarding.machine.forwardApplied())
  forwarding.to = createLink(state.joins, FORWARD_CREDITS, tick)
  forwarding.toBase = forwarding.base + forwarding.sendNext
  assert(forwarding.sendNext <= ring.next, 'forward: only what was packed is sent')
}

/** This replica leads: its own ring is ordered before anything new. */
export function leadOwn(forwarding: Forwarding): void {
  forwarding.to = null
  forwarding.joined = -1
  forwarding.sendNext = indexAfter(forwarding, forwarding.machine.forwardApplied())
}

/** No leader: the ring waits. */
export function leaveLeader(forwarding: Forwarding): void {
  forwarding.to = null
  forwarding.joined = -1
}

/** The state machine begins anew and every client was told to ask again: nothing of the ring is owed. */
export function dropForwards(forwarding: Forwarding): void {
  historyClear(forwarding.ring)
  forwarding.sendNext = forwarding.ring.next
  leaveLeader(forwarding)
}

/** Leader, pack span open: orders what is left of its own ring. False: there is no room for all of it now. */
export function orderOwn(forwarding: Forwarding): boolean {
  const { ring } = forwarding
  while (forwarding.sendNext < ring.next) {
    const offset = at(ring.offset, forwarding.sendNext & ring.mask)
    const taken = forwarding.machine.forwarded(offset)
    if (taken === TAKEN.NO_ROOM) return false
    assert(taken === TAKEN.OK, 'forward: what was packed here is well formed')
    forwarding.sendNext++
  }
  return true
}

/** A FORWARD that passed the ladder of peers. The pack span is open. Returns why it was dropped, or null. */
export function onForward(forwarding: Forwarding, offset: number, tick: number): string | null {
  const { words } = forwarding.state
  const link = linkFrom(forwarding, senderOf(words, offset), extensionOf(words, offset, LINK.link), tick)
  if (link === null) return 'forward-of-former-join'
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

/** LINK_ACK for forwards: the leader tells how far it has taken ours. */
export function onForwardAck(forwarding: Forwarding, offset: number, tick: number): void {
  const { words } = forwarding.state
  const { to } = forwarding
  if (to === null || extensionOf(words, offset, LINK.link) !== forwarding.joined) return
  onLinkAck(to, words, offset, tick)
}

/** Leader, pack span open: forwards that waited for room. */
export function retryForwards(forwarding: Forwarding, tick: number): void {
  for (const link of forwarding.from) if (link !== null) drainForwards(forwarding, link, tick)
}

/** Ends a follower's turn: new forwards within the leader's credit, and what is to be sent again. */
export function followerForwards(forwarding: Forwarding, tick: number): void {
  const { ring, state, to } = forwarding
  if (to === null) return
  while (forwarding.sendNext < ring.next && linkRoom(to) > 0 && sendRoom(state) > SEND_SLACK) {
    const slot = forwarding.sendNext & ring.mask
    const offset = at(ring.offset, slot)
    const bytes = at(ring.bytes, slot)
    stampEpoch(state, offset)
    const sequence = linkSend(to, state.words, offset, bytes, tick)
    assert(forwarding.toBase + sequence === at(ring.counter, slot), 'forward: the link numbers as the ring does')
    emitSend(state, state.leader, offset, bytes, true)
    forwarding.sendNext++
    forwarding.forwards++
  }
  if (forwarding.sendNext < ring.next) forwarding.stalls++
  forwarding.resent += sendDue(state, to, forwarding.due, state.leader, SEND_SLACK, tick)
}

/** Ends a leader's turn: followers learn how far their forwards were taken. */
export function leaderForwardAcks(forwarding: Forwarding, tick: number): void {
  const { state } = forwarding
  for (let replica = 0; replica < NODES_MAX; replica++) {
    const link = forwarding.from[replica] ?? null
    if (link !== null && linkAckDue(link, tick)) sendLinkAck(state, link, replica, 0)
  }
}

/** A follower begins a new life: what it sent before is over. */
export function forgetFrom(forwarding: Forwarding, replica: number): void {
  const link = forwarding.from[replica] ?? null
  if (link === null) return
  dropParked(link, forwarding.parked)
  forwarding.from[replica] = null
}

/** The ring's index after the forward with that number; the ring's first when it is older. */
function indexAfter(forwarding: Forwarding, number: number): number {
  const { ring, base } = forwarding
  if (number >= base + ring.next) return ring.next
  return Math.max(historyFind(ring, number + 1), ring.first)
}

/** Words of HEADER that depend on who leads now. */
function stampEpoch(state: State, offset: number): void {
  state.words[(offset + HEADER.epoch) >>> 2] = state.acceptedEpoch
}

function linkFrom(forwarding: Forwarding, sender: number, join: number, tick: number): Link | null {
  const known = item(forwarding.from, sender)
  if (known !== null && join < known.remote) return null
  if (known !== null && join === known.remote) return known
  forgetFrom(forwarding, sender)
  const link = createLink(join, FORWARD_CREDITS, tick)
  forwarding.from[sender] = link
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
  return parkDatagram(link, forwarding.parked, forwarding.state, sequence, offset, tick) ? null : 'forward-no-room'
}
