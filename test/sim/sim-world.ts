/** What a simulated client lives in: the simulated network, clock, timers and registry. */

import type { ClientWorld, Member } from '../../src/client/world.js'
import { openCodec } from '../../src/store/open-machine.js'
import { REPLY_RECORD } from '../../src/zab/wire.js'
import type { SimCluster } from './cluster.js'
import type { Prng } from './prng.js'
import { portOf } from './network.js'
import { createSimEndpoint, simAddress } from './sim-endpoint.js'
import type { SimEndpoint } from './sim-endpoint.js'

interface Timer {
  due: number
  order: number
  callback: () => void
}

/** Timers of all clients, in virtual time. */
export interface Timers {
  readonly list: Set<Timer>
  order: number
  /** None is due before it. */
  next: number
}

export interface SimWorld extends ClientWorld {
  /** Opened by the client; null before that. */
  endpoint: SimEndpoint | null
}

export function createTimers(): Timers {
  return { list: new Set(), order: 0, next: Infinity }
}

/** `life`: each client of a node has ports of its own. */
export function createSimWorld(
  cluster: SimCluster,
  node: number,
  life: number,
  timers: Timers,
  prng: Prng,
): SimWorld {
  const { network } = cluster
  const world: SimWorld = {
    endpoint: null,
    directory: { read: () => Promise.resolve(membersOf(cluster)), close: () => undefined },
    openEndpoint: (settings) => {
      world.endpoint = createSimEndpoint(network, node, settings, life)
      return world.endpoint
    },
    openCodec: (slab, datagramBytes) =>
      openCodec(slab, Math.ceil(datagramBytes / REPLY_RECORD.SIZE)),
    ownAddress: () => Promise.resolve('127.0.0.1'),
    millis: () => network.tick / 10,
    random: () => prng.next(),
    setTimer: (callback, millis) => {
      const timer = { due: network.tick + millis * 10, order: timers.order++, callback }
      timers.list.add(timer)
      timers.next = Math.min(timers.next, timer.due)
      return () => {
        timers.list.delete(timer)
      }
    },
  }
  return world
}

/** Calls what is due, oldest first. */
export function runTimers(timers: Timers, tick: number): void {
  if (tick < timers.next) return
  const due = [...timers.list].filter((timer) => timer.due <= tick)
  due.sort((a, b) => a.due - b.due || a.order - b.order)
  for (const timer of due) {
    if (!timers.list.delete(timer)) continue
    timer.callback()
  }
  timers.next = Infinity
  for (const timer of timers.list) timers.next = Math.min(timers.next, timer.due)
}

/** The newest life of each replica, whether it still runs or not. */
export function membersOf(cluster: SimCluster): Member[] {
  const { settings } = cluster
  const members: Member[] = []
  for (const { id, entries } of cluster.nodes) {
    const entry = entries.at(-1)
    if (entry === undefined) continue
    const clients = [simAddress(portOf(id, entry.portLife, 1), settings.datagramBytes)]
    members.push({ replica: id, incarnation: entry.incarnation, clients, settings })
  }
  return members
}
