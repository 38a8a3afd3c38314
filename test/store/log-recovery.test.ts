/** What is there after a crash, and after damage. At every byte: wal/test/damage_test.cc. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { at } from '../../src/assert.js'
import { LOG_FIELD, LOG_STATUS, RECORD_KIND } from '../../src/store/log.js'
import { append, directoryOf, open, range, replay, replayOf, settle } from './log-world.js'

const WRITER = fileURLToPath(new URL('log-writer.js', import.meta.url))
const ROUNDS = 8
const SEGMENT = 'log-0000000001'
const RECORD_BYTES = 80 + 960 - 48
const SEGMENT_HEADER_BYTES = 72

/** Ten entries of 960 bytes, each in a group of its own. */
async function tenIn(directory: string): Promise<void> {
  const world = open(directory)
  replay(world)
  for (const counter of range(1, 10)) {
    assert.ok(append(world, counter, 960))
    await settle(world.log)
  }
  world.log.close()
}

/** Runs the writer until it has said that more is durable, some lines long, and kills it. Returns its last word. */
function killed(directory: string, mode: string, lines: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, directory, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.split('\n').length > lines) child.kill('SIGKILL')
    })
    child.once('error', reject)
    child.once('close', (_code, signal) => {
      const whole = said.slice(0, said.lastIndexOf('\n')).split('\n')
      if (signal === 'SIGKILL') resolve(Number(whole.at(-1)))
      else reject(new Error(`the writer ended by itself: ${said}`))
    })
  })
}

for (const mode of ['fsync', 'async']) {
  test(`crash: what a killed process (${mode}) called durable is there, whole and without a hole`, async (t) => {
    const directory = directoryOf(t)
    for (let round = 0; round < ROUNDS; round++) {
      const durable = await killed(directory, mode, 3 + round * 5)
      const world = open(directory)
      const { counters, end } = replay(world)
      assert.equal(end, RECORD_KIND.END, world.log.error() ?? '')
      assert.deepEqual(counters, range(1, counters.length))
      assert.ok(counters.length >= durable && durable > 0, `${durable} durable, ${counters.length} there`)
      world.log.close()
    }
    assert.ok(readdirSync(directory).length > 4, 'it took several segments')
  })
}

test('torn: a record that ends early is cut, and said to be', async (t) => {
  const directory = directoryOf(t)
  await tenIn(directory)
  truncateSync(join(directory, SEGMENT), SEGMENT_HEADER_BYTES + 9 * RECORD_BYTES + 500)
  const world = open(directory)
  assert.deepEqual(replay(world), { counters: range(1, 9), end: RECORD_KIND.END })
  assert.equal(at(world.log.fields, LOG_FIELD.cutBytes), 500)
  assert.equal(at(world.log.fields, LOG_FIELD.lastCounter), 9)
  assert.ok(append(world, 10, 2000))
  await settle(world.log)
  world.log.close()
  assert.equal(replayOf(directory).counters.length, 10)
})

test('damage: a flipped bit in the middle is named, and nothing changes until the caller says so', async (t) => {
  const directory = directoryOf(t)
  await tenIn(directory)
  const path = join(directory, SEGMENT)
  const bytes = readFileSync(path)
  const at4 = SEGMENT_HEADER_BYTES + 4 * RECORD_BYTES
  bytes[at4 + 300] = (bytes[at4 + 300] ?? 0) ^ 1
  writeFileSync(path, bytes)
  const damaged = open(directory)
  assert.deepEqual(replay(damaged), { counters: range(1, 4), end: RECORD_KIND.DAMAGE })
  assert.equal(damaged.log.replayNext(0, 65536), RECORD_KIND.DAMAGE, 'as often as it is asked')
  assert.ok(damaged.log.error()?.startsWith(`${path} is damaged at byte ${at4} (record 5): the checksum`))
  damaged.log.close()
  assert.ok(readFileSync(path).equals(bytes))

  const world = open(directory)
  replay(world)
  assert.ok(world.log.discardAfterDamage())
  assert.equal(replay(world).end, RECORD_KIND.END)
  assert.equal(world.log.status(), LOG_STATUS.FINE)
  assert.equal(at(world.log.fields, LOG_FIELD.lastCounter), 4)
  assert.ok(append(world, 5, 960))
  await settle(world.log)
  world.log.close()
  assert.ok(readFileSync(`${path}.damaged`).equals(bytes))
  assert.deepEqual(replayOf(directory).counters, range(1, 5))
})

test('damage: the segment of another log does not pass', async (t) => {
  const [one, other] = [directoryOf(t), directoryOf(t)]
  await tenIn(one)
  const world = open(other)
  replay(world)
  for (const counter of range(1, 300)) assert.ok(append(world, counter, 960))
  await settle(world.log)
  world.log.close()
  copyFileSync(join(other, 'log-0000000002'), join(one, 'log-0000000002'))
  const mixed = open(one)
  assert.deepEqual(replay(mixed), { counters: range(1, 10), end: RECORD_KIND.DAMAGE })
  assert.match(mixed.log.error() ?? '', /log-0000000001 is damaged at byte 9992 \(record 11\)/)
  mixed.log.close()
})
