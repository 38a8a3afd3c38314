/** `zabkv inspect` on directories that the log made: clean, torn, damaged, being written, none. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import type { DirectoryReport, RecordReport } from '../../src/observe/data-directory.js'
import { SNAPSHOT_STATE } from '../../src/store/log.js'
import {
  append, directoryOf, open, range, remove, replay, settle, temporaryDirectory, until,
} from '../store/log-world.js'
import { zabkv } from './run.js'

const WRITER = fileURLToPath(new URL('../store/log-writer.js', import.meta.url))

type Shown = DirectoryReport & { clean: boolean; log?: RecordReport[] }

async function madeIn(t: TestContext, entries: number): Promise<string> {
  const directory = directoryOf(t)
  const world = open(directory)
  replay(world)
  world.log.appendEpochs(4, 3)
  for (const counter of range(1, entries)) assert.ok(append(world, counter, 8192))
  await settle(world.log)
  world.log.snapshotBegin(2, 3)
  world.log.snapshotPart(0, 1000)
  world.log.snapshotFinish()
  await until(() => world.log.snapshotState() === SNAPSHOT_STATE.FINISHED, 'the snapshot ends')
  world.log.close()
  return directory
}

async function inspected(directory: string, code: number, words: string[] = []): Promise<Shown> {
  const outcome = await zabkv(['inspect', directory, '--json', ...words])
  assert.equal(outcome.code, code, outcome.stdout + outcome.stderr)
  return JSON.parse(outcome.stdout) as Shown
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes[offset] = (bytes[offset] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

test('inspect: segments, snapshots, epochs and records of a clean directory', async (t) => {
  const directory = await madeIn(t, 20)
  const before = readdirSync(directory)
  const shown = await inspected(directory, 0, ['--records'])
  assert.deepEqual([shown.clean, shown.cluster, shown.replica, shown.tornBytes], [true, 'test', 1, 0])
  assert.deepEqual([shown.acceptedEpoch, shown.currentEpoch, shown.lastCounter, shown.records], [4, 3, 20, 21])
  const [first, second] = shown.segments
  assert.deepEqual([first?.file, first?.state, first?.firstCounter], ['log-0000000001', 'good', 1])
  assert.deepEqual([second?.state, second?.lastCounter], ['good', 20])
  assert.equal((first?.lastCounter ?? 0) + 1, second?.firstCounter)
  assert.equal((first?.records ?? 0) + (second?.records ?? 0), 21)
  assert.deepEqual(shown.snapshots.map(({ counter, epoch, problem }) => [counter, epoch, problem]), [[2, 3, null]])
  assert.deepEqual(shown.log?.[0], {
    ordinal: 1, file: 'log-0000000001', offset: 72, kind: 'EPOCHS', accepted: 4, current: 3,
  })
  assert.deepEqual(shown.log?.[20], {
    ordinal: 21, file: 'log-0000000002', offset: shown.log?.[20]?.offset, kind: 'ENTRY', counter: 20, count: 1,
    epoch: 5, previous: 4, time: 1_000_020, committed: 19, bytes: 8144,
  })
  const text = await zabkv(['inspect', directory, '--records'])
  assert.match(text.stdout, /^ +1 {2}log-0000000001\+72 {2}EPOCHS {4}accepted 4 {2}current 3$/m)
  assert.match(text.stdout, /^log-0000000002 +good +\d+ /m)
  assert.match(text.stdout, /\nclean\n$/)
  assert.deepEqual(readdirSync(directory), before, 'nothing was changed')
})

test('inspect: a torn end is no damage', async (t) => {
  const directory = await madeIn(t, 3)
  const path = join(directory, 'log-0000000001')
  const end = 72 + 80 + 3 * (80 + 8144)
  truncateSync(path, end - 100)
  const shown = await inspected(directory, 0)
  assert.deepEqual([shown.lastCounter, shown.segments[0]?.state], [2, 'torn'])
  assert.equal(shown.tornBytes, 80 + 8144 - 100)
  assert.match((await zabkv(['inspect', directory])).stdout, /torn end: 8124 bytes/)
})

test('inspect: damage is exit code 1, with file and place', async (t) => {
  const directory = await madeIn(t, 20)
  flip(join(directory, 'log-0000000001'), 72 + 80 + 2 * (80 + 8144) + 500)
  flip(join(directory, readdirSync(directory).find((name) => name.startsWith('snapshot')) ?? ''), 300)
  const shown = await inspected(directory, 1)
  assert.deepEqual([shown.clean, shown.lastCounter], [false, 2])
  assert.deepEqual(shown.segments.map(({ state }) => state), ['damaged', 'unread'])
  assert.match(shown.damage[0] ?? '', /log-0000000001 is damaged at byte 16600 \(record 4\)/)
  assert.match(shown.damage[1] ?? '', /snapshot-0000000000000002-3 is damaged at byte 48/)
  const text = await zabkv(['inspect', directory])
  assert.equal(text.code, 1)
  assert.match(text.stdout, /^DAMAGED: .*log-0000000001 is damaged/m)
})

test('inspect: beside a process that writes', async (t) => {
  const directory = temporaryDirectory()
  const child = spawn(process.execPath, [WRITER, directory, 'fsync', '2'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
    remove(directory)
  })
  await once(child.stdout, 'data')
  child.stdout.resume()
  let last = 0
  for (let i = 0; i < 5; i++) {
    const shown = await inspected(directory, 0)
    assert.ok(shown.lastCounter > last, `${shown.lastCounter} after ${last}`)
    last = shown.lastCounter
  }
  assert.equal(child.exitCode, null, 'it still writes')
})

test('inspect: what is no data directory is a usage error', async (t) => {
  const directory = directoryOf(t)
  const cases = [[directory, /there is no META/], [join(directory, 'absent'), /is not there/]] as const
  for (const [path, sentence] of cases) {
    const { code, stderr } = await zabkv(['inspect', path])
    assert.equal(code, 2)
    assert.match(stderr, sentence)
  }
})
