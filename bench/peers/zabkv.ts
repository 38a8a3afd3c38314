/** zabkv itself: three replicas on loopback, in each of its durabilities, driven by `zabkv bench`. */

import type { Subject } from '../subject.js'
import { measurePoints } from './points.js'
import { measuredOf, runWorkload, startCluster, stopCluster, type ClusterPlan } from './zabkv-cluster.js'

export const KEYS = 1_000_000
const REPLICAS = 3
export const WARM_UP_SECONDS = 0.5
/** 6 sessions of 2,730 are 16,380 operations outstanding: as the limit program has. */
export const SESSIONS = 6
export const OUTSTANDING = 2730

export function zabkv(durability: ClusterPlan['durability']): Subject {
  const said = { memory: 'in memory', async: 'written to disk behind', fsync: 'an acknowledgement means on disk' }
  return {
    name: durability === 'memory' ? 'zabkv' : `zabkv-${durability}`,
    about: `zabkv, three replicas, --durability ${durability}: ${said[durability]}`,
    missing: () => [],
    measure: async (settings) => {
      const { sandbox } = settings
      const cluster = await startCluster(sandbox, { replicas: REPLICAS, durability })
      try {
        await measurePoints(settings, async ({ writeRatio, isAlone, seconds, preload }) =>
          measuredOf(await runWorkload(sandbox, cluster, {
            'write-ratio': writeRatio,
            seconds,
            'warm-up': WARM_UP_SECONDS,
            preload,
            keys: KEYS,
            sessions: isAlone ? 1 : SESSIONS,
            outstanding: isAlone ? 1 : OUTSTANDING,
          })))
      } finally {
        await stopCluster(sandbox, cluster)
      }
    },
  }
}
