/**
 * zabkv's client: the package's entry.
 *
 *   import { connect } from 'zabkv'
 *   await using kv = await connect({ registry: '127.0.0.1:11911', cluster: 'zabkv' })
 *   await kv.set('greeting', 'hello')
 *   const item = await kv.get('greeting')
 */

import { randomBytes } from 'node:crypto'
import { ZabkvError } from '../errors.js'
import { parseHostPort } from '../registry/host-port.js'
import { openCodec } from '../store/open-machine.js'
import { openEndpoint } from '../transport/open-endpoint.js'
import { REPLY_RECORD } from '../zab/wire.js'
import { badArgument, checkMillis } from './checks.js'
import type { Client } from './client.js'
import type { CoreSettings } from './core.js'
import { directoryOf } from './directory-of.js'
import { openClient } from './open-client.js'
import { ownAddress } from './own-address.js'
import { FAILOVER_MILLIS_DEFAULT, TIMEOUT_MILLIS_DEFAULT } from './times.js'
import type { ClientWorld, Member } from './world.js'

export { ZabkvError } from '../errors.js'
export type { ErrorCode } from '../errors.js'
export type { OperationColumns, ResultColumns } from '../store/machine.js'
export { OP, STATUS } from '../zab/wire.js'
export type { CallOptions } from './calls.js'
export type { Client, SessionChoice } from './client.js'
export type { ClientStats } from './client-stats.js'
export type { BatchOperation, BatchResult, OperationBatch } from './operation-batch.js'
export type { Item, Written } from './outcomes.js'
export type {
  ConditionOptions,
  Session,
  SubmitDone,
  SubmitOptions,
  Submitted,
} from './session.js'

export interface ConnectOptions {
  /**
   * Where the cluster's registry is, HOST:PORT. Needed to join; a connected client lives on without
   * it.
   */
  registry: string | { host: string; port: number }
  cluster: string
  /** The replica to be attached to at first, if it answers; any unless given. */
  replica?: number
  /** What carries datagrams. A cluster speaks one of them: `auto`, the default, takes that. */
  transport?: 'auto' | 'udp' | 'verbs'
  /** RDMA device; the first with an active port unless given. */
  device?: string
  gidIndex?: number
  /** Own IP address; the one that routes to the replica unless given. */
  address?: string
  /**
   * Milliseconds that a call, and connect itself, may take; 5000 unless given. Infinity: for ever.
   */
  timeoutMillis?: number
  /** Milliseconds of silence after which another replica is tried; 200 unless given. */
  failoverMillis?: number
  /** Ends connect with ABORTED. Later, the client does not heed it. */
  signal?: AbortSignal
  /** Records the time from call to answer, for stats(). Costs some nanoseconds a batch. */
  latency?: boolean
  /** Share of received datagrams to drop, for tests. */
  dropRatio?: number
  dropSeed?: number
}

/** A single registry call may not take all the time there is. */
const REGISTRY_MILLIS_MAX = 2000
/** Node fires at once for more. */
const TIMER_MILLIS_MAX = 2 ** 31 - 1

/**
 * Attaches to a replica of the cluster and opens a session. Rejects with REGISTRY_UNREACHABLE,
 * REGISTRY_REFUSED, NOT_REGISTERED, UNAVAILABLE (no replica answers, or no majority runs),
 * WRONG_CLUSTER, SESSIONS_FULL, NO_DEVICE, NOT_MY_ADDRESS, ADDON_MISSING, ABORTED or BAD_ARGUMENT;
 * nothing is left open then.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { cluster } = options
  const timeoutMillis = checkMillis(
    options.timeoutMillis ?? TIMEOUT_MILLIS_DEFAULT,
    'timeoutMillis',
  )
  const failoverMillis = checkMillis(
    options.failoverMillis ?? FAILOVER_MILLIS_DEFAULT,
    'failoverMillis',
  )
  const { registry, signal } = options
  const { host, port } = typeof registry === 'string' ? parseHostPort(registry) : registry
  if (signal?.aborted === true) throw new ZabkvError('ABORTED', 'The signal given was aborted.')
  const patience = Math.min(timeoutMillis, REGISTRY_MILLIS_MAX)
  const directory = directoryOf(host, port, cluster, patience)
  const world = systemWorld(directory)
  try {
    const found = await directory.read()
    const members = usable(found, options)
    const routed = members.find(({ replica }) => replica === options.replica) ?? members[0]
    const remote = routed?.clients[0]?.address ?? '127.0.0.1'
    const settings: CoreSettings = {
      cluster,
      provider: routed?.settings.transport ?? 'udp',
      address: options.address ?? (await world.ownAddress(remote)),
      device: options.device,
      gidIndex: options.gidIndex,
      timeoutMillis,
      failoverMillis,
      preferred: options.replica ?? null,
      latency: options.latency ?? false,
      dropRatio: options.dropRatio ?? 0,
      dropSeed: options.dropSeed ?? 0,
    }
    return await openClient(world, settings, members, signal)
  } catch (error) {
    directory.close()
    throw error
  }
}

function usable(found: readonly Member[], options: ConnectOptions): Member[] {
  const { replica, cluster, transport = 'auto' } = options
  if (found.length === 0) {
    const sentence = `No replica of cluster ${cluster} is registered: start them, or wait for them.`
    throw new ZabkvError('NOT_REGISTERED', sentence)
  }
  if (replica !== undefined && !(Number.isInteger(replica) && replica >= 0)) {
    throw badArgument('replica is the id of a replica.')
  }
  const members = found.filter(
    ({ settings }) => transport === 'auto' || settings.transport === transport,
  )
  if (members.length > 0) return members
  const speaks = found[0]?.settings.transport ?? 'udp'
  const sentence = `Cluster ${cluster} speaks ${speaks}, not ${transport}: leave the transport out.`
  throw new ZabkvError('WRONG_CLUSTER', sentence)
}

function systemWorld(directory: ClientWorld['directory']): ClientWorld {
  return {
    directory,
    openEndpoint,
    openCodec: (slab, datagramBytes) =>
      openCodec(slab, Math.ceil(datagramBytes / REPLY_RECORD.SIZE)),
    ownAddress,
    millis: () => performance.now(),
    random: () => randomBytes(4).readUInt32LE(),
    setTimer: (callback, millis) => {
      const timer = setTimeout(callback, Math.min(millis, TIMER_MILLIS_MAX))
      return () => clearTimeout(timer)
    },
  }
}
