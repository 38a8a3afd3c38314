/**
 * What a cluster must agree on, derived from a replica's options, and what follows from the cluster's name.
 */

import { ZabkvError } from '../errors.js'
import { clusterHash } from '../zab/cluster-hash.js'
import {
  DATAGRAM_ALIGN,
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  NODES_MAX,
  REPLICAS_MAX,
} from '../zab/limits.js'
import type { ClusterSettings, ReplicaOptions } from './options.js'

/** More than this in one datagram gains nothing: segmentation offload already batches system calls. */
const DATAGRAM_BYTES_USEFUL = 8192

/** Less is mistaken for death too often: ALIVE comes every 5 ms, and a scheduler's turn takes some. */
const FAILURE_MILLIS_MIN = 20

export const WORKERS_MAX = 64
const PORT_MAX = 65535

/** Multicast groups lie in the administratively scoped block 239.192.0.0/14 (RFC 2365). */
export function multicastGroup(cluster: string, replica: number): string {
  const hash = clusterHash(cluster)
  return `239.${192 + ((hash >>> 24) & 3)}.${(hash >>> 8) & 255}.${((hash & 15) << 4) | replica}`
}

export function multicastPort(cluster: string): number {
  return 20_000 + (clusterHash(cluster) % 10_000)
}

/** Refuses what no cluster can be started with, one sentence each. */
export function checkOptions(options: ReplicaOptions): void {
  const { addresses } = options
  const count = addresses.length
  if (count < 1 || count > REPLICAS_MAX) {
    refuse('BAD_ARGUMENT', `A cluster has 1 to ${REPLICAS_MAX} replicas, not ${count}.`)
  }
  checkId(options)
  if (!Number.isInteger(options.ackCopies) || options.ackCopies < 0 || options.ackCopies > NODES_MAX) {
    refuse('BAD_ARGUMENT', `--ack-copies is from 0 to ${NODES_MAX}, not ${options.ackCopies}.`)
  }
  if (options.durability !== 'memory' && options.dataDir === null) {
    refuse('BAD_ARGUMENT', `--durability ${options.durability} needs a place for the log: give --data-dir.`)
  }
  if (!(options.stuckMillis >= options.failureMillis)) {
    refuse('BAD_ARGUMENT', `--stuck-timeout-ms is at least --failure-timeout-ms, not ${options.stuckMillis}.`)
  }
  if (!(options.failureMillis >= FAILURE_MILLIS_MIN)) {
    refuse('BAD_ARGUMENT', `--failure-timeout-ms is at least ${FAILURE_MILLIS_MIN}, not ${options.failureMillis}.`)
  }
  const bytes = options.datagramBytes
  const fits = bytes >= DATAGRAM_BYTES_MIN && bytes <= DATAGRAM_BYTES_MAX
  if (bytes !== 0 && (bytes % DATAGRAM_ALIGN !== 0 || !fits)) {
    refuse(
      'BAD_ARGUMENT',
      `Datagrams have ${DATAGRAM_BYTES_MIN} to ${DATAGRAM_BYTES_MAX} bytes, ` +
        `a multiple of ${DATAGRAM_ALIGN}, not ${bytes}.`,
    )
  }
  const { workers, clientPort } = options
  if (!(Number.isInteger(workers) && workers >= 1 && workers <= WORKERS_MAX)) {
    refuse('BAD_ARGUMENT', `A replica has 1 to ${WORKERS_MAX} workers, not ${workers}.`)
  }
  if (clientPort !== 0 && clientPort + workers - 1 > PORT_MAX) {
    refuse('BAD_ARGUMENT', `${workers} workers have a port each: from ${clientPort} on there are too few.`)
  }
  if (!(options.dropRatio >= 0 && options.dropRatio < 1)) {
    refuse('BAD_ARGUMENT', `A share of datagrams to drop is from 0 to below 1, not ${options.dropRatio}.`)
  }
}

function checkId(options: ReplicaOptions): void {
  const { replica, observer } = options
  const count = options.addresses.length
  const first = observer === null ? 0 : count
  const end = observer === null ? count : NODES_MAX
  if (Number.isInteger(replica) && replica >= first && replica < end) return
  const whose = observer === null ? 'Replica' : 'Observer'
  refuse('UNKNOWN_REPLICA', `${whose} ${replica} is not one of ${first} to ${end - 1}: check --id and --ips.`)
}

/** Where this replica is reached. */
export function ownAddress(options: ReplicaOptions): string {
  return options.observer ?? options.addresses[options.replica] ?? ''
}

/** `pathBytes`: the largest datagram that this replica's path carries. */
export function clusterSettings(
  options: ReplicaOptions,
  transport: 'verbs' | 'udp',
  pathBytes: number,
): ClusterSettings {
  const automatic = Math.min(pathBytes, DATAGRAM_BYTES_USEFUL)
  const wanted = options.datagramBytes === 0 ? automatic : options.datagramBytes
  if (wanted > pathBytes) {
    refuse(
      'BAD_ARGUMENT',
      `Datagrams of ${wanted} bytes do not pass the interface of ` +
        `${ownAddress(options)}: at most ${pathBytes} do.`,
    )
  }
  return {
    cluster: options.cluster,
    replicas: options.addresses.length,
    transport,
    multicast: options.multicast,
    quorum: options.quorum,
    datagramBytes: Math.floor(wanted / DATAGRAM_ALIGN) * DATAGRAM_ALIGN,
    storeBytes: options.storeBytes,
    memory: options.memory,
    sessionsMax: options.sessionsMax,
    sessionWindow: options.sessionWindow,
    sessionSeconds: options.sessionSeconds,
    ackCopies: options.ackCopies,
    durability: options.durability,
  }
}

function refuse(code: 'BAD_ARGUMENT' | 'UNKNOWN_REPLICA', sentence: string): never {
  throw new ZabkvError(code, sentence)
}
