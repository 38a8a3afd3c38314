/**
 * Starts a replica in this process: endpoint, store, registry, admin port, and the loop that turns its core.
 */

import { ZabkvError } from '../errors.js'
import { publishCluster } from '../registry/cluster-document.js'
import { connectRegistry } from '../registry/connection.js'
import type { RegistryConnection } from '../registry/connection.js'
import { chooseIncarnation, publish } from '../registry/directory.js'
import type { ReplicaEntry } from '../registry/entry.js'
import { keepPublished } from '../registry/keep-published.js'
import { canonicalJson } from '../registry/settings.js'
import { waitForMembers } from '../registry/wait-for-members.js'
import { startAdminServer } from './admin-server.js'
import { formationOf, isAlive, refuseLateJoin } from './liveness.js'
import { startLoop } from './loop.js'
import { joinPeers, openNode } from './node.js'
import type { Node } from './node.js'
import type { ReplicaOptions, RunningReplica } from './options.js'
import { checkOptions } from './settings.js'
import { startFronts } from './start-fronts.js'
import type { RunningFronts } from './start-fronts.js'
import { report } from './stats.js'
import { enterBroadcast } from '../zab/replica.js'
import { VERSION } from './version.js'

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
    const incarnation = await chooseIncarnation(registry, cluster, replica, Date.now())
    const node = openNode(options, incarnation)
    closing.steps.unshift(() => node.close())
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

  const host = options.addresses[replica] ?? ''
  const admin = await startAdminServer(host, options.adminPort, {
    ruok: () => 'imok',
    whoami: () => `imok ${replica} ${incarnation}`,
    formation: () => formationOf(node.core.state),
    stats: () => JSON.stringify(stats()),
    digest: () => JSON.stringify(digestOf(node)),
    settings: () => JSON.stringify(stats().settings),
    stop: () => {
      setImmediate(() => void stop())
      return 'stopping'
    },
  })
  closing.steps.unshift(() => admin.close())

  const entry = entryOf(options, node, fronts, { host, port: admin.port })
  await publish(registry, cluster, entry, { isAlive })
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
  await publishCluster(registry, cluster, document, { replica, isAlive })

  const ready = becomeReady(options, node, registry, closing, fail)
  ready.catch(fail)
  return { replica, incarnation, adminPort: admin.port, ready, stopped, stats, close: stop }
}

/** Waits for the others, then enters the protocol. */
async function becomeReady(
  options: ReplicaOptions,
  node: Node,
  registry: RegistryConnection,
  closing: Closing,
  fail: (error: unknown) => void,
): Promise<void> {
  const { cluster, replica, log } = options
  const others = options.addresses.map((_, id) => id).filter((id) => id !== replica)
  const entries = await waitForMembers(registry, cluster, others, {
    signal: closing.controller.signal,
    settings: canonicalJson(node.settings),
    isAlive,
    onMissing: (missing) => log(`replica ${replica} waits for ${nameReplicas(missing)}`),
    onRegistryLost: (error) => log(error.message),
  })
  await refuseLateJoin(entries, replica, node.incarnation)
  joinPeers(node, entries)
  enterBroadcast(node.core.state, 0, 1, node.core.clock.ticks())
  const loop = startLoop(node.core, fail)
  closing.steps.unshift(() => loop.stop())
  await loop.heardLeader(closing.controller.signal)
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
    role: 'voter',
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

function nameReplicas(missing: readonly number[]): string {
  return missing.length === 1 ? `replica ${missing[0]}` : `replicas ${missing.join(', ')}`
}

/** Children first; idempotent. */
async function close(closing: Closing): Promise<void> {
  closing.controller.abort(new ZabkvError('CLOSED', 'The replica is stopping.'))
  const steps = closing.steps.splice(0)
  for (const step of steps) await step()
}
