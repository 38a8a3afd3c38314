/** Long holes: filled as fast as acknowledgements come, each entry once, and not asked for again while they are. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { fillHoles, onNack } from '../../src/zab/catch-up.js'
import { followerFlush, onPropose } from '../../src/zab/follower.js'
import { committedOf, counterOf, kindOf, setCommitted, setCounter, writeHeader } from '../../src/zab/header.js'
import type { State } from '../../src/zab/state.js'
import { PHASE, ROLE, SEND } from '../../src/zab/state.js'
import { BODY_OFFSET, KIND, TAG_BYTES } from '../../src/zab/wire.js'
import { appendEntry } from './entries.js'
import { createScriptState } from './script-world.js'

const FOLLOWER = 1
const ENTRIES = 100
const WINDOW = 16

function leaderOf(entries: number): State {
  const state = createScriptState([], 0, 10, 600)
  Object.assign(state, { role: ROLE.LEADING, phase: PHASE.BROADCAST, established: true })
  for (let entry = 0; entry < entries; entry++) appendEntry(state, 1)
  state.sendNext = state.history.next
  return state
}

/** The slab's beginning is nobody's. */
function ask(leader: State, from: number, to: number, tick = 1): void {
  setCounter(leader.words, 0, from)
  setCommitted(leader.words, 0, to)
  onNack(leader, FOLLOWER, 0, tick)
}

/** Counters of what a turn, or several, sent. */
function sent(leader: State, turns = 1): number[] {
  const counters: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    fillHoles(leader)
    for (let row = 0; row < leader.sendCount; row++) {
      counters.push(counterOf(leader.words, leader.sends[row * SEND.WORDS + SEND.offset] ?? 0))
    }
    leader.sendCount = 0
  }
  return counters
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, each) => from + each)

test('catch-up: a short hole is filled at once', () => {
  const leader = leaderOf(ENTRIES)
  ask(leader, 40, 44)
  assert.equal(leader.sendCount, 5)
  leader.sendCount = 0
  assert.deepEqual(sent(leader), [])
})

test('catch-up: of a long hole no more is under way than a queue can take, and all of it comes once', () => {
  const leader = leaderOf(ENTRIES)
  ask(leader, 1, ENTRIES)
  const all = sent(leader, 20)
  assert.deepEqual(all, range(1, WINDOW), 'without an acknowledgement a window')
  for (let rounds = 0; rounds < ENTRIES && all.length < ENTRIES; rounds++) {
    leader.acked[FOLLOWER] = all.length - 3
    all.push(...sent(leader, 4))
  }
  assert.deepEqual(all, range(1, ENTRIES))
  assert.deepEqual(sent(leader, 5), [], 'then it is over')
})

test('catch-up: who asks again for what was sent gets it from there on, but not while it may be under way', () => {
  const leader = leaderOf(ENTRIES)
  ask(leader, 1, ENTRIES)
  sent(leader, 20)
  leader.acked[FOLLOWER] = 5
  for (const tick of [10, 100, 250]) {
    ask(leader, 6, ENTRIES, tick)
    assert.deepEqual(sent(leader, 20), tick === 10 ? range(WINDOW + 1, 5 + WINDOW) : [])
  }
  ask(leader, 6, ENTRIES, 400)
  assert.deepEqual(sent(leader, 20), range(6, 5 + WINDOW))
  ask(leader, 60, ENTRIES, 410)
  leader.acked[FOLLOWER] = 12
  assert.equal(sent(leader, 20)[0], 6 + WINDOW, 'a later hole does not overtake the first')
})

test('catch-up: what is not kept any more is said to be gone', () => {
  const leader = leaderOf(ENTRIES)
  ask(leader, 1, ENTRIES)
  sent(leader, 20)
  leader.history.first = 50
  leader.acked[FOLLOWER] = 10
  fillHoles(leader)
  const offset = leader.sends[SEND.offset] ?? 0
  assert.deepEqual([kindOf(leader.words, offset), counterOf(leader.words, offset)], [KIND.NACK, 51])
})

test('catch-up: a follower asks once for what is coming, and again when nothing came for a while', () => {
  const follower = createScriptState([], FOLLOWER, 11, 600)
  Object.assign(follower, { role: ROLE.FOLLOWING, phase: PHASE.BROADCAST, leader: 0, lastProposed: ENTRIES })
  const asked = (tick: number): number[][] => {
    followerFlush(follower, tick)
    const rows = range(0, follower.sendCount - 1).map((row) => follower.sends[row * SEND.WORDS + SEND.offset] ?? 0)
    follower.sendCount = 0
    return rows
      .filter((offset) => kindOf(follower.words, offset) === KIND.NACK)
      .map((offset) => [counterOf(follower.words, offset), committedOf(follower.words, offset)])
  }
  assert.deepEqual(asked(1000), [[1, ENTRIES]])
  for (let tick = 1010; tick < 1100; tick += 10) {
    appendEntry(follower, 1)
    follower.lastProposed = ENTRIES
    assert.deepEqual(asked(tick), [], 'it is coming')
  }
  assert.deepEqual(asked(1130), [], 'not for long')
  assert.deepEqual(asked(1200), [[10, ENTRIES]])
})

test('catch-up: what is nearer to the hole takes the place of what is farther', () => {
  const follower = createScriptState([], FOLLOWER, 11, 600)
  Object.assign(follower, { role: ROLE.FOLLOWING, phase: PHASE.BROADCAST, leader: 0 })
  const hears = (counter: number): string | null => {
    writeHeader(follower.words, 0, { ...follower.sender, sender: 0 }, KIND.PROPOSE, BODY_OFFSET + TAG_BYTES, 1, 1)
    setCounter(follower.words, 0, counter)
    setCommitted(follower.words, 0, 0)
    return onPropose(follower, 0)
  }
  const places = follower.config.parkSlots
  assert.deepEqual(range(50, 49 + places).map(hears), range(1, places).map(() => null))
  assert.equal(hears(50 + places), 'ignored-beyond-window')
  assert.deepEqual([2, 3].map(hears), [null, null])
  assert.deepEqual([...follower.parkCounter].sort((a, b) => a - b), [2, 3, ...range(50, 47 + places)])
  assert.equal(follower.parkCount, places)
})

test('catch-up: a short hole is filled though streams take all that a turn may send again', () => {
  const leader = leaderOf(ENTRIES)
  leader.config.windowBytes = 16 * (leader.history.bytes[0] ?? 0) // a turn sends four entries again
  for (let turn = 0; turn < 5; turn++) {
    ask(leader, 1, ENTRIES, 1000 * turn)
    const streamed = sent(leader)
    assert.ok(streamed.length > 0)
    ask(leader, 40, 41, 1000 * turn)
    assert.equal(leader.sendCount, 2)
    leader.sendCount = 0
  }
})
