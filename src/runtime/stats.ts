/** A replica's report: what its rooms count, under the names that users read. */

import { at } from '../assert.js'
import { summarize } from '../histogram.js'
import { COUNT } from '../zab/counters.js'
import type { CounterName } from '../zab/counters.js'
import type { Core } from './core.js'
import { homeLinkCount } from './home.js'
import type { ClusterSettings, ReplicaStats } from './options.js'
import {
  endpointOfAll,
  frontFigures,
  frontStalls,
  machineCount,
  ratio,
  receivedByAll,
  reportDrops,
  reportTransport,
  reportWorkers,
  sentByAll,
} from './report-workers.js'
import { reportElections, reportLog, reportRecovery } from './report-recovery.js'
import { reportTraffic } from './traffic.js'

export interface ReportContext {
  core: Core
  settings: ClusterSettings
  provider: 'udp' | 'verbs'
  incarnation: number
  startedMillis: number
  historyBytes: number
  spinMicros: number
  /** Receive room of the fronts' queues. */
  frontRxBytes: readonly number[]
}

const ROLES = ['LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING'] as const
const TRUSTS = ['LOST', 'PARTIAL', 'WHOLE', 'HOLLOW'] as const
const PHASES = ['ELECTION', 'DISCOVERY', 'SYNCHRONIZATION', 'BROADCAST'] as const

export function report(context: ReportContext): ReplicaStats {
  const { core } = context
  const { state, machine } = core
  return {
    replica: state.config.replica,
    incarnation: context.incarnation,
    role: ROLES[state.role] ?? 'LOOKING',
    phase: PHASES[state.phase] ?? 'ELECTION',
    trust: TRUSTS[state.trust] ?? 'LOST',
    leader: state.leader < 0 ? null : state.leader,
    epoch: state.currentEpoch,
    lastProposed: state.lastProposed,
    lastCommitted: state.lastCommitted,
    lastApplied: machine.applied(),
    uptimeSeconds: (performance.now() - context.startedMillis) / 1000,
    batching: reportBatching(core),
    writesCarried: writesCarried(core),
    operations: {
      reads: machineCount(core, 'reads'),
      writes: machineCount(core, 'writes-applied'),
      writesProposed: zabCount(core, 'writes-proposed'),
      writesForwarded: core.forwarding.writesForwarded,
      proposals: zabCount(core, 'proposals'),
    },
    sent: reportTraffic(sentByAll(core)),
    received: reportTraffic(receivedByAll(core)),
    sentToReplicas: { messages: core.peerOutput.messages, bytes: core.peerOutput.bytes },
    stalls: {
      order: zabCount(core, 'stall-order'),
      acks: zabCount(core, 'stall-acks') + zabCount(core, 'stall-history'),
      credits: core.forwarding.stalls,
      replies: core.home.stalls + frontStalls(core),
    },
    resends: {
      proposals: zabCount(core, 'propose-resent'),
      forwards: core.forwarding.resent,
      replies: core.home.resent + frontFigures(core, 'resent'),
    },
    drops: reportDrops(core),
    transport: reportTransport(context.provider, endpointOfAll(core)),
    commitLatencyMicros: summarize(core.commitMicros),
    recovery: reportRecovery(core),
    elections: reportElections(core),
    log: reportLog(core),
    store: {
      items: machineCount(core, 'items'),
      expiring: machineCount(core, 'items-expiring'),
      evicted: machineCount(core, 'items-evicted'),
      reclaimed: machineCount(core, 'items-reclaimed'),
      bytes: machineCount(core, 'store-bytes'),
      residentBytes: machineCount(core, 'resident-bytes'),
      limitBytes: context.settings.storeBytes,
      sessions: machineCount(core, 'sessions'),
      links: homeLinkCount(core.home) + frontFigures(core, 'links'),
    },
    digest: machine.digest(),
    sessionsDigest: machine.sessionsDigest(),
    workers: reportWorkers(core, context.provider),
    settings: {
      ...context.settings,
      inlineBytesMax: core.endpoint.inlineBytesMax,
      rxBytes: [...core.endpoint.rxBytes, ...context.frontRxBytes],
      historyBytes: context.historyBytes,
      spinMicros: context.spinMicros,
    },
  }
}

function reportBatching(core: Core): ReplicaStats['batching'] {
  const { forwarding } = core
  const proposed = zabCount(core, 'writes-proposed')
  const proposals = zabCount(core, 'proposals')
  const carried = writesCarried(core)
  return {
    writesPerProposal: ratio(proposed, proposals),
    writesPerProposeMessage: ratio(
      carried.PROPOSE,
      zabCount(core, 'propose-sent') + zabCount(core, 'propose-received'),
    ),
    writesPerCommitMessage: ratio(
      carried.COMMIT,
      zabCount(core, 'commits-sent') + zabCount(core, 'commits-received'),
    ),
    writesPerAckMessage: ratio(
      carried.ACK,
      zabCount(core, 'acks-sent') + zabCount(core, 'acks-received'),
    ),
    writesPerForwardMessage: ratio(carried.FORWARD, forwarding.forwards + forwarding.forwardsTaken),
    proposalBytesMean: ratio(zabCount(core, 'proposal-bytes'), proposals),
  }
}

function writesCarried(core: Core): ReplicaStats['writesCarried'] {
  const { forwarding } = core
  return {
    PROPOSE: zabCount(core, 'writes-in-propose-sent') + zabCount(core, 'writes-in-propose-received'),
    COMMIT: zabCount(core, 'writes-in-commits'),
    ACK: zabCount(core, 'writes-in-acks'),
    FORWARD: forwarding.writesForwarded + forwarding.writesTaken,
  }
}

function zabCount(core: Core, name: CounterName): number {
  return at(core.state.counters, COUNT[name])
}
