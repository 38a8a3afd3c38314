/**
 * A whole run: finds the cluster, drives the workload, compares the replicas, reports.
 */
import { ZabkvError } from '../errors.js'
import { answered, digestsOf, listMembers, statsOf, type Answer } from '../observe/cluster.js'
import { connectRegistry } from '../registry/connection.js'
import type { ReplicaStats } from '../runtime/options.js'
import type { LoadClient } from './load-client.js'
import { openLoadClients } from './open-load-clients.js'
import { createReport, type WorkloadReport } from './report.js'
import { checkWorkload, type WorkloadOptions } from './workload-options.js'
import { runWorkload } from './workload.js'

const SETTLE_MILLIS_MAX = 20_000

export interface BenchHooks {
  /** Progress in sentences, for a person. */
  log(line: string): void
  stopped(): boolean
  /** How long a slow replica may take to apply what the others have; 20 s if not said. */
  settleMillis?: number
}

export async function runBench(options: WorkloadOptions, hooks: BenchHooks): Promise<WorkloadReport> {
  checkWorkload(options)
  const registry = connectRegistry(options.registry)
  try {
    const cluster = await listMembers(registry, options.cluster)
    const clients = await openLoadClients(options, cluster.map(({ replica }) => replica))
    try {
      // Read anew each time: a replica that was started again is somewhere else.
      return await drive(clients, options, hooks, () => listMembers(registry, options.cluster))
    } finally {
      await Promise.all(clients.map((client) => client.close()))
    }
  } finally {
    registry.close()
  }
}

async function drive(
  clients: readonly LoadClient[],
  options: WorkloadOptions,
  hooks: BenchHooks,
  cluster: () => ReturnType<typeof listMembers>,
): Promise<WorkloadReport> {
  let before: ReplicaStats[] = []
  let after: ReplicaStats[] = []
  if (options.preload) hooks.log('Preloading the keys.')
  const result = await runWorkload(clients, options, {
    beforeRun: async () => {
      before = all(await statsOf(await cluster()), hooks)
      hooks.log(`Running for ${options.seconds} s after ${options.warmupSeconds} s of warm-up.`)
    },
    afterMeasure: async () => {
      after = all(await statsOf(await cluster()), hooks)
    },
    stopped: hooks.stopped,
  })
  hooks.log('Waiting until all replicas have applied the same.')
  for (const client of clients) await client.sync()
  const digests = await digestsOf(await cluster(), hooks.settleMillis ?? SETTLE_MILLIS_MAX)
  const moves = clients.map((client) => client.moves())
  return createReport({ options, result, before, after, digests, moves })
}

/** A replica that does not tell its statistics is missing in the report, not a failure of the run. */
function all(answers: readonly Answer<ReplicaStats>[], hooks: BenchHooks): ReplicaStats[] {
  for (const { replica, problem } of answers) {
    if (problem !== null) hooks.log(`No statistics of replica ${replica}: ${problem}`)
  }
  const stats = answered(answers)
  if (stats.length > 0) return stats
  throw new ZabkvError('UNAVAILABLE', 'No replica of the cluster answers on its admin port.')
}
