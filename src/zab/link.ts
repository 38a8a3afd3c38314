/**
 * A link: a reliable, ordered stream of datagrams in both directions between two endpoints that lose, repeat
 * and reorder. Clients and their replica speak over one, and so do a follower and its leader (forwarded writes).
 *
 * Pure: the owner sends what it is told to and lends the slots. Each direction numbers its datagrams from one;
 * acknowledgements are cumulative, with a 64-bit map of what came early, so that only holes are sent again.
 * Nothing is sent twice that was acknowledged; nothing is delivered twice; nothing overtakes.
 *
 * Used by runtime/home.ts, runtime/forwarding.ts and client/. Upholds: delivery in order, exactly once per link.
 */

import { assert, at } from '../assert.js'
import { HEADER, LINK, setWide, wideAt } from './wire.js'

/** Datagrams that may wait for a hole before them: one bit each in the map. */
export const LINK_EARLY_MAX = 64
/** Datagrams unacknowledged in one direction, at most; rings grow to it on demand. A power of two. */
export const LINK_WINDOW_MAX = 2048
const LINK_WINDOW_MIN = 32

// In ticks (limits.ts).
const RESEND_TICKS_MIN = 100 //     10 ms: longer than a delayed acknowledgement and a scheduler's turn
const RESEND_TICKS_MAX = 2_000 //   200 ms
const HOLE_TICKS = 10 //            a hole is not filled again sooner than this
const ACK_DELAY_TICKS = 20 //       an acknowledgement waits this long for something to ride on

export interface Link {
  /** What the far side calls this link: goes into LINK.link. */
  remote: number
  /** Datagrams that this side will take beyond what it acknowledged. */
  credits: number

  txNext: number //    sequence of the next new datagram
  txAcked: number //   everything up to it is acknowledged
  txAllowed: number // last sequence that the far side's credits permit
  txMask: number
  txOffset: Uint32Array //    slab offset by sequence
  txLength: Uint32Array //    bytes on the wire by sequence
  txTick: Float64Array //     when it was last sent
  txAgain: Uint8Array //      sent more than once: gives no round-trip sample
  sackLow: number //          what the far side has beyond a hole, as it last said
  sackHigh: number
  roundTrip: number //        smoothed, ticks
  resendTicks: number //      current patience, doubled while nothing is heard
  progressTick: number //     when the acknowledgement last rose
  recoverTo: number //        patience ran out with this as the highest sequence sent: all up to it may be lost
  recoverBurst: number //     datagrams to send again at once while recovering; doubles with every progress
  dueTick: number //          no datagram is due before it

  rxNext: number //    sequence expected
  rxEarly: Uint32Array // parked slab offset + 1 by sequence modulo LINK_EARLY_MAX, 0: none
  rxEarlyCount: number
  ackOwed: number //   datagrams taken since the far side was last told
  ackTick: number //   when the first of them was taken
  heardTick: number // when anything valid last came

  resent: number //    datagrams sent again, in all
}

export function createLink(remote: number, credits: number, tick: number): Link {
  return {
    remote,
    credits,
    txNext: 1,
    txAcked: 0,
    txAllowed: LINK_WINDOW_MIN,
    txMask: LINK_WINDOW_MIN - 1,
    txOffset: new Uint32Array(LINK_WINDOW_MIN),
    txLength: new Uint32Array(LINK_WINDOW_MIN),
    txTick: new Float64Array(LINK_WINDOW_MIN),
    txAgain: new Uint8Array(LINK_WINDOW_MIN),
    sackLow: 0,
    sackHigh: 0,
    roundTrip: 0,
    resendTicks: RESEND_TICKS_MIN,
    progressTick: tick,
    recoverTo: 0,
    recoverBurst: 1,
    dueTick: 0,
    rxNext: 1,
    rxEarly: new Uint32Array(LINK_EARLY_MAX),
    rxEarlyCount: 0,
    ackOwed: 0,
    ackTick: 0,
    heardTick: tick,
    resent: 0,
  }
}

/** Datagrams sent and not acknowledged. */
export function linkUnacked(link: Link): number {
  return link.txNext - 1 - link.txAcked
}

/** Datagrams that may be sent now. */
export function linkRoom(link: Link): number {
  const window = link.txAcked + LINK_WINDOW_MAX
  return Math.max(0, Math.min(link.txAllowed, window) - (link.txNext - 1))
}

/**
 * Numbers the datagram at `offset` and remembers it until it is acknowledged: its slot is lent for as long.
 * Fills the fields of the link; the caller writes kind, length and the rest of the header before it is sealed.
 */
