/** The time line of a failover: what is completed in each 10 ms while the leader is killed. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { statsOf, answered, listMembers } from '../../src/observe/cluster.js'
import { connectRegistry } from '../../src/registry/connection.js'
import { parseHostPort } from '../../src/registry/host-port.js'
import { monotonicMillis } from '../../test/monotonic-clock.js'
import { CLUSTER, startCluster, stopCluster, type Cluster } from '../peers/zabkv-cluster.js'
import type { Settings, Subject } from '../subject.js'
import { BUCKET_MILLIS, type LoadReport } from './failover-report.js'

const LOAD = fileURLToPath(new URL('./failover-load.js', import.meta.url))
const REPLICAS = 3
const BEFORE_MILLIS = 1500
const AFTER_MILLIS = 1500
/** How much of it is shown. */
const SHOWN_FROM_MILLIS = -300
const SHOWN_TO_MILLIS = 1000

export const failover: Subject = {
  name: 'failover',
  about: 'zabkv: time line of writes while the leader of three replicas is killed (kill -9)',
  missing: () => [],
  measure,
}

async function measure(settings: Settings): Promise<void> {
  const { sandbox, say, keep } = settings
  const cluster = await startCluster(sandbox, { replicas: REPLICAS, durability: 'memory', isKilled: true })
  try {
    say('killing the leader')
    const [report, killedAt] = await runKill(cluster)
    const times = report.buckets.map((operations, index) => ({
      millis: report.baseMillis + index * BUCKET_MILLIS - killedAt,
      operations,
    }))
    for (const { millis, operations } of times) {
      if (millis < SHOWN_FROM_MILLIS || millis > SHOWN_TO_MILLIS) continue
      keep(`t=${Math.round(millis)}`, { operations: operations * (1000 / BUCKET_MILLIS) })
    }
    keep('gap', { millis: report.gapMillis })
  } finally {
    await stopCluster(sandbox, cluster)
  }
}

async function runKill(cluster: Cluster): Promise<[LoadReport, number]> {
  const words = [LOAD, cluster.registry, CLUSTER, String(BEFORE_MILLIS + AFTER_MILLIS)]
  const load = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const onExit = (): void => void load.kill('SIGKILL')
  process.once('exit', onExit)
  let said = ''
  const begun = once(load.stdout, 'data') // its first line: clients are attached
  load.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(load, 'close')
  await Promise.race([begun, ended])
  await sleep(BEFORE_MILLIS)
  const leader = await leaderOf(cluster)
  const killedAt = monotonicMillis()
  cluster.replicas[leader]?.child.kill('SIGKILL')
  const [code] = (await ended) as [number | null]
  process.off('exit', onExit)
  if (code !== 0) throw new Error('The load of the failover broke: see above.')
  return [JSON.parse(said.trim().split('\n').at(-1) ?? '') as LoadReport, killedAt]
}

export async function leaderOf(cluster: Cluster): Promise<number> {
  const registry = connectRegistry(parseHostPort(cluster.registry))
  try {
    const stats = answered(await statsOf(await listMembers(registry, CLUSTER)))
    const leader = stats.find(({ role }) => role === 'LEADING')
    if (leader === undefined) throw new Error('No replica says that it leads.')
    return leader.replica
  } finally {
    registry.close()
  }
}
