/**
 * A process of clients, started by load.ts: connects, records, and lets clients come and go until it is told to stop.
 * One line of JSON for each operation goes to a file of its own.
 */

import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, ZabkvError } from '../../src/client/connect.js'
import type { Client } from '../../src/client/connect.js'
import { createPrng } from '../sim/prng.js'
import type { Prng } from '../sim/prng.js'
import type { LoadMessage, LoadSettings } from './load.js'
import { count, issueOne } from './recorder.js'
import type { Recorder, Recording } from './recorder.js'

const CLIENTS = 3
const SESSIONS = 2 // of each client
const OUTSTANDING_MAX = 24
const LIFE_MILLIS_MIN = 3000
const LIFE_MILLIS_MAX = 20_000
const RETRY_MILLIS = 100
const PROGRESS_MILLIS = 200
const SESSIONS_PER_PROCESS_MAX = 1e6

const settings = JSON.parse(process.argv[2] ?? '') as LoadSettings
const file = createWriteStream(settings.file)
const recorder: Recorder = {
  write: (operation) => file.write(`${JSON.stringify(operation)}\n`),
  codes: new Map(),
  completed: 0,
  completedWrites: 0,
}
let isStopping = false
let sessions = 0

process.on('message', () => {
  isStopping = true
})
// Without whoever started it nobody would stop it.
const onOrphaned = (): void => process.exit(1)
process.on('disconnect', onOrphaned)

function say(message: LoadMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()))
}

function progress(): void {
  const { completed, completedWrites } = recorder
  void say({ kind: 'progress', completed, completedWrites })
}

async function clientLoop(prng: Prng): Promise<void> {
  while (!isStopping) {
    const { registry, cluster, replicas } = settings
    const options = { registry, cluster, replica: prng.below(replicas), timeoutMillis: settings.timeoutMillis }
    try {
      await using client = await connect(options)
      await useClient(client, prng)
    } catch (error) {
      if (!(error instanceof ZabkvError)) throw error
      count(recorder.codes, `connect: ${error.code}`)
      await sleep(RETRY_MILLIS)
    }
  }
}

async function useClient(client: Client, prng: Prng): Promise<void> {
  const until = performance.now() + LIFE_MILLIS_MIN + prng.below(LIFE_MILLIS_MAX - LIFE_MILLIS_MIN)
  const loops: Promise<void>[] = []
  for (let side = 0; side < SESSIONS; side++) {
    const number = settings.process * SESSIONS_PER_PROCESS_MAX + sessions++
    const recording: Recording = {
      client,
      session: await client.session(),
      number,
      prng: createPrng((settings.seed ^ Math.imul(number + 1, 0x9e3779b9)) >>> 0),
      keys: settings.keys,
      timeoutMillis: settings.timeoutMillis,
      recorder,
      versions: new Map(),
      outstanding: new Set(),
      issued: 0,
      isEnded: false,
    }
    loops.push(sessionLoop(recording, until))
  }
  await Promise.all(loops)
}

/** At its share of the rate, now and then many at once. */
async function sessionLoop(recording: Recording, until: number): Promise<void> {
  const { prng, outstanding } = recording
  const millisEach = (1000 * settings.processes * CLIENTS * SESSIONS) / settings.rate
  let next = performance.now()
  while (!isStopping && !recording.isEnded && performance.now() < until) {
    const burst = prng.chance(0.1) ? 1 + prng.below(12) : 1
    next = Math.max(next + millisEach * burst, performance.now() - 1000)
    for (let each = 0; each < burst && outstanding.size < OUTSTANDING_MAX; each++) issueOne(recording)
    if (outstanding.size >= OUTSTANDING_MAX) await Promise.race(outstanding)
    const rest = next - performance.now()
    if (rest > 0) await sleep(rest)
  }
  // A client that goes with operations outstanding does not learn what became of them.
  if (prng.chance(0.7)) await Promise.all(outstanding)
  else recording.client.close().catch(() => undefined)
  await Promise.all(outstanding)
}

const timer = setInterval(progress, PROGRESS_MILLIS)
const loops = Array.from({ length: CLIENTS }, (_, each) =>
  clientLoop(createPrng((settings.seed + 1000 * settings.process + each) >>> 0)),
)
await Promise.all(loops)
clearInterval(timer)
progress()
await new Promise((resolve) => file.end(resolve))
await say({ kind: 'finished', codes: Object.fromEntries(recorder.codes) })
process.off('disconnect', onOrphaned)
process.disconnect()
