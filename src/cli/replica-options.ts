/** From the arguments of `zabkv serve` to the options of a replica. */

import { availableParallelism } from 'node:os'
import { ZabkvError } from '../errors.js'
import { parseHostPort } from '../registry/host-port.js'
import type { MemcachedOptions, ReplicaOptions } from '../runtime/options.js'
import { NODES_MAX, REPLICAS_MAX } from '../zab/limits.js'
import { integerOf, registryOf, type ClusterArguments } from './options.js'

export interface ServeArguments extends ClusterArguments {
  id: number
  ips: string
  transport: 'auto' | 'verbs' | 'udp'
  device: string | undefined
  'gid-index': number | undefined
  unicast: boolean
  quorum: 'majority' | 'all'
  workers: number
  'datagram-bytes': number
  'store-mib': number
  memory: 'store' | 'cache'
  'sessions-max': number
  'session-window': number
  'history-mib': number
  'catch-up-mib': number
  'session-seconds': number
  'ack-copies': number
  durability: 'memory' | 'async' | 'fsync'
  'data-dir': string | undefined
  'snapshot-mib': number
  'failure-timeout-ms': number
  'stuck-timeout-ms': number
  observer: boolean
  ip: string | undefined
  drop: number
  'drop-seed': number
  'peer-port': number
  'client-port': number
  'admin-port': number
  'spin-micros': number | undefined
  'ready-file': string | undefined
  memcached: string | undefined
  'memcached-connections': number
  'memcached-idle-seconds': number
  'memcached-auth-file': string | undefined
  'memcached-tls-cert': string | undefined
  'memcached-tls-key': string | undefined
}

export const SERVE_DEFAULTS = {
  id: 0,
  ips: '127.0.0.1',
  workers: 1,
  datagramBytes: 0,
  storeMib: 1024,
  sessionsMax: 65_536,
  sessionWindow: 65_536,
  historyMib: 64,
  catchUpMib: 1024,
  sessionSeconds: 60,
  snapshotMib: 1024,
  failureTimeoutMs: 60,
  stuckTimeoutMs: 1000,
  memcachedConnections: 1024,
} as const

const MIB = 1024 * 1024
const SPIN_MICROS = 20
const PORT_MAX = 65535
const U32_MAX = 0xffffffff

/** Refuses what cannot be meant with BAD_ARGUMENT or UNKNOWN_REPLICA. */
export function replicaOptionsOf(given: ServeArguments, log: (line: string) => void): ReplicaOptions {
  const addresses = addressesOf(given.ips)
  const observer = observerOf(given, addresses)
  if (!(given.drop >= 0 && given.drop < 1)) {
    throw new ZabkvError('BAD_ARGUMENT', `--drop is a share from 0 to below 1, not ${given.drop}.`)
  }
  return {
    replica: given.id,
    observer,
    addresses,
    cluster: given.cluster,
    registry: registryOf(given.registry),
    transport: given.transport,
    device: given.device ?? null,
    gidIndex: given['gid-index'] === undefined ? null : integerOf('gid-index', given['gid-index'], 0, 255),
    multicast: !given.unicast,
    quorum: given.quorum,
    datagramBytes: integerOf('datagram-bytes', given['datagram-bytes'], 0, PORT_MAX),
    storeBytes: integerOf('store-mib', given['store-mib'], 1, 16 * MIB) * MIB,
    memory: given.memory,
    sessionsMax: integerOf('sessions-max', given['sessions-max'], 1, 1 << 24),
    sessionWindow: integerOf('session-window', given['session-window'], 1, 1 << 20),
    catchUpBytes: integerOf('catch-up-mib', given['catch-up-mib'], 0, 2048) * MIB,
    historyBytes: integerOf('history-mib', given['history-mib'], 1, 2048) * MIB,
    sessionSeconds: integerOf('session-seconds', given['session-seconds'], 0, U32_MAX),
    ackCopies: integerOf('ack-copies', given['ack-copies'], 0, NODES_MAX),
    durability: given.durability,
    dataDir: given['data-dir'] ?? null,
    snapshotBytes: integerOf('snapshot-mib', given['snapshot-mib'], 1, 1 << 20) * MIB,
    failureMillis: integerOf('failure-timeout-ms', given['failure-timeout-ms'], 1, 3_600_000),
    stuckMillis: integerOf('stuck-timeout-ms', given['stuck-timeout-ms'], 1, 3_600_000),
    workers: integerOf('workers', given.workers, 1, 64),
    dropRatio: given.drop,
    dropSeed: integerOf('drop-seed', given['drop-seed'], 0, U32_MAX),
    peerPort: integerOf('peer-port', given['peer-port'], 0, PORT_MAX),
    clientPort: integerOf('client-port', given['client-port'], 0, PORT_MAX),
    adminPort: integerOf('admin-port', given['admin-port'], 0, PORT_MAX),
    spinMicros: integerOf('spin-micros', given['spin-micros'] ?? spinMicrosFor(given.id, addresses), 0, 1_000_000),
    memcached: memcachedOf(given),
    log,
  }
}

