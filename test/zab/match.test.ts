/** match(): what a follower has to do to come to its leader's history. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { truncateTo } from '../../src/zab/forgetting.js'
import { historyLast } from '../../src/zab/history.js'
import type { State } from '../../src/zab/state.js'
import { match } from '../../src/zab/synchronization.js'
import { SYNC_MODE } from '../../src/zab/wire.js'
import { createPrng } from '../sim/prng.js'
import type { Prng } from '../sim/prng.js'
import { appendEntry } from './entries.js'
import { createScriptState } from './script-world.js'

type Entry = readonly [epoch: number, operations: number]

function stateOf(entries: readonly Entry[]): State {
  const state = createScriptState([], 0, 10, 600)
  for (const [epoch, operations] of entries) appendEntry(state, epoch, operations)
  return state
}

/** Forgets all entries up to `counter`, as a leader whose history had no room. */
function forget(state: State, counter: number): void {
  const { history } = state
  while (history.first < history.next && historyLast(history, history.first) <= counter) history.first++
}

const ENTRIES: readonly Entry[] = [[1, 3], [1, 2], [2, 1], [4, 5]] // they end with 3, 5, 6 and 11

const CASES: readonly [claim: string, epoch: number, counter: number, mode: keyof typeof SYNC_MODE, to: number][] = [
  ['one that has nothing gets all', 0, 0, 'DIFF', 0],
  ['one that has a beginning gets the rest', 1, 3, 'DIFF', 3],
  ['one whose history ends with an epoch gets the rest', 2, 6, 'DIFF', 6],
  ['one that has all gets nothing', 4, 11, 'DIFF', 11],
  ['an end of an epoch that was not taken over goes, as far as the epoch before it', 3, 9, 'TRUNCATE', 6],
  ['an end beyond the last entry goes', 4, 12, 'TRUNCATE', 11],
  ['another entry at the same counter goes', 1, 6, 'TRUNCATE', 5],
  ['another epoch that ends inside of an entry goes', 3, 8, 'TRUNCATE', 6],
  ['a later epoch that nobody else knows goes', 9, 6, 'TRUNCATE', 5],
  ['an end from the beginning on goes wholly', 1, 2, 'TRUNCATE', 0],
]

for (const [claim, epoch, counter, mode, to] of CASES) {
  test(`match: ${claim}`, () => {
    assert.deepEqual(match(stateOf(ENTRIES), epoch, counter), { mode: SYNC_MODE[mode], counter: to })
  })
}

test('match: what the leader no longer keeps takes a snapshot, and where it begins to keep is enough', () => {
  const leader = stateOf(ENTRIES)
  forget(leader, 5)
  assert.equal(match(leader, 1, 3).mode, SYNC_MODE.SNAPSHOT)
  assert.deepEqual(match(leader, 1, 5), { mode: SYNC_MODE.DIFF, counter: 5 })
  assert.deepEqual(match(leader, 3, 9), { mode: SYNC_MODE.TRUNCATE, counter: 6 })
  assert.equal(match(leader, 0, 5).mode, SYNC_MODE.SNAPSHOT, 'another history that is as long')
  forget(leader, 6)
  assert.equal(match(leader, 1, 9).mode, SYNC_MODE.SNAPSHOT, 'nothing of what is kept can be in it')
  forget(leader, 11)
  assert.deepEqual(match(leader, 4, 11), { mode: SYNC_MODE.DIFF, counter: 11 })
  assert.equal(match(leader, 3, 11).mode, SYNC_MODE.SNAPSHOT)
  assert.deepEqual(match(leader, 5, 15), { mode: SYNC_MODE.TRUNCATE, counter: 11 })
})

/** Entries of epochs that only this side has: an epoch has one leader, so no entry of it can differ elsewhere. */
function drawTail(prng: Prng, from: number, parity: number): Entry[] {
  let epoch = from
  return Array.from({ length: prng.below(6) }, () => {
    epoch += prng.below(3)
    if (epoch % 2 !== parity) epoch++
    return [epoch, 1 + prng.below(4)] as const
  })
}

function drawPrefix(prng: Prng): Entry[] {
  let epoch = 1
  return Array.from({ length: prng.below(6) }, () => [(epoch += prng.below(3)), 1 + prng.below(4)] as const)
}

const lengthOf = (entries: readonly Entry[]): number => entries.reduce((sum, [, operations]) => sum + operations, 0)

test('match: steps of TRUNCATE and DIFF end with the longest common beginning, or what was needed is not kept', () => {
  const prng = createPrng(2011)
  const ends = { DIFF: 0, TRUNCATE: 0, SNAPSHOT: 0 }
  for (let round = 0; round < 20_000; round++) {
    const prefix = drawPrefix(prng)
    const from = (prefix.at(-1)?.[0] ?? 0) + 1
    const mine = [...prefix, ...drawTail(prng, from, 0)]
    const leader = stateOf(mine)
    const follower = stateOf([...prefix, ...drawTail(prng, from, 1)])
    const kept = prng.below(mine.length + 1)
    const base = lengthOf(mine.slice(0, kept))
    forget(leader, base)
    const common = lengthOf(prefix)
    for (;;) {
      const before = follower.lastHeld
      const { mode, counter } = match(leader, follower.lastEpoch, before)
      if (mode === SYNC_MODE.SNAPSHOT) {
        ends.SNAPSHOT++
        assert.ok(common < base, `round ${round}: all that was needed is kept`)
        break
      }
      if (mode === SYNC_MODE.DIFF) {
        ends.DIFF++
        assert.deepEqual([counter, before], [common, common], `round ${round}`)
        break
      }
      ends.TRUNCATE++
      truncateTo(follower, counter)
      assert.ok(follower.lastHeld < before, `round ${round}: each step shortens the history`)
    }
  }
  assert.ok(ends.DIFF > 1000 && ends.TRUNCATE > 1000 && ends.SNAPSHOT > 1000, JSON.stringify(ends))
})
