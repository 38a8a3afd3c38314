/** Replicas taken away and brought back, at a machine of its own. Only with ZABKV_FAILOVER=1: it measures time. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../cli/run.js'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))
const ROUNDS = 8
const MILLIS_MAX = 300_000

for (const target of ['leader', 'follower']) {
  test(`failover: a ${target} that dies or hangs stops writes no longer than is promised`, async (t) => {
    if (process.env['ZABKV_FAILOVER'] !== '1') return t.skip('only with ZABKV_FAILOVER=1: it measures time')
    const words = [MAIN, '--rounds', String(ROUNDS), '--target', target]
    const outcome = await run(process.execPath, words, { millisMax: MILLIS_MAX })
    assert.equal(outcome.code, 0, `${outcome.stdout}${outcome.stderr}`)
    assert.match(outcome.stdout, /^PASS/m)
    for (const line of outcome.stdout.trim().split('\n')) t.diagnostic(line)
  })
}
