/**
 * The cluster's document in the registry: which replicas there are, and under which settings.
 * Written by replicas, read by clients.
 */
import { ZabkvError } from '../errors.js'
import type { RegistryConnection } from './connection.js'
import { clusterKey, contended, ENTRY_TTL_SECONDS, readReplica } from './directory.js'
import type { LiveProbe } from './directory.js'
import { decodeCluster, encodeCluster, type ClusterDocument, type ReplicaEntry } from './entry.js'
import { firstDifference } from './settings.js'

const ATTEMPTS_MAX = 16

export interface PublishClusterOptions {
  /** Who writes; its own entry proves nothing about others. */
  replica: number
  isAlive: LiveProbe
  ttlSeconds?: number
}

/**
 * Writes or renews the document. To be called after `publish`, by every replica. Another document
 * is replaced only when none of its members lives under it; else SETTINGS_MISMATCH, and nothing has
 * changed.
 */
export async function publishCluster(
  connection: RegistryConnection,
  cluster: string,
  document: ClusterDocument,
  options: PublishClusterOptions,
): Promise<void> {
  const key = clusterKey(cluster)
  const text = encodeCluster(document)
  const ttlSeconds = options.ttlSeconds ?? ENTRY_TTL_SECONDS
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const held = await connection.get(key)
    if (held === null) {
      if (await connection.add(key, text, ttlSeconds)) return
      continue
    }
    const old = decodeCluster(held.value)
    if (old.ok && held.value !== text) {
      await refuseOverLive(connection, cluster, old.value, document, options)
    }
    if (await connection.cas(key, text, held.cas, ttlSeconds)) return
  }
  throw contended(connection, `the document of cluster ${cluster}`)
}

/** For clients. NOT_REGISTERED when no replica has written it. */
export async function members(
  connection: RegistryConnection,
  cluster: string,
): Promise<ClusterDocument> {
  const held = await connection.get(clusterKey(cluster))
  const found = held === null ? null : decodeCluster(held.value)
  if (found !== null && found.ok) return found.value
  const why = found === null ? 'is not registered' : `has an unreadable document (${found.reason})`
  throw new ZabkvError(
    'NOT_REGISTERED',
    `Cluster ${cluster} ${why} in the registry at ${connection.where}: ` +
      `start its replicas with this registry, or correct the name.`,
  )
}

async function refuseOverLive(
  connection: RegistryConnection,
  cluster: string,
  old: ClusterDocument,
  ours: ClusterDocument,
  options: PublishClusterOptions,
): Promise<void> {
  for (const replica of old.members) {
    if (replica === options.replica) continue
    const entry = await readReplica(connection, cluster, replica)
    if (!entry.ok || entry.value.settings !== old.settings) continue
    if (!(await options.isAlive(entry.value))) continue
    refuseDifferentSettings(cluster, ours.settings, entry.value)
    const [here, there] = [ours.members.join(), old.members.join()]
    if (here !== there) throw mismatch(cluster, replica, 'members', here, there)
  }
}

/** Fails with SETTINGS_MISMATCH, naming the first setting that differs and both values. */
export function refuseDifferentSettings(cluster: string, ours: string, entry: ReplicaEntry): void {
  const difference = firstDifference(ours, entry.settings)
  if (difference === null) return
  throw mismatch(cluster, entry.replica, difference.setting, difference.ours, difference.theirs)
}

function mismatch(
  cluster: string,
  replica: number,
  setting: string,
  ours: string,
  theirs: string,
): ZabkvError {
  return new ZabkvError(
    'SETTINGS_MISMATCH',
    `Setting "${setting}" is ${ours} here but ${theirs} at replica ${replica} of ` +
      `cluster ${cluster}: start all replicas with the same settings.`,
  )
}
