/**
 * How fast the log is on the disk of a directory: `log-throughput.js DIRECTORY [BYTES [SECONDS [MODE]]]`. Entries of
 * BYTES with a window of unfinished ones, as a replica has, from one to as many as the buffer holds. Waits as a
 * replica does.
 */

import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'

import { open as openEndpoint } from '../transport/support.js'
import { count, type LogWorld, open, remove, replay, writePropose } from './log-world.js'

const WINDOWS = [1, 16, 64, 256, 1024, Number.POSITIVE_INFINITY]
const A_TURN = 64

const [parent = '.', bytesText = '8192', secondsText = '5', mode = 'fsync'] = process.argv.slice(2)
const bytes = Number(bytesText)
const endpoint = openEndpoint()

for (const window of WINDOWS) {
  const directory = mkdtempSync(join(parent, 'zabkv-throughput-'))
  const world = open(directory, {
    mode: mode === 'async' ? 'async' : 'fsync',
    wakeHandle: endpoint.wakeHandle(),
    bufferBytes: 64 << 20,
    segmentBytes: 64 << 20,
  })
  replay(world)
  writePropose(world, 1, bytes)
  const figures = drive(world, window)
  console.log(JSON.stringify({ mode, bytes, window: Number.isFinite(window) ? window : 'buffer', ...figures }))
  world.log.close()
  remove(directory)
}
endpoint.close()

function drive({ log }: LogWorld, window: number): Record<string, number> {
  const start = performance.now()
  const end = start + Number(secondsText) * 1000
  let counter = 0
  while (performance.now() < end) {
    for (let i = 0; i < A_TURN && counter - log.durable() < window; i++) {
      if (!log.appendEntry(0, bytes, counter + 1, 1, 1, counter)) break
      counter++
    }
    log.flush()
    if (counter - log.durable() >= Math.min(window, 2048)) endpoint.wait(100_000)
  }
  const seconds = (performance.now() - start) / 1000
  const durable = log.durable()
  return {
    recordsPerSecond: Math.round(durable / seconds),
    megabytesPerSecond: Math.round((durable * bytes) / seconds / 1e5) / 10,
    recordsPerGroup: Math.round((count(log, 'records') / count(log, 'groups')) * 10) / 10,
    syncsPerSecond: Math.round(count(log, 'syncs') / seconds),
    syncMicrosMean: Math.round(count(log, 'sync-micros-mean')),
    syncMicrosMax: Math.round(count(log, 'sync-micros-max')),
    bufferFull: count(log, 'buffer-full'),
  }
}
