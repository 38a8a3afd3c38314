/** Real replicas as child processes on loopback, with an embedded registry in this one. Ends only what it started. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { item } from '../../src/assert.js'
import { connect } from '../../src/client/connect.js'
import type { Client } from '../../src/client/client.js'
import type { ReplicaStats } from '../../src/runtime/options.js'
import { askStats } from '../../src/observe/admin.js'
import { listMembers } from '../../src/observe/cluster.js'
import { connectRegistry } from '../../src/registry/connection.js'
import { startRegistryServer } from '../../src/registry/server.js'
import { MAIN } from '../cli/run.js'

const READY_MILLIS_MAX = 30_000

export interface Processes {
  readonly cluster: string
  readonly registryPort: number
  readonly children: readonly ChildProcess[]
  client(replica: number, more?: { dropRatio?: number }): Promise<Client>
  stats(): Promise<ReplicaStats[]>
  /** Closes the registry; the cluster must not mind. */
  loseRegistry(): Promise<void>
  stop(): Promise<void>
}

let made = 0

export async function startProcesses(replicas: number, extra: string[] = []): Promise<Processes> {
  const registry = await startRegistryServer({ host: '127.0.0.1', port: 0 })
  const cluster = `test-${process.pid}-${made++}`
  const where = `127.0.0.1:${registry.port}`
  const ips = Array.from({ length: replicas }, () => '127.0.0.1').join(',')
  const children = Array.from({ length: replicas }, (_, id) => {
    const words = ['serve', '--id', String(id), '--ips', ips, '--registry', where, '--cluster', cluster]
    return spawn(process.execPath, [MAIN, ...words, '--transport', 'udp', ...extra], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  })
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end))
    await registry.close()
  }
  try {
    await Promise.all(children.map(untilReady))
  } catch (error) {
    await stop()
    throw error
  }
  const connection = connectRegistry({ host: '127.0.0.1', port: registry.port })
  const members = await listMembers(connection, cluster)
  connection.close()
  return {
    cluster,
    registryPort: registry.port,
    children,
    client: (replica, more = {}) => connect({ registry: where, cluster, replica, ...more }),
    stats: () =>
      Promise.all(
        members.map(({ admin }) => {
          if (admin === null) throw new Error('a replica is not in the registry')
          return askStats(admin)
        }),
      ),
    loseRegistry: () => registry.close(),
    stop,
  }
}

/** Waits until every replica has applied the same; returns their reports. */
export async function settled(processes: Processes): Promise<ReplicaStats[]> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const stats = await processes.stats()
    const applied = new Set(stats.map(({ lastApplied }) => lastApplied))
    if (applied.size === 1) return stats
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the replicas did not come to the same state')
}

export function replicaChild(processes: Processes, replica: number): ChildProcess {
  return item(processes.children, replica)
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(timer)
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`not ready: ${said}`)), READY_MILLIS_MAX)
    const listen = (chunk: Buffer): void => {
      said += chunk.toString()
      if (!said.includes('serves cluster')) return
      clearTimeout(timer)
      resolve()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)))
  })
}
