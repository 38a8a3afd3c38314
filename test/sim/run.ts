/**
 * One simulated run: a seed draws the cluster, the faults, the clients and the schedule. A safety phase under faults;
 * then everything heals, and progress is demanded.
 */

import { AssertionError } from '../../src/assert.js'
import { COUNT } from '../../src/zab/counters.js'
import { closeSimCluster, createSimCluster, runReplica, startReplica } from './cluster.js'
import { EVENTS, zeros } from './fault-kinds.js'
import type { EventCounts, FaultCounts } from './fault-kinds.js'
import type { Durability, SimCluster, SimClusterOptions } from './cluster.js'
import { drawFaults, faultsTick, healAll, isEstablished, loseMajority } from './faults.js'
import type { Faults } from './faults.js'
import { judge } from './judge.js'
import { SafetyViolation } from './ledger.js'
import { advance, createNetwork } from './network.js'
import { createPrng } from './prng.js'
import type { Prng } from './prng.js'
import { isRecovered, startProbe, tendProbe } from './probe.js'
import type { Probe } from './probe.js'
import { isGivenUp, isRefusing, isRemembered, leadAnyway, servingOf } from './refusal.js'
import { createRecorder, issue, startSimClient } from './sim-clients.js'
import type { Load, Scene, SimClient } from './sim-clients.js'
import { createTimers, runTimers } from './sim-world.js'
import { describeNode } from './standing.js'
import { SILENT } from './trace.js'
import type { Trace } from './trace.js'

const HEAL_TICKS_MAX = 200_000 // twenty virtual seconds
const REFUSAL_TICKS = 20_000
const CLIENT_NODE_FIRST = 32
const PROBE_NODE = 60
const START_TICKS_MAX = 300
const HEALED_TURNS = 0.9
/** Stuck for so long, nobody goes on without a word from outside. */
const STUCK_TICKS = 10_000
const DURABILITY_SALT = 0x6469736b

export interface RunResult {
  seed: number
  durability: Durability
  operations: number
  answered: number
  applied: number
  epochs: number
  virtualSeconds: number
  faults: FaultCounts
  events: EventCounts
  /** An operator had to go on from what was left. */
  gaveUp: boolean
  /** Null when all held. */
  failure: string | null
  settings: string
  /** Where each replica stood in the end. */
  standing: string[]
}

export interface Run extends Scene {
  readonly faults: Faults
  readonly clients: SimClient[]
  readonly sessions: number
  readonly schedule: Schedule
}

interface Schedule {
  /** In the end more crash than a cluster in memory survives. */
  losesMajority: boolean
  safetyTicks: number
  stepTicksMax: number
  turnChance: number
  issueChance: number
}

/** Of a seed, unless told otherwise. */
export function durabilityOf(seed: number): Durability {
  const drawn = createPrng(seed ^ DURABILITY_SALT).unit()
  return drawn < 0.5 ? 'memory' : drawn < 0.9 ? 'fsync' : 'async'
}

export async function runSeed(
  seed: number,
  trace: Trace = SILENT,
  durability: Durability = durabilityOf(seed),
): Promise<RunResult> {
  const run = createRun(seed, trace, durability)
  const { cluster, recorder } = run
  const settings = describeSettings(run)
  let failure: string | null
  try {
    await suffer(run)
    const probe = await heal(run)
    failure = probe.failure ?? judge(run, probe.reads)
  } catch (error) {
    failure = describeError(error)
  }
  const result: RunResult = {
    seed,
    durability,
    operations: recorder.history.length,
    answered: recorder.answered,
    applied: cluster.ledger.operations,
    epochs: cluster.ledger.led.size,
    virtualSeconds: cluster.network.tick / 10_000,
    faults: cluster.network.counts,
    events: eventsOf(cluster),
    gaveUp: recorder.gaveUp,
    failure,
    settings,
    standing: cluster.nodes.map((node) => describeNode(cluster, node)),
  }
  for (const { world, client } of run.clients) {
    void client?.close()
    world.endpoint?.close()
  }
  await flushMicrotasks()
  closeSimCluster(cluster)
  return result
}

function eventsOf(cluster: SimCluster): EventCounts {
  const counts = zeros(EVENTS)
  for (const { replica, former } of cluster.nodes) {
    for (const state of replica === null ? former : [...former, replica.core.state]) {
      for (const event of EVENTS) counts[event] += state.counters[COUNT[event]] ?? 0
    }
  }
  return counts
}

function describeError(error: unknown): string {
  if (error instanceof SafetyViolation) return error.message
  if (error instanceof AssertionError) return `assertion: ${error.message}\n${String(error.stack)}`
  return String((error as Error).stack)
}

