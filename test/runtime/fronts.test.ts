/** Both ends of a front's channel in one thread, over a machine that only remembers what it was told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { at, item } from '../../src/assert.js'
import { boardApplied, boardPublish, createBoard, openBoard } from '../../src/runtime/board.js'
import { createFrontMachine } from '../../src/runtime/front-machine.js'
import type { FrontMachine } from '../../src/runtime/front-machine.js'
import { createFronts, flushFronts, pumpFronts, tellFronts } from '../../src/runtime/fronts.js'
import type { Fronts } from '../../src/runtime/fronts.js'
import type { HomeMachine } from '../../src/runtime/home-machine.js'
import { shareMachine } from '../../src/runtime/shared-machine.js'
import { MACHINE_COUNTERS, REPLY_ROW, TAKEN } from '../../src/store/machine.js'
import type { Machine } from '../../src/store/machine.js'
import { BODY_OFFSET, HEADER } from '../../src/zab/wire.js'

const DATAGRAM = 512
const LINKS = 8
const SLOTS = 64
const SLAB_BYTES = 512 * DATAGRAM
const ANSWERS = 256 // the machine's slots: from here on, each used again after many others
const STAGING = 200 * DATAGRAM
const LENGTH = 128

interface FakeMachine {
  machine: Machine
  slab: ArrayBuffer
  /** In order: what was called. */
  told: string[]
  /** What request() says next; TAKEN.OK when empty. */
  says: number[]
  /** Answers that repliesClose hands out. */
  rows: { link: number; offset: number; length: number }[]
  freed: number[]
  applied: number
  answered: number
}

function fakeMachine(): FakeMachine {
  const slab = new ArrayBuffer(SLAB_BYTES)
  const bytes = new Uint8Array(slab)
  const replyRows = new Uint32Array(16 * REPLY_ROW.WORDS)
  const fake: Omit<FakeMachine, 'machine'> = {
    slab, told: [], says: [], rows: [], freed: [], applied: 0, answered: 0,
  }
  const used: HomeMachine & { counters: Float64Array } = {
    replyRows,
    counters: new Float64Array(MACHINE_COUNTERS.length),
    linkOpen: (link, age) => fake.told.push(`open ${link} age ${age}`),
    linkClose: (link) => fake.told.push(`close ${link}`),
    request: (offset, link) => {
      fake.told.push(`request ${link} mark ${at(bytes, offset + BODY_OFFSET)}`)
      return fake.says.shift() ?? TAKEN.OK
    },
    repliesClose: () => {
      const rows = fake.rows.splice(0, 16)
      rows.forEach(({ link, offset, length }, row) => {
        replyRows.set([link, offset, length, 0], row * REPLY_ROW.WORDS)
      })
      return rows.length
    },
    replyFree: (offset) => fake.freed.push(offset),
    applied: () => fake.applied,
  }
  return Object.assign(fake, { machine: used as Machine })
}

interface World {
  fake: FakeMachine
  fronts: Fronts
  shared: HomeMachine
  ends: FrontMachine[]
  slabs: ArrayBuffer[]
}

function createWorld(count = 1): World {
  const fake = fakeMachine()
  const fronts = createFronts(fake.machine, fake.slab, DATAGRAM, LINKS, STAGING, count)
  const slabs = fronts.list.map(() => new ArrayBuffer(SLAB_BYTES))
  const ends = fronts.list.map((front, index) =>
    createFrontMachine({
      memory: front.memory,
      board: openBoard(fronts.board.memory),
      slab: item(slabs, index),
      datagramBytes: DATAGRAM,
      replyOffset: 64 * DATAGRAM,
      replySlots: SLOTS,
      linksMax: LINKS,
    }),
  )
  return { fake, fronts, shared: shareMachine(fronts, SLOTS), ends, slabs }
}

/** A REQUEST in the front's slab whose first byte of the body is `mark`. */
function request(world: World, index: number, link: number, mark: number): number {
  const slab = item(world.slabs, index)
  new Uint32Array(slab)[HEADER.length >>> 2] = LENGTH
  new Uint8Array(slab)[BODY_OFFSET] = mark
  return item(world.ends, index).request(0, link)
}

