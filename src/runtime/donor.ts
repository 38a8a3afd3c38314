/**
 * A leader's side of a snapshot's transfer: its state, taken while it serves, for a replica that lacks it.
 *
 * One transfer at a time; others wait. The bytes go over a reliable link (zab/link.ts) at the pace that the receiver's
 * credits allow, some with every turn. The history keeps what comes after the snapshot (leaderKeeps).
 */

import { assert, at } from '../assert.js'
import type { Machine } from '../store/machine.js'
import { countOf, senderOf, setFlags, writeHeader } from '../zab/header.js'
import {
  createLink,
  linkOffset,
  linkRoom,
  linkSend,
  linkUnacked,
  onLinkAck,
} from '../zab/link.js'
import type { Link } from '../zab/link.js'
import { NODES_MAX } from '../zab/limits.js'
import type { State } from '../zab/state.js'
import { emitSend, PHASE, ROLE, sendRoom } from '../zab/state.js'
import { appliedEpoch, offerSnapshot, TRANSFER_WANTED } from '../zab/synchronization.js'
import { BODY_OFFSET, HEADER, KIND, setWide, TAG_BYTES } from '../zab/wire.js'
import type { Layout } from './layout.js'
import { PART_BYTES } from './layout.js'
import { createPool, poolGive, poolTake } from './pool.js'
import { sendDue } from './peer-link.js'
import type { Pool } from './pool.js'

/** HEADER.flags of the last datagram of a snapshot. */
export const FLAG_LAST = 1
/** And how many bytes of padding, 0 to 3, fill its last word. */
export const PADDING_SHIFT = 1
const CREDITS = 8 //        it takes nothing but acknowledgements
const SEND_SLACK = 256 //   rows of a turn left for other messages
const PARTS_MAX = 8 //      of the snapshot, in one turn
const RESEND_MAX = 64
/** Silence, in failure times, after which a receiver is given up. */
const GONE_FAILURES = 5

export interface Donor {
  readonly state: State
  readonly machine: Machine
  readonly slots: Pool
  readonly partOffset: number
  readonly due: Float64Array
  /** Null while nothing is transferred. */
  link: Link | null
  to: number
  transfer: number //   number of the present or last transfer
  partNext: number //   bytes of the part that have gone
  partBytes: number
  complete: boolean //  the last datagram was sent
  transfers: number
  bytes: number
}

export function createDonor(state: State, machine: Machine, layout: Layout): Donor {
  return {
    state,
    machine,
    slots: createPool(layout.transfer, state.config.datagramBytes, layout.slots.transfer),
    partOffset: layout.part,
    due: new Float64Array(RESEND_MAX),
    link: null,
    to: -1,
    transfer: 0,
    partNext: 0,
    partBytes: 0,
    complete: false,
    transfers: 0,
    bytes: 0,
  }
}

/** Ends a turn: begins a transfer that is wanted, or goes on with one. `free`: no other snapshot is being taken. */
export function donorTick(donor: Donor, free: boolean, tick: number): void {
  const { state } = donor
  const leads = state.role === ROLE.LEADING && state.phase >= PHASE.SYNCHRONIZATION
  if (donor.link !== null && leads && isGone(donor, tick)) state.peers.transfer[donor.to] = 0
  if (donor.link !== null && (!leads || at(state.peers.transfer, donor.to) !== donor.transfer)) endTransfer(donor)
  if (!leads) return
  if (donor.link === null && free) begin(donor, tick)
  if (donor.link !== null) goOn(donor, donor.link, tick)
}

/** LINK_ACK of a transfer. */
export function onTransferAck(donor: Donor, offset: number, tick: number): void {
  const { words } = donor.state
  const { link } = donor
  if (link === null || countOf(words, offset) !== donor.transfer || senderOf(words, offset) !== donor.to) return
  const before = link.txAcked
  if (!onLinkAck(link, words, offset, tick)) return
  for (let sequence = before + 1; sequence <= link.txAcked; sequence++) {
    poolGive(donor.slots, at(link.txOffset, sequence & link.txMask))
  }
}

/** Is a snapshot under way to somebody? */
export function isGiving(donor: Donor): boolean {
  return donor.link !== null
}

/** Stops what is under way: the receiver is gone, or this replica leads no more. */
export function endTransfer(donor: Donor): void {
  const { link } = donor
  if (link === null) return
  for (let sequence = link.txAcked + 1; sequence < link.txNext; sequence++) {
    poolGive(donor.slots, linkOffset(link, sequence))
  }
  assert(donor.slots.count === donor.slots.free.length, 'donor: every slot comes back')
  donor.machine.snapshotEnd()
  donor.link = null
}

/** Its receiver is silent: others must not wait for it. When it comes back it asks anew (learner.ts). */
function isGone(donor: Donor, tick: number): boolean {
  const { state, to } = donor
  return tick - at(state.peers.activeTick, to) > state.config.failureTicks * GONE_FAILURES
}

function begin(donor: Donor, tick: number): void {
  const { state, machine } = donor
  for (let id = 0; id < NODES_MAX; id++) {
    if (at(state.peers.transfer, id) !== TRANSFER_WANTED) continue
    if (!machine.snapshotBegin()) return
    donor.transfer++
    donor.transfers++
    donor.to = id
    donor.link = createLink(donor.transfer, CREDITS, tick)
    donor.partNext = 0
    donor.partBytes = 0
    donor.complete = false
    assert(machine.applied() === state.lastApplied, 'donor: what was handed out is applied')
    offerSnapshot(state, id, donor.transfer, state.lastApplied, appliedEpoch(state))
    return
  }
}

function goOn(donor: Donor, link: Link, tick: number): void {
  const { state } = donor
  let parts = 0
  while (!donor.complete && linkRoom(link) > 0 && donor.slots.count > 0 && sendRoom(state) > SEND_SLACK) {
    if (donor.partNext === donor.partBytes) {
      if (parts++ === PARTS_MAX) break
      donor.partNext = 0
      donor.partBytes = donor.machine.snapshotNext(donor.partOffset, PART_BYTES)
    }
    sendSome(donor, link, tick)
  }
  sendDue(state, link, donor.due, donor.to, SEND_SLACK, tick)
  if (donor.complete && linkUnacked(link) === 0) endTransfer(donor)
}

/** One datagram of the part; an empty last one when the snapshot is complete. */
function sendSome(donor: Donor, link: Link, tick: number): void {
  const { state } = donor
  const { datagramBytes } = state.config
  const offset = poolTake(donor.slots)
  const room = datagramBytes - BODY_OFFSET - TAG_BYTES
  const bytes = Math.min(room, donor.partBytes - donor.partNext)
  const from = donor.partOffset + donor.partNext
  state.bytes.copyWithin(offset + BODY_OFFSET, from, from + bytes)
  const padding = -bytes & 3 // a datagram is whole words
  const length = BODY_OFFSET + bytes + padding + TAG_BYTES
  state.bytes.fill(0, offset + BODY_OFFSET + bytes, offset + length)
  writeHeader(state.words, offset, state.sender, KIND.SNAPSHOT, length, state.acceptedEpoch, donor.transfer)
  donor.complete = donor.partBytes === 0
  setFlags(state.words, offset, (donor.complete ? FLAG_LAST : 0) | (padding << PADDING_SHIFT))
  setWide(state.words, (offset + HEADER.counter) >>> 2, 0)
  linkSend(link, state.words, offset, length, tick)
  emitSend(state, donor.to, offset, length, true)
  donor.partNext += bytes
  donor.bytes += bytes
}