function describeSettings(run: Run): string {
  const { options, network } = run.cluster
  const { kinds, meanGapTicks, lengthTicksMax, downTicksMax, early, eager } = run.faults
  const faults = { kinds: kinds.join(' '), meanGapTicks, lengthTicksMax, downTicksMax, early, eager }
  const disk = run.cluster.nodes[0]?.disk?.options ?? {}
  const { durability } = run.cluster.settings
  return JSON.stringify({ durability, ...disk, ...options, ...network.faults, ...run.load, ...run.schedule, ...faults })
}

function createRun(seed: number, trace: Trace, durability: Durability): Run {
  const prng = createPrng(seed)
  const network = createNetwork(prng, drawNetworkFaults(prng), trace)
  const datagramBytes = 960 + 64 * prng.below(10)
  const small = prng.chance(0.4)
  const options: SimClusterOptions = {
    replicas: prng.chance(0.1) ? 1 + prng.below(2) : 3 + prng.below(3),
    multicast: prng.chance(0.5),
    quorum: prng.chance(0.1) ? 'all' : 'majority',
    datagramBytes,
    storeBytes: 1 << 20,
    historyBytes: datagramBytes * (small ? 20 + prng.below(40) : 2048),
    windowBytes: datagramBytes * (2 + prng.below(30)),
    failureTicks: 200 + prng.below(400),
    stuckTicks: 500 + prng.below(8000),
    freshPorts: prng.chance(0.5),
    staleRegistry: prng.chance(0.5) ? 0.3 : 0,
  }
  const cluster = createSimCluster(network, prng, options, durability, seed)
  const load = drawLoad(prng, small)
  const sessions = 1 + prng.below(3)
  const clientNodes = Array.from({ length: 1 + prng.below(3) }, (_, index) => CLIENT_NODE_FIRST + index)
  const scene: Scene = { cluster, timers: createTimers(), prng, load, recorder: createRecorder() }
  const faults = drawFaults(cluster, prng, clientNodes, durability)
  for (const node of cluster.nodes) {
    const start = (): void => startReplica(cluster, node)
    faults.endings.push({ tick: prng.below(START_TICKS_MAX), end: start })
  }
  const safetyTicks = 3000 + prng.below(15_000)
  const stepTicksMax = [3, 6, 10, 20][prng.below(4)] ?? 3
  const stepsAll = safetyTicks / (1 + stepTicksMax / 2)
  const schedule: Schedule = {
    losesMajority: cluster.nodes.length > 2 && prng.chance(0.05) && durability !== 'async',
    safetyTicks,
    stepTicksMax,
    turnChance: 0.4 + prng.unit() * 0.6,
    issueChance: Math.min(0.5, load.operations / stepsAll),
  }
  const clients = clientNodes.map((node) => startSimClient(scene, node, 0, sessions))
  return { ...scene, faults, clients, sessions, schedule }
}

function drawNetworkFaults(prng: Prng): Run['cluster']['network']['faults'] {
  const calm = prng.chance(0.2)
  return {
    loss: calm ? 0 : prng.unit() * 0.15,
    duplicate: calm ? 0 : prng.unit() * (prng.chance(0.2) ? 0.5 : 0.1),
    reorder: calm ? 0 : prng.unit() * 0.2,
    delayTicksMax: prng.below(30),
    reorderTicksMax: prng.chance(0.2) ? 2000 : prng.below(200),
    repeatTicksMax: [0, 300, 2000, 6000][prng.below(4)] ?? 0,
    receiveQueueMax: prng.chance(0.3) ? 4 + prng.below(12) : 1000,
  }
}

/** `much`: more than a small history holds. */
function drawLoad(prng: Prng, much: boolean): Load {
  return {
    operations: 10 + prng.below(much || prng.chance(0.2) ? 300 : 80),
    outstandingMax: 1 + prng.below(20),
    keys: 1 + prng.below(20),
    writeRatio: much ? 0.8 : 0.2 + prng.unit() * 0.8,
    conditionRatio: prng.chance(0.5) ? 0.3 : 0,
    largeRatio: prng.chance(much ? 0.8 : 0.1) ? 0.3 : 0,
    timeoutMillis: prng.chance(0.3) ? 200 + prng.below(1000) : 10_000,
    failoverMillis: prng.chance(0.5) ? 10 + prng.below(30) : 50 + prng.below(300),
  }
}

/** The safety phase. */
async function suffer(run: Run): Promise<void> {
  const { network } = run.cluster
  const { safetyTicks, issueChance } = run.schedule
  network.trace.say(0, `settings ${describeSettings(run)}`)
  while (network.tick < safetyTicks) {
    faultsTick(run.faults)
    run.clients.forEach((client, index) => {
      if (client.failed === null) return issue(run, client, issueChance)
      if (!run.prng.chance(0.01)) return
      client.world.endpoint?.close()
      run.clients[index] = startSimClient(run, client.node, client.life + 1, run.sessions)
    })
    await step(run)
  }
}

