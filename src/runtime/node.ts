/**
 * What a replica is made of in a process: its endpoint, its store, its core. No registry, no loop.
 */

import { openMachine } from '../store/open-machine.js'
import type { Machine } from '../store/machine.js'
import type { Log } from '../store/log.js'
import { openLog } from '../store/open-log.js'
import type { Endpoint, EndpointSettings } from '../transport/endpoint.js'
import { chooseProvider, openEndpoint, pathDatagramBytes } from '../transport/open-endpoint.js'
import { clusterHash } from '../zab/cluster-hash.js'
import { DATAGRAM_ALIGN, TICKS_PER_MILLI } from '../zab/limits.js'
import { systemClock } from './clock.js'
import { createCore, QUEUE_PEERS } from './core.js'
import type { Core } from './core.js'
import { createFronts } from './fronts.js'
import type { Fronts } from './fronts.js'
import type { HomeMachine } from './home-machine.js'
import { sayGoodbye } from './home-notes.js'
import { layoutSlab, placesOf, SLOTS } from './layout.js'
import type { Layout } from './layout.js'
import { openMemcached } from './memcached.js'
import type { MemcachedFront } from './memcached.js'
import { tellStatistics } from './memcached-stats.js'
import type { ClusterSettings, ReplicaOptions } from './options.js'
import { clusterSettings, multicastGroup, multicastPort, ownAddress } from './settings.js'
import { shareMachine } from './shared-machine.js'
import type { ReportContext } from './stats.js'

const RX_BURST_BYTES = 512 << 10 // of datagrams in one burst: what stays in a core's second cache
const RX_SLOTS_MIN = 32
const RX_SLOTS_MAX = 1024
const TX_ROWS = 8192
/** Of a worker, and of all together unless that leaves one too few. */
const LINKS_MAX = 16_384
const LINKS_MAX_ALL = 65_536
const CATCH_UP_BYTES_PINNED = 256 << 20
const ROWS = 4096 //           of packing, applying and answering in one call
/** Wanted socket buffers; what the kernel gives is reported, and the window derived from it. */
const SOCKET_BYTES = 16 << 20

export interface Node {
  readonly core: Core
  readonly settings: ClusterSettings
  readonly incarnation: number
  readonly multicast: { group: string; port: number } | null
  readonly context: ReportContext
  /** The fronts' endpoints are like it. */
  readonly endpointSettings: EndpointSettings
  close(): void
}

export function openNode(options: ReplicaOptions, incarnation: number): Node {
  const address = ownAddress(options)
  const { provider, why } = chooseProvider(options.transport, options.device ?? undefined, address)
  options.log(`transport: ${why}`)
  const pathBytes = pathDatagramBytes(address, provider, options.device ?? '')
  const settings = clusterSettings(options, provider, pathBytes)
  const { datagramBytes } = settings
  const fronts = options.workers - 1
  const reserveBytes = Math.floor(catchUpBytes(options, provider) / DATAGRAM_ALIGN) * DATAGRAM_ALIGN
  const layoutAt = (base: number): Layout =>
    layoutSlab(base, datagramBytes, options.historyBytes, fronts, SLOTS, reserveBytes)
  const layout = layoutAt(0)
  const endpointSettings = endpointSettingsOf(options, settings, address, layout.bytes)
  const endpoint = openEndpoint(endpointSettings)
  endpoint.setSpin(options.spinMicros)
  const shifted = layoutAt(endpoint.extraOffset)
  let machine: Machine
  let log: Log | null = null
  let memcached: MemcachedFront | null = null
  try {
    machine = openReplicaMachine(options, settings, endpoint, shifted)
    memcached = openReplicaMemcached(options, settings, endpoint, shifted, machine)
    log = openReplicaLog(options, endpoint)
  } catch (error) {
    memcached?.close()
    endpoint.close()
    throw error
  }
  const core = createCore({
    config: configOf(options, settings, endpoint, shifted, incarnation),
    endpoint,
    machine,
    layout: shifted,
    clock: systemClock(),
    log,
    snapshotBytes: options.snapshotBytes,
    linksMax: linksOfWorker(options.workers),
    fronts: fronts === 0 ? null : openFronts(machine, endpoint, shifted, settings, fronts),
    memcached,
  })
  const group = multicastGroup(options.cluster, options.replica)
  const sendsToGroup = settings.multicast && options.replica < settings.replicas
  if (sendsToGroup) core.group = endpoint.addGroup(group, multicastPort(options.cluster))
  const context: ReportContext = {
    core,
    settings,
    provider,
    incarnation,
    startedMillis: performance.now(),
    historyBytes: options.historyBytes,
    spinMicros: options.spinMicros,
    frontRxBytes: [],
  }
  if (memcached !== null) memcached.describe = () => tellStatistics(context, options.memcached ?? null)
  return {
    core,
    settings,
    incarnation,
    multicast: sendsToGroup ? { group, port: multicastPort(options.cluster) } : null,
    context,
    endpointSettings,
    close: () => {
      sayGoodbye(core.home)
      log?.close()
      memcached?.close()
      machine.close()
      endpoint.close()
    },
  }
}

