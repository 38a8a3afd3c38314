/** The other thread of ring.test.ts: writes numbered records of pseudo-random sizes as fast as the ring takes them. */

import { workerData } from 'node:worker_threads'

import { openRingWriter, ringGotRoom, ringPublish, ringReserve } from '../../src/runtime/ring.js'
import { goToBed, riseFromBed, wakeForRecords } from '../../src/runtime/sleep.js'
import type { Bed } from '../../src/runtime/sleep.js'
import { openWaker } from '../../src/transport/waker.js'
import { openEndpoint } from '../../src/transport/open-endpoint.js'
import { endpointSettings } from '../transport/support.js'

export interface HammerTask {
  memory: SharedArrayBuffer
  beds: SharedArrayBuffer
  /** Of the reader's endpoint; -1: neither sleeps. */
  wakeHandle: number
  /** A word of `beds` where this thread puts its own handle, when it has one. */
  records: number
  lengthMax: number
}

export const BED_READER = 0
export const BED_WRITER = 16
export const WORD_HANDLE = 32
export const BEDS_BYTES = 256
const WAIT_MICROS = 1_000_000
/** Records between two publications: as many as one burst may bring. */
const BURST_MAX = 7

/** Length and bytes of record `number` follow from it, so that the reader can tell. */
export function lengthOfRecord(number: number, lengthMax: number): number {
  return (Math.imul(number + 1, 0x9e3779b1) >>> 8) % (lengthMax + 1)
}

export function byteOfRecord(number: number, index: number): number {
  return (number * 31 + index * 7) & 0xff
}

function hammer(task: HammerTask): void {
  const ring = openRingWriter(task.memory)
  const words = new Int32Array(task.beds)
  const bed: Bed = { words, index: BED_WRITER }
  const readerBed: Bed = { words, index: BED_READER }
  const sleeps = task.wakeHandle >= 0
  const endpoint = sleeps ? openEndpoint(endpointSettings()) : null
  const waker = sleeps ? openWaker(task.wakeHandle) : null
  if (endpoint !== null) Atomics.store(words, WORD_HANDLE, endpoint.wakeHandle() + 1)
  for (let number = 0; number < task.records; ) {
    const length = lengthOfRecord(number, task.lengthMax)
    const to = ringReserve(ring, 1 + (number % 3), number >>> 0, number ^ 0x5555, length)
    if (to >= 0) {
      for (let index = 0; index < length; index++) ring.bytes[to + index] = byteOfRecord(number, index)
      number++
    }
    if (to >= 0 && number % BURST_MAX !== 0 && number < task.records) continue
    if (ringPublish(ring)) wakeForRecords(readerBed, waker)
    if (to >= 0 || endpoint === null) continue
    goToBed(bed, true)
    if (!ringGotRoom(ring)) endpoint.wait(WAIT_MICROS)
    riseFromBed(bed)
  }
  endpoint?.close()
  waker?.close()
}

if (workerData !== null) hammer(workerData as HammerTask)
