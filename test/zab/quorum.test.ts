/** Who is counted, against a naive model. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { STAGE } from '../../src/zab/peers.js'
import { isConfirmed, isCounted, isQuorumHeard, quorumCounter } from '../../src/zab/quorum.js'
import type { State } from '../../src/zab/state.js'
import { createPrng } from '../sim/prng.js'
import { createScriptState } from './script-world.js'

function leaderOf(...words: string[]): State {
  return createScriptState(words, 0, 10, 600)
}

function follower(state: State, id: number, acked: number, stage: number = STAGE.ACTIVE, whole = 1): void {
  state.acked[id] = acked
  state.peers.stage[id] = stage
  state.peers.whole[id] = whole
}

test('quorum: the median acknowledgement of those that count commits, whatever the others say', () => {
  const prng = createPrng(7)
  for (let round = 0; round < 5000; round++) {
    const members = 1 + prng.below(7)
    const all = prng.chance(0.2)
    const state = leaderOf(`replicas=${members}`, all ? 'quorum=all' : '')
    const counted = [(state.acked[0] = 1 + prng.below(20))]
    for (let id = 1; id < 10; id++) {
      const acked = prng.below(20)
      const stage = prng.below(STAGE.ACTIVE + 1)
      const whole = prng.below(2)
      follower(state, id, acked, stage, whole)
      const counts = stage === STAGE.ACTIVE && whole === 1
      assert.equal(isCounted(state, id), counts)
      if (id < members && counts) counted.push(acked)
    }
    const needed = all ? members : Math.floor(members / 2) + 1
    const expected = counted.sort((a, b) => b - a)[needed - 1] ?? 0
    assert.equal(quorumCounter(state), expected, `round ${round}: ${counted.join(' ')} of ${members}`)
  }
})

test('quorum: an observer is in no quorum, but is one of the copies that were asked for', () => {
  const state = leaderOf('replicas=3', 'copies=4')
  state.acked[0] = 9
  follower(state, 1, 9)
  follower(state, 2, 7)
  assert.equal(quorumCounter(state), 0, 'there are three that could hold it')
  follower(state, 3, 5, STAGE.ACTIVE, 0)
  assert.equal(quorumCounter(state), 5)
  follower(state, 3, 8, STAGE.ACTIVE, 0)
  assert.equal(quorumCounter(state), 7)
  follower(state, 3, 8, STAGE.ACKLD, 0)
  assert.equal(quorumCounter(state), 0, 'one that is not in the epoch yet holds nothing of it')
})

test('quorum: a joiner is confirmed by a majority without it that was heard after it joined', () => {
  const state = leaderOf('replicas=5')
  for (const id of [1, 2, 3]) follower(state, id, 0)
  follower(state, 4, 0, STAGE.ACKLD, 0)
  state.peers.joinRound[4] = 8
  assert.equal(isConfirmed(state, 4), false)
  state.peers.echoed[1] = 8
  state.peers.echoed[4] = 9
  state.peers.echoed[2] = 7
  assert.equal(isConfirmed(state, 4), false, 'this leader, one follower, and the joiner itself')
  follower(state, 4, 0)
  assert.equal(isConfirmed(state, 4), false, 'the joiner confirms itself in no case')
  follower(state, 4, 0, STAGE.ACKLD, 0)
  state.peers.echoed[2] = 8
  assert.equal(isConfirmed(state, 4), true)
  state.peers.whole[2] = 0
  assert.equal(isConfirmed(state, 4), false, 'who does not count confirms nobody')
})

test('quorum: an observer confirms nobody', () => {
  const state = leaderOf('replicas=3')
  follower(state, 1, 0, STAGE.ACKLD, 0)
  follower(state, 3, 0)
  state.peers.echoed[3] = 100
  assert.equal(isConfirmed(state, 1), false)
})

test('quorum: is heard while a majority of those that lost nothing speaks', () => {
  const state = leaderOf('replicas=5')
  for (const id of [1, 2, 3, 4, 5]) {
    follower(state, id, 0)
    state.peers.activeTick[id] = 100
  }
  assert.equal(isQuorumHeard(state, 100), true)
  assert.equal(isQuorumHeard(state, 101), false, 'none was heard since')
  for (const id of [1, 2, 5]) state.peers.activeTick[id] = 200
  assert.equal(isQuorumHeard(state, 200), true)
  state.peers.whole[2] = 0
  assert.equal(isQuorumHeard(state, 200), false, 'one that lost its memory, and an observer, are no help')
  state.forming = true
  assert.equal(isQuorumHeard(state, 200), false, 'where a history begins all are needed')
  for (const id of [3, 4]) state.peers.activeTick[id] = 200
  assert.equal(isQuorumHeard(state, 200), true, 'and nobody has lost anything')
  state.forced = true
  for (const id of [3, 4]) state.peers.activeTick[id] = 100
  assert.equal(isQuorumHeard(state, 200), true, 'where an operator says so, a majority')
  state.peers.stage[1] = STAGE.NONE
  assert.equal(isQuorumHeard(state, 200), false, 'one that did not ask for an epoch follows another')
})
