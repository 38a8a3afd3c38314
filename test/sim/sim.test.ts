/** A first stretch of seeds, and those that once failed. `npm run sim -- --seeds N` runs more. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { runSeed, sumFaults } from './run.js'
import type { RunResult } from './run.js'

const SEEDS = 120

/**
 * 4, 5, 7, 19: the middle parts of a large value were put into another array than its ends.
 * 21, 44, 73, 283: a request that waited for room came again and was parked twice.
 */
const ONCE_FAILED = [4, 5, 7, 19, 21, 44, 73, 283]

test('sim: seeds that once failed pass', async () => {
  for (const seed of ONCE_FAILED) {
    const { failure } = await runSeed(seed)
    assert.equal(failure, null, `seed ${seed}`)
  }
})

test(`sim: ${SEEDS} seeds keep every property under loss, repeats, reordering and full queues`, async () => {
  const results: RunResult[] = []
  for (let seed = 1000; seed < 1000 + SEEDS; seed++) {
    const result = await runSeed(seed)
    assert.equal(result.failure, null, `seed ${seed}: ${result.settings}`)
    results.push(result)
  }
  const faults = sumFaults(results)
  for (const kind of ['lost', 'duplicated', 'reordered', 'receiver-not-ready'] as const) {
    assert.ok(faults[kind] > 0, `the runs delivered faults of kind ${kind}`)
  }
})

test('sim: a seed replays exactly', async () => {
  assert.deepEqual(await runSeed(42), await runSeed(42))
})
