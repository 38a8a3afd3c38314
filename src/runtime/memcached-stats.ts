/** What a replica tells memcached's clients of itself: `stats`, `stats settings` and `stats replication`. */

import { at } from '../assert.js'
import { historyFind } from '../zab/history.js'
import { NODES_MAX, TICKS_PER_MILLI, VALUE_BYTES_MAX } from '../zab/limits.js'
import { ROLE } from '../zab/state.js'
import type { Core } from './core.js'
import type { Told } from './memcached.js'
import type { MemcachedOptions, ReplicaStats } from './options.js'
import { report } from './stats.js'
import type { ReportContext } from './stats.js'

const MICROS_PER_MILLI = 1000
/** A replica that was not heard of for so long is away: 1 s. */
const AWAY_TICKS = 1000 * TICKS_PER_MILLI

/** Makes text, so it is called only when a client asks. */
export function tellStatistics(context: ReportContext, options: MemcachedOptions | null): Told {
  const stats = report(context)
  return {
    general: lines(generalOf(stats)),
    settings: options === null ? '' : lines(settingsOf(context, options)),
    replication: lines(replicationOf(context.core, stats)),
  }
}

type Row = readonly [name: string, value: string | number]

function lines(rows: readonly Row[]): string {
  return rows.map(([name, value]) => `${name} ${value}`).join('\n')
}

function generalOf(stats: ReplicaStats): Row[] {
  return [
    ['uptime', Math.floor(stats.uptimeSeconds)],
    ['version', '1.6.18'],
    ['limit_maxbytes', stats.store.limitBytes],
    ['replication_role', stats.role.toLowerCase()],
  ]
}

function settingsOf(context: ReportContext, options: MemcachedOptions): Row[] {
  const { settings } = context
  return [
    ['maxbytes', settings.storeBytes],
    ['maxconns', options.connectionsMax],
    ['tcpport', options.port],
    ['udpport', 0],
    ['evictions', settings.memory === 'cache' ? 'on' : 'off'],
    ['num_threads', 1],
    ['cas_enabled', 'yes'],
    ['item_size_max', VALUE_BYTES_MAX],
    ['idle_timeout', options.idleSeconds],
    ['auth_enabled_ascii', options.authFile ?? 'no'],
    ['auth_enabled_sasl', options.authFile === null ? 'no' : 'yes'],
    ['ssl_enabled', options.tlsCert === null ? 'no' : 'yes'],
    ['cluster', settings.cluster],
    ['replicas', settings.replicas],
    ['quorum', settings.quorum],
    ['durability', settings.durability],
  ]
}

function replicationOf(core: Core, stats: ReplicaStats): Row[] {
  const { state } = core
  const rows: Row[] = [
    ['replica', stats.replica],
    ['role', stats.role.toLowerCase()],
    ['phase', stats.phase.toLowerCase()],
    ['leader', stats.leader ?? 'none'],
    ['epoch', stats.epoch],
    ['zxid', stats.lastApplied],
    ['proposed', Math.max(stats.lastProposed, stats.lastCommitted)],
    ['committed', stats.lastCommitted],
    ['applied', stats.lastApplied],
    ['lag_operations', Math.max(0, Math.max(state.commitKnown, stats.lastCommitted) - stats.lastApplied)],
    ['digest', stats.digest],
  ]
  if (state.role === ROLE.LEADING) for (let id = 0; id < NODES_MAX; id++) rows.push(...lagOf(core, id))
  return rows
}

/** What the leader knows of another: how far its acknowledgements are behind, and for how long. */
function lagOf(core: Core, id: number): Row[] {
  const { state, clock } = core
  const heard = at(state.peers.activeTick, id)
  const isMember = id < state.config.members
  if (id === state.config.replica || (!isMember && heard <= 0)) return []
  const name = `${isMember ? 'replica' : 'observer'}_${id}`
  if (heard <= 0 || clock.ticks() - heard > AWAY_TICKS) return [[`${name}_state`, 'away']]
  const acked = at(state.acked, id)
  return [
    [`${name}_state`, at(state.peers.transfer, id) > 0 ? 'loading' : 'following'],
    [`${name}_acknowledged`, acked],
    [`${name}_lag_operations`, Math.max(0, state.lastHeld - acked)],
    [`${name}_lag_milliseconds`, lagMillis(core, acked)],
  ]
}

/** Age of the first entry that is not acknowledged; 0: there is none, or it is no longer kept. */
function lagMillis(core: Core, acked: number): number {
  const { history, lastHeld } = core.state
  if (acked >= lastHeld) return 0
  const index = historyFind(history, acked + 1)
  if (index < history.first || index >= history.next) return 0
  const age = core.clock.micros() - at(history.time, index & history.mask)
  return Math.max(0, Math.round(age / MICROS_PER_MILLI))
}
