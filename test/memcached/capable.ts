/** memccapable, libmemcached's own test of a server, in both dialects. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const MILLIS_MAX = 60_000
const PROGRAM = spawnSync('memccapable', ['-V'], { stdio: 'ignore' }).error
const SKIP = PROGRAM === undefined ? false : 'no memccapable on PATH (apt-get install libmemcached-tools)'

/** Declares the tests; `port` is asked when they run. */
export function testCapable(what: string, port: () => number): void {
  for (const [dialect, flag] of [['text', '-a'], ['binary', '-b']] as const) {
    test(`${what}: memccapable passes in ${dialect}`, { skip: SKIP }, () => {
      const words = ['-h', '127.0.0.1', '-p', String(port()), flag]
      const { stdout, stderr } = spawnSync('memccapable', words, { encoding: 'utf8', timeout: MILLIS_MAX })
      assert.match(`${stdout}${stderr}`, /All tests passed/)
    })
  }
}
