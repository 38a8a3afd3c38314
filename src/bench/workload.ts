/**
 * The workload: keeps a number of batches in flight on every session, and counts what completes.
 *
 * Preload (every key once, counted apart), warm-up (counted nowhere but for errors), measurement, drain. An operation
 * counts when its answer arrived inside the measured time.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { assert, item } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { createBatch, createGenerator, fillBatch, fillPreload, type Batch, type Generator } from './batch.js'
import { createKeySource } from './keys.js'
import type { LoadClient, LoadSession } from './load-client.js'
import { countBatch, countError, createTally, errorsTotal, resetCounts, type Answers, type Tally } from './tally.js'
import { createPace, dueOf, givePlace, nextDueAt, startPace, takePlace, type Pace } from './pace.js'
import { batchesInFlight, batchOf, WORKLOAD_DEFAULTS, type WorkloadOptions } from './workload-options.js'

export interface WorkloadHooks {
  /** Between preload and warm-up; and at the end of the measured time, before the drain. */
  beforeRun(): Promise<void>
  afterMeasure(): Promise<void>
  /** Ends the run early: at the next turn the measured time is over. */
  stopped(): boolean
}

export interface WorkloadResult {
  tally: Tally
  /** Of the measured time. */
  elapsedSeconds: number
  preload: { writes: number; elapsedSeconds: number }
  /** Completed after the measured time: in no rate. */
  drained: number
  batch: number
  sessions: number
}

/** A place in flight: one batch on its session. */
interface Place {
  readonly batch: Batch
  readonly session: LoadSession
  failures: number
}

interface Run {
  readonly clients: readonly LoadClient[]
  readonly places: readonly Place[]
  readonly generator: Generator
  readonly rules: Answers
  tally: Tally
  /** Places whose batch came back, to be counted and filled again outside of the client's callback. */
  returned: Int32Array
  /** The other buffer: a submission may fail at once, while the last answers are still being taken. */
  spare: Int32Array
  readonly failures: (ZabkvError | null)[]
  returnedCount: number
  inFlight: number
  /** Of an open loop; null: a place is filled again as soon as its batch came back. */
  readonly pace: Pace | null
  readonly done: (token: number, error: ZabkvError | null) => void
}

/** Fills a batch, with `count` operations or as many as it likes; false when there are no more. */
type Refill = (batch: Batch, count?: number) => boolean

/** Timers and sockets of this process get their turn this often. */
const TURN_MILLIS = 5
const IDLE_MICROS = 100
const DRAIN_MILLIS_MAX = 15_000
/** A session that fails this often in a row is left alone. */
const FAILURES_MAX = 8

export async function runWorkload(
  clients: readonly LoadClient[],
  options: WorkloadOptions,
  hooks: WorkloadHooks,
): Promise<WorkloadResult> {
  const generator = createGenerator(options, await createKeySource(options))
  const preload = options.preload
    ? await preloadKeys(createRun(clients, asPreload(options), generator))
    : { writes: 0, elapsedSeconds: 0 }
  const run = createRun(clients, options, generator)
  await hooks.beforeRun()

  const next: Refill = (batch, operations) => (fillBatch(run.generator, batch, operations), true)
  launch(run, next)
  await keepFor(run, options.warmupSeconds * 1000, next, hooks)
  resetCounts(run.tally)
  const elapsedSeconds = await keepFor(run, options.seconds * 1000, next, hooks)
  await hooks.afterMeasure()
  const { reads, writes } = run.tally
  const measured = run.tally
  run.tally = { ...createTally(), errors: measured.errors }
  await drain(run)
  assert(measured.reads === reads && measured.writes === writes, 'workload: a drain counts apart')
  const drained = run.tally.reads + run.tally.writes
  const sessions = clients.reduce((sum, client) => sum + client.sessions.length, 0)
  return { tally: measured, elapsedSeconds, preload, drained, batch: batchOf(options), sessions }
}

/** Keys are written in many at a time, also before a run that has one operation in flight. */
function asPreload(options: WorkloadOptions): WorkloadOptions {
  const outstanding = Math.max(options.outstanding, WORKLOAD_DEFAULTS.outstanding)
  return { ...options, outstanding, batch: 0, rate: 0 }
}

function createRun(
  clients: readonly LoadClient[],
  options: WorkloadOptions,
  generator: Generator,
): Run {
  const places: Place[] = []
  // Rounds over the sessions, so that the first batches go to different ones.
  for (let round = 0; round < batchesInFlight(options); round++) {
    for (const session of clients.flatMap((client) => client.sessions)) {
      places.push({ batch: createBatch(options, generator.source), session, failures: 0 })
    }
  }
  const run: Run = {
    clients,
    places,
    generator,
    rules: { allowMissing: !options.preload, valueBytes: options.valueBytes },
    tally: createTally(),
    returned: new Int32Array(places.length),
    spare: new Int32Array(places.length),
    failures: places.map(() => null),
    returnedCount: 0,
    inFlight: 0,
    pace: options.rate === 0 ? null : createPace(options.rate, places.length),
    done: (token, error) => {
      assert(run.returnedCount < places.length, 'workload: a batch comes back once')
      run.returned[run.returnedCount++] = token
      run.failures[token] = error
    },
  }
  return run
}

