/**
 * What a replica is started with, and what it reports. Used by the command line and by tests.
 */

/** Settings that every replica of a cluster must have alike; published in the registry and compared. */
export interface ClusterSettings {
  cluster: string //         name, 1 to 64 of [A-Za-z0-9._-]
  replicas: number //        voting replicas
  transport: 'verbs' | 'udp'
  multicast: boolean //      proposals by multicast, else one unicast for each follower
  quorum: 'majority' | 'all' // acknowledgements that commit a proposal
  datagramBytes: number //   0 before it is agreed: the least that every replica's path carries
  storeBytes: number //      limit of the store, bytes charged (see docs/tuning.md)
  memory: 'store' | 'cache' // full, the store refuses writes, or evicts what is used least
  sessionsMax: number
  sessionWindow: number //   unanswered writes that a session may have
  sessionSeconds: number //  a session that was not heard of for so long ends; 0: never
  ackCopies: number //       replicas, observers included, that must hold a write besides a quorum; 0: no such demand
  durability: 'memory' | 'async' | 'fsync'
}

/** What memcached's clients connect to. */
export interface MemcachedOptions {
  /** IP address; empty: the replica's own. */
  host: string
  port: number
  connectionsMax: number
  /** 0: a connection may be silent for ever. */
  idleSeconds: number
  /** Lines of user and password; null: everybody may. */
  authFile: string | null
  /** PEM files; null: no TLS. */
  tlsCert: string | null
  tlsKey: string | null
}

export interface ReplicaOptions {
  /** An observer's is beyond the addresses. */
  replica: number
  /** An observer's own address; null: a voting replica. */
  observer: string | null
  /** IP addresses by replica id; its length is the number of replicas. */
  addresses: readonly string[]
  cluster: string
  registry: { host: string; port: number }
  transport: 'auto' | 'verbs' | 'udp'
  device: string | null
  gidIndex: number | null
  multicast: boolean
  quorum: 'majority' | 'all'
  /** 0: the largest that the path carries, at most what is useful. */
  datagramBytes: number
  storeBytes: number
  memory: 'store' | 'cache'
  sessionsMax: number
  sessionWindow: number
  sessionSeconds: number
  ackCopies: number
  durability: 'memory' | 'async' | 'fsync'
  /** Where log and snapshots are; null in memory. */
  dataDir: string | null
  /** Bytes of the log after which a snapshot is taken. */
  snapshotBytes: number
  /** Silence after which another replica is taken for dead. */
  failureMillis: number
  /** Mean age of a leader's last turn from which it is taken for stuck. */
  stuckMillis: number
  /** Room for proposals that are held while a snapshot is loaded; memory only when it is used. */
  catchUpBytes: number
  historyBytes: number
  /** Threads with a clients' queue each; the first of them orders and applies, too. */
  workers: number
  /** Share of received datagrams to drop, for tests; 0 for none. */
  dropRatio: number
  dropSeed: number
  /** Ports; 0 for any free one. Workers after the first have the clients' ports that follow. */
  peerPort: number
  clientPort: number
  adminPort: number
  spinMicros: number
  /** Null or none: memcached's clients are not served. */
  memcached?: MemcachedOptions | null
  /** One line of progress ("waiting for replicas 1 and 2"), for a person. */
  log: (line: string) => void
}

/** Latency in microseconds. */
export interface LatencySummary {
  count: number
  mean: number
  p50: number
  p90: number
  p95: number
  p99: number
  p999: number
  p9999: number
  max: number
}

export interface KindCounts {
  messages: number
  bytes: number
}

export interface TransportReport {
  provider: 'udp' | 'verbs'
  doorbells: number //                  system calls or doorbells that sent
  datagramsPerDoorbell: number | null
  receiveCalls: number
  datagramsPerReceiveCall: number | null
  inlineSends: number
  waits: number
  waitsBlocked: number
  systemCalls: number //                of the endpoint: sends, receives, polls; not those of its thread of ALIVE
}

