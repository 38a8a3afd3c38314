/** Simulated replicas: the real core and the real state machine, over the simulated network and clock. */

import { item } from '../../src/assert.js'
import { createCore, turn } from '../../src/runtime/core.js'
import type { Core } from '../../src/runtime/core.js'
import { CONTROL_SLOTS, EARLY_SLOTS, layoutSlab, REPLY_SLOTS } from '../../src/runtime/layout.js'
import type { ClusterSettings } from '../../src/runtime/options.js'
import { openMachine } from '../../src/store/open-machine.js'
import type { Machine } from '../../src/store/machine.js'
import { clusterHash } from '../../src/zab/cluster-hash.js'
import { enterBroadcast } from '../../src/zab/replica.js'
import type { AppliedLog } from './checked-machine.js'
import { checkMachine, createAppliedLog } from './checked-machine.js'
import type { Network } from './network.js'
import { PORTS_PER_NODE } from './network.js'
import { createSimEndpoint, simAddress } from './sim-endpoint.js'

export const CLUSTER = 'sim'
const LINKS_MAX = 16

export interface SimReplica {
  readonly core: Core
  /** The native one, without the checks that the core's is wrapped in. */
  readonly machine: Machine
  readonly incarnation: number
}

export interface SimCluster {
  readonly network: Network
  readonly settings: ClusterSettings
  readonly replicas: SimReplica[]
  readonly log: AppliedLog
}

export interface SimClusterOptions {
  replicas: number
  multicast: boolean
  quorum: 'majority' | 'all'
  datagramBytes: number
  storeBytes: number
  historyBytes: number
  windowBytes: number
}

export function createSimCluster(network: Network, options: SimClusterOptions): SimCluster {
  const settings: ClusterSettings = {
    cluster: CLUSTER,
    replicas: options.replicas,
    transport: 'udp',
    multicast: options.multicast,
    quorum: options.quorum,
    datagramBytes: options.datagramBytes,
    storeBytes: options.storeBytes,
    sessionsMax: 1024,
    sessionWindow: 4096,
  }
  const log = createAppliedLog()
  const replicas: SimReplica[] = []
  for (let id = 0; id < options.replicas; id++) {
    replicas.push(createSimReplica(network, settings, options, log, id))
  }
  for (const { core } of replicas) joinSimPeers(core, replicas)
  return { network, settings, replicas, log }
}

/** One turn of one replica. Returns how much it did. */
export function turnReplica(cluster: SimCluster, id: number): number {
  return turn(item(cluster.replicas, id).core)
}

export function closeSimCluster(cluster: SimCluster): void {
  for (const { core, machine } of cluster.replicas) {
    machine.close()
    core.endpoint.close()
  }
}

function group(id: number): string {
  return `group-${id}`
}

function createSimReplica(
  network: Network,
  settings: ClusterSettings,
  options: SimClusterOptions,
  log: AppliedLog,
  id: number,
): SimReplica {
  const { datagramBytes } = settings
  const layout = layoutSlab(0, datagramBytes, options.historyBytes)
  const groups = Array.from({ length: settings.replicas }, (_, other) => group(other))
  const endpoint = createSimEndpoint(network, id, {
    provider: 'udp',
    address: '127.0.0.1',
    queues: [
      {
        port: 0,
        rxSlots: 64,
        socketBytes: options.windowBytes,
        multicast: { port: 0, groups: groups.filter((name) => name !== group(id)) },
      },
      { port: 0, rxSlots: 64, socketBytes: options.windowBytes },
    ],
    datagramBytes,
    cluster: clusterHash(CLUSTER),
    txSlots: 1,
    extraBytes: layout.bytes,
    txRows: 8192,
  })
  const shifted = layoutSlab(endpoint.extraOffset, datagramBytes, options.historyBytes)
  const machine = openMachine({
    slab: endpoint.slab,
    datagramBytes,
    replica: id,
    replyOffset: shifted.replies,
    replySlots: REPLY_SLOTS,
    linksMax: LINKS_MAX,
    sessionsMax: settings.sessionsMax,
    sessionWindow: settings.sessionWindow,
    storeBytes: settings.storeBytes,
    rows: 1024,
  })
  const incarnation = id + 1
  const core = createCore({
    config: {
      replica: id,
      members: settings.replicas,
      cluster: clusterHash(CLUSTER),
      incarnation,
      multicast: settings.multicast,
      quorumAll: settings.quorum === 'all',
      datagramBytes,
      slab: endpoint.slab,
      historyOffset: shifted.history,
      historyBytes: shifted.historyBytes,
      controlOffset: shifted.control,
      controlSlots: CONTROL_SLOTS,
      parkOffset: shifted.early,
      parkSlots: EARLY_SLOTS,
      windowBytes: options.windowBytes,
    },
    endpoint,
    machine: checkMachine(machine, log, id, endpoint.slab),
    layout: shifted,
    clock: { ticks: () => network.tick, micros: () => network.tick * 100 },
    linksMax: LINKS_MAX,
  })
  return { core, machine, incarnation }
}

function joinSimPeers(core: Core, replicas: readonly SimReplica[]): void {
  const { state, endpoint, destinations } = core
  replicas.forEach((replica, id) => {
    if (id === state.config.replica) return
    state.incarnations[id] = replica.incarnation
    const address = simAddress(id * PORTS_PER_NODE, state.config.datagramBytes)
    destinations[id] = endpoint.addDestination(address)
  })
  destinations[state.config.members] = endpoint.addGroup(group(state.config.replica), 0)
  enterBroadcast(state, 0, 1, core.clock.ticks())
}
