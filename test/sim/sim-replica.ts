/** One life of a simulated replica: the real core and the real state machine over the simulated network and clock. */

import { createCore } from '../../src/runtime/core.js'
import type { Core } from '../../src/runtime/core.js'
import { layoutSlab, placesOf } from '../../src/runtime/layout.js'
import type { Layout, Slots } from '../../src/runtime/layout.js'
import { openMachine } from '../../src/store/open-machine.js'
import type { Machine } from '../../src/store/machine.js'
import { clusterHash } from '../../src/zab/cluster-hash.js'
import { TICK_MICROS } from '../../src/zab/limits.js'
import type { Config } from '../../src/zab/state.js'
import { CLUSTER } from './cluster.js'
import type { SimClock, SimCluster, SimNode } from './cluster.js'
import { openSimLog } from './sim-disk.js'
import { createSimEndpoint } from './sim-endpoint.js'
import type { SimEndpoint } from './sim-endpoint.js'
import { createWatch } from './watch.js'
import type { Watch } from './watch.js'

/** For what is held while a snapshot is loaded. */
const RESERVE_DATAGRAMS = 32
const LINKS_MAX = 64
/** Fewer than a real replica has: memory is what a run's beginning costs. */
const SLOTS: Slots = { control: 512, early: 64, parked: 128, reply: 256, transfer: 32 }

export interface SimReplica {
  readonly id: number
  readonly incarnation: number
  readonly core: Core
  readonly machine: Machine
  readonly endpoint: SimEndpoint
  readonly watch: Watch
}

export function openSimReplica(
  cluster: SimCluster,
  node: SimNode,
  incarnation: number,
  portLife: number,
): SimReplica {
  const { network, settings, options } = cluster
  const { id } = node
  const { datagramBytes } = settings
  const reserveBytes = datagramBytes * RESERVE_DATAGRAMS
  const { bytes } = layoutSlab(0, datagramBytes, options.historyBytes, 0, SLOTS, reserveBytes)
  const endpoint = openEndpoint(cluster, id, bytes, portLife)
  const layout = layoutSlab(endpoint.extraOffset, datagramBytes, options.historyBytes, 0, SLOTS, reserveBytes)
  const machine = openMachine({
    slab: endpoint.slab,
    datagramBytes,
    replica: id,
    replyOffset: layout.replies,
    replySlots: SLOTS.reply,
    linksMax: LINKS_MAX,
    sessionsMax: settings.sessionsMax,
    sessionWindow: settings.sessionWindow,
    storeBytes: settings.storeBytes,
    rows: 1024,
  })
  const clock = {
    ticks: () => ticksAt(node.clock, network.tick),
    micros: () => node.clock.wallMicros + ticksAt(node.clock, network.tick) * TICK_MICROS,
  }
  const config = configOf(cluster, id, incarnation, endpoint, layout)
  const log = node.disk === null ? null : openSimLog(node.disk, endpoint.slab)
  const snapshotBytes = node.disk?.options.snapshotBytes ?? 0
  const core = createCore({ config, endpoint, machine, layout, clock, linksMax: LINKS_MAX, log, snapshotBytes })
  core.group = endpoint.addGroup(group(id), 0)
  return { id, incarnation, core, machine, endpoint, watch: createWatch() }
}

function ticksAt({ offset, rate }: SimClock, tick: number): number {
  return Math.floor(offset + tick * rate)
}

function group(id: number): string {
  return `group-${id}`
}

function openEndpoint(cluster: SimCluster, id: number, extraBytes: number, portLife: number): SimEndpoint {
  const { network, settings, options } = cluster
  const groups = cluster.nodes.map((other) => group(other.id)).filter((name) => name !== group(id))
  const settingsOfEndpoint = {
    provider: 'udp' as const,
    address: '127.0.0.1',
    queues: [
      { port: 0, rxSlots: 64, socketBytes: options.windowBytes, multicast: { port: 0, groups } },
      { port: 0, rxSlots: 64, socketBytes: options.windowBytes },
    ],
    datagramBytes: settings.datagramBytes,
    cluster: clusterHash(CLUSTER),
    txSlots: 1,
    extraBytes,
    txRows: 8192,
  }
  return createSimEndpoint(network, id, settingsOfEndpoint, portLife)
}

function configOf(
  cluster: SimCluster,
  replica: number,
  incarnation: number,
  endpoint: SimEndpoint,
  layout: Layout,
): Config {
  const { settings, options } = cluster
  return {
    replica,
    members: settings.replicas,
    cluster: clusterHash(CLUSTER),
    incarnation,
    multicast: settings.multicast,
    quorumAll: settings.quorum === 'all',
    copies: 0,
    logged: settings.durability !== 'memory',
    durable: settings.durability === 'fsync',
    failureTicks: options.failureTicks,
    stuckTicks: options.stuckTicks,
    datagramBytes: settings.datagramBytes,
    slab: endpoint.slab,
    ...placesOf(layout),
    windowBytes: options.windowBytes,
  }
}
