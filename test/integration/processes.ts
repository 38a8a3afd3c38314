/** Real replicas as child processes on loopback, with an embedded registry in this one. Ends only what it started. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { item } from '../../src/assert.js'
import { connect } from '../../src/client/connect.js'
import type { Client, ConnectOptions } from '../../src/client/connect.js'
import type { ReplicaStats } from '../../src/runtime/options.js'
import { askStats } from '../../src/observe/admin.js'
import { startRegistryServer } from '../../src/registry/server.js'
import { adminOf, end, isRunning, killReplica, respawn, spawnReplica, untilServing } from './replica-process.js'
import type { ReplicaProcess } from './replica-process.js'
import { until } from './until.js'

export interface ProcessesOptions {
  /** With ids after those of the voting replicas. */
  observers?: number
  /** Not memory: each replica has a data directory of its own, which is removed by stop(). */
  durability?: 'async' | 'fsync'
  /** Words before `node`, given a replica's data directory. */
  enter?: (dataDir: string) => readonly string[]
}

export interface Processes {
  readonly cluster: string
  readonly registryPort: number
  readonly replicas: readonly ReplicaProcess[]
  readonly children: readonly ChildProcess[]
  client(replica?: number, more?: Partial<ConnectOptions>): Promise<Client>
  /** Of those that run. */
  stats(): Promise<ReplicaStats[]>
  statsOf(replica: number): Promise<ReplicaStats>
  /** At once, by SIGKILL. */
  kill(...replicas: number[]): Promise<void>
  /** Starts again what was ended, by the same command, and waits until all of them serve. */
  restart(...replicas: number[]): Promise<void>
  /** Closes the registry; the cluster must not mind. */
  loseRegistry(): Promise<void>
  stop(): Promise<void>
}

let made = 0

export async function startProcesses(
  voters: number,
  extra: readonly string[] = [],
  options: ProcessesOptions = {},
): Promise<Processes> {
  const registry = await startRegistryServer({ host: '127.0.0.1', port: 0 })
  const cluster = `test-${process.pid}-${made++}`
  const where = `127.0.0.1:${registry.port}`
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-integration-'))
  const ips = Array.from({ length: voters }, () => '127.0.0.1').join(',')
  const common = ['--ips', ips, '--registry', where, '--cluster', cluster, '--transport', 'udp', ...extra]
  const replicas = Array.from({ length: voters + (options.observers ?? 0) }, (_, id) =>
    spawnOne(id, id >= voters, common, folder, options),
  )
  // Whatever becomes of this process, the replicas end with it.
  const onExit = (): void => replicas.forEach(({ child }) => void child.kill('SIGKILL'))
  process.once('exit', onExit)
  const stop = async (): Promise<void> => {
    await Promise.all(replicas.map(({ child }) => end(child)))
    await registry.close()
    rmSync(folder, { recursive: true, force: true })
    process.off('exit', onExit)
  }
  try {
    await Promise.all(replicas.map(untilServing))
  } catch (error) {
    await stop()
    throw error
  }
  const statsOf = (replica: number): Promise<ReplicaStats> => askStats(adminOf(item(replicas, replica)))
  return {
    cluster,
    registryPort: registry.port,
    replicas,
    get children() {
      return replicas.map(({ child }) => child)
    },
    client: (replica, more = {}) =>
      connect({ registry: where, cluster, ...(replica === undefined ? {} : { replica }), ...more }),
    stats: () => Promise.all(replicas.filter(isRunning).map(({ id }) => statsOf(id))),
    statsOf,
    kill: async (...ids) => void (await Promise.all(ids.map((id) => killReplica(item(replicas, id))))),
    restart: async (...ids) => {
      for (const id of ids) respawn(item(replicas, id))
      await Promise.all(ids.map((id) => untilServing(item(replicas, id))))
    },
    loseRegistry: () => registry.close(),
    stop,
  }
}

function spawnOne(
  id: number,
  isObserver: boolean,
  common: readonly string[],
  folder: string,
  options: ProcessesOptions,
): ReplicaProcess {
  const { durability, enter } = options
  const words = ['serve', '--id', String(id), ...common]
  if (isObserver) words.push('--observer', '--ip', '127.0.0.1')
  if (durability === undefined) return spawnReplica(id, words, null)
  const dataDir = join(folder, `replica-${id}`)
  mkdirSync(dataDir)
  words.push('--durability', durability, '--data-dir', dataDir)
  return spawnReplica(id, words, dataDir, enter?.(dataDir))
}

/** Waits until every replica that runs has applied the same; returns their reports. */
export async function settled(processes: Processes): Promise<ReplicaStats[]> {
  let stats: ReplicaStats[] = []
  await until(async () => {
    stats = await processes.stats()
    return new Set(stats.map(({ lastApplied }) => lastApplied)).size === 1
  }, 'the replicas come to the same state')
  return stats
}

/** The same, and their items are the same. */
export async function settledAlike(processes: Processes): Promise<ReplicaStats[]> {
  const stats = await settled(processes)
  assert.equal(new Set(stats.map(({ digest }) => digest)).size, 1, 'all replicas came to the same')
  return stats
}

/** Waits until one of those that run leads an established epoch, and every voter of them follows. */
export async function leaderOf(processes: Processes): Promise<number> {
  let leader = -1
  await until(async () => {
    const stats = await processes.stats()
    const leading = stats.filter(({ role, phase }) => role === 'LEADING' && phase === 'BROADCAST')
    leader = leading[0]?.replica ?? -1
    return leading.length === 1 && stats.every((each) => each.leader === leader && each.phase === 'BROADCAST')
  }, 'one replica leads all that run')
  return leader
}

export function replicaChild(processes: Processes, replica: number): ChildProcess {
  return item(processes.replicas, replica).child
}
