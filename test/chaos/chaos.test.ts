/** A minute of chaos holds, half of it in memory and half on disk. `npm run chaos -- --seconds 600` for more. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../cli/run.js'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))
const SECONDS = 30
const MILLIS_MAX = 300_000

const RUNS: { name: string; words: string[] }[] = [
  { name: 'five replicas and an observer, in memory', words: [] },
  { name: 'five replicas and an observer, on disk', words: ['--durability', 'fsync'] },
]

for (const { name, words } of RUNS) {
  test(`chaos: ${name}: half a minute of all faults violates nothing`, async (t) => {
    const all = [MAIN, '--seconds', String(SECONDS), ...words]
    const outcome = await run(process.execPath, all, { millisMax: MILLIS_MAX })
    assert.equal(outcome.code, 0, `${outcome.stdout}${outcome.stderr}`)
    assert.match(outcome.stdout, /^PASS seed \d+$/m)
    for (const line of outcome.stdout.trim().split('\n')) t.diagnostic(line)
  })
}