/** No more faults: a new client is served, and all replicas come to the same state. */
async function heal(run: Run): Promise<Probe> {
  const { cluster, clients, faults } = run
  const { network } = cluster
  if (run.schedule.losesMajority && isEstablished(cluster)) loseMajority(faults)
  network.trace.say(network.tick, 'everything heals')
  healAll(faults)
  Object.assign(network.faults, { loss: 0, duplicate: 0, reorder: 0, receiveQueueMax: 10_000 })
  run.schedule.turnChance = HEALED_TURNS
  const refusal = await refuse(run)
  let probe = startProbe(run, PROBE_NODE)
  probe.failure = refusal
  const others = run.recorder.gaveUp ? [] : [...clients]
  clients.push(probe.client)
  const end = network.tick + HEAL_TICKS_MAX
  let stuck = 0
  while (network.tick < end && probe.failure === null) {
    const before = network.tick
    await step(run)
    stuck = isRefusing(cluster) ? stuck + network.tick - before : 0
    const needed = needsOperator(run, stuck)
    if (needed === 'fault') {
      probe.failure = 'liveness: the cluster refuses, though no disk was lost'
      break
    }
    if (!run.recorder.gaveUp && needed === 'yes') {
      leadAnyway(cluster)
      run.recorder.gaveUp = true
      // What the operator gave up may hold what the first one was told.
      stopClients(run)
      others.length = 0
      probe = startProbe(run, PROBE_NODE + 1)
      clients.push(probe.client)
    }
    const recovered = isRecovered(cluster)
    tendProbe(run, probe, recovered && others.every(isIdle))
    if (probe.stage !== 'done' || !recovered) continue
    network.trace.say(network.tick, 'recovered')
    return probe
  }
  probe.failure = `liveness: without faults ${whyNot(run, probe)}`
  return probe
}

/** Does the cluster wait for an operator, and may it? `stuck`: for how long nobody could go on. */
function needsOperator(run: Run, stuck: number): 'yes' | 'no' | 'fault' {
  const { cluster } = run
  if (stuck === 0) return 'no'
  if (cluster.settings.durability !== 'fsync') return isGivenUp(cluster) ? 'yes' : 'no'
  if (stuck < STUCK_TICKS) return 'no'
  return cluster.network.counts['disk-lost'] > 0 || !isEstablished(cluster) ? 'yes' : 'fault'
}

/** Where so much was lost that nobody may decide: says so, and is told to go on. */
async function refuse(run: Run): Promise<string | null> {
  const { cluster, schedule, faults } = run
  const { network } = cluster
  if (cluster.settings.durability !== 'memory' || (!schedule.losesMajority && !faults.early)) return null
  const wasEstablished = isEstablished(cluster)
  const wasRemembered = isRemembered(cluster)
  const end = network.tick + REFUSAL_TICKS
  while (network.tick < end) await step(run)
  if (!isRefusing(cluster)) {
    const lost = schedule.losesMajority && wasRemembered
    if (!lost) return null
    const serving = servingOf(cluster).length
    return `Recovery: a majority lost what it acknowledged, and ${serving} replicas serve, or do not say so`
  }
  if (!schedule.losesMajority && wasEstablished && !isGivenUp(cluster)) {
    return 'liveness: the cluster refuses, though a majority lost nothing'
  }
  leadAnyway(cluster)
  run.recorder.gaveUp = true
  stopClients(run)
  return null
}

/** The operator's duty, too: counters, and so sessions, of what was given up are used again. */
function stopClients(run: Run): void {
  for (const client of run.clients) client.world.endpoint?.close()
}

function isIdle({ sessions, client, failed }: SimClient): boolean {
  return (client !== null || failed !== null) && sessions.every(({ outstanding }) => outstanding === 0)
}

function whyNot(run: Run, probe: Probe): string {
  if (probe.failure !== null) return `a new client was not served: ${probe.failure}`
  if (probe.stage === 'opening' || probe.stage === 'writing') return 'a new client was not served'
  if (!isRecovered(run.cluster)) return 'the replicas did not come to the same state'
  return 'an operation was not answered'
}

/** One moment: time passes, some replicas turn, clients wake. */
async function step(run: Run): Promise<void> {
  const { cluster, clients, prng, timers, schedule } = run
  advance(cluster.network, 1 + prng.below(schedule.stepTicksMax))
  for (const node of cluster.nodes) runReplica(cluster, node, schedule.turnChance)
  for (const { world } of clients) {
    if (world.endpoint?.waiting() === true) world.endpoint.wake()
  }
  runTimers(timers, cluster.network.tick)
  await flushMicrotasks()
}

async function flushMicrotasks(): Promise<void> {
  for (let turns = 0; turns < 8; turns++) await null
}

