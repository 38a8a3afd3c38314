/**
 * The directory of replicas in the registry: publish, refresh, withdraw, look up.
 *
 * A replica's entry is its claim to its id, so that a claim and an address can never disagree.
 * Every change is an `add` or a `cas`: of two that start with one id, exactly one is first, and the
 * other finds its entry.
 *
 * *Live* means that the injected probe says so: it asks the admin port in the entry, and an answer
 * proves life. A connection alone does not, because the kernel accepts for a stopped process. Hence
 * the order of a start: listen on the admin port, then publish. Entries expire
 * (`ENTRY_TTL_SECONDS`) unless refreshed, so what a dead replica left goes by itself, and a restart
 * within that time replaces it by a larger incarnation.
 */
import { ZabkvError } from '../errors.js'
import type { RegistryConnection } from './connection.js'
import { CLUSTER_NAME_CHARACTERS_MAX, decodeEntry, encodeEntry, REPLICA_ID_MAX } from './entry.js'
import type { ReplicaEntry } from './entry.js'
import type { Decoded } from './decode.js'
import { formatHostPort } from './host-port.js'

/** An entry outlives two lost refreshes. */
export const ENTRY_TTL_SECONDS = 30
export const ENTRY_REFRESH_MILLIS = 10_000
/** Each attempt that fails means that somebody else changed the key in between. */
const ATTEMPTS_MAX = 16
const U32_MAX = 0xffffffff

/** Does the process that published this entry still run? Must bound its own time. */
export type LiveProbe = (entry: ReplicaEntry) => Promise<boolean>

export interface PublishOptions {
  isAlive: LiveProbe
  ttlSeconds?: number
}

/**
 * Takes the replica's id. Fails with DUPLICATE_REPLICA when a live process has it, and then nothing
 * has changed. Publishing the same again is a refresh.
 */
export async function publish(
  connection: RegistryConnection,
  cluster: string,
  entry: ReplicaEntry,
  options: PublishOptions,
): Promise<void> {
  const key = replicaKey(cluster, entry.replica)
  const text = encodeEntry(entry)
  const ttlSeconds = options.ttlSeconds ?? ENTRY_TTL_SECONDS
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const held = await connection.get(key)
    if (held === null) {
      if (await connection.add(key, text, ttlSeconds)) return
      continue
    }
    // An unreadable value claims nothing: it is replaced.
    const old = decodeEntry(held.value, entry.replica)
    if (old.ok && !isSameOwner(old.value, entry)) {
      if (await options.isAlive(old.value)) throw duplicate(cluster, old.value)
      if (entry.incarnation <= old.value.incarnation) throw notNewer(cluster, entry, old.value)
    }
    if (await connection.cas(key, text, held.cas, ttlSeconds)) return
  }
  throw contended(connection, `the entry of replica ${entry.replica}`)
}

/**
 * Renews an entry, and restores it after a flush or a restart of the registry. Never takes over:
 * fails with DUPLICATE_REPLICA when another process holds the id now, and then this one must stop.
 */
export async function refresh(
  connection: RegistryConnection,
  cluster: string,
  entry: ReplicaEntry,
  ttlSeconds: number = ENTRY_TTL_SECONDS,
): Promise<void> {
  const key = replicaKey(cluster, entry.replica)
  const text = encodeEntry(entry)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const held = await connection.get(key)
    if (held === null) {
      if (await connection.add(key, text, ttlSeconds)) return
      continue
    }
    const old = decodeEntry(held.value, entry.replica)
    if (old.ok && !isSameOwner(old.value, entry)) throw duplicate(cluster, old.value)
    if (await connection.cas(key, text, held.cas, ttlSeconds)) return
  }
  throw contended(connection, `the entry of replica ${entry.replica}`)
}

/** On shutdown. Deletes the entry only while it is this one's; false when it was not. */
export async function withdraw(
  connection: RegistryConnection,
  cluster: string,
  entry: ReplicaEntry,
): Promise<boolean> {
  const key = replicaKey(cluster, entry.replica)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const held = await connection.get(key)
    if (held === null) return false
    const old = decodeEntry(held.value, entry.replica)
    if (!old.ok || !isSameOwner(old.value, entry)) return false
    if (await connection.deleteIf(key, held.cas)) return true
  }
  throw contended(connection, `the entry of replica ${entry.replica}`)
}

/**
 * Null when the replica is not registered, or its value is unreadable (its owner's refresh will
 * repair it).
 */
