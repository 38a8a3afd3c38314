/** A zabkv cluster on loopback, and its own load (`zabkv bench`) against it. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkloadReport } from '../../src/bench/report.js'
import { packageRoot } from '../../test/package-root.js'
import { awaitServer, type Sandbox, type Started } from '../sandbox.js'
import { LOCAL, type Measured } from '../subject.js'

export const MAIN = join(packageRoot(), 'dist', 'src', 'cli', 'main.js')
export const CLUSTER = 'bench'

export interface ClusterPlan {
  readonly replicas: number
  readonly durability: 'memory' | 'async' | 'fsync'
  /** Somebody will be killed: silence is noticed as soon as by default. */
  readonly isKilled?: boolean
  /** Where each replica listens for memcached's clients. */
  readonly memcachedPorts?: readonly number[]
}

export interface Cluster {
  readonly registry: string
  readonly replicas: readonly Started[]
  readonly processes: readonly Started[]
}

const READY_MILLIS_MAX = 60_000
const RUN_MILLIS_MAX = 180_000
/** Nobody dies in a run: with fewer cores than processes, who is silent for long is only slow. No effect on speed. */
const FAILOVER_MILLIS = 5_000
const PATIENCE = ['--failure-timeout-ms', '2000', '--stuck-timeout-ms', '5000'] as const

export async function startCluster(sandbox: Sandbox, plan: ClusterPlan): Promise<Cluster> {
  const folder = sandbox.makeFolder('zabkv')
  const registryFile = join(folder, 'registry')
  const registryWords = [MAIN, 'registry', '--embedded', '--host', LOCAL, '--port', '0', '--ready-file', registryFile]
  const registry = sandbox.start('registry', process.execPath, registryWords)
  await awaitFile(registryFile, registry)
  const where = readFileSync(registryFile, 'utf8').trim()
  const ips = Array.from({ length: plan.replicas }, () => LOCAL).join(',')
  const replicas = Array.from({ length: plan.replicas }, (_, id) => {
    const port = plan.memcachedPorts?.[id]
    const dataDir = plan.durability === 'memory' ? [] : ['--data-dir', sandbox.makeFolder(`zabkv-${id}`)]
    return sandbox.start(`zabkv-${id}`, process.execPath, [
      MAIN, 'serve', '--id', String(id), '--ips', ips, '--cluster', CLUSTER, '--registry', where,
      '--durability', plan.durability, '--ready-file', join(folder, `ready-${id}`), ...dataDir,
      ...(port === undefined ? [] : ['--memcached', `${LOCAL}:${port}`]),
      ...(plan.isKilled === true ? [] : PATIENCE),
    ])
  })
  for (const [id, replica] of replicas.entries()) await awaitFile(join(folder, `ready-${id}`), replica)
  return { registry: where, replicas, processes: [...replicas, registry] }
}

export async function stopCluster(sandbox: Sandbox, cluster: Cluster): Promise<void> {
  await Promise.all(cluster.processes.map((each) => sandbox.stop(each, 'SIGKILL')))
}

/** A run of `zabkv bench`. It fails when answers were wrong or replicas differ, and so does the benchmark. */
export async function runWorkload(
  sandbox: Sandbox, cluster: Cluster, words: Readonly<Record<string, string | number | boolean>>,
): Promise<WorkloadReport> {
  const flat = Object.entries(words).flatMap(([name, value]) =>
    typeof value === 'boolean' ? [value ? `--${name}` : `--no-${name}`] : [`--${name}`, String(value)])
  const said = await sandbox.run('zabkv bench', process.execPath, [
    MAIN, 'bench', '--json', '--cluster', CLUSTER, '--registry', cluster.registry,
    '--failover-millis', String(FAILOVER_MILLIS), ...flat,
  ], RUN_MILLIS_MAX)
  return JSON.parse(said) as WorkloadReport
}

/** Latencies of writes where there are any: they wait for a quorum, reads do not. */
export function measuredOf(report: WorkloadReport): Measured {
  const { reads, writes } = report.latencyMicros
  const latency = writes.count > 0 ? writes : reads
  return {
    writes: report.writesPerSecond,
    reads: report.readsPerSecond,
    operations: report.operationsPerSecond,
    errors: report.errors,
    p50: latency.p50,
    p90: latency.p90,
    p99: latency.p99,
    p999: latency.p999,
    mean: latency.mean,
  }
}

async function awaitFile(file: string, process: Started): Promise<void> {
  await awaitServer(process, READY_MILLIS_MAX, 'did not start', () => existsSync(file))
}
