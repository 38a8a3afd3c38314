/** A log on a disk that is full: a small tmpfs in a mount namespace of its own. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { LOG_STATUS } from '../../src/store/log.js'
import { run } from '../cli/run.js'
import { directoryOf, remove, SEGMENT_BYTES, temporaryDirectory } from './log-world.js'

const WRITER = fileURLToPath(new URL('log-writer.js', import.meta.url))
const FILLER = fileURLToPath(new URL('log-filler.js', import.meta.url))

/** In a namespace where "$1" is a small file system: half of it is ballast. */
function inSmall(command: string): string[] {
  const mount = 'mount -t tmpfs -o size=2m none "$1" && head -c 1048576 /dev/zero >"$1/ballast"'
  return ['-m', 'sh', '-c', `${mount} && ${command}`, 'sh']
}

function whyNot(): string | null {
  const directory = temporaryDirectory()
  const tried = spawnSync('unshare', [...inSmall('true'), directory], { encoding: 'utf8' })
  remove(directory)
  return tried.status === 0 ? null : `no mount namespace with a tmpfs here: ${tried.stderr || String(tried.error)}`
}

const missing = whyNot()

test('directory: a file system that is mounted read-only is refused with what to do', async (t) => {
  if (missing !== null) return t.skip(missing)
  const directory = directoryOf(t)
  const script = 'mount -t tmpfs -o ro none "$1" && exec "$2" "$3" "$1"'
  const { code, stderr } = await run('unshare', ['-m', 'sh', '-c', script, 'sh', directory, process.execPath, WRITER])
  assert.equal(code, 1)
  assert.match(stderr, /is on a file system mounted read-only: mount it writable/)
  assert.match(stderr, /code: 'DATA_DIR'/)
})

test('space: a full disk warns, keeps what was appended, and goes on when there is room', async (t) => {
  if (missing !== null) return t.skip(missing)
  const directory = directoryOf(t)
  const { code, stdout, stderr } = await run('unshare', [
    ...inSmall('exec "$2" "$3" "$1"'), directory, process.execPath, FILLER,
  ])
  assert.equal(code, 0, stderr)
  const outcome = JSON.parse(stdout) as Record<string, number> & { seen: number[]; error: string }
  assert.deepEqual(outcome.seen, [LOG_STATUS.FINE, LOG_STATUS.SPACE_LOW, LOG_STATUS.FULL])
  assert.match(outcome.error, /^no room for the log in .*: make room/)
  assert.equal(outcome['durableStill'], outcome['durableWhenFull'], 'nothing is durable that has no room')
  assert.ok(Number(outcome['durableWhenFull']) > 16, 'the segments that had room are used to their end')
  assert.ok(Number(outcome['freeWhenFull']) < SEGMENT_BYTES)
  assert.ok(Number(outcome['counter']) > Number(outcome['durableWhenFull']), 'the buffer still takes')
  assert.ok(Number(outcome['waits']) < 20, 'it does not ask all the time')
  assert.equal(outcome['errorAfter'], null)
  assert.equal(outcome['isComplete'], true)
})
