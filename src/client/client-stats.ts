/** What a client reports about itself. */

import { summarize } from '../histogram.js'
import type { LatencySummary } from '../runtime/options.js'
import { ENDPOINT_COUNTERS } from '../transport/endpoint.js'
import type { Core } from './core.js'

/** Totals since connect, unless told otherwise. */
export interface ClientStats {
  /** The replica attached to; null while there is none. */
  replica: number | null
  provider: 'udp' | 'verbs'
  datagramBytes: number
  sessions: number
  /** Counter of the newest state that this client has seen. */
  lastSeen: number
  operations: {
    readsAnswered: number
    writesAnswered: number
    sent: number
    /** Sent again to another replica. */
    resent: number
    timeouts: number
    aborts: number
  }
  datagrams: {
    sent: number
    received: number
    sentBytes: number
    receivedBytes: number
    requests: number
    replies: number
    acknowledgements: number
    hellos: number
    /** REQUESTs sent again on their link. */
    resends: number
  }
  batching: {
    operationsPerRequest: number | null
    operationsPerReply: number | null
    /** System calls or doorbells. */
    datagramsPerDoorbell: number | null
  }
  sessionsOpened: number
  sessionsExpired: number
  registryFailures: number
  moves: Record<string, number>
  drops: Record<string, number>
  endpoint: Record<string, number>
  /** Issue to answer, microseconds; null unless connect was told `latency: true`. */
  latencyMicros: LatencySummary | null
}

export function reportClient(core: Core): ClientStats {
  const { counts, attach } = core
  const endpoint: Record<string, number> = {}
  ENDPOINT_COUNTERS.forEach((name, index) => {
    endpoint[name] = core.endpoint.counters[index] ?? 0
  })
  const answered = counts.readsAnswered + counts.writesAnswered
  const datagrams = endpoint['tx-datagrams'] ?? 0
  return {
    replica: core.link === null ? null : (attach.member?.replica ?? null),
    provider: core.settings.provider,
    datagramBytes: core.datagramBytes,
    sessions: core.byId.size,
    lastSeen: core.lastSeen,
    operations: {
      readsAnswered: counts.readsAnswered,
      writesAnswered: counts.writesAnswered,
      sent: counts.operationsSent,
      resent: counts.operationsResent,
      timeouts: counts.timeouts,
      aborts: counts.aborts,
    },
    datagrams: {
      sent: datagrams,
      received: endpoint['rx-datagrams'] ?? 0,
      sentBytes: endpoint['tx-bytes'] ?? 0,
      receivedBytes: endpoint['rx-bytes'] ?? 0,
      requests: counts.requestDatagrams,
      replies: counts.replyDatagrams,
      acknowledgements: counts.acknowledgements,
      hellos: counts.hellos,
      resends: counts.resends,
    },
    batching: {
      operationsPerRequest: ratio(counts.operationsSent, counts.requestDatagrams),
      operationsPerReply: ratio(answered, counts.replyDatagrams),
      datagramsPerDoorbell: ratio(datagrams, endpoint['tx-calls'] ?? 0),
    },
    sessionsOpened: counts.sessionsOpened,
    sessionsExpired: counts.sessionsExpired,
    registryFailures: counts.registryFailures,
    moves: Object.fromEntries(counts.moves),
    drops: Object.fromEntries(counts.drops),
    endpoint,
    latencyMicros: core.latency === null ? null : summarize(core.latency),
  }
}

function ratio(amount: number, of: number): number | null {
  return of === 0 ? null : amount / of
}
