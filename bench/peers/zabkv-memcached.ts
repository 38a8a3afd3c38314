/**
 * The memcached front of three replicas beside memcached of one thread, under one load: spread over the replicas, as
 * clients would be, and at the leader alone. Each has the machine for itself while it is measured.
 */

import { freePorts, hasCommand, type Started } from '../sandbox.js'
import { LOCAL, runNative, type Settings, type Subject } from '../subject.js'
import { leaderOf } from '../sweeps/failover.js'
import { awaitListening } from './caches.js'
import { startCluster, stopCluster } from './zabkv-cluster.js'

const KEYS = 100_000
const REPLICAS = 3
/** Before anything is measured: memory that was never touched and code that was never compiled are slow. */
const FIRST_SECONDS = 4
const WARM_UP_SECONDS = 0.3
const PIPELINED = { name: 'pipelined', connections: 6, outstanding: 150 }
/** Without pipelining, the more connections there are, the more go through the order together. */
const ALONE = [
  { name: 'one outstanding of 48', connections: 48, outstanding: 1 },
  { name: 'one outstanding of 200', connections: 200, outstanding: 1 },
]
export const FRONT_LOADS = [PIPELINED, ...ALONE]
export const FRONT_MIXES = [['get', 0], ['set', 1], ['get and set', 0.5]] as const
type Values = Record<string, number>

export const zabkvMemcached: Subject = {
  name: 'zabkv-memcached',
  about: 'the memcached front of three replicas in memory, beside memcached of one thread under the same load',
  missing: () => (hasCommand('memcached') ? [] : ['memcached']),
  measure,
}

async function measure(settings: Settings): Promise<void> {
  const { sandbox } = settings
  const [port = 0, ...ports] = await freePorts(1 + REPLICAS)
  const points = new Map<string, Values>()
  const server = startServer(settings, port)
  try {
    await awaitListening(port, server)
    await measureAll(settings, points, { memcached: [port] })
  } finally {
    await sandbox.stop(server)
  }
  const cluster = await startCluster(sandbox, { replicas: REPLICAS, durability: 'memory', memcachedPorts: ports })
  try {
    const leader = ports[await leaderOf(cluster)] ?? 0
    await measureAll(settings, points, { replicas: ports, leader: [leader] })
  } finally {
    await stopCluster(sandbox, cluster)
  }
  for (const [point, values] of points) settings.keep(point, values)
}

/** Adds operations a second of each of `servers` to each point. */
async function measureAll(
  settings: Settings, points: Map<string, Values>, servers: Readonly<Record<string, readonly number[]>>,
): Promise<void> {
  for (const ports of Object.values(servers)) {
    const { connections, outstanding } = PIPELINED
    await load(settings, ports, { connections, outstanding, seconds: FIRST_SECONDS, preload: 1 })
  }
  for (const { name, connections, outstanding } of FRONT_LOADS) {
    for (const [kind, ratio] of FRONT_MIXES) {
      const point = `${kind}, ${name}`
      const words = { 'write-ratio': ratio, connections, outstanding, seconds: settings.seconds, preload: 0 }
      for (const [who, ports] of Object.entries(servers)) {
        settings.say(`${point}: ${who}`)
        points.set(point, { ...points.get(point), [who]: await load(settings, ports, words) })
      }
    }
  }
}

/** As fast as it can be: by default it serves 20 requests of a connection, then turns to another. */
function startServer({ sandbox }: Settings, port: number): Started {
  const words = ['-u', 'root', '-l', LOCAL, '-p', String(port), '-U', '0', '-t', '1', '-m', '1024', '-R', '1000']
  return sandbox.start('memcached', 'memcached', words)
}

/** Operations a second. */
async function load(
  { sandbox }: Settings, ports: readonly number[], words: Readonly<Record<string, number>>,
): Promise<number> {
  const servers = ports.map((port) => `${LOCAL}:${port}`).join(',')
  const common = { dialect: 'memcached', servers, keys: KEYS, 'warm-up': WARM_UP_SECONDS }
  return (await runNative(sandbox, 'pipeline', { ...common, ...words })).operations
}
