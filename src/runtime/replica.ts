/**
 * Starts a replica in this process: endpoint, store, registry, admin port, and the loop that turns its core.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { ZabkvError } from '../errors.js'
import { publishCluster } from '../registry/cluster-document.js'
import { connectRegistry } from '../registry/connection.js'
import type { RegistryConnection } from '../registry/connection.js'
import { chooseIncarnation, publish } from '../registry/directory.js'
import type { ReplicaEntry } from '../registry/entry.js'
import { addObserver } from '../registry/observers.js'
import { keepPublished } from '../registry/keep-published.js'
import { canonicalJson } from '../registry/settings.js'
import { startAdminServer } from './admin-server.js'
import { livenessProbe } from './liveness.js'
import { startLoop } from './loop.js'
import { openNode } from './node.js'
import type { Node } from './node.js'
import type { ReplicaOptions, RunningReplica } from './options.js'
import { checkOptions, ownAddress } from './settings.js'
import { startFronts } from './start-fronts.js'
import type { RunningFronts } from './start-fronts.js'
import { sayRecovery } from './report-recovery.js'
import { searchPeers } from './search-peers.js'
import { report } from './stats.js'
import { recoverCore } from './transitions.js'
import { VERSION } from './version.js'
import { becomeProspective, isStuck } from '../zab/election.js'
import { compareHistories } from '../zab/standing.js'
import { isMember } from '../zab/state.js'

const REGISTRY_MILLIS = 10_000
const REGISTRY_PAUSE_MILLIS = 500

interface Closing {
  controller: AbortController
  steps: (() => void | Promise<void>)[]
}

/** Resolves when the replica has its place in the registry; `ready` when the cluster is complete. */
export async function startReplica(options: ReplicaOptions): Promise<RunningReplica> {
  checkOptions(options)
  const { replica, cluster } = options
  const closing: Closing = { controller: new AbortController(), steps: [] }
  try {
    const registry = connectRegistry(options.registry)
    closing.steps.unshift(() => registry.close())
    const incarnation = await firstWord(options, () => chooseIncarnation(registry, cluster, replica, Date.now()))
    const node = openNode(options, incarnation)
    closing.steps.unshift(() => node.close())
    recoverFromDisk(options, node)
    const fronts = await startFronts(node.core, node.endpointSettings, options.spinMicros)
    closing.steps.unshift(() => fronts.close())
    node.context.frontRxBytes = fronts.rxBytes
    return await join(options, node, fronts, registry, closing)
  } catch (error) {
    await close(closing)
    throw error
  }
}

async function join(
  options: ReplicaOptions,
  node: Node,
  fronts: RunningFronts,
  registry: RegistryConnection,
  closing: Closing,
): Promise<RunningReplica> {
  const { replica, cluster } = options
  const { incarnation } = node
  let resolveStopped: () => void = () => undefined
  let rejectStopped: (error: unknown) => void = () => undefined
  const stopped = new Promise<void>((resolve, reject) => {
    resolveStopped = resolve
    rejectStopped = reject
  })
  stopped.catch(() => undefined) // whoever does not listen must not crash the process
  const stats = (): ReturnType<RunningReplica['stats']> => report(node.context)
  const stop = async (): Promise<void> => {
    await close(closing)
    resolveStopped()
  }
  const fail = (error: unknown): void => {
    rejectStopped(error)
    void close(closing)
  }
  fronts.died.catch(fail)

  const host = ownAddress(options)
  const memcached = (await node.core.memcached?.listening()) ?? null
  const admin = await startAdminServer(host, options.adminPort, {
    ruok: () => 'imok',
    whoami: () => `imok ${replica} ${incarnation}`,
    lead: () => leadAnyway(node),
    stats: () => JSON.stringify(stats()),
    digest: () => JSON.stringify(digestOf(node)),
    settings: () => JSON.stringify(stats().settings),
    stop: () => {
      setImmediate(() => void stop())
      return 'stopping'
    },
  })
  closing.steps.unshift(() => admin.close())

  const isAlive = livenessProbe(options.stuckMillis)
  const entry = entryOf(options, node, fronts, { host, port: admin.port })
  await firstWord(options, () => publish(registry, cluster, entry, { isAlive }))
  if (options.observer !== null) await firstWord(options, () => addObserver(registry, cluster, replica))
  const document = {
    members: options.addresses.map((_, id) => id),
    settings: entry.settings,
  }
  const keeper = keepPublished(registry, cluster, {
    entry,
    document,
    isAlive,
    onLost: fail,
    onTrouble: () => undefined, // needed only to join: a running cluster does not mind its loss
  })
  closing.steps.unshift(() => keeper.stop())
  await firstWord(options, () => publishCluster(registry, cluster, document, { replica, isAlive }))

  const ready = becomeReady(options, node, registry, closing, fail)
  ready.catch(fail)
  return { replica, incarnation, adminPort: admin.port, memcached, ready, stopped, stats, close: stop }
}