export function linkSend(link: Link, words: Uint32Array, offset: number, length: number, tick: number): number {
  assert(linkRoom(link) > 0, 'linkSend: the far side has given credit')
  const sequence = link.txNext++
  if (sequence - link.txAcked > link.txMask + 1) grow(link)
  const slot = sequence & link.txMask
  link.txOffset[slot] = offset
  link.txLength[slot] = length
  link.txTick[slot] = tick
  link.txAgain[slot] = 0
  if (linkUnacked(link) === 1) link.dueTick = tick + link.resendTicks
  setWide(words, (offset + HEADER.counter) >>> 2, sequence)
  linkStamp(link, words, offset)
  return sequence
}

/** Writes what this side has to say about the other direction into a datagram that is about to leave. */
export function linkStamp(link: Link, words: Uint32Array, offset: number): void {
  setWide(words, (offset + HEADER.committed) >>> 2, link.rxNext)
  const word = (offset + HEADER.SIZE) >>> 2
  words[word + (LINK.link >>> 2)] = link.remote
  words[word + (LINK.credits >>> 2)] = link.credits
  let low = 0
  let high = 0
  if (link.rxEarlyCount > 0) {
    for (let bit = 0; bit < LINK_EARLY_MAX; bit++) {
      if (link.rxEarly[(link.rxNext + 1 + bit) % LINK_EARLY_MAX] === 0) continue
      if (bit < 32) low |= 1 << bit
      else high |= 1 << (bit - 32)
    }
  }
  words[word + (LINK.sackLow >>> 2)] = low >>> 0
  words[word + (LINK.sackHigh >>> 2)] = high >>> 0
  link.ackOwed = 0
}

/**
 * Takes what the far side says about this direction. False: it acknowledges what was never sent, or is older than
 * what is known. Slots with sequences in (txAcked before, txAcked after] are the owner's again.
 */
export function onLinkAck(link: Link, words: Uint32Array, offset: number, tick: number): boolean {
  link.heardTick = tick
  const acked = wideAt(words, (offset + HEADER.committed) >>> 2) - 1
  if (acked < link.txAcked || acked >= link.txNext) return false
  const word = (offset + HEADER.SIZE) >>> 2
  link.sackLow = at(words, word + (LINK.sackLow >>> 2))
  link.sackHigh = at(words, word + (LINK.sackHigh >>> 2))
  const credits = Math.min(at(words, word + (LINK.credits >>> 2)), LINK_WINDOW_MAX)
  link.txAllowed = Math.max(link.txAllowed, acked + credits)
  if (acked > link.txAcked) {
    sampleRoundTrip(link, acked, tick)
    link.txAcked = acked
    link.progressTick = tick
    link.resendTicks = patience(link)
    link.dueTick = tick + link.resendTicks
    if (acked < link.recoverTo) {
      link.recoverBurst = Math.min(link.recoverBurst * 2, LINK_EARLY_MAX)
      link.dueTick = tick
    }
  }
  if ((link.sackLow | link.sackHigh) !== 0) link.dueTick = Math.min(link.dueTick, tick)
  return true
}

/** What to do with a datagram that carries a sequence. */
export type LinkOrder = 'next' | 'early' | 'duplicate' | 'beyond'

/** Where a datagram stands in the stream. 'next' is to be handled and then told by linkTook. */
export function linkOrder(link: Link, sequence: number): LinkOrder {
  if (sequence < link.rxNext) return 'duplicate'
  if (sequence - link.rxNext >= LINK_EARLY_MAX) return 'beyond'
  // The expected one may be parked too, by an owner that had no room for it.
  if (link.rxEarly[sequence % LINK_EARLY_MAX] !== 0) return 'duplicate'
  return sequence === link.rxNext ? 'next' : 'early'
}

/** The expected datagram was handled. */
export function linkTook(link: Link, tick: number): void {
  link.rxNext++
  linkOweAck(link, tick)
}

/** The far side is to be told where this direction stands, soon. */
export function linkOweAck(link: Link, tick: number): void {
  if (link.ackOwed === 0) link.ackTick = tick
  link.ackOwed++
}

/** Keeps an early datagram, copied by the owner to `offset`, until the hole before it is filled. */
export function linkPark(link: Link, sequence: number, offset: number, tick: number): void {
  const slot = sequence % LINK_EARLY_MAX
  assert(link.rxEarly[slot] === 0, 'linkPark: the place is free')
  link.rxEarly[slot] = offset + 1
  link.rxEarlyCount++
  linkOweAck(link, tick - ACK_DELAY_TICKS) // a hole is told at once
}

/** Offset of the parked datagram that is expected now, or -1. It stays parked until linkUnpark. */
export function linkParked(link: Link): number {
  if (link.rxEarlyCount === 0) return -1
  return at(link.rxEarly, link.rxNext % LINK_EARLY_MAX) - 1
}

/** Removes the parked datagram that is expected now; its slot is the owner's again. Call before linkTook. */
export function linkUnpark(link: Link): void {
  const slot = link.rxNext % LINK_EARLY_MAX
  assert(link.rxEarly[slot] !== 0, 'linkUnpark: a datagram is parked there')
  link.rxEarly[slot] = 0
  link.rxEarlyCount--
}

