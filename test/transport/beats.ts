/** What the tests of beats share with the threads and processes that beat. */

import { Worker } from 'node:worker_threads'

import type { Endpoint } from '../../src/transport/endpoint.js'
import { HEADER, KIND } from '../../src/zab/wire.js'
import { type Received, writeDatagram } from './support.js'

export const BEAT_BYTES = 80
/** Behind the header, where `Received.body` starts. */
export const BEAT_AGE_OFFSET = HEADER.SIZE
export const BEAT_MICROS = 5_000

/** When what happened in a thread that beats, by the clock that all threads share. */
export interface BeatReport {
  busyFrom: number
  busyTo: number
  waitTo: number
}

/** Keeps JavaScript from everything else, as a garbage collection does. */
export function busy(millis: number): void {
  const until = performance.now() + millis
  while (performance.now() < until) continue
}

export function ageOf(received: Received): number {
  return new DataView(received.body.buffer).getUint32(BEAT_AGE_OFFSET - HEADER.SIZE, true)
}

export function beatTo(
  endpoint: Endpoint,
  destinations: readonly number[],
  changes: { periodMicros?: number; fill?: number } = {},
): void {
  const { periodMicros = BEAT_MICROS, fill = 7 } = changes
  const offset = endpoint.txOffset
  writeDatagram(endpoint, offset, { kind: KIND.ALIVE, length: BEAT_BYTES, fill })
  const places = Uint32Array.from(destinations)
  endpoint.beat(0, offset, BEAT_BYTES, places, places.length, periodMicros, BEAT_AGE_OFFSET)
}

/** A thread of scenario.ts, with endpoints of UDP. */
export function scenarioWorker(name: string): Worker {
  return new Worker(new URL('scenario.js', import.meta.url), { workerData: [name, 'udp'] })
}
