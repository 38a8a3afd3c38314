/**
 * What stands before a cache: readers of popular keys (Zipf) who ask a database upon a miss and set what it says; and
 * the hit rate that they see, over time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { at } from '../../src/assert.js'
import { createDrawRoom, drawIds, type KeySource } from '../../src/bench/keys.js'
import { createRandom } from '../../src/bench/random.js'
import { createZipf } from '../../src/bench/zipf.js'
import { connectText } from './text-client.js'

const KEYS = 20_000
const EXPONENT = 0.99
const DATABASE_MILLIS = 1
const DRAWN = 256
const VALUE = 'v'.repeat(64)
const BUCKET_MILLIS = 50

export interface Readers {
  /** Hits and reads of each BUCKET_MILLIS since the beginning. */
  readonly hits: number[]
  readonly reads: number[]
  stop(): Promise<void>
}

function keyOf(id: number): string {
  return `item-${id}`
}

/** All of them: a cache that has been used for long. */
export async function fill(port: number): Promise<void> {
  const client = connectText(port)
  const sets = Array.from({ length: KEYS }, (_, id) => `set ${keyOf(id)} 0 0 ${VALUE.length} noreply\r\n${VALUE}\r\n`)
  await client.ask(`${sets.join('')}mn\r\n`, /MN\r\n$/)
  client.close()
}

/** `count` connections, each of which asks for one key after the other until it is stopped. */
export function startReaders(port: number, count: number): Readers {
  const readers = { hits: [] as number[], reads: [] as number[] }
  const source: KeySource = { kind: 'zipf', keys: KEYS, zipf: createZipf(KEYS, EXPONENT, 1) }
  const began = performance.now()
  let isOver = false
  const tell = (isHit: boolean): void => {
    const bucket = Math.floor((performance.now() - began) / BUCKET_MILLIS)
    for (let each = readers.reads.length; each <= bucket; each++) {
      readers.hits.push(0)
      readers.reads.push(0)
    }
    readers.reads[bucket] = (readers.reads[bucket] ?? 0) + 1
    if (isHit) readers.hits[bucket] = (readers.hits[bucket] ?? 0) + 1
  }
  const read = async (seed: number): Promise<void> => {
    const client = connectText(port)
    const random = createRandom(seed)
    const room = createDrawRoom(DRAWN)
    const ids = new Uint32Array(DRAWN)
    for (let drawn = 0; !isOver; drawn++) {
      if (drawn % DRAWN === 0) drawIds(source, random, 0, ids, DRAWN, room)
      const key = keyOf(at(ids, drawn % DRAWN))
      const answer = await client.ask(`get ${key}\r\n`, /END\r\n$/)
      if (answer === null) break
      tell(answer !== 'END\r\n')
      if (answer !== 'END\r\n') continue
      await sleep(DATABASE_MILLIS)
      if ((await client.ask(`set ${key} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`, /\r\n$/)) === null) break
    }
    client.close()
  }
  const all = Array.from({ length: count }, (_, reader) => read(reader + 1))
  return {
    ...readers,
    stop: async () => {
      isOver = true
      await Promise.all(all)
    },
  }
}

/** Over the whole time. */
export function hitRate({ hits, reads }: Readers): number {
  const sum = (all: readonly number[]): number => all.reduce((before, each) => before + each, 0)
  return sum(hits) / Math.max(1, sum(reads))
}

/** Milliseconds until a bucket, full and not nearly without reads, has the rate; null: none has it. */
export function millisUntil({ hits, reads }: Readers, rate: number): number | null {
  const enough = Math.max(...reads) / 10
  const bucket = reads.findIndex((all, each) => all >= enough && (hits[each] ?? 0) / all >= rate)
  return bucket < 0 ? null : (bucket + 1) * BUCKET_MILLIS
}
