/** Simulated clients: the real client code, issuing random operations with unique values and recording history. */

import type { Client } from '../../src/client/client.js'
import { openClient } from '../../src/client/open-client.js'
import type { Session } from '../../src/client/session.js'
import { ZabkvError } from '../../src/errors.js'
import type { HistoryOperation } from '../checker/history.js'
import { CLUSTER } from './cluster.js'
import type { SimCluster } from './cluster.js'
import type { Prng } from './prng.js'
import { submitOne } from './sim-operations.js'
import { createSimWorld, membersOf } from './sim-world.js'
import type { SimWorld, Timers } from './sim-world.js'

export interface Load {
  operations: number //   of each session
  outstandingMax: number
  keys: number
  writeRatio: number
  conditionRatio: number // of writes, with a condition
  largeRatio: number //     of writes, with values that take several datagrams
  timeoutMillis: number
  failoverMillis: number
}

/** What all clients of a run share. */
export interface Scene {
  readonly cluster: SimCluster
  readonly timers: Timers
  readonly prng: Prng
  readonly load: Load
  readonly recorder: Recorder
}

export interface SimClient {
  readonly world: SimWorld
  readonly node: number
  /** Clients of this node before it. */
  readonly life: number
  client: Client | null
  readonly sessions: SimSession[]
  failed: unknown
}

interface SimSession {
  readonly number: number
  readonly session: Session
  /** Versions that it has seen, to make conditions of. */
  readonly seen: Map<string, number>
  issued: number
  outstanding: number
}

export interface Recorder {
  readonly history: HistoryOperation[]
  /** Errors by code. */
  readonly errors: Map<string, number>
  answered: number
  /** An operator gave up what was acknowledged: the history contradicts itself rightly. */
  gaveUp: boolean
  sessions: number
  values: number
}

const LARGE_BYTES_MAX = 6000

export function createRecorder(): Recorder {
  return { history: [], errors: new Map(), answered: 0, gaveUp: false, sessions: 0, values: 0 }
}

export function startSimClient(scene: Scene, node: number, life: number, sessions: number): SimClient {
  const { cluster, prng, load, recorder } = scene
  const world = createSimWorld(cluster, node, life, scene.timers, prng)
  const started: SimClient = { world, node, life, client: null, sessions: [], failed: null }
  const settings = {
    cluster: CLUSTER,
    provider: 'udp' as const,
    address: '127.0.0.1',
    device: undefined,
    gidIndex: undefined,
    timeoutMillis: load.timeoutMillis,
    failoverMillis: load.failoverMillis,
    preferred: prng.below(cluster.nodes.length),
    latency: false,
    dropRatio: 0,
    dropSeed: 0,
  }
  const open = async (): Promise<void> => {
    const client = await openClient(world, settings, membersOf(cluster))
    started.client = client
    for (let count = 0; count < sessions; count++) {
      const session = await client.session()
      const number = recorder.sessions++
      started.sessions.push({ number, session, seen: new Map(), issued: 0, outstanding: 0 })
    }
  }
  open().catch((error: unknown) => {
    started.failed = error
  })
  return started
}

/** Issues some of what the load allows now. */
export function issue(scene: Scene, client: SimClient, chance: number): void {
  const { load, prng } = scene
  for (const session of client.sessions) {
    while (session.issued < load.operations && session.outstanding < load.outstandingMax) {
      if (!prng.chance(chance)) break
      void runOperation(scene, session, drawOperation(scene, session))
    }
  }
}

/** Has every session of the client issued all, and been answered? */
export function isFinished(scene: Scene, client: SimClient, sessions: number): boolean {
  return (
    client.sessions.length === sessions &&
    client.sessions.every((each) => each.issued >= scene.load.operations && each.outstanding === 0)
  )
}

export function outstandingOf(client: SimClient): number {
  return client.sessions.reduce((sum, { outstanding }) => sum + outstanding, 0)
}

function drawOperation(scene: Scene, session: SimSession): HistoryOperation {
  const { load, prng } = scene
  const key = `key-${prng.below(load.keys)}`
  const choice = prng.unit()
  if (!prng.chance(load.writeRatio)) return createOperation(scene, session, 'read', key, null)
  const kind = choice < 0.8 ? 'write' : choice < 0.95 ? 'delete' : 'sync'
  if (kind !== 'write') return createOperation(scene, session, kind, key, null)
  const operation = createOperation(scene, session, kind, key, nextValue(scene))
  if (prng.chance(load.conditionRatio)) {
    const seen = session.seen.get(key) ?? 0
    operation.condition = seen > 0 && prng.chance(0.7) ? seen : 'absent'
  }
  return operation
}

/** One that is recorded from now on. */
export function createOperation(
  scene: Scene,
  session: SimSession,
  kind: HistoryOperation['kind'],
  key: string,
  value: string | null,
): HistoryOperation {
  const operation: HistoryOperation = {
    session: session.number,
    index: session.issued++,
    kind,
    key,
    value,
    version: null,
    start: scene.cluster.network.tick,
    end: Infinity,
  }
  scene.recorder.history.push(operation)
  return operation
}

/** Never rejects: what became of it is recorded. */
export async function runOperation(scene: Scene, session: SimSession, operation: HistoryOperation): Promise<void> {
  const { recorder, cluster } = scene
  session.outstanding++
  try {
    await submitOne(session.session, operation)
    operation.end = cluster.network.tick
    recorder.answered++
    if (operation.kind !== 'sync') session.seen.set(operation.key, operation.version ?? 0)
  } catch (error) {
    const known = error instanceof ZabkvError
    const code = known ? error.code : String((error as Error).stack)
    recorder.errors.set(code, (recorder.errors.get(code) ?? 0) + 1)
    if (known && error.definite) operation.outcome = 'failed'
  }
  session.outstanding--
}

export function nextValue({ load, prng, recorder }: Scene): string {
  const value = `value-${recorder.values++}.`
  if (!prng.chance(load.largeRatio)) return value
  return value.padEnd(prng.below(LARGE_BYTES_MAX), 'x')
}