/** One turn of worker 0. */
function order(world: World, open = true): number {
  const taken = pumpFronts(world.fronts, open)
  tellFronts(world.fronts, true)
  world.shared.repliesClose()
  flushFronts(world.fronts)
  return taken
}

function publish(world: World): void {
  for (const end of world.ends) end.publish()
}

/** An answer of the machine for a link by its global number. */
function answer(world: World, link: number, mark: number, length = LENGTH): void {
  const offset = (ANSWERS + (world.fake.answered++ % 250)) * DATAGRAM
  new Uint8Array(world.fake.slab)[offset + BODY_OFFSET] = mark
  world.fake.rows.push({ link, offset, length })
}

/** What the front's home gets: [link, mark] of each. Slots are given back. */
function answers(world: World, index = 0): number[][] {
  const end = item(world.ends, index)
  const bytes = new Uint8Array(item(world.slabs, index))
  const found: number[][] = []
  const rows = end.repliesClose()
  for (let row = 0; row < rows; row++) {
    const link = at(end.replyRows, row * REPLY_ROW.WORDS + REPLY_ROW.link)
    const offset = at(end.replyRows, row * REPLY_ROW.WORDS + REPLY_ROW.offset)
    found.push([link, at(bytes, offset + BODY_OFFSET)])
    end.replyFree(offset)
  }
  end.release()
  return found
}

test('fronts: requests come to the machine in the order of the ring, under the link of all', () => {
  const world = createWorld(2)
  const second = item(world.ends, 1)
  second.linkOpen(3, 0)
  assert.equal(request(world, 1, 3, 7), TAKEN.OK)
  assert.equal(request(world, 1, 3, 8), TAKEN.OK)
  second.linkClose(3)
  assert.equal(order(world), 0, 'nothing is taken before it is published')
  publish(world)
  assert.equal(order(world), 4)
  const link = 2 * LINKS + 3
  assert.deepEqual(world.fake.told, [
    `open ${link} age 1`, `request ${link} mark 7`, `request ${link} mark 8`, `close ${link}`,
  ])
})

test('fronts: a request without room is tried again, and nothing of its front overtakes it', () => {
  const world = createWorld()
  world.ends[0]?.linkOpen(0, 0)
  request(world, 0, 0, 1)
  request(world, 0, 0, 2)
  publish(world)
  world.fake.says = [TAKEN.NO_ROOM, TAKEN.NO_ROOM]
  order(world)
  order(world, false)
  order(world)
  order(world)
  assert.deepEqual(world.fake.told.slice(1), [1, 1, 1, 2].map((mark) => `request ${LINKS} mark ${mark}`))
  assert.equal(item(world.fronts.list, 0).requestsTaken, 2)
  assert.equal(item(world.fronts.list, 0).stalls, 3)
})

test('fronts: a full ring refuses requests, and what closes a link then is told later', () => {
  const world = createWorld()
  const end = item(world.ends, 0)
  end.linkOpen(0, 0)
  let taken = 0
  while (request(world, 0, 0, taken & 0xff) === TAKEN.OK) taken++
  assert.ok(taken > 1000)
  end.linkClose(0)
  end.linkOpen(0, 0)
  assert.equal(request(world, 0, 0, 9), TAKEN.NO_ROOM)
  assert.ok(end.wantsRoom())
  publish(world)
  order(world)
  end.linkOpen(5, 0) // there is room now, but what was owed goes first
  for (let turn = 0; turn < 100; turn++) {
    end.publish()
    order(world)
  }
  assert.equal(request(world, 0, 0, 9), TAKEN.OK)
  publish(world)
  order(world)
  const last = ['close 8', 'open 8 age 2', 'open 13 age 3', 'request 8 mark 9']
  assert.deepEqual(world.fake.told.slice(-4), last)
  assert.equal(world.fake.told.length, 1 + taken + 4)
})

