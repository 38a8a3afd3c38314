/**
 * Waits until all members of a cluster are registered, in whatever order they start.
 *
 * A registry that is lost meanwhile is waited for too: a start must survive its restart. The caller
 * bounds the wait by its signal.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ZabkvError } from '../errors.js'
import { refuseDifferentSettings } from './cluster-document.js'
import type { RegistryConnection } from './connection.js'
import { checkClusterName, readReplica, type LiveProbe } from './directory.js'
import type { ReplicaEntry } from './entry.js'

export const WAIT_POLL_MILLIS_DEFAULT = 200

export interface WaitOptions {
  /**
   * Ends the wait with TIMEOUT (AbortSignal.timeout) or ABORTED; the sentence says who was missing.
   */
  signal?: AbortSignal
  /** Called when the missing, or the reasons, change. `why` has a few words for each of them. */
  onMissing?: (missing: number[], why: ReadonlyMap<number, string>) => void
  /** Called when the registry stops answering, once until it answers again. */
  onRegistryLost?: (error: ZabkvError) => void
  pollMillis?: number
  /** Canonical JSON; an entry with others ends the wait with SETTINGS_MISMATCH. */
  settings?: string
  /**
   * When given, an entry counts only once its process is known to live: leftovers of a crash do
   * not.
   */
  isAlive?: LiveProbe
}

interface Waiting {
  readonly found: Map<number, ReplicaEntry>
  readonly why: Map<number, string>
  reported: string
  lost: ZabkvError | null
}

export async function waitForMembers(
  connection: RegistryConnection,
  cluster: string,
  members: readonly number[],
  options: WaitOptions = {},
): Promise<ReadonlyMap<number, ReplicaEntry>> {
  checkClusterName(cluster)
  const waiting: Waiting = { found: new Map(), why: new Map(), reported: '', lost: null }
  for (const member of members) waiting.why.set(member, 'not registered')
  for (;;) {
    throwIfAborted(connection, cluster, waiting, options.signal)
    await poll(connection, cluster, members, waiting, options)
    if (waiting.lost === null && waiting.why.size === 0) return waiting.found
    report(waiting, options)
    await pause(options)
  }
}

/** One look: who is there, and a few words for each who is not. A registry that does not answer finds nobody. */
export async function findMembers(
  connection: RegistryConnection,
  cluster: string,
  members: readonly number[],
  options: WaitOptions,
): Promise<{ found: ReadonlyMap<number, ReplicaEntry>; why: ReadonlyMap<number, string> }> {
  const waiting: Waiting = { found: new Map(), why: new Map(), reported: '', lost: null }
  for (const member of members) waiting.why.set(member, 'not registered')
  await poll(connection, cluster, members, waiting, options)
  return { found: waiting.found, why: waiting.why }
}

/** Every member is read again each time: one that was there may have restarted or gone. */
async function poll(
  connection: RegistryConnection,
  cluster: string,
  members: readonly number[],
  waiting: Waiting,
  options: WaitOptions,
): Promise<void> {
  for (const member of members) {
    if (options.signal?.aborted === true) return
    try {
      await check(connection, cluster, member, waiting, options)
    } catch (error) {
      if (!(error instanceof ZabkvError) || error.code !== 'REGISTRY_UNREACHABLE') throw error
      if (waiting.lost === null) options.onRegistryLost?.(error)
      waiting.lost = error
      return
    }
  }
  waiting.lost = null
}

async function check(
  connection: RegistryConnection,
  cluster: string,
  member: number,
  waiting: Waiting,
  options: WaitOptions,
): Promise<void> {
  const read = await readReplica(connection, cluster, member)
  const known = waiting.found.get(member)
  waiting.found.delete(member)
  if (!read.ok) {
    waiting.why.set(member, read.reason)
    return
  }
  const isKnown = known !== undefined && known.incarnation === read.value.incarnation
  // Before the settings: what a dead process left must not stop a cluster that starts with others.
  if (!isKnown && options.isAlive !== undefined && !(await options.isAlive(read.value))) {
    waiting.why.set(member, 'registered, but does not answer')
    return
  }
  if (options.settings !== undefined) refuseDifferentSettings(cluster, options.settings, read.value)
  waiting.why.delete(member)
  waiting.found.set(member, read.value)
}

function report(waiting: Waiting, options: WaitOptions): void {
  const missing = missingText(waiting)
  if (waiting.why.size === 0 || missing === waiting.reported) return
  waiting.reported = missing
  options.onMissing?.(missingIds(waiting), new Map(waiting.why))
}

function missingIds(waiting: Waiting): number[] {
  return [...waiting.why.keys()].sort((a, b) => a - b)
}

function missingText(waiting: Waiting): string {
  return missingIds(waiting)
    .map((member) => `${member} (${waiting.why.get(member) ?? ''})`)
    .join(', ')
}

async function pause(options: WaitOptions): Promise<void> {
  const millis = options.pollMillis ?? WAIT_POLL_MILLIS_DEFAULT
  const { signal } = options
  // The loop looks at the signal itself, to say who was missing.
  await sleep(millis, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
}

function throwIfAborted(
  connection: RegistryConnection,
  cluster: string,
  waiting: Waiting,
  signal: AbortSignal | undefined,
): void {
  if (signal === undefined || !signal.aborted) return
  const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
  const missing = missingText(waiting)
  const text =
    waiting.lost === null
      ? `replica ${missing} missing in the registry at ${connection.where}: start it there`
      : `the registry was lost: ${waiting.lost.message}`
  throw new ZabkvError(
    timedOut ? 'TIMEOUT' : 'ABORTED',
    `Cluster ${cluster} is not complete, ${text}${text.endsWith('.') ? '' : '.'}`,
    { cause: waiting.lost ?? signal.reason },
  )
}
