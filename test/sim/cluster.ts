/**
 * A simulated cluster: nodes whose replicas come and go, each with a clock of its own, and the registry that they look
 * each other up in. A node keeps its number and clock over all lives; what a replica knew in memory ends with its life.
 */

import { item } from '../../src/assert.js'
import { turn } from '../../src/runtime/core.js'
import type { ClusterSettings } from '../../src/runtime/options.js'
import { isServing } from '../../src/runtime/core.js'
import { recoverCore } from '../../src/runtime/transitions.js'
import { ZabkvError } from '../../src/errors.js'
import { joinPeer } from '../../src/runtime/join-peer.js'
import type { State } from '../../src/zab/state.js'
import { portOf } from './network.js'
import type { Network } from './network.js'
import { createPrng } from './prng.js'
import type { Prng } from './prng.js'
import { createLedger } from './ledger.js'
import type { Ledger } from './ledger.js'
import { watchStart, watchTurn } from './watch.js'
import { sendSimBeats, simAddress } from './sim-endpoint.js'
import { crashDisk, createSimDisk, drawDiskOptions, healDisk, isDiskEmpty } from './sim-disk.js'
import type { SimDisk } from './sim-disk.js'
import { openSimReplica } from './sim-replica.js'
import type { SimReplica } from './sim-replica.js'

export const CLUSTER = 'sim'

export interface SimClusterOptions {
  replicas: number
  multicast: boolean
  quorum: 'majority' | 'all'
  datagramBytes: number
  storeBytes: number
  historyBytes: number
  windowBytes: number
  failureTicks: number
  stuckTicks: number
  /** A new life has new ports, instead of those of the one before. */
  freshPorts: boolean
  /** Probability that the registry tells of a former life. */
  staleRegistry: number
}

/** What the registry says of a life. */
export interface SimEntry {
  incarnation: number
  portLife: number
}

export interface SimNode {
  readonly id: number
  readonly clock: SimClock
  /** Null where the history is in memory only. It outlives the replicas. */
  readonly disk: SimDisk | null
  /** Null while it is crashed. */
  replica: SimReplica | null
  /** States of lives that ended: what they held when they did. */
  readonly former: State[]
  /** Of all lives, the newest last. */
  readonly entries: SimEntry[]
  beatTick: number
  searchTick: number
  strangersTick: number
  /** Until then: neither turns nor beats. */
  pausedUntil: number
  /** Until then: no turns. */
  stuckUntil: number
  /** Until then: seldom turns. */
  slowUntil: number
}

/** A node's own time: ticks = offset + rate * the world's. */
export interface SimClock {
  offset: number
  rate: number
  wallMicros: number
}

export interface SimCluster {
  readonly network: Network
  readonly prng: Prng
  readonly options: SimClusterOptions
  readonly settings: ClusterSettings
  readonly nodes: SimNode[]
  readonly ledger: Ledger
}

export type Durability = ClusterSettings['durability']


const BEAT_TICKS = 50
const SEARCH_TICKS = 2000
const STRANGERS_TICKS = 100
const SEARCH_TICKS_PLACED = 20_000
const SLOW_TURNS = 0.02

/** `diskSeed`: of what is drawn for disks, so that clusters in memory draw the same as without them. */
export function createSimCluster(
  network: Network,
  prng: Prng,
  options: SimClusterOptions,
  durability: Durability = 'memory',
  diskSeed = 0,
): SimCluster {
  const settings: ClusterSettings = {
    cluster: CLUSTER,
    replicas: options.replicas,
    transport: 'udp',
    multicast: options.multicast,
    quorum: options.quorum,
    datagramBytes: options.datagramBytes,
    storeBytes: options.storeBytes,
    memory: 'store',
    sessionsMax: 16_384,
    sessionWindow: 4096,
    sessionSeconds: 0,
    ackCopies: 0,
    durability,
  }
  const skewed = prng.chance(0.5)
  if (skewed) network.counts.skew++
  const diskPrng = createPrng(diskSeed)
  const diskOptions = drawDiskOptions(diskPrng)
  const nodes = Array.from({ length: options.replicas }, (_, id) => {
    const disk = durability === 'memory' ? null : createSimDisk(network, createPrng(diskPrng.next()), diskOptions)
    return createNode(prng, id, skewed, disk)
  })
  return { network, prng, options, settings, nodes, ledger: createLedger(options.replicas) }
}

