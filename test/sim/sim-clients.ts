/** Simulated clients: the real client code, issuing random operations with unique values and recording history. */

import { item } from '../../src/assert.js'
import type { Client } from '../../src/client/client.js'
import { openClient } from '../../src/client/open-client.js'
import type { Session } from '../../src/client/session.js'
import { ZabkvError } from '../../src/errors.js'
import { OP, STATUS } from '../../src/zab/wire.js'
import type { HistoryOperation } from '../checker/history.js'
import { CLUSTER } from './cluster.js'
import type { SimCluster } from './cluster.js'
import type { Prng } from './prng.js'
import { createSimWorld, membersOf } from './sim-world.js'
import type { SimWorld, Timers } from './sim-world.js'

export interface Load {
  operations: number //   of each session
  outstandingMax: number
  keys: number
  writeRatio: number
  largeRatio: number //   of writes, with values that take several datagrams
}

export interface SimClient {
  readonly world: SimWorld
  client: Client | null
  readonly sessions: SimSession[]
  failed: unknown
}

interface SimSession {
  readonly number: number
  readonly session: Session
  issued: number
  outstanding: number
}

export interface Recorder {
  readonly history: HistoryOperation[]
  /** Errors by code; an operation that is not known to have happened or not is no error of the store. */
  readonly errors: Map<string, number>
  sessions: number
  values: number
}

const TEXT = new TextEncoder()
const BYTES = new TextDecoder()
const LARGE_BYTES_MAX = 6000

export function startSimClient(
  cluster: SimCluster,
  node: number,
  sessions: number,
  timers: Timers,
  prng: Prng,
  recorder: Recorder,
): SimClient {
  const world = createSimWorld(cluster, node, timers, prng)
  const started: SimClient = { world, client: null, sessions: [], failed: null }
  const settings = {
    cluster: CLUSTER,
    provider: 'udp' as const,
    address: '127.0.0.1',
    device: undefined,
    gidIndex: undefined,
    timeoutMillis: 60_000,
    failoverMillis: 300,
    preferred: prng.below(cluster.replicas.length),
    latency: false,
    dropRatio: 0,
    dropSeed: 0,
  }
  const open = async (): Promise<void> => {
    const client = await openClient(world, settings, membersOf(cluster))
    started.client = client
    for (let count = 0; count < sessions; count++) {
      const session = await client.session()
      started.sessions.push({ number: recorder.sessions++, session, issued: 0, outstanding: 0 })
    }
  }
  open().catch((error: unknown) => {
    started.failed = error
  })
  return started
}

/** Issues what the load allows now. */
export function issue(
  cluster: SimCluster,
  client: SimClient,
  load: Load,
  prng: Prng,
  recorder: Recorder,
): void {
  for (const session of client.sessions) {
    while (session.issued < load.operations && session.outstanding < load.outstandingMax) {
      if (!prng.chance(0.5)) break
      void runOperation(cluster, session, load, prng, recorder)
    }
  }
}

export function isFinished(client: SimClient, load: Load, sessions: number): boolean {
  return (
    client.sessions.length === sessions &&
    client.sessions.every((each) => each.issued === load.operations && each.outstanding === 0)
  )
}

async function runOperation(
  cluster: SimCluster,
  session: SimSession,
  load: Load,
  prng: Prng,
  recorder: Recorder,
): Promise<void> {
  const { network } = cluster
  const isWrite = prng.chance(load.writeRatio)
  const key = `key-${prng.below(load.keys)}`
  const choice = prng.unit()
  const kind = !isWrite ? 'read' : choice < 0.8 ? 'write' : choice < 0.95 ? 'delete' : 'sync'
  const value = kind === 'write' ? nextValue(load, prng, recorder) : null
  const operation: HistoryOperation = {
    session: session.number,
    index: session.issued++,
    kind,
    key,
    value,
    version: null,
    start: network.tick,
    end: Infinity,
  }
  recorder.history.push(operation)
  session.outstanding++
  try {
    await submitOne(session.session, operation)
    operation.end = network.tick
  } catch (error) {
    const code = error instanceof ZabkvError ? error.code : 'unknown'
    recorder.errors.set(code, (recorder.errors.get(code) ?? 0) + 1)
  }
  session.outstanding--
}

/** Through submit, which gives versions of deletes too. */
async function submitOne(session: Session, operation: HistoryOperation): Promise<void> {
  const kinds = { write: OP.SET, delete: OP.DELETE, read: OP.GET, sync: OP.SYNC }
  const kind = kinds[operation.kind]
  const keys = kind === OP.SYNC ? new Uint8Array(0) : TEXT.encode(operation.key)
  const values = TEXT.encode(operation.value ?? '')
  const results = await session.submit({
    count: 1,
    kinds: kind,
    keys,
    keyBytes: keys.length,
    values,
    valueBytes: new Uint32Array([values.length]),
    versions: null,
  })
  const status = item([...results.statuses], 0)
  if (operation.kind === 'read') {
    const from = results.valueOffsets[0] ?? 0
    const found = results.values.subarray(from, from + (results.valueBytes[0] ?? 0))
    operation.value = status === STATUS.OK ? BYTES.decode(found) : null
    operation.version = status === STATUS.OK ? (results.versions[0] ?? 0) : 0
    if (status !== STATUS.OK && status !== STATUS.NOT_FOUND) throw new Error(`status ${status}`)
  } else if (status === STATUS.NOT_FOUND) {
    operation.kind = 'read' // a delete that found nothing changed nothing: it saw that the key is absent
    operation.version = 0
  } else if (status === STATUS.OK) {
    operation.version = results.versions[0] ?? 0
  } else {
    throw new Error(`status ${status}`)
  }
}

function nextValue(load: Load, prng: Prng, recorder: Recorder): string {
  const value = `value-${recorder.values++}.`
  if (!prng.chance(load.largeRatio)) return value
  return value.padEnd(prng.below(LARGE_BYTES_MAX), 'x')
}
