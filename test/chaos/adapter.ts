/**
 * What the chaos and failover tools say to a replica's command line and read from its admin port: the one place to
 * change when either changes.
 */

import { askAdmin } from '../../src/observe/admin.js'

export type Durability = 'memory' | 'async' | 'fsync'

export interface ClusterPlan {
  readonly cluster: string
  readonly registry: string
  /** Addresses of the replicas that vote, by id. */
  readonly voters: readonly string[]
  readonly durability: Durability
  /** Silence after which a leader counts as dead; null: the replicas' own default. */
  readonly failureTimeoutMillis: number | null
}

export interface Place {
  readonly id: number
  readonly address: string
  readonly adminPort: number
  readonly isObserver: boolean
  readonly dataDir: string | null
}

/** What is read of a replica's statistics. */
export interface Report {
  readonly role: string
  readonly phase: string
  readonly leader: number | null
  readonly epoch: number
  readonly incarnation: number
  readonly lastApplied: number
  readonly lastCommitted: number
  readonly digest: string
  readonly sessionsDigest: string
}

const ASK_MILLIS_MAX = 1000

/** Starting a replica again is the same command again. */
export function serveWords(plan: ClusterPlan, place: Place): string[] {
  const { cluster, registry, voters, durability, failureTimeoutMillis } = plan
  const words = ['serve', '--id', String(place.id), '--ips', voters.join(',')]
  words.push('--registry', registry, '--cluster', cluster, '--transport', 'udp')
  words.push('--admin-port', String(place.adminPort), '--store-mib', '256')
  if (place.isObserver) words.push('--observer', '--ip', place.address)
  if (durability !== 'memory') words.push('--durability', durability)
  if (place.dataDir !== null) words.push('--data-dir', place.dataDir)
  if (failureTimeoutMillis !== null) words.push('--failure-timeout-ms', String(failureTimeoutMillis))
  return words
}

/** Null when the replica does not answer: it is down, paused, cut off, or not as far. */
export async function askReport(place: Place): Promise<Report | null> {
  let text: string
  try {
    text = await askAdmin({ host: place.address, port: place.adminPort }, 'stats', ASK_MILLIS_MAX)
  } catch {
    return null
  }
  return isWhole(text) ? readReport(text) : null
}

/** A replica that is ended while it answers leaves half of it. */
function isWhole(text: string): boolean {
  return text.trimEnd().endsWith('}')
}

export function readReport(text: string): Report {
  const stats = JSON.parse(text) as Record<string, unknown>
  const number = (name: string): number => {
    const value = stats[name]
    if (typeof value !== 'number') throw new Error(`the statistics of a replica have no number ${name}`)
    return value
  }
  const word = (name: string): string => {
    const value = stats[name]
    if (typeof value !== 'string') throw new Error(`the statistics of a replica have no word ${name}`)
    return value
  }
  return {
    role: word('role'),
    phase: word('phase'),
    leader: stats['leader'] === null ? null : number('leader'),
    epoch: number('epoch'),
    incarnation: number('incarnation'),
    lastApplied: number('lastApplied'),
    lastCommitted: number('lastCommitted'),
    digest: word('digest'),
    sessionsDigest: word('sessionsDigest'),
  }
}

/** Serves, and knows whom it follows. */
export function isServing(report: Report | null): report is Report {
  return report !== null && report.phase === 'BROADCAST' && report.leader !== null
}