/** Must the far side be told now, without something to ride on? */
export function linkAckDue(link: Link, tick: number): boolean {
  if (link.ackOwed === 0) return false
  return link.ackOwed * 4 >= link.credits || tick - link.ackTick >= ACK_DELAY_TICKS
}

/**
 * Collects sequences that are to be sent again now into `out`; returns how many. The caller stamps and sends
 * them with linkOffset and linkLength. Holes that the far side reported go first; else, when the patience has run
 * out, the oldest goes alone, as a question, and with every answer twice as many as before.
 */
export function linkDue(link: Link, tick: number, out: Float64Array): number {
  if (linkUnacked(link) === 0 || tick < link.dueTick) return 0
  const oldestTick = at(link.txTick, (link.txAcked + 1) & link.txMask)
  const ranOut = tick - Math.max(oldestTick, link.progressTick) >= link.resendTicks
  const recovering = link.txAcked < link.recoverTo
  let count = collect(link, tick, highestSacked(link), out.length, out)
  if (count === 0 && recovering && !ranOut) {
    count = collect(link, tick, link.recoverTo + 1, Math.min(out.length, link.recoverBurst), out)
  }
  if (count === 0 && ranOut) {
    out[count++] = link.txAcked + 1
    link.resendTicks = Math.min(link.resendTicks * 2, RESEND_TICKS_MAX)
    link.recoverTo = link.txNext - 1
    link.recoverBurst = 1
  }
  for (let index = 0; index < count; index++) {
    const slot = at(out, index) & link.txMask
    link.txTick[slot] = tick
    link.txAgain[slot] = 1
  }
  link.resent += count
  const holes = (link.sackLow | link.sackHigh) !== 0
  link.dueTick = tick + (holes ? HOLE_TICKS : link.resendTicks)
  return count
}

/** Sequences below `end` that the far side has not reported and that were not sent again just now. */
function collect(link: Link, tick: number, end: number, most: number, out: Float64Array): number {
  const rest = Math.max(HOLE_TICKS, link.roundTrip * 1.5)
  let count = 0
  for (let sequence = link.txAcked + 1; sequence < end && count < most; sequence++) {
    if (isSacked(link, sequence)) continue
    if (tick - at(link.txTick, sequence & link.txMask) < rest) continue
    out[count++] = sequence
  }
  return count
}

export function linkOffset(link: Link, sequence: number): number {
  assert(sequence > link.txAcked && sequence < link.txNext, 'linkOffset: the datagram is still held')
  return at(link.txOffset, sequence & link.txMask)
}

export function linkLength(link: Link, sequence: number): number {
  return at(link.txLength, sequence & link.txMask)
}

function isSacked(link: Link, sequence: number): boolean {
  const bit = sequence - (link.txAcked + 2)
  if (bit < 0 || bit >= LINK_EARLY_MAX) return false
  return bit < 32 ? ((link.sackLow >>> bit) & 1) === 1 : ((link.sackHigh >>> (bit - 32)) & 1) === 1
}

function highestSacked(link: Link): number {
  const base = link.txAcked + 2
  if (link.sackHigh !== 0) return Math.min(base + 63 - Math.clz32(link.sackHigh), link.txNext - 1)
  if (link.sackLow !== 0) return Math.min(base + 31 - Math.clz32(link.sackLow), link.txNext - 1)
  return 0
}

function sampleRoundTrip(link: Link, acked: number, tick: number): void {
  const slot = acked & link.txMask
  if (link.txAgain[slot] === 1) return
  const sample = tick - at(link.txTick, slot)
  link.roundTrip += (sample - link.roundTrip) / 8
}

function patience(link: Link): number {
  return Math.min(RESEND_TICKS_MAX, Math.max(RESEND_TICKS_MIN, Math.ceil(link.roundTrip * 4)))
}

/** Doubles the rings. Rare: a link grows to what it once had outstanding. */
function grow(link: Link): void {
  const mask = link.txMask * 2 + 1
  assert(mask < LINK_WINDOW_MAX, 'link: a ring never grows beyond the window')
  const offset = new Uint32Array(mask + 1)
  const length = new Uint32Array(mask + 1)
  const tick = new Float64Array(mask + 1)
  const again = new Uint8Array(mask + 1)
  for (let sequence = link.txAcked + 1; sequence < link.txNext - 1; sequence++) {
    const from = sequence & link.txMask
    const to = sequence & mask
    offset[to] = at(link.txOffset, from)
    length[to] = at(link.txLength, from)
    tick[to] = at(link.txTick, from)
    again[to] = at(link.txAgain, from)
  }
  link.txOffset = offset
  link.txLength = length
  link.txTick = tick
  link.txAgain = again
  link.txMask = mask
}