export interface RecoveryReport {
  diskSnapshotCounter: number // 0: there was none
  diskSnapshotBytes: number
  diskOperations: number //      after the snapshot
  diskMillis: number
  peerSnapshots: number //       loaded from a leader
  peerSnapshotBytes: number
  peerSnapshotMillis: number //  the last one
  snapshotsGiven: number //      to others
  snapshotBytesGiven: number
}

export interface LogReport {
  records: number
  bytes: number
  groups: number
  syncs: number
  syncMicrosMean: number
  syncMicrosMax: number
  snapshots: number
  stalls: number //              turns in which the log's buffer was full
  status: 'FINE' | 'SPACE_LOW' | 'FULL' | 'FAILED'
}

/** A thread of the replica. Worker 0 orders and applies as well, and its transport is the peers', too. */
export interface WorkerReport {
  worker: number
  links: number
  requests: number
  reads: number
  writes: number
  /** Waits that another worker ended, and system calls that ended another worker's. */
  wakeUps: number
  signals: number
  /** Turns in which requests of this worker waited for room. */
  stalls: number
  transport: TransportReport
}

/** Everything a replica counts. Totals since start; rates are for the reader to form from two reports. */
export interface ReplicaStats {
  replica: number
  incarnation: number
  role: 'LEADING' | 'FOLLOWING' | 'LOOKING' | 'OBSERVING'
  /** What it still has of what it acknowledged: a replica that is not WHOLE is counted in no quorum. */
  trust: 'LOST' | 'PARTIAL' | 'WHOLE' | 'HOLLOW'
  phase: 'ELECTION' | 'DISCOVERY' | 'SYNCHRONIZATION' | 'BROADCAST'
  leader: number | null
  epoch: number
  lastProposed: number
  lastCommitted: number
  lastApplied: number
  uptimeSeconds: number
  /** Writes per message: the batching that this store lives on. Null before there was one. */
  batching: {
    writesPerProposal: number | null
    writesPerProposeMessage: number | null
    writesPerCommitMessage: number | null
    writesPerAckMessage: number | null
    writesPerForwardMessage: number | null
    proposalBytesMean: number | null
  }
  /** Writes that the messages of a kind carried, of those sent and those received. */
  writesCarried: { PROPOSE: number; COMMIT: number; ACK: number; FORWARD: number }
  operations: { reads: number; writes: number; writesProposed: number; writesForwarded: number; proposals: number }
  sent: Record<string, KindCounts> //     by kind: PROPOSE, ACK, COMMIT, NACK, FORWARD, REPLY, ...
  received: Record<string, KindCounts>
  sentToReplicas: KindCounts //           of what was sent; the rest went to clients
  stalls: { order: number; acks: number; credits: number; replies: number }
  resends: { proposals: number; forwards: number; replies: number }
  drops: Record<string, number> //        by reason
  transport: TransportReport //           of all workers
  /** Propose to commit at a leader, microseconds. */
  commitLatencyMicros: LatencySummary
  /** What this life began with, and from where. */
  recovery: RecoveryReport
  elections: { begun: number; led: number; followed: number; steppedDown: number; truncations: number }
  /** Null in memory. */
  log: LogReport | null
  store: {
    items: number
    expiring: number //  items with an expiry
    evicted: number //   to make room
    reclaimed: number // expired or flushed
    bytes: number
    residentBytes: number
    limitBytes: number
    sessions: number
    links: number
  }
  digest: string
  sessionsDigest: string
  workers: WorkerReport[]
  settings: ClusterSettings & { inlineBytesMax: number; rxBytes: number[]; historyBytes: number; spinMicros: number }
}

export interface RunningReplica {
  readonly replica: number
  readonly incarnation: number
  readonly adminPort: number
  /** Where memcached's clients connect; null: nowhere. */
  readonly memcached: { readonly host: string; readonly port: number } | null
  /** Resolves when the replica serves clients. */
  readonly ready: Promise<void>
  /** Rejects with the first fatal error; resolves after close. */
  readonly stopped: Promise<void>
  stats(): ReplicaStats
  close(): Promise<void>
}
