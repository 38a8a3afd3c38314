/** Redis and memcached, driven by one pipelined load (bench/native/pipeline.cc says why not by their own tools). */

import { connect } from 'node:net'
import { once } from 'node:events'
import { awaitServer, freePorts, hasCommand, type Sandbox, type Started } from '../sandbox.js'
import { LOCAL, runNative, type Settings, type Subject } from '../subject.js'
import { loadWords, measurePoints, type Asked } from './points.js'

const KEYS = 1_000_000
const CONNECTIONS = 8
const OUTSTANDING = 100
const REPLICAS = 2
/** SETs before each WAIT: half of a connection's window, so that something is always on its way. */
const WAIT_EVERY = 64
const WAIT_OUTSTANDING = 2 * WAIT_EVERY + 2
const LISTEN_MILLIS_MAX = 10_000

export const redis: Subject = {
  name: 'redis',
  about: 'Redis, one server, nothing saved',
  missing: () => (hasCommand('redis-server') ? [] : ['redis-server']),
  measure: (settings) => measureRedis(settings, 0),
}

export const redisWait: Subject = {
  name: 'redis-wait',
  about: `Redis with ${REPLICAS} replicas, WAIT ${REPLICAS} after every ${WAIT_EVERY} SETs of a connection`,
  missing: () => redis.missing(),
  measure: (settings) => measureRedis(settings, REPLICAS),
}

export const memcached: Subject = {
  name: 'memcached',
  about: 'memcached, one server of one thread',
  missing: () => (hasCommand('memcached') ? [] : ['memcached']),
  measure: measureMemcached,
}

async function measureRedis(settings: Settings, replicas: number): Promise<void> {
  const { sandbox } = settings
  const ports = await freePorts(1 + replicas)
  const [port = 0] = ports
  const master = startRedis(sandbox, port, null)
  const servers = [master]
  try {
    await awaitListening(port, master)
    for (const each of ports.slice(1)) {
      const replica = startRedis(sandbox, each, port)
      servers.push(replica)
      await awaitListening(each, replica)
    }
    await awaitReplicas(port, master, replicas)
    await measurePoints(settings, (asked) => runNative(sandbox, 'pipeline', {
      dialect: 'redis',
      ...pipelineWords(asked, port),
      ...(replicas === 0 ? {} : waitWords(asked, replicas)),
    }))
  } finally {
    await Promise.all(servers.map((server) => sandbox.stop(server, 'SIGKILL')))
  }
}

function pipelineWords(asked: Asked, port: number): Record<string, string | number> {
  const servers = [`${LOCAL}:${port}`]
  return loadWords(asked, { servers, keys: KEYS, connections: CONNECTIONS, outstanding: OUTSTANDING })
}

/** With replicas to wait for. A SET and its WAIT are outstanding, when it is alone. */
function waitWords({ isAlone, writeRatio }: Asked, replicas: number): Record<string, number> {
  return {
    outstanding: isAlone ? (writeRatio === 0 ? 1 : 2) : WAIT_OUTSTANDING,
    'wait-replicas': replicas,
    'wait-every': isAlone ? 1 : WAIT_EVERY,
  }
}

function startRedis(sandbox: Sandbox, port: number, master: number | null): Started {
  return sandbox.start(`redis-${port}`, 'redis-server', [
    '--port', String(port), '--bind', LOCAL, '--save', '', '--appendonly', 'no',
    '--dir', sandbox.makeFolder(`redis-${port}`),
    ...(master === null ? [] : ['--replicaof', LOCAL, String(master)]),
  ])
}

async function measureMemcached(settings: Settings): Promise<void> {
  const { sandbox } = settings
  const [port = 0] = await freePorts(1)
  const server = sandbox.start('memcached', 'memcached', [
    '-u', 'root', '-l', LOCAL, '-p', String(port), '-U', '0', '-t', '1', '-m', '1024',
    // Requests of one connection before it turns to another: its default of 20 cuts a pipeline into pieces.
    '-R', '1000',
  ])
  try {
    await awaitListening(port, server)
    await measurePoints(settings, (asked) => runNative(sandbox, 'pipeline', {
      dialect: 'memcached',
      ...pipelineWords(asked, port),
    }))
  } finally {
    await sandbox.stop(server)
  }
}

export async function awaitListening(port: number, server: Started): Promise<void> {
  await awaitServer(server, LISTEN_MILLIS_MAX, 'does not listen', async () => {
    const socket = connect(port, LOCAL)
    try {
      await once(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  })
}

/** Until the master counts them: WAIT would otherwise be answered with fewer. */
async function awaitReplicas(port: number, master: Started, replicas: number): Promise<void> {
  await awaitServer(master, LISTEN_MILLIS_MAX, `did not get ${replicas} replicas`, async () => {
    const socket = connect(port, LOCAL)
    socket.write(`WAIT ${replicas} 100\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.toString() === `:${replicas}\r\n`
  })
}
