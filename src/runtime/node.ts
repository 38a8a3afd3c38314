/**
 * What a replica is made of in a process: its endpoint, its store, its core. No registry, no loop.
 */

import { item } from '../assert.js'
import type { ReplicaEntry } from '../registry/entry.js'
import { openMachine } from '../store/open-machine.js'
import type { Machine } from '../store/machine.js'
import type { Endpoint, EndpointSettings } from '../transport/endpoint.js'
import { chooseProvider, openEndpoint, pathDatagramBytes } from '../transport/open-endpoint.js'
import { clusterHash } from '../zab/cluster-hash.js'
import { systemClock } from './clock.js'
import { createCore, QUEUE_PEERS } from './core.js'
import type { Core } from './core.js'
import { createFronts } from './fronts.js'
import type { Fronts } from './fronts.js'
import type { HomeMachine } from './home-machine.js'
import { sayGoodbye } from './home-notes.js'
import { CONTROL_SLOTS, EARLY_SLOTS, layoutSlab, REPLY_SLOTS } from './layout.js'
import type { Layout } from './layout.js'
import type { ClusterSettings, ReplicaOptions } from './options.js'
import { clusterSettings, multicastGroup, multicastPort } from './settings.js'
import { shareMachine } from './shared-machine.js'
import type { ReportContext } from './stats.js'

const RX_BURST_BYTES = 512 << 10 // of datagrams in one burst: what stays in a core's second cache
const RX_SLOTS_MIN = 32
const RX_SLOTS_MAX = 1024
const TX_ROWS = 8192
/** Of a worker, and of all together unless that leaves one too few. */
const LINKS_MAX = 16_384
const LINKS_MAX_ALL = 65_536
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
  const address = item(options.addresses, options.replica)
  const { provider, why } = chooseProvider(options.transport, options.device ?? undefined, address)
  options.log(`transport: ${why}`)
  const pathBytes = pathDatagramBytes(address, provider, options.device ?? '')
  const settings = clusterSettings(options, provider, pathBytes)
  const { datagramBytes } = settings
  const fronts = options.workers - 1
  const layout = layoutSlab(0, datagramBytes, options.historyBytes, fronts)
  const endpointSettings = endpointSettingsOf(options, settings, address, layout.bytes)
  const endpoint = openEndpoint(endpointSettings)
  endpoint.setSpin(options.spinMicros)
  const shifted = layoutSlab(endpoint.extraOffset, datagramBytes, options.historyBytes, fronts)
  let machine: Machine
  try {
    machine = openReplicaMachine(options, settings, endpoint, shifted)
  } catch (error) {
    endpoint.close()
    throw error
  }
  const core = createCore({
    config: configOf(options, settings, endpoint, shifted, incarnation),
    endpoint,
    machine,
    layout: shifted,
    clock: systemClock(),
    linksMax: linksOfWorker(options.workers),
    fronts: fronts === 0 ? null : openFronts(machine, endpoint, shifted, settings, fronts),
  })
  const group = multicastGroup(options.cluster, options.replica)
  return {
    core,
    settings,
    incarnation,
    multicast: settings.multicast ? { group, port: multicastPort(options.cluster) } : null,
    context: {
      core,
      settings,
      provider,
      incarnation,
      startedMillis: performance.now(),
      historyBytes: options.historyBytes,
      spinMicros: options.spinMicros,
      frontRxBytes: [],
    },
    endpointSettings,
    close: () => {
      sayGoodbye(core.home)
      machine.close()
      endpoint.close()
    },
  }
}

/** Learns where the others are. Called again for one that restarted. */
export function joinPeers(node: Node, entries: ReadonlyMap<number, ReplicaEntry>): void {
  const { core } = node
  for (const [replica, entry] of entries) {
    core.state.incarnations[replica] = entry.incarnation
    core.destinations[replica] = core.endpoint.addDestination(entry.peers)
  }
  const { members } = core.state.config
  if (node.multicast !== null && core.destinations[members] === -1) {
    const { group, port } = node.multicast
    core.destinations[members] = core.endpoint.addGroup(group, port)
  }
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
  return { fronts, homeMachine: shareMachine(fronts, REPLY_SLOTS) }
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
    replySlots: REPLY_SLOTS,
    linksMax: linksOfWorker(options.workers) * options.workers,
    sessionsMax: settings.sessionsMax,
    sessionWindow: settings.sessionWindow,
    storeBytes: settings.storeBytes,
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
    datagramBytes: settings.datagramBytes,
    slab: endpoint.slab,
    historyOffset: layout.history,
    historyBytes: layout.historyBytes,
    controlOffset: layout.control,
    controlSlots: CONTROL_SLOTS,
    parkOffset: layout.early,
    parkSlots: EARLY_SLOTS,
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
