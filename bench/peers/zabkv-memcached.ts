/**
 * The memcached front of three replicas beside memcached of one thread: one load asks both, and the leader alone, in
 * turns, so that a slow moment of the machine is everybody's.
 */

import { freePorts, hasCommand, type Started } from '../sandbox.js'
import { LOCAL, runNative, type Settings, type Subject } from '../subject.js'
import { leaderOf } from '../sweeps/failover.js'
import { awaitListening } from './caches.js'
import { startCluster, stopCluster } from './zabkv-cluster.js'

const KEYS = 100_000
const REPLICAS = 3
const WARM_UP_SECONDS = 0.3
const POINTS = [
  { name: 'pipelined', connections: 6, outstanding: 150 },
  { name: 'one outstanding', connections: 48, outstanding: 1 },
] as const

export const zabkvMemcached: Subject = {
  name: 'zabkv-memcached',
  about: 'the memcached front of three replicas in memory, beside memcached of one thread under the same load',
  missing: () => (hasCommand('memcached') ? [] : ['memcached']),
  measure,
}

async function measure(settings: Settings): Promise<void> {
  const { sandbox } = settings
  const [port = 0, ...ports] = await freePorts(1 + REPLICAS)
  const server = startServer(settings, port)
  const cluster = await startCluster(sandbox, { replicas: REPLICAS, durability: 'memory', memcachedPorts: ports })
  try {
    await awaitListening(port, server)
    const leader = ports[await leaderOf(cluster)] ?? 0
    const servers = { memcached: [port], replicas: ports, leader: [leader] }
    for (const each of [servers.memcached, servers.leader]) await load(settings, each, { seconds: 0.01, preload: 1 })
    for (const { name, connections, outstanding } of POINTS) {
      for (const [kind, ratio] of [['get', 0], ['set', 1]] as const) {
        settings.say(`${kind}, ${name}`)
        const words = { 'write-ratio': ratio, connections, outstanding, seconds: settings.seconds, preload: 0 }
        const values: Record<string, number> = {}
        for (const [who, list] of Object.entries(servers)) values[who] = await load(settings, list, words)
        settings.keep(`${kind}, ${name}`, values)
      }
    }
  } finally {
    await stopCluster(sandbox, cluster)
    await sandbox.stop(server)
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
