/** A replica's report made by hand: all zero but for what a test says. */
import type { ReplicaStats, TransportReport, WorkerReport } from '../../src/runtime/options.js'

type Made = Partial<Omit<ReplicaStats, 'transport' | 'operations' | 'settings' | 'resends'>> & {
  transport?: Partial<TransportReport>
  operations?: Partial<ReplicaStats['operations']>
  settings?: Partial<ReplicaStats['settings']>
  resends?: Partial<ReplicaStats['resends']>
  signals?: number
}

const LATENCY = { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, p9999: 0, max: 0 }

const TRANSPORT: TransportReport = {
  provider: 'udp',
  doorbells: 0,
  datagramsPerDoorbell: null,
  receiveCalls: 0,
  datagramsPerReceiveCall: null,
  inlineSends: 0,
  waits: 0,
  waitsBlocked: 0,
  systemCalls: 0,
}

const SETTINGS: ReplicaStats['settings'] = {
  cluster: 'test',
  replicas: 3,
  transport: 'udp',
  multicast: true,
  quorum: 'majority',
  datagramBytes: 1472,
  storeBytes: 0,
  memory: 'store',
  sessionsMax: 0,
  sessionWindow: 0,
  sessionSeconds: 0,
  ackCopies: 0,
  durability: 'memory',
  inlineBytesMax: 0,
  rxBytes: [],
  historyBytes: 0,
  spinMicros: 0,
}

export function replicaStats(made: Made): ReplicaStats {
  const { transport, operations, settings, resends, signals, ...rest } = made
  const worker: WorkerReport = {
    worker: 0,
    links: 0,
    requests: 0,
    reads: 0,
    writes: 0,
    wakeUps: 0,
    signals: signals ?? 0,
    stalls: 0,
    transport: TRANSPORT,
  }
  return {
    replica: 0,
    incarnation: 1,
    role: 'FOLLOWING',
    trust: 'WHOLE',
    phase: 'BROADCAST',
    leader: 0,
    epoch: 1,
    lastProposed: 0,
    lastCommitted: 0,
    lastApplied: 0,
    uptimeSeconds: 0,
    batching: {
      writesPerProposal: null,
      writesPerProposeMessage: null,
      writesPerCommitMessage: null,
      writesPerAckMessage: null,
      writesPerForwardMessage: null,
      proposalBytesMean: null,
    },
    writesCarried: { PROPOSE: 0, COMMIT: 0, ACK: 0, FORWARD: 0 },
    sent: {},
    received: {},
    sentToReplicas: { messages: 0, bytes: 0 },
    stalls: { order: 0, acks: 0, credits: 0, replies: 0 },
    drops: {},
    commitLatencyMicros: LATENCY,
    recovery: {
      diskSnapshotCounter: 0,
      diskSnapshotBytes: 0,
      diskOperations: 0,
      diskMillis: 0,
      peerSnapshots: 0,
      peerSnapshotBytes: 0,
      peerSnapshotMillis: 0,
      snapshotsGiven: 0,
      snapshotBytesGiven: 0,
    },
    elections: { begun: 0, led: 0, followed: 0, steppedDown: 0, truncations: 0 },
    log: null,
    store: {
      ...{ items: 0, expiring: 0, evicted: 0, reclaimed: 0, bytes: 0, residentBytes: 0 },
      ...{ limitBytes: 0, sessions: 0, links: 0 },
    },
    digest: '',
    sessionsDigest: '',
    workers: [worker],
    ...rest,
    operations: { reads: 0, writes: 0, writesProposed: 0, writesForwarded: 0, proposals: 0, ...operations },
    resends: { proposals: 0, forwards: 0, replies: 0, ...resends },
    transport: { ...TRANSPORT, ...transport },
    settings: { ...SETTINGS, ...settings },
  }
}
