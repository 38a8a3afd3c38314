/** An open loop: what is due is given out once, places take turns, and the rate is kept. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createPace, dueOf, givePlace, nextDueAt, startPace, takePlace } from '../../src/bench/pace.js'

test('pace: operations become due at the rate, and those given out are not due again', () => {
  const pace = createPace(2000, 1)
  startPace(pace, 100)
  assert.equal(dueOf(pace, 100), 0)
  assert.equal(nextDueAt(pace), 100.5)
  assert.equal(dueOf(pace, 110), 20)
  pace.issued += 15
  assert.equal(dueOf(pace, 110), 5)
  assert.equal(nextDueAt(pace), 108)
})

test('pace: places are taken in the order in which they became free, and none when all are in use', () => {
  const pace = createPace(1, 3)
  for (const token of [2, 0, 1]) givePlace(pace, token)
  assert.deepEqual([takePlace(pace), takePlace(pace)], [2, 0])
  givePlace(pace, 2)
  assert.deepEqual([takePlace(pace), takePlace(pace), takePlace(pace)], [1, 2, -1])
})
