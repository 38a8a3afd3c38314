/** A replica's report: what its rooms count, under the names that users read. */

import { at } from '../assert.js'
import { summarize } from '../histogram.js'
import { MACHINE_COUNTERS } from '../store/machine.js'
import { ENDPOINT_COUNTERS } from '../transport/endpoint.js'
import { COUNT, COUNTER_NAMES } from '../zab/counters.js'
import type { CounterName } from '../zab/counters.js'
import type { Core } from './core.js'
import { homeLinkCount } from './home.js'
import type { ClusterSettings, ReplicaStats } from './options.js'
import { reportTraffic } from './traffic.js'

export interface ReportContext {
  core: Core
  settings: ClusterSettings
  provider: 'udp' | 'verbs'
  incarnation: number
  startedMillis: number
  inlineBytesMax: number
  historyBytes: number
  spinMicros: number
}

const ROLES = ['LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING'] as const
const PHASES = ['ELECTION', 'DISCOVERY', 'SYNCHRONIZATION', 'BROADCAST'] as const

type MachineCounter = (typeof MACHINE_COUNTERS)[number]
type EndpointCounter = (typeof ENDPOINT_COUNTERS)[number]

export function report(context: ReportContext): ReplicaStats {
  const { core } = context
  const { state, machine } = core
  return {
    replica: state.config.replica,
    incarnation: context.incarnation,
    role: ROLES[state.role] ?? 'LOOKING',
    phase: PHASES[state.phase] ?? 'ELECTION',
    leader: state.leader < 0 ? null : state.leader,
    epoch: state.currentEpoch,
    lastProposed: state.lastProposed,
    lastCommitted: state.lastCommitted,
    lastApplied: machine.applied(),
    uptimeSeconds: (performance.now() - context.startedMillis) / 1000,
    batching: reportBatching(core),
    operations: {
      reads: machineCount(core, 'reads'),
      writes: machineCount(core, 'writes-applied'),
      writesProposed: zabCount(core, 'writes-proposed'),
      writesForwarded: core.forwarding.writesForwarded,
    },
    sent: reportTraffic(core.sent),
    received: reportTraffic(core.received),
    stalls: {
      order: zabCount(core, 'stall-order'),
      acks: zabCount(core, 'stall-acks') + zabCount(core, 'stall-history'),
      credits: core.forwarding.stalls,
      replies: core.home.stalls,
    },
    resends: {
      proposals: zabCount(core, 'propose-resent'),
      forwards: core.forwarding.resent,
      replies: core.home.resent,
    },
    drops: reportDrops(core),
    transport: reportTransport(context),
    commitLatencyMicros: summarize(core.commitMicros),
    store: {
      items: machineCount(core, 'items'),
      bytes: machineCount(core, 'store-bytes'),
      residentBytes: machineCount(core, 'resident-bytes'),
      limitBytes: context.settings.storeBytes,
      sessions: machineCount(core, 'sessions'),
      links: homeLinkCount(core.home),
    },
    digest: machine.digest(),
    sessionsDigest: machine.sessionsDigest(),
    workers: [
      {
        worker: 0,
        links: homeLinkCount(core.home),
        requests: machineCount(core, 'requests'),
        reads: machineCount(core, 'reads'),
        writes: machineCount(core, 'writes-taken'),
      },
    ],
    settings: {
      ...context.settings,
      inlineBytesMax: context.inlineBytesMax,
      rxBytes: [...core.endpoint.rxBytes],
      historyBytes: context.historyBytes,
      spinMicros: context.spinMicros,
    },
  }
}

function reportBatching(core: Core): ReplicaStats['batching'] {
  const { forwarding } = core
  const proposed = zabCount(core, 'writes-proposed')
  const proposals = zabCount(core, 'proposals')
  return {
    writesPerProposal: ratio(proposed, proposals),
    writesPerProposeMessage: ratio(
      zabCount(core, 'writes-in-propose-sent') + zabCount(core, 'writes-in-propose-received'),
      zabCount(core, 'propose-sent') + zabCount(core, 'propose-received'),
    ),
    writesPerCommitMessage: ratio(
      zabCount(core, 'writes-in-commits'),
      zabCount(core, 'commits-sent') + zabCount(core, 'commits-received'),
    ),
    writesPerAckMessage: ratio(
      zabCount(core, 'writes-in-acks'),
      zabCount(core, 'acks-sent') + zabCount(core, 'acks-received'),
    ),
    writesPerForwardMessage: ratio(
      forwarding.writesForwarded + forwarding.writesTaken,
      forwarding.forwards + forwarding.forwardsTaken,
    ),
    proposalBytesMean: ratio(zabCount(core, 'proposal-bytes'), proposals),
  }
}

/** Every reason that was ever counted, from the endpoint, the ladder, the forwards and the clients' side. */
function reportDrops(core: Core): Record<string, number> {
  const drops: Record<string, number> = {}
  for (const name of ENDPOINT_COUNTERS) {
    if (name.startsWith('dropped-')) addDrop(drops, name.slice(8), endpointCount(core, name))
  }
  addDrop(drops, 'tx-refused', endpointCount(core, 'tx-refused'))
  for (const name of COUNTER_NAMES) {
    if (name.startsWith('ignored-')) addDrop(drops, name.slice(8), zabCount(core, name))
  }
  for (const [reason, count] of core.drops) addDrop(drops, reason, count)
  for (const [reason, count] of core.home.drops) addDrop(drops, reason, count)
  return drops
}

function addDrop(drops: Record<string, number>, reason: string, count: number): void {
  if (count > 0) drops[reason] = (drops[reason] ?? 0) + count
}

function reportTransport(context: ReportContext): ReplicaStats['transport'] {
  const { core } = context
  const doorbells = endpointCount(core, 'tx-calls')
  const receives = endpointCount(core, 'rx-calls')
  return {
    provider: context.provider,
    doorbells,
    datagramsPerDoorbell: ratio(endpointCount(core, 'tx-datagrams'), doorbells),
    receiveCalls: receives,
    datagramsPerReceiveCall: ratio(endpointCount(core, 'rx-datagrams'), receives),
    inlineSends: endpointCount(core, 'tx-inline'),
    waits: endpointCount(core, 'wait-calls'),
    waitsBlocked: endpointCount(core, 'wait-blocked'),
  }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 100) / 100
}

function zabCount(core: Core, name: CounterName): number {
  return at(core.state.counters, COUNT[name])
}

function machineCount(core: Core, name: MachineCounter): number {
  return at(core.machine.counters, MACHINE_COUNTERS.indexOf(name))
}

function endpointCount(core: Core, name: EndpointCounter): number {
  return at(core.endpoint.counters, ENDPOINT_COUNTERS.indexOf(name))
}
