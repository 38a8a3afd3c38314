/** The leader dies while memcached's clients write: nothing acknowledged is lost, and nobody comes back cold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Processes } from '../integration/processes.js'
import { leaderOf, settled } from '../integration/processes.js'
import { memcachedPort, startMemcachedReplicas } from './replicas.js'
import { connectText } from './text-client.js'

const WRITERS_EACH = 4
const BEFORE_MILLIS = 1000
const AFTER_MILLIS = 2500
const ITEMS = 2000

interface Writer {
  readonly key: string
  readonly replica: number
  /** Increments acknowledged, and those of which nobody knows. */
  acknowledged: number
  unknown: number
  afterKill: number
}

interface Phase {
  isKilled: boolean
  isOver: boolean
}

/** Counts up until it is over, or its replica is gone. */
async function write(processes: Processes, writer: Writer, phase: Phase): Promise<void> {
  const client = connectText(memcachedPort(processes, writer.replica))
  await client.ask(`set ${writer.key} 0 0 1\r\n0\r\n`, /\r\n$/)
  while (!phase.isOver) {
    const isAfter = phase.isKilled
    const answer = await client.ask(`incr ${writer.key} 1\r\n`, /\r\n$/)
    if (answer !== null && /^\d+\r\n$/.test(answer)) {
      writer.acknowledged++
      if (isAfter) writer.afterKill++
      // Each counts once, also when it was sent again: there is no other writer of this key.
      const number = Number(answer)
      assert.ok(number >= writer.acknowledged && number <= writer.acknowledged + writer.unknown, writer.key)
      continue
    }
    writer.unknown++
    if (answer === null) break
  }
  client.close()
}

test('front: the leader is killed while clients write', { timeout: 180_000 }, async () => {
  const processes = await startMemcachedReplicas(3)
  try {
    const leader = await leaderOf(processes)
    const filler = connectText(memcachedPort(processes, leader))
    const fill = Array.from({ length: ITEMS }, (_, i) => `set item-${i} 0 0 5 noreply\r\nvalue\r\n`).join('')
    assert.equal(await filler.ask(`${fill}mn\r\n`, /MN\r\n$/), 'MN\r\n')
    filler.close()

    const phase: Phase = { isKilled: false, isOver: false }
    const writers: Writer[] = [0, 1, 2].flatMap((replica) =>
      Array.from({ length: WRITERS_EACH }, (_, i) => ({
        key: `counter-${replica}-${i}`,
        replica,
        acknowledged: 0,
        unknown: 0,
        afterKill: 0,
      })),
    )
    const all = writers.map((writer) => write(processes, writer, phase))
    await sleep(BEFORE_MILLIS)
    await processes.kill(leader)
    phase.isKilled = true
    await sleep(AFTER_MILLIS)
    phase.isOver = true
    await Promise.all(all)

    for (const writer of writers) {
      assert.ok(writer.replica === leader || writer.afterKill > 0, `${writer.key} goes on at ${writer.replica}`)
    }
    const survivor = (leader + 1) % 3
    const reader = connectText(memcachedPort(processes, survivor))
    await settled(processes)
    for (const { key, acknowledged, unknown } of writers) {
      const answer = (await reader.ask(`get ${key}\r\n`, /END\r\n$/)) ?? ''
      const number = Number(answer.split('\r\n')[1])
      assert.ok(number >= acknowledged, `${key}: ${acknowledged} acknowledged, ${number} there`)
      assert.ok(number <= acknowledged + unknown, `${key}: ${number} of ${acknowledged} and ${unknown} unknown`)
    }
    reader.close()

    await processes.restart(leader)
    await settled(processes)
    const back = connectText(memcachedPort(processes, leader))
    const keys = Array.from({ length: ITEMS }, (_, i) => `item-${i}`).join(' ')
    const items = (await back.ask(`get ${keys}\r\n`, /END\r\n$/)) ?? ''
    assert.equal(items.match(/^VALUE item-/gm)?.length, ITEMS, 'who comes back is warm')
    back.close()
  } finally {
    await processes.stop()
  }
})