/** Turns from now on; looks for the others in the registry until it has a place in an epoch, and now and then after. */
async function becomeReady(
  options: ReplicaOptions,
  node: Node,
  registry: RegistryConnection,
  closing: Closing,
  fail: (error: unknown) => void,
): Promise<void> {
  const loop = startLoop(node.core, fail)
  closing.steps.unshift(() => loop.stop())
  const search = searchPeers({ options, node, registry, signal: closing.controller.signal })
  search.catch(fail)
  closing.steps.unshift(() => search.catch(() => undefined))
  await loop.placed(closing.controller.signal)
  options.log(sayRecovery(node.core))
}

function entryOf(
  options: ReplicaOptions,
  node: Node,
  fronts: RunningFronts,
  admin: { host: string; port: number },
): ReplicaEntry {
  const { endpoint } = node.core
  return {
    replica: options.replica,
    incarnation: node.incarnation,
    peers: endpoint.local(0),
    clients: [endpoint.local(1), ...fronts.addresses],
    multicast: node.multicast,
    rxBytes: endpoint.rxBytes[0] ?? 0,
    admin,
    settings: canonicalJson(node.settings),
    role: isMember(node.core.state.config) ? 'voter' : 'observer',
    publishedAt: Date.now(),
    version: VERSION,
  }
}

function digestOf(node: Node): object {
  const { machine, state } = node.core
  return {
    replica: state.config.replica,
    digest: machine.digest(),
    sessionsDigest: machine.sessionsDigest(),
    lastApplied: machine.applied(),
  }
}

/** A registry that does not answer at once may be starting, or cut off for a moment. */
async function firstWord<T>(options: ReplicaOptions, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + REGISTRY_MILLIS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const isAway = error instanceof ZabkvError && error.code === 'REGISTRY_UNREACHABLE'
      if (!isAway || performance.now() >= until) throw error
      options.log(`replica ${options.replica} waits for the registry`)
      await sleep(REGISTRY_PAUSE_MILLIS)
    }
  }
}

function recoverFromDisk(options: ReplicaOptions, node: Node): void {
  recoverCore(node.core)
  const found = node.core.recovered
  if (found === null) return
  const from = found.snapshotCounter === 0 ? 'no snapshot' : `a snapshot at ${found.snapshotCounter}`
  options.log(
    `recovered from disk: ${from}, ${found.operations} operations after it, history up to ${found.lastHeld}, ` +
      `${Math.round(found.millis)} ms`,
  )
  if (found.damage !== null) options.log(`${found.damage} What is missing is asked of the other replicas.`)
}

/** An operator's word: go on from what this replica has, though others lost what they acknowledged. */
function leadAnyway(node: Node): string {
  const { state, clock } = node.core
  if (!isStuck(state, clock.ticks())) return 'not needed: an election is possible, or not everyone is there'
  for (let id = 0; id < state.config.members; id++) {
    if (compareHistories(state, id, state.config.replica) > 0) return `replica ${id} has more: go on from that one`
  }
  becomeProspective(state, true, true, clock.ticks())
  return `leading from counter ${state.lastHeld}`
}

/** Children first; idempotent. */
async function close(closing: Closing): Promise<void> {
  closing.controller.abort(new ZabkvError('CLOSED', 'The replica is stopping.'))
  const steps = closing.steps.splice(0)
  for (const step of steps) await step()
}
