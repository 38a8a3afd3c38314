/**
 * Snapshots on this replica's own disk, taken while it serves: they bound the log, and with it a restart.
 */

import type { Log } from '../store/log.js'
import { SNAPSHOT_STATE } from '../store/log.js'
import type { Machine } from '../store/machine.js'
import type { State } from '../zab/state.js'
import { appliedEpoch } from '../zab/synchronization.js'
import type { Donor } from './donor.js'
import type { Layout } from './layout.js'
import { PART_BYTES } from './layout.js'
import type { Storing } from './storing.js'

const SNAPSHOT_BYTES = 1 << 30 // of the log

export interface Snapshots {
  readonly state: State
  readonly machine: Machine
  readonly log: Log
  readonly partOffset: number
  readonly everyBytes: number
  taking: boolean
  /** Bytes of a part that found no room in the log's buffer yet. */
  pending: number
  finishing: boolean
  taken: number
  failed: number
}

export function createSnapshots(
  state: State,
  machine: Machine,
  log: Log,
  layout: Layout,
  everyBytes = SNAPSHOT_BYTES,
): Snapshots {
  return {
    state,
    machine,
    log,
    partOffset: layout.part,
    everyBytes,
    taking: false,
    pending: 0,
    finishing: false,
    taken: 0,
    failed: 0,
  }
}

/** Ends a turn: a part of the snapshot under way, or the beginning of one that is due. */
export function snapshotTick(snapshots: Snapshots, storing: Storing | null, donor: Donor): void {
  const { state, machine, log } = snapshots
  if (storing === null || state.transfer !== 0) return
  if (snapshots.finishing) return finish(snapshots)
  if (!snapshots.taking) {
    if (storing.bytesSince < snapshots.everyBytes || donor.link !== null) return
    if (!machine.snapshotBegin()) return
    storing.bytesSince = 0
    snapshots.taking = true
    snapshots.pending = 0
    log.snapshotBegin(state.lastApplied, appliedEpoch(state))
  }
  if (snapshots.pending === 0) {
    snapshots.pending = machine.snapshotNext(snapshots.partOffset, PART_BYTES)
    if (snapshots.pending === 0) {
      machine.snapshotEnd()
      log.snapshotFinish()
      snapshots.finishing = true
      return
    }
  }
  if (log.snapshotPart(snapshots.partOffset, snapshots.pending)) snapshots.pending = 0
}

function finish(snapshots: Snapshots): void {
  const progress = snapshots.log.snapshotState()
  if (progress === SNAPSHOT_STATE.WRITING) return
  if (progress === SNAPSHOT_STATE.FINISHED) snapshots.taken++
  else snapshots.failed++
  snapshots.finishing = false
  snapshots.taking = false
}

/** Gives up the one that is being taken. */
export function abandonSnapshot(snapshots: Snapshots): void {
  if (!snapshots.taking) return
  if (!snapshots.finishing) snapshots.machine.snapshotEnd()
  snapshots.log.snapshotAbandon()
  snapshots.taking = false
  snapshots.finishing = false
  snapshots.pending = 0
}
