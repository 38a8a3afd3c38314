/**
 * Keeps a replica's entry and its cluster's document in the registry while it runs.
 *
 * The registry is needed to find each other, not to serve: when it is lost, the replica goes on and
 * says so.
 */
import { ZabkvError } from '../errors.js'
import { publishCluster } from './cluster-document.js'
import type { RegistryConnection } from './connection.js'
import { ENTRY_REFRESH_MILLIS, refresh, withdraw, type LiveProbe } from './directory.js'
import type { ClusterDocument, ReplicaEntry } from './entry.js'

export interface KeepPublishedOptions {
  entry: ReplicaEntry
  document: ClusterDocument
  isAlive: LiveProbe
  /** DUPLICATE_REPLICA: another process has the id. This one must stop; no refresh follows. */
  onLost: (error: ZabkvError) => void
  /** Anything else; refreshing goes on. */
  onTrouble: (error: unknown) => void
  everyMillis?: number
}

export interface Keeper {
  /** Stops refreshing and withdraws the entry if it is still this one's. Idempotent. */
  stop(): Promise<void>
}

export function keepPublished(
  connection: RegistryConnection,
  cluster: string,
  options: KeepPublishedOptions,
): Keeper {
  const everyMillis = options.everyMillis ?? ENTRY_REFRESH_MILLIS
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> = Promise.resolve()
  let stopping: Promise<void> | null = null
  let lost = false

  const turn = async (): Promise<void> => {
    try {
      await refresh(connection, cluster, { ...options.entry, publishedAt: Date.now() })
      const by = { replica: options.entry.replica, isAlive: options.isAlive }
      await publishCluster(connection, cluster, options.document, by)
    } catch (error) {
      lost = error instanceof ZabkvError && error.code === 'DUPLICATE_REPLICA'
      if (error instanceof ZabkvError && lost) options.onLost(error)
      else options.onTrouble(error)
    }
    schedule()
  }
  const schedule = (): void => {
    if (stopping !== null || lost) return
    timer = setTimeout(() => (running = turn()), everyMillis)
  }
  const end = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer)
    await running
    if (lost) return
    // An entry that cannot be withdrawn expires; a shutdown must not fail for it.
    await withdraw(connection, cluster, options.entry).catch(options.onTrouble)
  }
  schedule()
  return { stop: () => (stopping ??= end()) }
}
