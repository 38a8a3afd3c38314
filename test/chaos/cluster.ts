/** The replicas of a run, with a registry of their own in this process: on hosts of their own, or all on loopback. */

import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startRegistryServer } from '../../src/registry/server.js'
import type { RegistryServer } from '../../src/registry/server.js'
import type { ClusterPlan, Durability, Place } from './adapter.js'
import { mountDisk, unmountDisk } from './disks.js'
import { hostAddress, hostSpace, TOOL_ADDRESS } from './hosts.js'
import { createMember, endMember, startMember } from './member.js'
import type { Member } from './member.js'
import { awaitFact, isSteady, startWatch, stopWatch } from './watch.js'
import type { Watch } from './watch.js'

export interface ClusterSettings {
  readonly replicas: number
  readonly observers: number
  readonly durability: Durability
  readonly failureTimeoutMillis: number | null
  /** Of the network namespaces; null: on loopback. */
  readonly prefix: string | null
  /** Each on a small file system of its own; null: in the folder. */
  readonly diskMebibytes: number | null
  readonly folder: string
  readonly watchMillis: number
}

export interface Cluster {
  readonly plan: ClusterPlan
  readonly members: readonly Member[]
  readonly watch: Watch
  readonly registry: RegistryServer
  /** Mounted here. */
  readonly disks: readonly string[]
  readonly onExit: () => void
}

const START_MILLIS_MAX = 60_000
const ADMIN_PORT = 7100

export async function startCluster(settings: ClusterSettings): Promise<Cluster> {
  const { replicas, observers, prefix, folder } = settings
  const own = prefix === null ? '127.0.0.1' : TOOL_ADDRESS
  const registry = await startRegistryServer({ host: own, port: 0 })
  const addressOf = (id: number): string => (prefix === null ? '127.0.0.1' : hostAddress(id))
  const plan: ClusterPlan = {
    cluster: `chaos-${process.pid}`,
    registry: `${own}:${registry.port}`,
    voters: Array.from({ length: replicas }, (_, id) => addressOf(id)),
    durability: settings.durability,
    failureTimeoutMillis: settings.failureTimeoutMillis,
  }
  const members: Member[] = []
  const disks: string[] = []
  for (let id = 0; id < replicas + observers; id++) {
    const enter = prefix === null ? [] : ['ip', 'netns', 'exec', hostSpace(prefix, id)]
    const place: Place = {
      id,
      address: addressOf(id),
      adminPort: prefix === null ? await freePort() : ADMIN_PORT,
      isObserver: id >= replicas,
      dataDir: dataDirOf(settings, id, disks),
    }
    members.push(createMember(place, enter, join(folder, `replica-${id}.log`)))
  }
  for (const member of members) startMember(plan, member)
  const watch = startWatch(members, settings.watchMillis)
  // Whatever becomes of this process, the replicas end with it.
  const onExit = (): void => members.forEach(({ child }) => child?.kill('SIGKILL'))
  process.once('exit', onExit)
  const cluster: Cluster = { plan, members, watch, registry, disks, onExit }
  const isUp = await awaitFact(() => isSteady(watch) || endedBySelf(members).length > 0, START_MILLIS_MAX)
  const ended = endedBySelf(members)
  if (isUp && ended.length === 0) return cluster
  await stopCluster(cluster)
  throw new Error(ended[0] ?? `the replicas did not all serve within ${START_MILLIS_MAX} ms`)
}

/** Sentences on those that stopped although nobody had stopped them. */
export function endedBySelf(members: readonly Member[]): string[] {
  return members
    .filter(({ ended }) => ended !== null)
    .map(({ place, ended }) => `replica ${place.id} ended by itself ${ended}`)
}

export async function stopCluster(cluster: Cluster): Promise<void> {
  await stopWatch(cluster.watch)
  await Promise.all(cluster.members.map(endMember))
  await cluster.registry.close()
  cluster.disks.forEach(unmountDisk)
  process.off('exit', cluster.onExit)
}

function dataDirOf(settings: ClusterSettings, id: number, disks: string[]): string | null {
  if (settings.durability === 'memory') return null
  const disk = join(settings.folder, `disk-${id}`)
  if (settings.diskMebibytes !== null) {
    const problem = mountDisk(disk, settings.diskMebibytes)
    if (problem !== null) throw new Error(problem)
    disks.push(disk)
  }
  const dataDir = join(disk, 'data')
  mkdirSync(dataDir, { recursive: true })
  return dataDir
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