/** A device pins the whole slab: there the reserve is memory in use. */
function catchUpBytes(options: ReplicaOptions, provider: 'udp' | 'verbs'): number {
  return provider === 'verbs' ? Math.min(options.catchUpBytes, CATCH_UP_BYTES_PINNED) : options.catchUpBytes
}

function openReplicaLog(options: ReplicaOptions, endpoint: Endpoint): Log | null {
  const { durability, dataDir, cluster, replica } = options
  if (durability === 'memory' || dataDir === null) return null
  return openLog({
    directory: dataDir,
    cluster,
    replica,
    mode: durability,
    slab: endpoint.slab,
    wakeHandle: endpoint.wakeHandle(),
  })
}

/** The link behind those of all workers. */
function memcachedLink(options: ReplicaOptions): number {
  return linksOfWorker(options.workers) * options.workers
}

function openReplicaMemcached(
  options: ReplicaOptions,
  settings: ClusterSettings,
  endpoint: Endpoint,
  layout: Layout,
  machine: Machine,
): MemcachedFront | null {
  const spoken = options.memcached ?? null
  if (spoken === null) return null
  const front = openMemcached(machine, spoken, settings, {
    slab: endpoint.slab,
    slotOffset: layout.staging + (options.workers - 1) * settings.datagramBytes,
    link: memcachedLink(options),
    address: ownAddress(options),
  })
  endpoint.waitBeside(front.descriptor)
  return front
}

function openFronts(
  machine: Machine,
  endpoint: Endpoint,
  layout: Layout,
  settings: ClusterSettings,
  count: number,
): { fronts: Fronts; homeMachine: HomeMachine } {
  const { datagramBytes } = settings
  const linksEach = linksOfWorker(count + 1)
  const { slab } = endpoint
  const fronts = createFronts(machine, slab, datagramBytes, linksEach, layout.staging, count)
  return { fronts, homeMachine: shareMachine(fronts, SLOTS.reply) }
}

function linksOfWorker(workers: number): number {
  return Math.min(LINKS_MAX, Math.floor(LINKS_MAX_ALL / workers))
}

function endpointSettingsOf(
  options: ReplicaOptions,
  settings: ClusterSettings,
  address: string,
  extraBytes: number,
): EndpointSettings {
  const others = options.addresses.map((_, id) => id).filter((id) => id !== options.replica)
  const groups = others.map((id) => multicastGroup(options.cluster, id))
  const rxSlots = Math.min(
    RX_SLOTS_MAX,
    Math.max(RX_SLOTS_MIN, Math.floor(RX_BURST_BYTES / settings.datagramBytes)),
  )
  const peers = { port: options.peerPort, rxSlots, socketBytes: SOCKET_BYTES }
  const multicast = { port: multicastPort(options.cluster), groups }
  return {
    provider: settings.transport,
    address,
    ...(options.device === null ? {} : { device: options.device }),
    ...(options.gidIndex === null ? {} : { gidIndex: options.gidIndex }),
    queues: [
      settings.multicast ? { ...peers, multicast } : peers,
      { port: options.clientPort, rxSlots, socketBytes: SOCKET_BYTES },
    ],
    datagramBytes: settings.datagramBytes,
    cluster: clusterHash(settings.cluster),
    txSlots: 1,
    extraBytes,
    txRows: TX_ROWS,
    dropRatio: options.dropRatio,
    dropSeed: options.dropSeed,
  }
}

function openReplicaMachine(
  options: ReplicaOptions,
  settings: ClusterSettings,
  endpoint: Endpoint,
  layout: Layout,
): Machine {
  return openMachine({
    slab: endpoint.slab,
    datagramBytes: settings.datagramBytes,
    replica: options.replica,
    replyOffset: layout.replies,
    replySlots: SLOTS.reply,
    linksMax: memcachedLink(options) + 1,
    sessionsMax: settings.sessionsMax,
    sessionWindow: settings.sessionWindow,
    sessionMicros: settings.sessionSeconds * 1_000_000,
    storeBytes: settings.storeBytes,
    evict: settings.memory === 'cache' ? 1 : 0,
    rows: ROWS,
  })
}

function configOf(
  options: ReplicaOptions,
  settings: ClusterSettings,
  endpoint: Endpoint,
  layout: Layout,
  incarnation: number,
): Core['state']['config'] {
  const received = endpoint.rxBytes[QUEUE_PEERS] ?? 0
  return {
    replica: options.replica,
    members: settings.replicas,
    cluster: clusterHash(settings.cluster),
    incarnation,
    multicast: settings.multicast,
    quorumAll: settings.quorum === 'all',
    copies: settings.ackCopies,
    logged: settings.durability !== 'memory',
    durable: settings.durability === 'fsync',
    failureTicks: options.failureMillis * TICKS_PER_MILLI,
    stuckTicks: options.stuckMillis * TICKS_PER_MILLI,
    datagramBytes: settings.datagramBytes,
    slab: endpoint.slab,
    ...placesOf(layout),
    windowBytes: windowBytes(received, settings.datagramBytes),
  }
}

/**
 * Half of the receive room: the kernel counts its own overhead in it, and acknowledgements, resends and forwards
 * share it.
 */
function windowBytes(rxBytes: number, datagramBytes: number): number {
  return Math.max(Math.floor(rxBytes / 4), datagramBytes * 8)
}
