/**
 * Receiving: every datagram passes a ladder of checks and is taken, parked until its turn, or
 * dropped with a reason. Nothing that the network says is asserted.
 */

import { at } from '../assert.js'
import { RX_ROW } from '../transport/endpoint.js'
import {
  committedOf,
  counterOf,
  countOf,
  extensionOf,
  incarnationOf,
  lengthOf,
  senderOf,
} from '../zab/header.js'
import { COUNTER_MAX } from '../zab/limits.js'
import {
  linkOrder,
  linkOweAck,
  linkPark,
  linkParked,
  linkTook,
  linkUnpark,
  onLinkAck,
} from '../zab/link.js'
import type { Link } from '../zab/link.js'
import { BODY_OFFSET, HEADER, KIND, LINK, REFUSAL, TAG_BYTES, wideAt } from '../zab/wire.js'
import { RECORD_ROW } from '../store/machine.js'
import { onReplyRecord } from './answers.js'
import { attached, leave } from './attach.js'
import type { Core } from './core.js'
import { ticksOf } from './core.js'
import { countDrop } from './counts.js'
import type { ClientDrop } from './counts.js'
import { giveSlot, takeSlot } from './slots.js'

/** Bursts of one turn: a flood must not keep the turn from sending. */
const BURSTS_MAX = 16

/** Takes what has arrived. Returns the datagrams. */
export function drain(core: Core, now: number): number {
  const { endpoint } = core
  const rows = endpoint.rxRows[0]
  if (rows === undefined) return 0
  let received = 0
  for (let burst = 0; burst < BURSTS_MAX; burst++) {
    const count = endpoint.rxBurst(0)
    if (count === 0) break
    for (let row = 0; row < count; row++) {
      const word = row * RX_ROW.WORDS
      onDatagram(core, at(rows, word + RX_ROW.offset), at(rows, word + RX_ROW.kind), now)
    }
    endpoint.postReceives(0)
    received += count
  }
  return received
}

function onDatagram(core: Core, offset: number, kind: number, now: number): void {
  switch (kind) {
    case KIND.REPLY:
    case KIND.LINK_ACK:
    case KIND.BYE:
      return onLinkDatagram(core, offset, kind, now)
    case KIND.WELCOME:
      return onWelcome(core, offset, now)
    case KIND.REFUSED:
      return onRefused(core, offset, now)
    default:
      return countDrop(core.counts, 'unknown-kind')
  }
}

function ignoreLinkDatagram(core: Core, offset: number): ClientDrop | null {
  const { words, attach } = core
  if (core.link === null || attach.member === null) return 'no-link'
  if (senderOf(words, offset) !== attach.member.replica) return 'other-sender'
  if (incarnationOf(words, offset) !== attach.incarnation) return 'other-incarnation'
  if (extensionOf(words, offset, LINK.link) !== attach.index) return 'stale-link'
  return null
}

function onLinkDatagram(core: Core, offset: number, kind: number, now: number): void {
  const ignored = ignoreLinkDatagram(core, offset)
  const { link } = core
  if (ignored !== null || link === null) return countDrop(core.counts, ignored ?? 'no-link')
  takeAcknowledgement(core, link, offset, now)
  if (kind === KIND.BYE) leave(core, 'said-bye', now)
  else if (kind === KIND.REPLY) onReply(core, link, offset, now)
}

function takeAcknowledgement(core: Core, link: Link, offset: number, now: number): void {
  const before = link.txAcked
  if (!onLinkAck(link, core.words, offset, ticksOf(now))) {
    // One that was overtaken says less than is known: usual where datagrams reorder.
    if (committedOf(core.words, offset) > link.txNext) countDrop(core.counts, 'bad-ack')
    return
  }
  for (let sequence = before + 1; sequence <= link.txAcked; sequence++) {
    giveSlot(core.requests, at(link.txOffset, sequence & link.txMask))
  }
}