function createNode(prng: Prng, id: number, skewed: boolean, disk: SimDisk | null): SimNode {
  const clock = {
    offset: prng.below(1_000_000),
    rate: skewed ? 0.96 + prng.unit() * 0.08 : 1,
    wallMicros: 1e12 + prng.below(4_000_000),
  }
  return {
    id,
    clock,
    disk,
    replica: null,
    former: [],
    entries: [],
    beatTick: 0,
    searchTick: 0,
    strangersTick: 0,
    pausedUntil: 0,
    stuckUntil: 0,
    slowUntil: 0,
  }
}

/** A new life of a node: with what its disk kept, and told by the registry where the others are. */
export function startReplica(cluster: SimCluster, node: SimNode): void {
  const { prng, network, options } = cluster
  const life = node.entries.length
  const incarnation = (node.entries.at(-1)?.incarnation ?? 0) + 1 + prng.below(1000)
  const portLife = options.freshPorts ? life : 0
  const replica = openSimReplica(cluster, node, incarnation, portLife)
  node.replica = replica
  if (node.disk !== null && !isDiskEmpty(node.disk)) network.counts['restart-from-disk']++
  recoverCore(replica.core)
  watchStart(cluster, node, replica)
  node.entries.push({ incarnation, portLife })
  node.pausedUntil = 0
  node.stuckUntil = 0
  node.slowUntil = 0
  if (life > 0) network.counts.restart++
  network.trace.say(network.tick, `replica ${node.id} starts as ${incarnation}`)
  searchOthers(cluster, node, replica)
}

/** At once: what it has not sent it never sends, what is on its way may still arrive. */
export function crashReplica(cluster: SimCluster, node: SimNode): void {
  const { replica } = node
  if (replica === null) return
  const { network } = cluster
  network.counts.crash++
  network.trace.say(network.tick, `replica ${node.id} crashes`)
  node.former.push(replica.core.state)
  node.replica = null
  replica.machine.close()
  replica.endpoint.close()
  if (node.disk !== null) crashDisk(node.disk)
}

/** What the disks do wrong ends. */
export function healDisks(cluster: SimCluster): void {
  for (const { disk } of cluster.nodes) if (disk !== null) healDisk(disk)
}

/** One turn of a replica, if it gets one now; and what its endpoint's own thread does. */
export function runReplica(cluster: SimCluster, node: SimNode, turnChance: number): void {
  const { replica } = node
  const { network, prng } = cluster
  const { tick } = network
  if (replica === null || tick < node.pausedUntil) return
  if (tick >= node.beatTick) {
    node.beatTick = tick + BEAT_TICKS
    sendSimBeats(replica.endpoint)
  }
  if (tick < node.stuckUntil) return
  if (!prng.chance(tick < node.slowUntil ? SLOW_TURNS : turnChance)) return
  if (tick >= node.searchTick || replica.core.strangers.size > 0) searchOthers(cluster, node, replica)
  const failed = !turnOrFail(replica)
  watchTurn(cluster, node, replica)
  if (!failed) return
  network.counts['disk-failed']++
  crashReplica(cluster, node)
}

/** False: its log failed, and it stops. */
function turnOrFail(replica: SimReplica): boolean {
  try {
    turn(replica.core)
    return true
  } catch (error) {
    if (error instanceof ZabkvError && error.code === 'LOG_FAILED') return false
    throw error
  }
}

/** As runtime/search-peers.ts does with the registry; what that says may be old. */
function searchOthers(cluster: SimCluster, node: SimNode, replica: SimReplica): void {
  const { network, prng, options } = cluster
  const { core } = replica
  core.strangers.clear()
  node.strangersTick = network.tick + STRANGERS_TICKS
  node.searchTick = network.tick + (isServing(core) ? SEARCH_TICKS_PLACED : SEARCH_TICKS)
  for (const other of cluster.nodes) {
    if (other === node || other.entries.length === 0) continue
    const stale = other.entries.length > 1 && prng.chance(options.staleRegistry)
    if (stale) network.counts['stale-registry']++
    const entry = item(other.entries, stale ? prng.below(other.entries.length) : other.entries.length - 1)
    if (entry.incarnation <= item([...core.state.incarnations], other.id)) continue
    const peers = simAddress(portOf(other.id, entry.portLife, 0), options.datagramBytes)
    joinPeer(core, other.id, { peers, incarnation: entry.incarnation })
  }
}

/** Live replicas. */
export function replicasOf(cluster: SimCluster): SimReplica[] {
  const found: SimReplica[] = []
  for (const { replica } of cluster.nodes) if (replica !== null) found.push(replica)
  return found
}

export function closeSimCluster(cluster: SimCluster): void {
  for (const { machine, endpoint } of replicasOf(cluster)) {
    machine.close()
    endpoint.close()
  }
}
