/** All that can be measured, in the order in which it is. */

import { memcached, redis, redisWait } from './peers/caches.js'
import { etcd } from './peers/etcd.js'
import { limit } from './peers/limit.js'
import { zabkvMemcached } from './peers/zabkv-memcached.js'
import { zabkv } from './peers/zabkv.js'
import { zookeeper } from './peers/zookeeper.js'
import { failover } from './sweeps/failover.js'
import { micro } from './sweeps/micro.js'
import { offeredLoad, replicas, skew, valueSize } from './sweeps/sweeps.js'
import type { Subject } from './subject.js'

/** What is compared is measured close in time: zabkv and the limit, then those in memory, then those on disk. */
export const SUBJECTS: readonly Subject[] = [
  limit,
  zabkv('memory'),
  redis,
  redisWait,
  memcached,
  zabkvMemcached,
  zookeeper(false),
  etcd(false),
  zabkv('async'),
  zabkv('fsync'),
  zookeeper(true),
  etcd(true),
  offeredLoad,
  valueSize,
  replicas,
  skew,
  failover,
  micro,
]

export const QUICK_SUBJECTS = ['limit', 'zabkv', 'micro'] as const

/** The native programs that a subject runs. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  limit: 'limit',
  redis: 'pipeline',
  'redis-wait': 'pipeline',
  memcached: 'pipeline',
  'zabkv-memcached': 'pipeline',
  zookeeper: 'zookeeper',
  'zookeeper-fsync': 'zookeeper',
  etcd: 'etcd',
  'etcd-fsync': 'etcd',
  micro: 'store',
}
