/**
 * After the faults: a new client that writes, and in the end reads everything; and whether all replicas have come to
 * the same state.
 */

import { item } from '../../src/assert.js'
import { isServing } from '../../src/runtime/core.js'
import { ROLE } from '../../src/zab/state.js'
import type { HistoryOperation } from '../checker/history.js'
import { replicasOf } from './cluster.js'
import type { SimCluster } from './cluster.js'
import { createOperation, nextValue, runOperation, startSimClient } from './sim-clients.js'
import type { Scene, SimClient } from './sim-clients.js'

export interface Probe {
  readonly client: SimClient
  stage: 'opening' | 'writing' | 'waiting' | 'reading' | 'done'
  /** What it read in the end. */
  reads: HistoryOperation[]
  failure: string | null
}

const PROBE_WRITES = 3
const PROBE_MILLIS = 18_000
const PROBE_KEY = 'key-probe'

export function startProbe(scene: Scene, node: number): Probe {
  const load = { ...scene.load, timeoutMillis: PROBE_MILLIS, failoverMillis: 200 }
  return { client: startSimClient({ ...scene, load }, node, 0, 1), stage: 'opening', reads: [], failure: null }
}

/** `quiet`: nobody else waits for an answer, so that what is read is what stays. */
export function tendProbe(scene: Scene, probe: Probe, quiet: boolean): void {
  const { client } = probe
  if (client.failed !== null) probe.failure = String(client.failed)
  if (client.sessions.length === 0) return
  const session = item(client.sessions, 0)
  const create = createOperation.bind(null, scene, session)
  if (probe.stage === 'opening') {
    probe.stage = 'writing'
    const writes = Array.from({ length: PROBE_WRITES }, () => create('write', PROBE_KEY, nextValue(scene)))
    void run(scene, probe, writes, 'waiting')
  } else if (probe.stage === 'waiting' && quiet) {
    probe.stage = 'reading'
    const sync = create('sync', PROBE_KEY, null)
    const keys = [PROBE_KEY, ...Array.from({ length: scene.load.keys }, (_, key) => `key-${key}`)]
    probe.reads = keys.map((key) => create('read', key, null))
    void run(scene, probe, [sync, ...probe.reads], 'done')
  }
}

async function run(
  scene: Scene,
  probe: Probe,
  operations: readonly HistoryOperation[],
  next: Probe['stage'],
): Promise<void> {
  const session = item(probe.client.sessions, 0)
  await Promise.all(operations.map((operation) => runOperation(scene, session, operation)))
  const undone = operations.find(({ version }) => version === null)
  if (undone === undefined) probe.stage = next
  else probe.failure = `its ${undone.kind} was not done`
}

/** Do all replicas serve in the epoch of one leader, and have they applied all that it proposed? */
export function isRecovered(cluster: SimCluster): boolean {
  const replicas = replicasOf(cluster)
  const leader = replicas.find(({ core }) => core.state.role === ROLE.LEADING && core.state.established)
  if (leader === undefined || replicas.length < cluster.nodes.length) return false
  const { acceptedEpoch, lastProposed } = leader.core.state
  return replicas.every(({ core, machine }) => {
    return isServing(core) && core.state.acceptedEpoch === acceptedEpoch && machine.applied() === lastProposed
  })
}
