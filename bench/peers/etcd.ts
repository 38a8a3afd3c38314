/** etcd: three members, driven by gRPC over HTTP/2 (bench/native/etcd.cc says why so). */

import { existsSync } from 'node:fs'
import { item } from '../../src/assert.js'
import { awaitServer, freePorts, hasCommand, type Sandbox, type Started } from '../sandbox.js'
import { LOCAL, runNative, type Settings, type Subject } from '../subject.js'
import { loadWords, measurePoints } from './points.js'

const HEADER = '/usr/include/nghttp2/nghttp2.h'
const MEMBERS = 3
const KEYS = 10_000
const HEALTHY_MILLIS_MAX = 30_000

export function etcd(fsync: boolean): Subject {
  return {
    name: fsync ? 'etcd-fsync' : 'etcd',
    about: `etcd, three members, ${fsync ? 'with fsync' : '--unsafe-no-fsync'}; serializable (local) reads`,
    missing: () => [
      ...(hasCommand('etcd') ? [] : ['etcd-server']),
      ...(existsSync(HEADER) ? [] : ['libnghttp2-dev']),
    ],
    measure: (settings) => measure(settings, fsync),
  }
}

async function measure(settings: Settings, fsync: boolean): Promise<void> {
  const { sandbox } = settings
  const ports = await freePorts(2 * MEMBERS)
  const members = Array.from({ length: MEMBERS }, (_, id) => startMember(sandbox, id, ports, fsync))
  const clientPorts = ports.slice(0, MEMBERS)
  try {
    for (const [id, member] of members.entries()) await awaitHealthy(item(ports, id), member)
    await measurePoints(settings, (asked) => runNative(sandbox, 'etcd', loadWords(asked, {
      servers: clientPorts.map((port) => `${LOCAL}:${port}`),
      keys: KEYS,
      connections: 6,
      // Of more than 5000 in all, etcd refuses some.
      outstanding: 100,
    })))
  } finally {
    await Promise.all(members.map((member) => sandbox.stop(member, 'SIGKILL')))
  }
}

function startMember(sandbox: Sandbox, id: number, ports: readonly number[], fsync: boolean): Started {
  const client = `http://${LOCAL}:${ports[id]}`
  const peer = `http://${LOCAL}:${ports[MEMBERS + id]}`
  const cluster = Array.from({ length: MEMBERS }, (_, each) => `m${each}=http://${LOCAL}:${ports[MEMBERS + each]}`)
  return sandbox.start(`etcd-${id}`, 'etcd', [
    '--name', `m${id}`, '--data-dir', sandbox.makeFolder(`etcd-${id}`), '--log-level', 'error',
    '--listen-client-urls', client, '--advertise-client-urls', client,
    '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer,
    '--initial-cluster', cluster.join(','), '--initial-cluster-state', 'new',
    // Four GiB: its default of two is full after some minutes of this load.
    '--quota-backend-bytes', String(2 ** 32),
    ...(fsync ? [] : ['--unsafe-no-fsync']),
  ])
}

/** It answers before it has a leader, and says so. */
async function awaitHealthy(port: number, member: Started): Promise<void> {
  await awaitServer(member, HEALTHY_MILLIS_MAX, 'did not become healthy', async () => {
    try {
      const answer = await fetch(`http://${LOCAL}:${port}/health`)
      return ((await answer.json()) as { health?: unknown }).health === 'true'
    } catch {
      return false // not there yet
    }
  })
}
