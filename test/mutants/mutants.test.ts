/** Mutants: each says what it changes, and the simulator finds some of them here. All: `npm run mutants`. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { item } from '../../src/assert.js'
import { packageRoot } from '../package-root.js'
import { MUTANTS } from './mutants.js'
import { runMutant } from './run-mutant.js'

const SEEDS = 60
const FOUND_SOON = ['a leader commits without a quorum', 'a leader is established without a quorum']

test('mutants: what each changes is there exactly once', () => {
  for (const { name, patches } of MUTANTS) {
    for (const { file, find } of patches) {
      const text = readFileSync(join(packageRoot(), 'dist', 'src', file), 'utf8')
      assert.equal(text.split(find).length - 1, 1, `${name}: ${file}`)
    }
  }
})

test('mutants: the simulator finds those that break the heart of it', async () => {
  for (const name of FOUND_SOON) {
    const found = MUTANTS.filter((mutant) => mutant.name === name)
    assert.notEqual(await runMutant(item(found, 0), SEEDS, 1), null, name)
  }
})
