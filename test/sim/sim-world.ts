/** What a simulated client lives in: the simulated network, clock, timers and registry. */

import type { ClientWorld, Member } from '../../src/client/world.js'
import { openCodec } from '../../src/store/open-machine.js'
import { REPLY_RECORD } from '../../src/zab/wire.js'
import type { SimCluster } from './cluster.js'
import type { Prng } from './prng.js'
import { PORTS_PER_NODE } from './network.js'
import { createSimEndpoint, simAddress } from './sim-endpoint.js'
import type { SimEndpoint } from './sim-endpoint.js'

interface Timer {
  due: number
  order: number
  callback: () => void
}

/** Timers of all clients, in virtual time. */
export interface Timers {
  list: Timer[]
  order: number
}

export interface SimWorld extends ClientWorld {
  /** Opened by the client; null before that and after its close. */
  endpoint: SimEndpoint | null
}

export function createSimWorld(
  cluster: SimCluster,
  node: number,
  timers: Timers,
  prng: Prng,
): SimWorld {
  const { network } = cluster
  const world: SimWorld = {
    endpoint: null,
    directory: { read: () => Promise.resolve(membersOf(cluster)), close: () => undefined },
    openEndpoint: (settings) => {
      world.endpoint = createSimEndpoint(network, node, settings)
      return world.endpoint
    },
    openCodec: (slab, datagramBytes) =>
      openCodec(slab, Math.ceil(datagramBytes / REPLY_RECORD.SIZE)),
    ownAddress: () => Promise.resolve('127.0.0.1'),
    millis: () => network.tick / 10,
    random: () => prng.next(),
    setTimer: (callback, millis) => {
      const timer = { due: network.tick + millis * 10, order: timers.order++, callback }
      timers.list.push(timer)
      return () => {
        timers.list = timers.list.filter((other) => other !== timer)
      }
    },
  }
  return world
}

/** Calls what is due, oldest first. */
export function runTimers(timers: Timers, tick: number): void {
  const due = timers.list.filter((timer) => timer.due <= tick)
  due.sort((a, b) => a.due - b.due || a.order - b.order)
  for (const timer of due) {
    if (!timers.list.includes(timer)) continue
    timers.list = timers.list.filter((other) => other !== timer)
    timer.callback()
  }
}

export function membersOf(cluster: SimCluster): Member[] {
  const { settings } = cluster
  return cluster.replicas.map((replica, id) => ({
    replica: id,
    incarnation: replica.incarnation,
    clients: [simAddress(id * PORTS_PER_NODE + 1, settings.datagramBytes)],
    settings,
  }))
}
