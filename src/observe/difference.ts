/**
 * What a replica did between two of its reports: rates and batching of that time alone.
 */
import type { KindCounts, LatencySummary, ReplicaStats } from '../runtime/options.js'

/** Means over messages; null when there was no such message. */
export interface BatchingReport {
  writesPerProposal: number | null
  writesPerProposeMessage: number | null
  writesPerCommitMessage: number | null
  writesPerAckMessage: number | null
  writesPerForwardMessage: number | null
  operationsPerRequest: number | null
  operationsPerReply: number | null
  proposeMessageBytes: number | null
  requestMessageBytes: number | null
}

export interface ReplicaDifference {
  replica: number
  role: string
  provider: ReplicaStats['transport']['provider']
  seconds: number
  /** Reads answered here; writes applied here, which are all of the cluster's. */
  readsPerSecond: number
  writesPerSecond: number
  /** By how much the last committed counter grew: writes, and the few operations that open and end sessions. */
  writesCommitted: number
  proposals: number
  batching: BatchingReport
  sent: Record<string, KindCounts>
  received: Record<string, KindCounts>
  sentToReplicas: KindCounts
  stalls: ReplicaStats['stalls']
  resends: ReplicaStats['resends']
  drops: Record<string, number>
  doorbells: number
  datagramsPerDoorbell: number | null
  receiveCalls: number
  datagramsPerReceiveCall: number | null
  inlineSends: number
  waits: number
  waitsBlocked: number
  /** Of the endpoints, and one for each time that a worker woke another. */
  systemCalls: number
  /** Since the replica started: percentiles cannot be subtracted. */
  commitLatencyMicros: LatencySummary
  store: ReplicaStats['store']
  workers: ReplicaStats['workers']
}

export function difference(before: ReplicaStats, after: ReplicaStats): ReplicaDifference {
  const seconds = Math.max(after.uptimeSeconds - before.uptimeSeconds, 0.001)
  const sent = kindsDifference(before.sent, after.sent)
  const received = kindsDifference(before.received, after.received)
  const operations = countsDifference(before.operations, after.operations)
  const { doorbells, receiveCalls, inlineSends, waits, waitsBlocked, systemCalls } = countsDifference(
    transportCounts(before),
    transportCounts(after),
  )
  return {
    replica: after.replica,
    role: after.role,
    provider: after.transport.provider,
    seconds,
    readsPerSecond: Math.round(operations.reads / seconds),
    writesPerSecond: Math.round(operations.writes / seconds),
    writesCommitted: after.lastCommitted - before.lastCommitted,
    proposals: operations.proposals,
    batching: batchingOf(before, after, sent, received),
    sent,
    received,
    sentToReplicas: countsDifference({ ...before.sentToReplicas }, { ...after.sentToReplicas }),
    stalls: countsDifference(before.stalls, after.stalls),
    resends: countsDifference(before.resends, after.resends),
    drops: countsDifference(before.drops, after.drops),
    doorbells,
    datagramsPerDoorbell: ratio(sum(sent, 'messages'), doorbells),
    receiveCalls,
    datagramsPerReceiveCall: ratio(sum(received, 'messages'), receiveCalls),
    inlineSends,
    waits,
    waitsBlocked,
    systemCalls: systemCalls + signals(after) - signals(before),
    commitLatencyMicros: after.commitLatencyMicros,
    store: after.store,
    workers: after.workers,
  }
}

function transportCounts(stats: ReplicaStats): Record<TransportCount, number> {
  const { doorbells, receiveCalls, inlineSends, waits, waitsBlocked, systemCalls } = stats.transport
  return { doorbells, receiveCalls, inlineSends, waits, waitsBlocked, systemCalls }
}

type TransportCount = 'doorbells' | 'receiveCalls' | 'inlineSends' | 'waits' | 'waitsBlocked' | 'systemCalls'

/** System calls by which workers woke each other. */
function signals(stats: ReplicaStats): number {
  return stats.workers.reduce((total, worker) => total + worker.signals, 0)
}

function batchingOf(
  before: ReplicaStats,
  after: ReplicaStats,
  sent: Record<string, KindCounts>,
  received: Record<string, KindCounts>,
): BatchingReport {
  const proposals = after.operations.proposals - before.operations.proposals
  const proposed = after.operations.writesProposed - before.operations.writesProposed
  const answered = answeredHere(after) - answeredHere(before)
  const perMessage = (kind: keyof ReplicaStats['writesCarried']): number | null =>
    ratio(after.writesCarried[kind] - before.writesCarried[kind], bothWays(after, kind) - bothWays(before, kind))
  return {
    writesPerProposal: ratio(proposed, proposals),
    writesPerProposeMessage: perMessage('PROPOSE'),
    writesPerCommitMessage: perMessage('COMMIT'),
    writesPerAckMessage: perMessage('ACK'),
    writesPerForwardMessage: perMessage('FORWARD'),
    operationsPerRequest: ratio(answered, messages(received, 'REQUEST')),
    operationsPerReply: ratio(answered, messages(sent, 'REPLY')),
    proposeMessageBytes: bytesPerMessage(sent, received, 'PROPOSE'),
    requestMessageBytes: bytesPerMessage(sent, received, 'REQUEST'),
  }
}

/** Operations that clients of this replica had answered. */
function answeredHere(stats: ReplicaStats): number {
  return stats.workers.reduce((total, { reads, writes }) => total + reads + writes, 0)
}

/** Messages that the replica sent or received. */
function bothWays(stats: ReplicaStats, kind: string): number {
  return messages(stats.sent, kind) + messages(stats.received, kind)
}

/** Null when nothing stands below. Rounded to hundredths. */
export function ratio(above: number, below: number): number | null {
  return below < 0.5 ? null : Math.round((above / below) * 100) / 100
}

function messages(kinds: Record<string, KindCounts>, kind: string): number {
  return kinds[kind]?.messages ?? 0
}

function bytesPerMessage(
  sent: Record<string, KindCounts>,
  received: Record<string, KindCounts>,
  kind: string,
): number | null {
  const bytes = (sent[kind]?.bytes ?? 0) + (received[kind]?.bytes ?? 0)
  return ratio(bytes, messages(sent, kind) + messages(received, kind))
}

function sum(kinds: Record<string, KindCounts>, field: keyof KindCounts): number {
  return Object.values(kinds).reduce((total, counts) => total + counts[field], 0)
}

/** Kinds with no message in between are left out. */
function kindsDifference(
  before: Record<string, KindCounts>,
  after: Record<string, KindCounts>,
): Record<string, KindCounts> {
  const result: Record<string, KindCounts> = {}
  for (const [kind, counts] of Object.entries(after)) {
    const difference = {
      messages: counts.messages - (before[kind]?.messages ?? 0),
      bytes: counts.bytes - (before[kind]?.bytes ?? 0),
    }
    if (difference.messages > 0) result[kind] = difference
  }
  return result
}

function countsDifference<T extends Record<string, number>>(before: T, after: T): T {
  const pairs = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)])
  return Object.fromEntries(pairs) as T
}
