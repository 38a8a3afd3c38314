/** A data directory as it lies, read without changing it: also beside the replica that writes it. */

import { loadAddon } from '../transport/addon.js'
import { withNativeErrors } from '../transport/native-error.js'

/** Index into `place`. */
export const PLACE = { segment: 0, offset: 1, end: 2, tornBytes: 3 } as const

export interface SnapshotFile {
  file: string
  counter: number
  epoch: number
  bytes: number
  /** What is wrong with it, or null. All of it was read. */
  problem: string | null
}

export interface Inspection {
  readonly cluster: string
  readonly replica: number
  /** Numbers of the segments, ascending. */
  readonly segments: readonly number[]
  readonly snapshots: readonly SnapshotFile[]
  /** Files that were set aside as damaged. */
  readonly setAside: readonly string[]
  /** Of the record read last, by LOG_FIELD. */
  readonly fields: Float64Array
  /** Where it lies, by PLACE. After DAMAGE: where that is. */
  readonly place: Float64Array
  /** The next record's kind, by RECORD_KIND. */
  next(): number
  /** After DAMAGE: what is damaged. */
  problem(): string
}

interface InspectionAddon {
  openInspection(directory: string): Inspection
}

export function openInspection(directory: string): Inspection {
  return withNativeErrors(() => (loadAddon() as InspectionAddon).openInspection(directory))
}
