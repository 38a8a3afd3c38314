/**
 * The native rooms' own tests, as tests of this run: a failure there fails the whole.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { strict as assert } from 'node:assert'
import { packageRoot } from './package-root.js'

const MINUTES_MAX = 8
const OUTPUT_CHARACTERS_MAX = 20_000

for (const room of ['mica', 'machine', 'wal', 'memcached', 'front', 'verbs-addon']) {
  const script = join(packageRoot(), room, 'test', 'run.sh')
  const skip = existsSync(script) ? false : `there is no ${room}/test/run.sh`
  test(`${room}: its native tests pass`, { skip, timeout: MINUTES_MAX * 60_000 }, async () => {
    const { code, output } = await run(script)
    assert.equal(code, 0, `${room}/test/run.sh failed:\n${output}`)
  })
}

function run(script: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [script], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
