/** The part of a replica's report about where its state came from, its elections, and its log. */

import { at } from '../assert.js'
import { LOG_COUNTERS } from '../store/log.js'
import { COUNT } from '../zab/counters.js'
import type { CounterName } from '../zab/counters.js'
import { TICKS_PER_MILLI } from '../zab/limits.js'
import type { Core } from './core.js'
import type { LogReport, RecoveryReport, ReplicaStats } from './options.js'

const STATUSES = ['FINE', 'SPACE_LOW', 'FULL', 'FAILED'] as const

export function reportRecovery(core: Core): RecoveryReport {
  const { recovered, learner, donor } = core
  return {
    diskSnapshotCounter: recovered?.snapshotCounter ?? 0,
    diskSnapshotBytes: recovered?.snapshotBytes ?? 0,
    diskOperations: recovered?.operations ?? 0,
    diskMillis: recovered?.millis ?? 0,
    peerSnapshots: learner.loads,
    peerSnapshotBytes: learner.bytes,
    peerSnapshotMillis: learner.lastTicks / TICKS_PER_MILLI,
    snapshotsGiven: donor.transfers,
    snapshotBytesGiven: donor.bytes,
  }
}

export function reportElections(core: Core): ReplicaStats['elections'] {
  const count = (name: CounterName): number => at(core.state.counters, COUNT[name])
  return {
    begun: count('elections'),
    led: count('epochs-led'),
    followed: count('epochs-followed'),
    steppedDown: count('steps-down'),
    truncations: count('truncations'),
  }
}

export function reportLog(core: Core): LogReport | null {
  const { storing } = core
  if (storing === null) return null
  const { log } = storing
  const count = (name: (typeof LOG_COUNTERS)[number]): number => at(log.counters, LOG_COUNTERS.indexOf(name))
  return {
    records: count('records'),
    bytes: count('bytes'),
    groups: count('groups'),
    syncs: count('syncs'),
    syncMicrosMean: count('sync-micros-mean'),
    syncMicrosMax: count('sync-micros-max'),
    snapshots: count('snapshots'),
    stalls: storing.stalls,
    status: STATUSES[log.status()] ?? 'FAILED',
  }
}

/** One line for a person: how this replica came to its state. */
export function sayRecovery(core: Core): string {
  const { recovered, learner, state } = core
  const parts: string[] = []
  if (recovered !== null) parts.push(`${recovered.lastHeld} operations from disk in ${Math.round(recovered.millis)} ms`)
  if (learner.loads > 0) {
    const mib = (learner.bytes / 2 ** 20).toFixed(1)
    parts.push(`a snapshot of ${mib} MiB from a peer in ${Math.round(learner.lastTicks / TICKS_PER_MILLI)} ms`)
    if (learner.loads > 1) parts.push(`after ${learner.loads - 1} that came too late`)
  }
  const from = parts.length === 0 ? '' : `: ${parts.join(', ')}`
  const place = `epoch ${state.acceptedEpoch} up to operation ${state.lastApplied}`
  return `replica ${state.config.replica} is in ${place}${from}`
}
