/**
 * The time to the same hit rate after a restart: of a replica, which gets its items from the others, beside that of a
 * memcached, which gets them by misses. The figures are in the test's diagnostics:
 *   node --test dist/test/memcached/warm.test.js
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { leaderOf } from '../integration/processes.js'
import { until } from '../integration/until.js'
import { fill, hitRate, millisUntil, startReaders } from './look-aside.js'
import { memcachedPort, startMemcachedReplicas } from './replicas.js'
import { SKIP_WITHOUT_MEMCACHED, startMemcached } from './servers.js'
import { connectText } from './text-client.js'

const READERS = 8
const BEFORE_MILLIS = 1000
const DOWN_MILLIS = 500
/** After which nobody waits for memcached's hit rate any more; ZABKV_MEMCACHED_COLD_MILLIS says how long. */
const COLD_MILLIS = Number(process.env['ZABKV_MEMCACHED_COLD_MILLIS'] ?? 5000)
const WARM_MILLIS = 1500
/** Of the hit rate before: the same, but for chance. */
const SAME = 0.98

interface Restart {
  /** From the beginning of the new process until it takes commands. */
  readonly startMillis: number
  /** From then on, until the hit rate is the same; null: not within the time that was given. */
  readonly warmMillis: number | null
  readonly rateBefore: number
  /** Over the time given. */
  readonly rateAfter: number
}

/** Reads at where `start` says, which has just begun to take commands. */
async function watch(begin: () => Promise<number>, rateBefore: number, millis: number): Promise<Restart> {
  const began = performance.now()
  const port = await begin()
  const startMillis = Math.round(performance.now() - began)
  const readers = startReaders(port, READERS)
  for (let passed = 0; passed < millis; passed += WARM_MILLIS) {
    await sleep(WARM_MILLIS)
    if (millisUntil(readers, rateBefore * SAME) !== null) break
  }
  await readers.stop()
  return { startMillis, warmMillis: millisUntil(readers, rateBefore * SAME), rateBefore, rateAfter: hitRate(readers) }
}

async function rateOf(port: number): Promise<number> {
  const readers = startReaders(port, READERS)
  await sleep(BEFORE_MILLIS)
  await readers.stop()
  return hitRate(readers)
}

async function restartMemcached(t: TestContext): Promise<Restart> {
  const first = await startMemcached()
  await fill(first.port)
  const rateBefore = await rateOf(first.port)
  await first.close()
  await sleep(DOWN_MILLIS)
  const begin = async (): Promise<number> => {
    const second = await startMemcached()
    t.after(() => second.close())
    return second.port
  }
  return watch(begin, rateBefore, COLD_MILLIS)
}

/** The leader is killed while clients of the others write: they go on meanwhile. */
async function restartLeader(t: TestContext): Promise<Restart & { written: number }> {
  const processes = await startMemcachedReplicas(3)
  t.after(() => processes.stop())
  const leader = await leaderOf(processes)
  const port = memcachedPort(processes, leader)
  await fill(port)
  const rateBefore = await rateOf(port)
  let isOver = false
  let isKilled = false
  let written = 0
  const write = async (replica: number): Promise<void> => {
    const client = connectText(memcachedPort(processes, replica))
    for (let each = 0; !isOver; each++) {
      const answer = await client.ask(`set written-${replica} 0 0 8\r\n${String(each).padStart(8, '0')}\r\n`, /\r\n$/)
      assert.equal(answer, 'STORED\r\n', `a client of replica ${replica} goes on`)
      if (isKilled) written++
    }
    client.close()
  }
  const writers = [1, 2].map((next) => write((leader + next) % 3))
  await processes.kill(leader)
  isKilled = true
  await sleep(DOWN_MILLIS)
  const begin = async (): Promise<number> => {
    await processes.restart(leader)
    await until(async () => (await processes.statsOf(leader)).phase === 'BROADCAST', 'the replica is back')
    return memcachedPort(processes, leader)
  }
  const restart = await watch(begin, rateBefore, WARM_MILLIS)
  isOver = true
  await Promise.all(writers)
  return { ...restart, written }
}

function tell(t: TestContext, who: string, restart: Restart): void {
  const percent = (rate: number): string => `${(rate * 100).toFixed(1)} %`
  const { startMillis, warmMillis, rateBefore, rateAfter } = restart
  const warm = warmMillis === null ? `not within ${COLD_MILLIS} ms` : `after ${warmMillis} ms`
  t.diagnostic(
    `${who}: takes commands ${startMillis} ms after its start, the same hit rate (${percent(rateBefore)}) ${warm}; ` +
      `hits from then on ${percent(rateAfter)}`,
  )
}

test(
  'front: a replica that is started again has its hit rate at once, where memcached begins with none',
  { skip: SKIP_WITHOUT_MEMCACHED, timeout: 120_000 },
  async (t) => {
    const cold = await restartMemcached(t)
    const warm = await restartLeader(t)
    tell(t, 'memcached', cold)
    tell(t, 'replica', warm)
    t.diagnostic(`clients of the other replicas wrote ${warm.written} times while it was away and came back`)
    assert.ok(warm.written > 0, 'clients of the other replicas go on')
    assert.equal(warm.rateAfter, warm.rateBefore, 'nothing is missed')
    const coldMillis = cold.startMillis + (cold.warmMillis ?? COLD_MILLIS)
    assert.ok(warm.startMillis + (warm.warmMillis ?? Infinity) < coldMillis, 'memcached takes longer')
  },
)
