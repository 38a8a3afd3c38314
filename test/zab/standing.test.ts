/** What replicas say of themselves: it arrives as it was said, and histories are compared alike everywhere. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { countOf, setCounter, setCommitted } from '../../src/zab/header.js'
import { COUNTER_MAX } from '../../src/zab/limits.js'
import { LEADER_NONE } from '../../src/zab/peers.js'
import {
  compareHistories,
  isBetter,
  isForThisJoin,
  isOfKnownJoin,
  packStanding,
  sendStanding,
  takePosition,
  takeStanding,
} from '../../src/zab/standing.js'
import type { State } from '../../src/zab/state.js'
import { PHASE, ROLE, SEND, TRUST } from '../../src/zab/state.js'
import { HEADER, KIND, setWide } from '../../src/zab/wire.js'
import { createScriptState } from './script-world.js'

const replica = (id: number): State => createScriptState(['replicas=3'], id, 10 + id, 600)

/** Carries the last send to another replica; returns its offset there. */
function carry(from: State, to: State): number {
  const row = (from.sendCount - 1) * SEND.WORDS
  const offset = from.sends[row + SEND.offset] ?? 0
  to.bytes.set(from.bytes.subarray(offset, offset + (from.sends[row + SEND.bytes] ?? 0)), 0)
  return 0
}

test('standing: what one says of itself is what the other knows of it', () => {
  const [one, other] = [replica(1), replica(2)]
  Object.assign(one, { phase: PHASE.SYNCHRONIZATION, role: ROLE.FOLLOWING, trust: TRUST.PARTIAL, vote: 2, leader: 0 })
  Object.assign(one, { acceptedEpoch: 7, currentEpoch: 6, lastEpoch: 5, lastHeld: 2 ** 40 + 3, lastCommitted: 2 ** 33 })
  sendStanding(one, 2, KIND.VOTE)
  const offset = carry(one, other)
  assert.equal(takeStanding(other, 1, offset, 55), true)
  assert.equal(takePosition(other, 1, offset), true)
  const { peers } = other
  assert.deepEqual(
    [peers.phase[1], peers.role[1], peers.trust[1], peers.vote[1], peers.leader[1]],
    [PHASE.SYNCHRONIZATION, ROLE.FOLLOWING, TRUST.PARTIAL, 2, 0],
  )
  assert.deepEqual([peers.accepted[1], peers.current[1], peers.lastEpoch[1], peers.last[1]], [7, 6, 5, 2 ** 40 + 3])
  assert.equal(peers.saidTick[1], 55)
})

test('standing: without a leader it says so', () => {
  const [one, other] = [replica(1), replica(2)]
  sendStanding(one, 2, KIND.VOTE)
  takeStanding(other, 1, carry(one, other), 0)
  assert.equal(other.peers.leader[1], LEADER_NONE)
})

test('standing: what no replica says changes nothing', () => {
  const [one, other] = [replica(1), replica(2)]
  sendStanding(one, 2, KIND.VOTE)
  const offset = carry(one, other)
  other.words[(offset + HEADER.count) >>> 2] = (countOf(other.words, offset) | (4 << 8)) >>> 0
  assert.equal(takeStanding(other, 1, offset, 5), false, 'a trust that there is not')
  assert.equal(other.peers.saidTick[1], -Infinity)
  sendStanding(one, 2, KIND.VOTE)
  carry(one, other)
  setWide(other.words, (offset + HEADER.counter) >>> 2, 0)
  other.words[((offset + HEADER.counter) >>> 2) + 1] = 2 ** 21
  assert.equal(takePosition(other, 1, offset), false, 'a counter beyond all counters')
  setCounter(other.words, offset, COUNTER_MAX)
  assert.equal(takePosition(other, 1, offset), true)
  setCommitted(other.words, offset, 0)
  other.words[((offset + HEADER.committed) >>> 2) + 1] = 2 ** 21
  assert.equal(takeStanding(other, 1, offset, 5), false, 'a commit beyond all counters')
})

test('standing: a later currentEpoch is better, then a later last epoch, then more, then the lower id', () => {
  const state = replica(0)
  const { peers } = state
  const put = (id: number, current: number, lastEpoch: number, last: number): void => {
    if (id === 0) Object.assign(state, { currentEpoch: current, lastEpoch, lastHeld: last })
    peers.current[id] = current
    peers.lastEpoch[id] = lastEpoch
    peers.last[id] = last
  }
  put(0, 3, 2, 10)
  put(1, 2, 2, 99)
  assert.ok(isBetter(state, 0, 1) && !isBetter(state, 1, 0), 'currentEpoch decides')
  put(1, 3, 1, 99)
  assert.ok(isBetter(state, 0, 1) && !isBetter(state, 1, 0), 'then the epoch of the last entry')
  put(1, 3, 2, 11)
  assert.ok(!isBetter(state, 0, 1) && isBetter(state, 1, 0), 'then how far it goes')
  put(1, 3, 2, 10)
  assert.equal(compareHistories(state, 0, 1), 0)
  assert.ok(isBetter(state, 0, 1) && !isBetter(state, 1, 0), 'then the lower id')
})

test('standing: an answer is for one life and one joining of it', () => {
  const [leader, follower] = [replica(0), replica(1)]
  leader.role = ROLE.LEADING
  leader.incarnations[1] = follower.config.incarnation
  leader.peers.join[1] = 4
  follower.joins = 4
  const answer = (): number => {
    sendStanding(leader, 1, KIND.NEWEPOCH)
    return carry(leader, follower)
  }
  assert.equal(isForThisJoin(follower, answer()), true)
  leader.peers.join[1] = 3
  assert.equal(isForThisJoin(follower, answer()), false, 'it asked again since')
  leader.peers.join[1] = 4
  leader.incarnations[1] = follower.config.incarnation - 1
  assert.equal(isForThisJoin(follower, answer()), false, 'it was somebody else then')
  follower.role = ROLE.FOLLOWING
  sendStanding(follower, 0, KIND.ACKEPOCH)
  const offset = carry(follower, leader)
  assert.equal(isOfKnownJoin(leader, 1, offset), true)
  leader.peers.join[1] = 5
  assert.equal(isOfKnownJoin(leader, 1, offset), false)
})

test('standing: every field of it has a place of its own', () => {
  const seen = new Set<number>()
  const state = replica(1)
  for (const phase of Object.values(PHASE)) {
    for (const role of Object.values(ROLE)) {
      for (const trust of Object.values(TRUST)) {
        for (const [vote, leader, formed] of [[0, -1, false], [15, 0, true], [63, 15, false]] as const) {
          Object.assign(state, { phase, role, trust, vote, leader, formed })
          seen.add(packStanding(state))
        }
      }
    }
  }
  assert.equal(seen.size, 4 * 4 * 4 * 3)
})
