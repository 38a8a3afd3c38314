/** Two ends of a link over a channel that loses, repeats and reorders: what is delivered is what was sent, in order. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { counterOf } from '../../src/zab/header.js'
import {
  createLink,
  LINK_EARLY_MAX,
  linkAckDue,
  linkDue,
  linkOffset,
  linkOrder,
  linkOweAck,
  linkPark,
  linkParked,
  linkRoom,
  linkSend,
  linkStamp,
  linkTook,
  linkUnacked,
  linkUnpark,
  onLinkAck,
} from '../../src/zab/link.js'
import type { Link } from '../../src/zab/link.js'
import { createPrng } from '../sim/prng.js'

const SLOT_BYTES = 128
const SLOTS = 4096

interface End {
  link: Link
  words: Uint32Array
  nextSlot: number
  taken: number[]
}

function createEnd(credits: number): End {
  const words = new Uint32Array((SLOTS * SLOT_BYTES) / 4)
  return { link: createLink(0, credits, 0), words, nextSlot: 0, taken: [] }
}

function slotOf(end: End): number {
  return (end.nextSlot++ % SLOTS) * SLOT_BYTES
}

/** The payload of a datagram is its number in the first word after the headers. */
const PAYLOAD_WORD = 16

function send(end: End, payload: number, tick: number): Uint32Array {
  const offset = slotOf(end)
  end.words[(offset >>> 2) + PAYLOAD_WORD] = payload
  linkSend(end.link, end.words, offset, SLOT_BYTES, tick)
  return copyOf(end, offset)
}

function copyOf(end: End, offset: number): Uint32Array {
  return end.words.slice(offset >>> 2, (offset + SLOT_BYTES) >>> 2)
}

function receive(end: End, datagram: Uint32Array, sequenced: boolean, tick: number): void {
  onLinkAck(end.link, datagram, 0, tick)
  if (!sequenced) return
  const sequence = counterOf(datagram, 0)
  const order = linkOrder(end.link, sequence)
  if (order === 'duplicate') linkOweAck(end.link, tick)
  if (order === 'early') {
    const offset = slotOf(end)
    end.words.set(datagram, offset >>> 2)
    linkPark(end.link, sequence, offset, tick)
  }
  if (order !== 'next') return
  end.taken.push(datagram[PAYLOAD_WORD] ?? -1)
  linkTook(end.link, tick)
  for (let offset = linkParked(end.link); offset >= 0; offset = linkParked(end.link)) {
    end.taken.push(end.words[(offset >>> 2) + PAYLOAD_WORD] ?? -1)
    linkUnpark(end.link)
    linkTook(end.link, tick)
  }
}

function note(end: End): Uint32Array {
  const offset = slotOf(end)
  linkStamp(end.link, end.words, offset)
  return copyOf(end, offset)
}

for (const loss of [0, 0.05, 0.3, 0.6]) {
  test(`link: with ${loss * 100} % loss, repeats and reordering everything arrives once and in order`, () => {
    const prng = createPrng(Math.round(loss * 100) + 1)
    const a = createEnd(512)
    const b = createEnd(512)
    b.link.txAllowed = 512
    const due = new Float64Array(64)
    let flights: { due: number; to: End; datagram: Uint32Array; sequenced: boolean }[] = []
    const total = 2000
    let sent = 0
    let tick = 0
    const launch = (to: End, datagram: Uint32Array, sequenced: boolean): void => {
      for (let copies = prng.chance(0.1) ? 2 : 1; copies > 0; copies--) {
        if (prng.chance(loss)) continue
        flights.push({ due: tick + prng.below(prng.chance(0.2) ? 60 : 5), to, datagram, sequenced })
      }
    }
    while (b.taken.length < total || linkUnacked(a.link) > 0) {
      tick++
      assert.ok(tick < 2_000_000, 'the link makes progress')
      while (sent < total && linkRoom(a.link) > 0 && prng.chance(0.7)) launch(b, send(a, sent++, tick), true)
      const arrived = flights.filter((flight) => flight.due <= tick)
      flights = flights.filter((flight) => flight.due > tick)
      for (const { to, datagram, sequenced } of arrived) receive(to, datagram, sequenced, tick)
      const count = linkDue(a.link, tick, due)
      for (let index = 0; index < count; index++) {
        const offset = linkOffset(a.link, due[index] ?? 0)
        linkStamp(a.link, a.words, offset)
        launch(b, copyOf(a, offset), true)
      }
      if (linkAckDue(b.link, tick)) launch(a, note(b), false)
    }
    assert.deepEqual(b.taken, Array.from({ length: total }, (_, index) => index))
  })
}

test('link: without loss and reordering nothing is sent again', () => {
  const a = createEnd(512)
  const b = createEnd(512)
  const due = new Float64Array(64)
  for (let tick = 0; tick < 1000; tick++) {
    const datagrams: Uint32Array[] = []
    while (linkRoom(a.link) > 0 && datagrams.length < 5) datagrams.push(send(a, tick, tick))
    for (const datagram of datagrams) receive(b, datagram, true, tick + 3)
    if (linkAckDue(b.link, tick)) onLinkAck(a.link, note(b), 0, tick)
    assert.equal(linkDue(a.link, tick, due), 0)
  }
  assert.ok(b.taken.length > 1000)
})

test('link: the far side never gets more than it gave credit for', () => {
  const a = createEnd(8)
  a.link.txAllowed = 8
  let sent = 0
  while (linkRoom(a.link) > 0) send(a, sent++, 0)
  assert.equal(sent, 8)
})

test('link: an acknowledgement of what was never sent is refused', () => {
  const a = createEnd(8)
  const b = createEnd(8)
  b.link.rxNext = 5
  assert.equal(onLinkAck(a.link, note(b), 0, 1), false)
  assert.equal(a.link.txAcked, 0)
})

test('link: a sequence far ahead is beyond the window, one just before it is early', () => {
  const { link } = createEnd(8)
  assert.equal(linkOrder(link, 1), 'next')
  assert.equal(linkOrder(link, LINK_EARLY_MAX), 'early')
  assert.equal(linkOrder(link, LINK_EARLY_MAX + 1), 'beyond')
})

test('link: the expected datagram that waits for room is a repeat when it comes again', () => {
  const end = createEnd(8)
  linkPark(end.link, 1, 0, 0)
  assert.equal(linkOrder(end.link, 1), 'duplicate')
})

test('link: a window lost whole is recovered in a few round trips, not one datagram at a time', () => {
  const a = createEnd(512)
  const b = createEnd(512)
  a.link.txAllowed = 512
  for (let payload = 0; payload < 300; payload++) send(a, payload, 0)
  const due = new Float64Array(64)
  let tick = 0
  while (b.taken.length < 300 && tick < 100_000) {
    tick += 5
    const count = linkDue(a.link, tick, due)
    for (let index = 0; index < count; index++) {
      receive(b, copyOf(a, linkOffset(a.link, due[index] ?? 0)), true, tick)
    }
    if (count > 0) onLinkAck(a.link, note(b), 0, tick)
  }
  assert.equal(b.taken.length, 300)
  assert.ok(tick < 1000, `took ${tick} ticks`)
})