test('fronts: a malformed request closes its link at both ends, and its next life is clean', () => {
  const world = createWorld()
  const end = item(world.ends, 0)
  end.linkOpen(2, 0)
  request(world, 0, 2, 1)
  request(world, 0, 2, 2)
  publish(world)
  world.fake.says = [TAKEN.MALFORMED]
  order(world)
  const link = LINKS + 2
  assert.deepEqual(world.fake.told, [`open ${link} age 1`, `request ${link} mark 1`, `close ${link}`])
  assert.deepEqual(answers(world), [])
  assert.deepEqual(end.lost, [2])
  end.linkClose(2) // as the home does
  end.linkOpen(2, 0)
  request(world, 0, 2, 3)
  publish(world)
  order(world)
  assert.deepEqual(world.fake.told.slice(3), [`open ${link} age 2`, `request ${link} mark 3`])
})

test('fronts: an answer for an earlier life of a link does not reach the next', () => {
  const world = createWorld()
  const end = item(world.ends, 0)
  end.linkOpen(0, 0)
  publish(world)
  order(world)
  answer(world, LINKS, 1)
  order(world)
  end.linkClose(0)
  end.linkOpen(0, 0)
  assert.deepEqual(answers(world), [])
  publish(world)
  order(world)
  answer(world, LINKS, 2)
  order(world)
  assert.deepEqual(answers(world), [[0, 2]])
})

test('fronts: answers that find the ring full wait in order, and each slot is freed once', () => {
  const world = createWorld()
  item(world.ends, 0).linkOpen(1, 0)
  publish(world)
  order(world)
  // Of different lengths, so that a short one would fit where a long one does not.
  let all = 0
  for (let waiting = 0; waiting < 100; waiting = all - world.fake.freed.length) {
    answer(world, LINKS + 1, all % 251, all % 3 === 0 ? LENGTH : 500)
    all++
    order(world)
  }
  let next = 0
  for (let round = 0; round < all && next < all; round++) {
    for (const [link, mark] of answers(world)) assert.deepEqual([link, mark], [1, next++ % 251])
    order(world)
  }
  assert.equal(next, all)
  assert.equal(world.fake.freed.length, all)
})

test('fronts: own answers stay with worker 0', () => {
  const world = createWorld()
  item(world.ends, 0).linkOpen(0, 0)
  publish(world)
  order(world)
  answer(world, 0, 1)
  answer(world, LINKS, 2)
  answer(world, 5, 3)
  assert.equal(world.shared.repliesClose(), 2)
  const { replyRows } = world.shared
  assert.deepEqual([...replyRows.subarray(0, 3)], [0, ANSWERS * DATAGRAM, LENGTH])
  assert.deepEqual([...replyRows.subarray(4, 7)], [5, (ANSWERS + 2) * DATAGRAM, LENGTH])
  assert.deepEqual(world.fake.freed, [(ANSWERS + 1) * DATAGRAM])
  flushFronts(world.fronts)
  assert.deepEqual(answers(world), [[0, 2]])
})

test('fronts: of two links the one that was opened later is older in no ring', () => {
  const world = createWorld(2)
  item(world.ends, 1).linkOpen(0, 0) // the earlier one, but its ring is read last
  item(world.ends, 0).linkOpen(0, 0)
  world.shared.linkOpen(0, 0)
  publish(world)
  order(world)
  assert.deepEqual(world.fake.told, [
    'open 0 age 3', `open ${LINKS} age 2`, `open ${2 * LINKS} age 1`,
  ])
})

test('board: the applied counter is whole, beyond 32 bits too, and never ahead', () => {
  const board = createBoard()
  for (const applied of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5, 2 ** 40 + 3, 2 ** 53 - 1]) {
    boardPublish(board, applied, true)
    assert.equal(boardApplied(openBoard(board.memory)), applied)
  }
  // As a reader may find it while worker 0 writes: the high word is new, the rest is not.
  boardPublish(createBoard(), 0, true)
  const half = createBoard()
  boardPublish(half, 2 ** 32 - 1, true)
  half.words[32] = 1
  assert.equal(boardApplied(half), 2 ** 32)
})
