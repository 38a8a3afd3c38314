/**
 * One simulated run: a seed draws the cluster, the faults, the clients and the schedule; a safety phase under faults,
 * then the network heals and everything must come to rest with equal stores.
 */

import { checkHistory } from '../checker/history.js'
import { SafetyViolation } from './checked-machine.js'
import { closeSimCluster, createSimCluster, turnReplica } from './cluster.js'
import type { SimCluster } from './cluster.js'
import { advance, createNetwork, FAULT_KINDS } from './network.js'
import type { FaultKind } from './network.js'
import { createPrng } from './prng.js'
import type { Prng } from './prng.js'
import { isFinished, issue, startSimClient } from './sim-clients.js'
import type { Load, Recorder, SimClient } from './sim-clients.js'
import { runTimers } from './sim-world.js'
import type { Timers } from './sim-world.js'

const TICKS_MAX = 600_000 // a virtual minute for the operations
const HEAL_TICKS_MAX = 100_000
const CLIENT_NODE_FIRST = 32

export interface RunResult {
  seed: number
  operations: number
  applied: number
  virtualSeconds: number
  faults: Record<FaultKind, number>
  resends: number
  /** Null when all held. */
  failure: string | null
  settings: string
}

interface Run {
  prng: Prng
  cluster: SimCluster
  clients: SimClient[]
  load: Load
  sessions: number
  timers: Timers
  recorder: Recorder
}

export async function runSeed(seed: number): Promise<RunResult> {
  const run = createRun(seed)
  const { cluster, recorder } = run
  let failure: string | null
  try {
    failure = (await drive(run)) ?? (await heal(run)) ?? judge(run)
  } catch (error) {
    failure = error instanceof SafetyViolation ? error.message : String((error as Error).stack)
  }
  const result: RunResult = {
    seed,
    operations: recorder.history.length,
    applied: cluster.log.operations,
    virtualSeconds: cluster.network.tick / 10_000,
    faults: { ...cluster.network.counts },
    resends: cluster.replicas.reduce((sum, each) => sum + each.core.home.resent, 0),
    failure,
    settings: JSON.stringify({ ...cluster.settings, ...cluster.network.faults, ...run.load }),
  }
  for (const client of run.clients) void client.client?.close()
  await flushMicrotasks()
  closeSimCluster(cluster)
  return result
}

function createRun(seed: number): Run {
  const prng = createPrng(seed)
  const calm = prng.chance(0.1)
  const network = createNetwork(prng, {
    loss: calm ? 0 : prng.unit() * 0.15,
    duplicate: calm ? 0 : prng.unit() * 0.1,
    reorder: calm ? 0 : prng.unit() * 0.2,
    delayTicksMax: prng.below(30),
    reorderTicksMax: prng.below(200),
    receiveQueueMax: prng.chance(0.3) ? 4 + prng.below(12) : 1000,
  })
  const datagramBytes = 960 + 64 * prng.below(10)
  const cluster = createSimCluster(network, {
    replicas: 1 + prng.below(5),
    multicast: prng.chance(0.5),
    quorum: prng.chance(0.2) ? 'all' : 'majority',
    datagramBytes,
    storeBytes: 4 << 20,
    historyBytes: datagramBytes * (64 + 64 * prng.below(8)),
    windowBytes: datagramBytes * (2 + prng.below(30)),
  })
  const timers: Timers = { list: [], order: 0 }
  const recorder: Recorder = { history: [], errors: new Map(), sessions: 0, values: 0 }
  const load: Load = {
    operations: 10 + prng.below(150),
    outstandingMax: 1 + prng.below(20),
    keys: 1 + prng.below(20),
    writeRatio: prng.unit(),
    largeRatio: prng.chance(0.3) ? 0.2 : 0,
  }
  const sessions = 1 + prng.below(3)
  const clients: SimClient[] = []
  const count = 1 + prng.below(3)
  for (let node = CLIENT_NODE_FIRST; node < CLIENT_NODE_FIRST + count; node++) {
    clients.push(startSimClient(cluster, node, sessions, timers, prng, recorder))
  }
  return { prng, cluster, clients, load, sessions, timers, recorder }
}

async function drive(run: Run): Promise<string | null> {
  const { cluster, clients, load, recorder } = run
  while (!clients.every((client) => isFinished(client, load, run.sessions))) {
    if (cluster.network.tick > TICKS_MAX) return 'liveness: operations did not end in time'
    for (const client of clients) {
      if (client.failed !== null) return `a client did not start: ${String(client.failed)}`
      issue(cluster, client, load, run.prng, recorder)
    }
    await step(run)
  }
  return null
}

/** No more faults: all replicas must apply the same. */
async function heal(run: Run): Promise<string | null> {
  const { cluster } = run
  const { network } = cluster
  Object.assign(network.faults, { loss: 0, duplicate: 0, reorder: 0, receiveQueueMax: 10_000 })
  const end = network.tick + HEAL_TICKS_MAX
  const [first] = cluster.replicas
  while (network.tick < end) {
    await step(run)
    const proposed = first?.core.state.lastProposed ?? 0
    if (cluster.replicas.every(({ machine }) => machine.applied() === proposed)) return null
  }
  return 'liveness: the replicas did not come to the same state after the network healed'
}

/** One moment: time passes, some replicas turn, clients wake. */
async function step(run: Run): Promise<void> {
  const { cluster, clients, prng, timers } = run
  advance(cluster.network, 1 + prng.below(5))
  for (let id = 0; id < cluster.replicas.length; id++) {
    if (prng.chance(0.8)) turnReplica(cluster, id)
  }
  for (const { world } of clients) {
    if (world.endpoint?.waiting() === true) world.endpoint.wake()
  }
  runTimers(timers, cluster.network.tick)
  await flushMicrotasks()
}

function judge(run: Run): string | null {
  const { cluster, recorder } = run
  for (const [code, count] of recorder.errors) return `${count} operations failed with ${code}`
  const digests = cluster.replicas.map(({ machine }) => machine.digest() + machine.sessionsDigest())
  if (new Set(digests).size !== 1) return `store equality: digests differ: ${digests.join(' ')}`
  const [violation] = checkHistory(recorder.history)
  if (violation !== undefined) {
    const { operation, rule } = violation
    const value = operation.value?.slice(0, 40) ?? null
    return `${rule}: ${JSON.stringify({ ...operation, value })}`
  }
  if (cluster.log.operations === 0) return 'vacuous: nothing was applied'
  return null
}

async function flushMicrotasks(): Promise<void> {
  for (let turns = 0; turns < 8; turns++) await null
}

/** Faults of several runs together. */
export function sumFaults(results: readonly RunResult[]): Record<FaultKind, number> {
  const sum = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>
  for (const { faults } of results) for (const kind of FAULT_KINDS) sum[kind] += faults[kind]
  return sum
}