export async function lookup(
  connection: RegistryConnection,
  cluster: string,
  replica: number,
): Promise<ReplicaEntry | null> {
  const found = await readReplica(connection, cluster, replica)
  return found.ok ? found.value : null
}

/** As lookup, with the reason. */
export async function readReplica(
  connection: RegistryConnection,
  cluster: string,
  replica: number,
): Promise<Decoded<ReplicaEntry>> {
  const held = await connection.get(replicaKey(cluster, replica))
  if (held === null) return { ok: false, reason: 'not registered' }
  const found = decodeEntry(held.value, replica)
  return found.ok ? found : { ok: false, reason: `unreadable entry: ${found.reason}` }
}

/**
 * An incarnation for a start: the clock's seconds, or one more than what is registered when the
 * clock went back or the restart was quick. Two that choose at once choose alike; `publish` then
 * tells them apart by their addresses.
 */
export async function chooseIncarnation(
  connection: RegistryConnection,
  cluster: string,
  replica: number,
  nowMillis: number,
): Promise<number> {
  const old = await lookup(connection, cluster, replica)
  const tenths = Math.min(Math.floor(Math.max(0, nowMillis - TENTHS_SINCE_MILLIS) / 100), U32_MAX)
  return Math.min(Math.max(tenths, (old?.incarnation ?? 0) + 1), U32_MAX)
}

/** Incarnations count tenths of a second from 2025 on: 32 bits last until 2038, and no process starts sooner again. */
const TENTHS_SINCE_MILLIS = Date.UTC(2025, 0, 1)

/** The incarnation alone may be chosen twice; a process is known by where it listens too. */
function isSameOwner(a: ReplicaEntry, b: ReplicaEntry): boolean {
  return (
    a.incarnation === b.incarnation &&
    a.admin.host === b.admin.host &&
    a.admin.port === b.admin.port &&
    a.peers.address === b.peers.address &&
    a.peers.port === b.peers.port &&
    a.peers.qpNumber === b.peers.qpNumber
  )
}

export function replicaKey(cluster: string, replica: number): string {
  checkClusterName(cluster)
  if (!Number.isInteger(replica) || replica < 0 || replica > REPLICA_ID_MAX) {
    const sentence = `A replica id is an integer from 0 to ${REPLICA_ID_MAX}, not ${replica}.`
    throw new ZabkvError('BAD_ARGUMENT', sentence)
  }
  return `zabkv:${cluster}:replica:${replica}`
}

export function clusterKey(cluster: string): string {
  checkClusterName(cluster)
  return `zabkv:${cluster}:cluster`
}

/** Keeps keys short and free of what memcached's line protocol could mistake. */
export function checkClusterName(cluster: string): void {
  if (/^[A-Za-z0-9._-]+$/.test(cluster) && cluster.length <= CLUSTER_NAME_CHARACTERS_MAX) return
  throw new ZabkvError(
    'BAD_ARGUMENT',
    `A cluster name is 1 to ${CLUSTER_NAME_CHARACTERS_MAX} of A-Z a-z 0-9 . _ -, ` +
      `not ${JSON.stringify(cluster.slice(0, CLUSTER_NAME_CHARACTERS_MAX + 1))}.`,
  )
}

function duplicate(cluster: string, holder: ReplicaEntry): ZabkvError {
  return new ZabkvError(
    'DUPLICATE_REPLICA',
    `Replica ${holder.replica} of cluster ${cluster} is another process, incarnation ` +
      `${holder.incarnation} with admin ${formatHostPort(holder.admin.host, holder.admin.port)}: ` +
      `stop that one, or give this one another id.`,
  )
}

function notNewer(cluster: string, entry: ReplicaEntry, old: ReplicaEntry): ZabkvError {
  return new ZabkvError(
    'BAD_ARGUMENT',
    `Replica ${entry.replica} of cluster ${cluster} starts as incarnation ${entry.incarnation}, ` +
      `but ${old.incarnation} is registered: peers would drop its datagrams as stale; ` +
      `choose a larger one (did the clock go back?).`,
  )
}

export function contended(connection: RegistryConnection, what: string): ZabkvError {
  return new ZabkvError(
    'REGISTRY_REFUSED',
    `In the registry at ${connection.where}, ${what} changed ${ATTEMPTS_MAX} times while it was ` +
      `written: find who else writes there.`,
    { definite: false },
  )
}