/**
 * Spinning finds a datagram sooner, unless it keeps from their core those who would send one: a host with as many
 * replicas as cores, or more, does not spin.
 */
export function spinMicrosFor(id: number, addresses: readonly string[], cores = availableParallelism()): number {
  const replicas = addresses.filter((each) => each === addresses[id]).length
  return replicas < cores ? SPIN_MICROS : 0
}

/** `--memcached PORT` is on the replica's own address. */
function memcachedOf(given: ServeArguments): MemcachedOptions | null {
  const text = given.memcached
  const tlsCert = given['memcached-tls-cert'] ?? null
  const tlsKey = given['memcached-tls-key'] ?? null
  if (text === undefined) return null
  if ((tlsCert === null) !== (tlsKey === null)) {
    throw new ZabkvError('BAD_ARGUMENT', 'TLS needs both: give --memcached-tls-cert and --memcached-tls-key.')
  }
  const isPort = /^\d+$/.test(text)
  const { host, port } = isPort ? { host: '', port: Number(text) } : parseHostPort(text, null)
  return {
    host,
    port: integerOf('memcached', port, 0, PORT_MAX),
    connectionsMax: integerOf('memcached-connections', given['memcached-connections'], 1, 1 << 20),
    idleSeconds: integerOf('memcached-idle-seconds', given['memcached-idle-seconds'], 0, U32_MAX),
    authFile: given['memcached-auth-file'] ?? null,
    tlsCert,
    tlsKey,
  }
}

/** An observer's own address; null for a voting replica. Its id comes after theirs. */
function observerOf(given: ServeArguments, addresses: readonly string[]): string | null {
  const { length } = addresses
  const first = given.observer ? length : 0
  const end = given.observer ? NODES_MAX : length
  if (!Number.isInteger(given.id) || given.id < first || given.id >= end) {
    const whose = given.observer ? 'observer' : 'replica'
    const sentence = `There is no ${whose} ${given.id} in a cluster of ${length}: --id is ${first} to ${end - 1}.`
    throw new ZabkvError('UNKNOWN_REPLICA', sentence)
  }
  if (!given.observer) return null
  if (given.ip === undefined) throw new ZabkvError('BAD_ARGUMENT', 'An observer needs its own address: give --ip.')
  return given.ip
}

/** `10.0.0.1,10.0.0.2`; whether they are this machine's is found out when they are used. */
export function addressesOf(list: string): string[] {
  const addresses = list.split(',').map((each) => each.trim())
  if (addresses.some((each) => each === '')) {
    throw new ZabkvError('BAD_ARGUMENT', `--ips is a list of addresses with commas between, not "${list}".`)
  }
  if (addresses.length > REPLICAS_MAX) {
    const sentence = `A cluster has at most ${REPLICAS_MAX} replicas, not ${addresses.length}.`
    throw new ZabkvError('BAD_ARGUMENT', sentence)
  }
  return addresses
}