function onReply(core: Core, link: Link, offset: number, now: number): void {
  const { counts, words } = core
  const sequence = counterOf(words, offset)
  switch (linkOrder(link, sequence)) {
    case 'next':
      if (takeReply(core, offset, now)) takeParked(core, link, now)
      return
    case 'early':
      return park(core, link, sequence, offset, now)
    case 'duplicate':
      linkOweAck(link, ticksOf(now))
      return countDrop(counts, 'duplicate')
    case 'beyond':
      return countDrop(counts, 'beyond-window')
  }
}

function park(core: Core, link: Link, sequence: number, offset: number, now: number): void {
  const slot = takeSlot(core.parked)
  if (slot < 0) return countDrop(core.counts, 'no-park-slot')
  core.slab.copyWithin(slot, offset, offset + lengthOf(core.words, offset))
  linkPark(link, sequence, slot, ticksOf(now))
}

function takeParked(core: Core, link: Link, now: number): void {
  for (;;) {
    const slot = linkParked(link)
    if (slot < 0) return
    linkUnpark(link)
    giveSlot(core.parked, slot)
    if (!takeReply(core, slot, now)) return
  }
}

/** The next REPLY in order. False: it was malformed, and the link is left. */
function takeReply(core: Core, offset: number, now: number): boolean {
  const { link, words, codec, counts } = core
  if (link === null) return false
  linkTook(link, ticksOf(now))
  counts.replyDatagrams++
  const applied = wideAt(words, (offset + HEADER.epoch) >>> 2)
  const bytes = lengthOf(words, offset) - BODY_OFFSET - TAG_BYTES
  const rows = applied > COUNTER_MAX || bytes < 0 ? -1 : codec.records(offset + BODY_OFFSET, bytes)
  let isSound = rows >= 0
  for (let row = 0; isSound && row < rows; row++) isSound = takeRecord(core, row)
  if (!isSound) {
    countDrop(counts, 'malformed')
    leave(core, 'malformed', now)
    return false
  }
  if (applied > core.lastSeen) core.lastSeen = applied
  core.attach.fruitless = 0
  return true
}

function takeRecord(core: Core, row: number): boolean {
  const { recordRows } = core.codec
  const word = row * RECORD_ROW.WORDS
  return onReplyRecord(
    core,
    at(recordRows, word + RECORD_ROW.offset),
    at(recordRows, word + RECORD_ROW.count),
    wideAt(recordRows, word + RECORD_ROW.session),
    wideAt(recordRows, word + RECORD_ROW.operation),
  )
}

function onWelcome(core: Core, offset: number, now: number): void {
  const { words, attach, counts } = core
  if (attach.member === null || senderOf(words, offset) !== attach.member.replica) {
    return countDrop(counts, 'other-sender')
  }
  if (extensionOf(words, offset, LINK.link) !== attach.index) return countDrop(counts, 'stale-link')
  if (attach.phase !== 'hello') return countDrop(counts, 'duplicate')
  const remote = at(words, (offset + HEADER.sender) >>> 2) >>> 16
  const credits = extensionOf(words, offset, LINK.credits)
  attached(core, incarnationOf(words, offset), remote, credits, now)
}

/**
 * Echoes what was said: LINK.link as it was sent, and in LINK.credits this client's incarnation.
 */
function onRefused(core: Core, offset: number, now: number): void {
  const { words, attach, link, counts } = core
  if (attach.member === null || senderOf(words, offset) !== attach.member.replica) {
    return countDrop(counts, 'other-sender')
  }
  if (extensionOf(words, offset, LINK.credits) !== core.sender.incarnation) {
    return countDrop(counts, 'other-incarnation')
  }
  const refusal = countOf(words, offset)
  const named = extensionOf(words, offset, LINK.link)
  if (link !== null && refusal === REFUSAL.UNKNOWN_LINK) {
    if (named !== link.remote) return countDrop(counts, 'stale-link')
    return leave(core, 'unknown-link', now)
  }
  if (attach.phase !== 'hello') return countDrop(counts, 'no-link')
  if (named !== attach.index) return countDrop(counts, 'stale-link')
  attach.refusal = refusal
  leave(core, 'refused', now)
}
