/** `zabkv serve`. */
import type { Argv, CommandModule } from 'yargs'
import { formatHostPort } from '../registry/host-port.js'
import { startReplica } from '../runtime/replica.js'
import type { RunningReplica } from '../runtime/options.js'
import { clusterOptions, interruption } from './options.js'
import { writeReady } from './ready-file.js'
import { replicaOptionsOf, SERVE_DEFAULTS, type ServeArguments } from './replica-options.js'

export const serveCommand: CommandModule<object, ServeArguments> = {
  command: 'serve',
  describe: 'Run one replica, until Ctrl-C',
  builder: (parser) => tuningOptions(memcachedOptions(clusterOptions(placeOptions(parser)))),
  handler: runServe,
}

function placeOptions<T>(parser: Argv<T>) {
  return parser
    .option('id', {
      type: 'number',
      requiresArg: true,
      default: SERVE_DEFAULTS.id,
      describe: 'Which replica this is: the place of its address in --ips, from 0',
    })
    .option('ips', {
      type: 'string',
      requiresArg: true,
      default: SERVE_DEFAULTS.ips,
      describe: 'Addresses of all replicas, with commas between; the same address may come again',
    })
    .option('observer', {
      type: 'boolean',
      default: false,
      describe: 'Learn and serve reads without a vote; --id is beyond those of --ips',
    })
    .option('ip', { type: 'string', requiresArg: true, describe: 'The address of an observer' })
    .option('transport', {
      choices: ['auto', 'verbs', 'udp'] as const,
      default: 'auto' as const,
      describe: 'auto: verbs where there is an RDMA device, else UDP',
    })
    .option('device', { type: 'string', requiresArg: true, describe: 'RDMA device, as in mlx5_0' })
    .option('gid-index', {
      type: 'number',
      requiresArg: true,
      describe: 'Entry of the GID table; found by its type when not given',
    })
    .option('peer-port', port('other replicas'))
    .option('client-port', port('clients'))
    .option('admin-port', port('statistics (TCP)'))
    .option('ready-file', {
      type: 'string',
      requiresArg: true,
      describe: 'File to write the admin HOST:PORT into when clients are served',
    })
}

function memcachedOptions<T>(parser: Argv<T>) {
  const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const
  return parser
    .option('memcached', text('[HOST:]PORT for clients of memcached; 0 for any free one'))
    .option('memcached-connections', number(SERVE_DEFAULTS.memcachedConnections, 'Connections of theirs at once'))
    .option('memcached-idle-seconds', number(0, 'Silence after which such a connection is closed; 0 for never'))
    .option('memcached-auth-file', text('File with lines of USER:PASSWORD, for text and for SASL PLAIN'))
    .option('memcached-tls-cert', text('PEM file: they are served by TLS'))
    .option('memcached-tls-key', text('PEM file of its key'))
}

function port(whom: string) {
  return {
    type: 'number',
    requiresArg: true,
    default: 0,
    describe: `Port for ${whom}; 0 for any free one`,
  } as const
}

function number(value: number, describe: string) {
  return { type: 'number', requiresArg: true, default: value, describe } as const
}

function tuningOptions<T>(parser: Argv<T>) {
  return parser
    .option('unicast', {
      type: 'boolean',
      default: false,
      describe: 'Send proposals to each follower instead of by multicast',
    })
    .option('quorum', {
      choices: ['majority', 'all'] as const,
      default: 'majority' as const,
      describe: 'Replicas that must hold a write before it is committed',
    })
    .option('workers', number(SERVE_DEFAULTS.workers, 'Client queues, each with its own thread'))
    .option('datagram-bytes', number(SERVE_DEFAULTS.datagramBytes, 'Size of a datagram; 0 for what the path carries'))
    .option('store-mib', number(SERVE_DEFAULTS.storeMib, 'Limit of the store, MiB; the same at all replicas'))
    .option('memory', {
      choices: ['store', 'cache'] as const,
      default: 'store' as const,
      describe: 'When it is full. store: writes are refused; cache: what is used least is evicted',
    })
    .option('sessions-max', number(SERVE_DEFAULTS.sessionsMax, 'Sessions that the cluster keeps'))
    .option('session-window', number(SERVE_DEFAULTS.sessionWindow, 'Unanswered writes that a session may have'))
    .option('history-mib', number(SERVE_DEFAULTS.historyMib, 'Proposals kept to send again, MiB'))
    .option('catch-up-mib', number(SERVE_DEFAULTS.catchUpMib, 'Room for proposals while a snapshot is loaded, MiB'))
    .option('session-seconds', number(SERVE_DEFAULTS.sessionSeconds, 'Silence after which a session ends; 0 for never'))
    .option('ack-copies', number(0, 'Replicas, observers included, that must hold a write before it is answered'))
    .option('durability', {
      choices: ['memory', 'async', 'fsync'] as const,
      default: 'memory' as const,
      describe: 'memory: held by a quorum; async: and written behind; fsync: on the disks of a quorum',
    })
    .option('data-dir', { type: 'string', requiresArg: true, describe: 'Where log and snapshots are' })
    .option('snapshot-mib', number(SERVE_DEFAULTS.snapshotMib, 'Log after which a snapshot is taken, MiB'))
    .option('failure-timeout-ms', number(SERVE_DEFAULTS.failureTimeoutMs, 'Silence after which a replica is dead'))
    .option('stuck-timeout-ms', number(SERVE_DEFAULTS.stuckTimeoutMs, 'Age of its turns after which a leader is stuck'))
    .option('spin-micros', {
      type: 'number',
      requiresArg: true,
      describe: 'How long to look for datagrams before sleeping. Default: 20, or 0 with no core for each replica here',
    })
    .option('drop', number(0, 'Fault: share of received datagrams to drop, 0 to below 1'))
    .option('drop-seed', number(1, 'Fault: seed of the drops'))
}

async function runServe(given: ServeArguments): Promise<void> {
  const signal = interruption()
  const options = replicaOptionsOf(given, (line) => process.stderr.write(`${line}\n`))
  const replica = await startReplica(options)
  const close = (): void => void replica.close()
  if (signal.aborted) close()
  signal.addEventListener('abort', close)
  const isReady = await Promise.race([
    replica.ready.then(() => true),
    replica.stopped.then(() => false),
  ]).catch((error: unknown) => {
    if (signal.aborted) return false
    throw error
  })
  if (isReady) await sayReady(replica, given, options.observer ?? options.addresses[options.replica] ?? '')
  await replica.stopped
}

async function sayReady(replica: RunningReplica, given: ServeArguments, host: string): Promise<void> {
  const { settings } = replica.stats()
  const admin = formatHostPort(host, replica.adminPort)
  const way = settings.multicast ? 'multicast' : 'unicast'
  const clients = replica.memcached
  const memcached = clients === null ? '' : `, memcached ${formatHostPort(clients.host, clients.port)}`
  process.stdout.write(
    `replica ${replica.replica} of ${settings.replicas} serves cluster ${given.cluster} on ${host} ` +
      `by ${settings.transport}, ${way}, datagrams of ${settings.datagramBytes} bytes${memcached}, admin ${admin}\n`,
  )
  await writeReady(given['ready-file'], admin)
}