async function preloadKeys(run: Run): Promise<{ writes: number; elapsedSeconds: number }> {
  const started = performance.now()
  let first = 0
  const next: Refill = (batch) => {
    const count = fillPreload(run.generator, batch, first)
    first += count
    return count > 0
  }
  launch(run, next)
  let turned = started
  while (run.inFlight > 0) {
    pollOnce(run, next)
    refuseErrors(run)
    const now = performance.now()
    if (now - turned < TURN_MILLIS) continue
    await turn()
    turned = now
  }
  return { writes: run.tally.writes, elapsedSeconds: (performance.now() - started) / 1000 }
}

/** A load on keys that are not all there would measure something else. */
function refuseErrors(run: Run): void {
  if (errorsTotal(run.tally) === 0) return
  const codes = [...run.tally.errors.keys()].join(', ')
  const hint = run.tally.errors.has('STORE_FULL') ? ': use fewer --keys or more --store-mib' : ''
  const sentence = `The preload of ${run.generator.source.keys} keys failed with ${codes}${hint}.`
  throw new ZabkvError(run.tally.errors.has('STORE_FULL') ? 'STORE_FULL' : 'UNAVAILABLE', sentence)
}

function launch(run: Run, next: Refill): void {
  const { pace } = run
  if (pace !== null) {
    startPace(pace, performance.now())
    return run.places.forEach((_, token) => givePlace(pace, token))
  }
  for (let token = 0; token < run.places.length; token++) submit(run, token, next)
}

function submit(run: Run, token: number, next: Refill): void {
  const { batch, session, failures } = item(run.places, token)
  if (failures >= FAILURES_MAX || !next(batch)) return
  batch.submittedAt = performance.now()
  run.inFlight++
  session.submitWith(batch.columns, batch.results, run.done, token)
}

/** Runs for a time; returns the seconds it really took. */
async function keepFor(
  run: Run,
  millis: number,
  next: Refill,
  hooks: WorkloadHooks,
): Promise<number> {
  const started = performance.now()
  let turned = started
  let now = started
  while (now - started < millis && (run.inFlight > 0 || (run.pace?.count ?? 0) > 0)) {
    pollOnce(run, next)
    now = performance.now()
    if (now - turned < TURN_MILLIS) continue
    if (hooks.stopped()) break
    await turn()
    turned = now
  }
  return Math.max(now - started, 0.001) / 1000
}

async function drain(run: Run): Promise<void> {
  const deadline = performance.now() + DRAIN_MILLIS_MAX
  const none: Refill = () => false
  while (run.inFlight > 0 && performance.now() < deadline) {
    pollOnce(run, none)
    await turn()
  }
  const left = run.inFlight
  if (left > 0) countError(run.tally, 'UNANSWERED', left * item(run.places, 0).batch.kinds.length)
}

/** Takes what has arrived at every client; waits a little when nothing has. */
function pollOnce(run: Run, next: Refill): void {
  for (const client of run.clients) client.poll(0)
  if (run.returnedCount === 0) {
    for (const client of run.clients) {
      client.poll(patienceOf(run))
      if (run.returnedCount > 0) break
    }
  }
  const count = run.returnedCount
  const tokens = run.returned
  run.returned = run.spare
  run.spare = tokens
  run.returnedCount = 0
  const now = performance.now()
  for (let index = 0; index < count; index++) takeBack(run, tokens[index] as number, now)
  for (let index = 0; index < count; index++) refill(run, tokens[index] as number, next)
  if (run.pace !== null) submitDue(run, run.pace, next)
}

/** How long to wait for answers at one client, before something else is to be done. */
function patienceOf({ clients, pace }: Run): number {
  const share = Math.ceil(IDLE_MICROS / clients.length)
  if (pace === null || pace.count === 0) return share
  return Math.max(0, Math.min(share, Math.floor((nextDueAt(pace) - performance.now()) * 1000)))
}

function refill(run: Run, token: number, next: Refill): void {
  if (run.pace === null) submit(run, token, next)
  else if (item(run.places, token).failures < FAILURES_MAX) givePlace(run.pace, token)
}

/** All that is due, as long as there are places: what has none waits, and its latency grows. */
function submitDue(run: Run, pace: Pace, next: Refill): void {
  for (let due = dueOf(pace, performance.now()); due > 0; ) {
    const token = takePlace(pace)
    if (token < 0) return
    const { batch, session } = item(run.places, token)
    const count = Math.min(due, batch.kinds.length)
    if (!next(batch, count)) return givePlace(pace, token)
    batch.submittedAt = nextDueAt(pace)
    pace.issued += count
    due -= count
    run.inFlight++
    session.submitWith(batch.columns, batch.results, run.done, token)
  }
}

function takeBack(run: Run, token: number, now: number): void {
  const place = item(run.places, token)
  run.inFlight--
  const error = item(run.failures, token)
  if (error === null) {
    place.failures = 0
    countBatch(run.tally, place.batch, (now - place.batch.submittedAt) * 1000, run.rules)
    return
  }
  place.failures++
  countError(run.tally, error.code, place.batch.columns.count)
}
