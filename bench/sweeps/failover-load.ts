/**
 * The load of a failover, as a process of its own: sessions at every replica that write all the time, and how much was
 * completed when. Prints one line when it begins, and its report at the end.
 *
 * Usage: failover-load REGISTRY CLUSTER MILLIS
 */

import { setImmediate as turn } from 'node:timers/promises'
import { createBatch, createGenerator, fillBatch, type Batch } from '../../src/bench/batch.js'
import { createKeySource } from '../../src/bench/keys.js'
import type { LoadSession } from '../../src/bench/load-client.js'
import { openLoadClients } from '../../src/bench/open-load-clients.js'
import { WORKLOAD_DEFAULTS, type WorkloadOptions } from '../../src/bench/workload-options.js'
import { answered, listMembers, statsOf } from '../../src/observe/cluster.js'
import { connectRegistry } from '../../src/registry/connection.js'
import { parseHostPort } from '../../src/registry/host-port.js'
import { monotonicMillis } from '../../test/monotonic-clock.js'
import { BUCKET_MILLIS, type LoadReport } from './failover-report.js'

const SESSIONS = 6
const BATCHES = 4
const BATCH_OPERATIONS = 64
const POLL_MICROS = 50
const TURN_MILLIS = 5

interface Place {
  readonly session: LoadSession
  readonly batch: Batch
}

const [where = '', cluster = '', millis = ''] = process.argv.slice(2)
const options: WorkloadOptions = {
  ...WORKLOAD_DEFAULTS,
  cluster,
  registry: parseHostPort(where),
  writeRatio: 1,
  keys: 10_000,
  distribution: 'uniform',
  traceFile: null,
  sessions: SESSIONS,
  outstanding: BATCHES * BATCH_OPERATIONS,
  batch: BATCH_OPERATIONS,
  preload: false,
}

async function main(): Promise<void> {
  const registry = connectRegistry(options.registry)
  const members = await listMembers(registry, cluster)
  const replicas = answered(await statsOf(members)).map(({ replica }) => replica)
  const clients = await openLoadClients(options, replicas)
  const source = await createKeySource(options)
  const generator = createGenerator(options, source)
  const places: Place[] = clients.flatMap(({ sessions }) => sessions).flatMap((session) =>
    Array.from({ length: BATCHES }, () => ({ session, batch: createBatch(options, source) })))
  const returned: number[] = places.map((_, token) => token)
  process.stdout.write('begun\n')

  const baseMillis = monotonicMillis()
  const endMillis = baseMillis + Number(millis)
  const buckets = new Array<number>(Math.ceil(Number(millis) / BUCKET_MILLIS)).fill(0)
  let lastMillis = baseMillis
  let gapMillis = 0
  const done = (token: number, error: Error | null): void => {
    returned.push(token)
    if (error !== null) return
    const now = monotonicMillis()
    const bucket = Math.floor((now - baseMillis) / BUCKET_MILLIS)
    if (bucket < buckets.length) buckets[bucket] = (buckets[bucket] ?? 0) + BATCH_OPERATIONS
    gapMillis = Math.max(gapMillis, now - lastMillis)
    lastMillis = now
  }
  let turned = baseMillis
  for (let now = baseMillis; now < endMillis; now = monotonicMillis()) {
    for (const token of returned.splice(0)) {
      const place = places[token]
      if (place === undefined) continue
      fillBatch(generator, place.batch)
      place.session.submitWith(place.batch.columns, place.batch.results, done, token)
    }
    for (const client of clients) client.poll(POLL_MICROS)
    if (now - turned < TURN_MILLIS) continue
    await turn()
    turned = now
  }
  const report: LoadReport = { baseMillis, buckets, gapMillis: Math.max(gapMillis, endMillis - lastMillis) }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  // What is still on its way is of no interest, and one replica is dead: no orderly end.
  process.exit(0)
}

await main()
