/** ZooKeeper: three servers, driven by its own C library. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, hasCommand, type Sandbox, type Started } from '../sandbox.js'
import { LOCAL, runNative, type Settings, type Subject } from '../subject.js'
import { loadWords, measurePoints } from './points.js'

const JAR = '/usr/share/java/zookeeper.jar'
const HEADER = '/usr/include/zookeeper/zookeeper.h'
const SERVERS = 3
/** A million znodes would take a minute to make, and ZooKeeper is no faster with fewer. */
const KEYS = 10_000
/** Java compiles what runs often: the first seconds are not what it can do. */
const WARM_UP_SECONDS_FIRST = 5
const WARM_UP_SECONDS = 0.5

export function zookeeper(fsync: boolean): Subject {
  return {
    name: fsync ? 'zookeeper-fsync' : 'zookeeper',
    about: `ZooKeeper, three servers, forceSync=${fsync ? 'yes' : 'no'}`,
    missing: () => [
      ...(hasCommand('java') && existsSync(JAR) ? [] : ['zookeeper']),
      ...(existsSync(HEADER) ? [] : ['libzookeeper-mt-dev']),
    ],
    measure: (settings) => measure(settings, fsync),
  }
}

async function measure(settings: Settings, fsync: boolean): Promise<void> {
  const { sandbox } = settings
  const ports = await freePorts(3 * SERVERS)
  const servers = Array.from({ length: SERVERS }, (_, id) => startServer(sandbox, id, ports, fsync))
  const addresses = ports.slice(0, SERVERS).map((port) => `${LOCAL}:${port}`)
  try {
    await measurePoints(settings, (asked) => runNative(sandbox, 'zookeeper', {
      ...loadWords(asked, { servers: addresses, keys: KEYS, connections: 6, outstanding: 1000 }),
      'warm-up': asked.preload ? WARM_UP_SECONDS_FIRST : WARM_UP_SECONDS,
    }))
  } finally {
    await Promise.all(servers.map((server) => sandbox.stop(server, 'SIGKILL')))
  }
}

function startServer(sandbox: Sandbox, id: number, ports: readonly number[], fsync: boolean): Started {
  const folder = sandbox.makeFolder(`zookeeper-${id}`)
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'myid'), `${id + 1}\n`)
  const members = Array.from({ length: SERVERS }, (_, each) =>
    `server.${each + 1}=${LOCAL}:${ports[SERVERS + each]}:${ports[2 * SERVERS + each]}`)
  const config = join(folder, 'zoo.cfg')
  writeFileSync(config, [
    'tickTime=2000', 'initLimit=10', 'syncLimit=5', `dataDir=${dataDir}`, `clientPort=${ports[id]}`,
    `clientPortAddress=${LOCAL}`, 'admin.enableServer=false', 'maxClientCnxns=0', ...members, '',
  ].join('\n'))
  return sandbox.start(`zookeeper-${id}`, 'java', [
    '-Xms512m', '-Xmx512m',
    `-Dzookeeper.forceSync=${fsync ? 'yes' : 'no'}`,
    // Its default, 1000, stops reading from clients that have more outstanding than that.
    '-Dzookeeper.globalOutstandingLimit=100000',
    '-cp', JAR, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', config,
  ])
}
