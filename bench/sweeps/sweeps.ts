/** Questions asked of zabkv alone: how it does as one thing about the load changes. */

import type { WorkloadReport } from '../../src/bench/report.js'
import { KEYS, OUTSTANDING, SESSIONS, WARM_UP_SECONDS } from '../peers/zabkv.js'
import { measuredOf, runWorkload, startCluster, stopCluster, type Cluster } from '../peers/zabkv-cluster.js'
import type { Settings, Subject } from '../subject.js'
import type { Sample } from '../samples.js'

const REPLICAS = 3
const BASE = { 'warm-up': WARM_UP_SECONDS, keys: KEYS, sessions: SESSIONS, outstanding: OUTSTANDING }

/** Operations a second, half of them writes: from almost idle to more than any machine takes. */
const RATES = [1_000, 10_000, 100_000, 300_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000]
const VALUE_BYTES = [8, 32, 128, 512, 2048, 8192]
/** Of all values together: the store's default limit is 1 GiB. */
const VALUES_BYTES_MAX = 256 * 1024 * 1024
const REPLICAS_SWEPT = [3, 5, 7]
const ZIPF_EXPONENT = 0.99
const SKEW_RATIOS = [0, 0.05, 0.5, 1]

type Words = Parameters<typeof runWorkload>[2]

function sweep(name: string, about: string, measure: (settings: Settings) => Promise<void>): Subject {
  return { name, about, missing: () => [], measure }
}

async function withCluster(
  { sandbox }: Settings, replicas: number, body: (run: (words: Words) => Promise<WorkloadReport>) => Promise<void>,
): Promise<void> {
  const cluster: Cluster = await startCluster(sandbox, { replicas, durability: 'memory' })
  try {
    await body((words) => runWorkload(sandbox, cluster, words))
  } finally {
    await stopCluster(sandbox, cluster)
  }
}

export const offeredLoad = sweep(
  'load', 'zabkv: latency and batch sizes, against offered load (half of it writes)', (settings) =>
  withCluster(settings, REPLICAS, async (run) => {
    let preload = true
    for (const rate of RATES) {
      settings.say(`${rate}/s`)
      const report = await run({ ...BASE, rate, 'write-ratio': 0.5, seconds: settings.seconds, preload })
      preload = false
      settings.keep(`offered=${rate}`, { ...measuredOf(report), ...batchingOf(report) })
      // What it no longer reaches is one point beyond the knee; the next ones would say the same.
      if (report.operationsPerSecond < 0.9 * rate) return
    }
  }),
)

/** Means, of the leader; what it had none of is left out. */
function batchingOf({ batching }: WorkloadReport): Sample['values'] {
  const values = {
    writesPerProposal: batching.writesPerProposal,
    writesPerAck: batching.writesPerAckMessage,
    operationsPerRequest: batching.operationsPerRequest,
    operationsPerReply: batching.operationsPerReply,
  }
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) =>
    typeof value === 'number' && Number.isFinite(value) ? [[name, value]] : []))
}

export const valueSize = sweep('value-size', 'zabkv: throughput against the size of values', async (settings) => {
  for (const bytes of VALUE_BYTES) {
    await withCluster(settings, REPLICAS, async (run) => {
      const keys = Math.min(KEYS, Math.floor(VALUES_BYTES_MAX / (bytes + 100)))
      const words = { ...BASE, keys, 'value-bytes': bytes, seconds: settings.seconds }
      settings.say(`${bytes} bytes`)
      const written = await run({ ...words, 'write-ratio': 1 })
      const read = await run({ ...words, 'write-ratio': 0, preload: false })
      settings.keep(`value-bytes=${bytes}`, { writes: written.writesPerSecond, reads: read.readsPerSecond })
    })
  }
})

export const replicas = sweep('replicas', 'zabkv: throughput against the number of replicas', async (settings) => {
  for (const count of REPLICAS_SWEPT) {
    await withCluster(settings, count, async (run) => {
      settings.say(`${count} replicas`)
      // One session at each replica at least.
      const words = { ...BASE, sessions: Math.max(SESSIONS, count), seconds: settings.seconds }
      const written = await run({ ...words, 'write-ratio': 1 })
      const read = await run({ ...words, 'write-ratio': 0, preload: false })
      settings.keep(`replicas=${count}`, { writes: written.writesPerSecond, reads: read.readsPerSecond })
    })
  }
})

export const skew = sweep(
  'skew', `zabkv: throughput with keys by Zipf's distribution (${ZIPF_EXPONENT}) and uniform ones`, (settings) =>
  withCluster(settings, REPLICAS, async (run) => {
    let preload = true
    for (const ratio of SKEW_RATIOS) {
      settings.say(`write ratio ${ratio}`)
      const words = { ...BASE, 'write-ratio': ratio, seconds: settings.seconds }
      const uniform = await run({ ...words, preload })
      preload = false
      const zipf = await run({ ...words, preload, zipf: ZIPF_EXPONENT })
      settings.keep(`skew=${ratio}`, { uniform: uniform.operationsPerSecond, zipf: zipf.operationsPerSecond })
    }
  }),
)
