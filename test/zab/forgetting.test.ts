/** Giving up a part of the history. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { beginAt, forgetHistory, truncateTo } from '../../src/zab/forgetting.js'
import type { State } from '../../src/zab/state.js'
import { TRUST } from '../../src/zab/state.js'
import { appendEntry, commitUpTo } from './entries.js'
import { createScriptState } from './script-world.js'

/** Entries end with 2, 3, 6 and 8; 3 is committed, 6 stored. */
function filled(): State {
  const state = createScriptState(['durable=yes'], 0, 10, 600)
  for (const [epoch, operations] of [[1, 2], [1, 1], [3, 3], [4, 2]] as const) appendEntry(state, epoch, operations)
  commitUpTo(state, 3)
  state.storeNext = 3
  state.lastStored = 6
  return state
}

test('truncate: the end goes, also from what the log has, and the log is told', () => {
  const state = filled()
  truncateTo(state, 3)
  assert.deepEqual([state.lastHeld, state.lastEpoch, state.lastProposed], [3, 1, 3])
  assert.deepEqual([state.storeNext, state.lastStored, state.truncateOwed], [2, 3, 3])
  appendEntry(state, 5)
  assert.equal(state.history.epoch[2], 5, 'the next entry takes the place')
})

test('truncate: an entry that reaches beyond the counter goes wholly', () => {
  const state = filled()
  truncateTo(state, 7)
  assert.deepEqual([state.lastHeld, state.lastEpoch, state.lastStored], [6, 3, 6])
  truncateTo(state, 5)
  assert.deepEqual([state.lastHeld, state.lastEpoch, state.truncateOwed], [3, 1, 3])
})

test('truncate: the log is owed the deepest of several', () => {
  const state = filled()
  truncateTo(state, 3)
  for (let index = 0; index < 4; index++) appendEntry(state, 5)
  truncateTo(state, 5)
  assert.deepEqual([state.lastHeld, state.truncateOwed], [5, 3])
})

test('truncate: nothing beyond the counter leaves all as it is', () => {
  const state = filled()
  truncateTo(state, 8)
  assert.deepEqual([state.lastHeld, state.truncateOwed, state.lastStored], [8, -1, 6])
})

test('truncate: what is committed stays', () => {
  const state = filled()
  assert.throws(() => truncateTo(state, 2), /what is committed stays/)
})

test('begin: after a snapshot its counter is held, stored, committed and applied, and nothing else is known', () => {
  const state = filled()
  const { generation } = state
  state.parkCounter[0] = 11
  state.parkCount = 1
  truncateTo(state, 6)
  beginAt(state, 100, 7)
  const { lastHeld, lastStored, lastCommitted, commitKnown, lastApplied, lastProposed, lastEpoch } = state
  assert.deepEqual([lastHeld, lastStored, lastCommitted, commitKnown, lastApplied, lastProposed], Array(6).fill(100))
  assert.equal(lastEpoch, 7)
  assert.equal(state.history.first, state.history.next)
  assert.deepEqual([state.truncateOwed, state.parkCount, state.parkCounter[0]], [-1, 0, 0])
  assert.equal(state.generation, generation + 1, 'the state machine begins anew')
  appendEntry(state, 8)
  assert.equal(state.lastHeld, 101)
})

test('forget: a history that is given up is not counted, but what was promised stays', () => {
  const state = filled()
  const { lastEpoch: epoch, lastHeld: held } = state
  state.trust = TRUST.WHOLE
  state.acceptedEpoch = 6
  state.currentEpoch = 4
  state.transfer = 3
  forgetHistory(state)
  assert.deepEqual([state.trust, state.currentEpoch, state.lastHeld, state.transfer], [TRUST.HOLLOW, 0, 0, 0])
  assert.equal(state.acceptedEpoch, 6)
  const claim = [state.claimCurrent, state.claimEpoch, state.claimLast]
  assert.deepEqual(claim, [4, epoch, held], 'how far it went is known')
  state.trust = TRUST.PARTIAL
  forgetHistory(state)
  assert.equal(state.trust, TRUST.LOST, 'what was not whole has no say')
})
