/**
 * A running cluster as seen from outside: who is in the registry, and what each replica reports.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ZabkvError } from '../errors.js'
import type { ReplicaStats } from '../runtime/options.js'
import { members } from '../registry/cluster-document.js'
import type { RegistryConnection } from '../registry/connection.js'
import { lookup } from '../registry/directory.js'
import { observersOf } from '../registry/observers.js'
import { askDigest, askStats, type AdminAddress, type ReplicaDigest } from './admin.js'

export interface Member {
  replica: number
  /** Null when it is not in the registry. */
  admin: AdminAddress | null
}

/** What one replica answered; or why it did not. */
export interface Answer<T> {
  replica: number
  value: T | null
  problem: string | null
}

export interface DigestReport {
  equal: boolean
  /** All replicas answered and had applied the same operations: only then do digests say anything. */
  comparable: boolean
  replicas: Answer<ReplicaDigest>[]
}

const DIGEST_POLL_MILLIS = 50

/** Members of a cluster; fails with NOT_REGISTERED when the registry knows none. */
export async function listMembers(
  connection: RegistryConnection,
  cluster: string,
): Promise<Member[]> {
  const { members: voters } = await members(connection, cluster)
  const ids = [...voters, ...(await observersOf(connection, cluster))]
  const found: Member[] = []
  for (const replica of ids) {
    const entry = await lookup(connection, cluster, replica)
    if (entry !== null || voters.includes(replica)) found.push({ replica, admin: entry?.admin ?? null })
  }
  return found
}

async function ask<T>(
  cluster: readonly Member[],
  question: (address: AdminAddress) => Promise<T>,
): Promise<Answer<T>[]> {
  return Promise.all(
    cluster.map(async ({ replica, admin }): Promise<Answer<T>> => {
      if (admin === null) return { replica, value: null, problem: 'not in the registry' }
      try {
        return { replica, value: await question(admin), problem: null }
      } catch (error) {
        if (!(error instanceof ZabkvError)) throw error
        return { replica, value: null, problem: error.message }
      }
    }),
  )
}

export function statsOf(cluster: readonly Member[]): Promise<Answer<ReplicaStats>[]> {
  return ask(cluster, askStats)
}

/** Asks until all replicas have applied the same, or the time is over. */
export async function digestsOf(
  cluster: readonly Member[],
  millisMax: number,
): Promise<DigestReport> {
  const deadline = performance.now() + millisMax
  for (;;) {
    const report = compareDigests(await ask(cluster, askDigest))
    if (report.comparable || performance.now() >= deadline) return report
    await sleep(DIGEST_POLL_MILLIS)
  }
}

export function compareDigests(replicas: Answer<ReplicaDigest>[]): DigestReport {
  const digests = answered(replicas)
  const [first] = digests
  const comparable =
    first !== undefined &&
    digests.length === replicas.length &&
    digests.every((each) => each.lastApplied === first.lastApplied)
  const equal =
    comparable &&
    digests.every(
      (each) => each.digest === first.digest && each.sessionsDigest === first.sessionsDigest,
    )
  return { equal, comparable, replicas }
}

export function answered<T>(answers: readonly Answer<T>[]): T[] {
  return answers.flatMap(({ value }) => (value === null ? [] : [value]))
}
