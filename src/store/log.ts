/**
 * The contract of a replica's log on disk: records appended, made durable behind the replica's back, and
 * read again at the next start; and snapshots beside them. open-log.ts is the native one; a simulated disk
 * keeps the same contract.
 *
 * Integers in, integers out. A life: replayNext until END (or DAMAGE, discardAfterDamage, END), then appends.
 */

/** What replayNext found. END and DAMAGE are no records. */
export const RECORD_KIND = {
  END: 0, //      no more records: appends may begin
  ENTRY: 1, //    one proposal
  EPOCHS: 2, //   acceptedEpoch and currentEpoch
  TRUNCATE: 3, // entries beyond `counter` are void
  BASE: 4, //     the history begins after the snapshot (counter, epoch): what came before is void but for that
  DAMAGE: 9, //   what is next is damaged: error() names file and place
} as const

export const LOG_STATUS = {
  FINE: 0,
  SPACE_LOW: 1, // no room for the next segment, though the current one still has some
  FULL: 2, //      no room: nothing is lost, it tries again ten times a second and goes on by itself
  FAILED: 3, //    a write or sync failed otherwise: final, see error()
} as const

export const SNAPSHOT_STATE = { NONE: 0, WRITING: 1, FINISHED: 2, FAILED: 3 } as const

/** What replayNext and snapshotOpen leave in `fields`; the native side declares the same list (compared by a test). */
export const LOG_FIELDS = [
  'counter', //      ENTRY: of its first operation; TRUNCATE, BASE, snapshot
  'count', //        ENTRY: operations
  'epoch', //        ENTRY: in which it was proposed; BASE, snapshot: of the operation at `counter`
  'previous', //     ENTRY: epoch of the proposal before it
  'time', //         ENTRY: the log's time, microseconds
  'committed', //    ENTRY: last committed counter when it was appended
  'bytes', //        ENTRY: of the payload; snapshot: of the file
  'accepted', //     acceptedEpoch as of this record, also when the record of it is deleted; final at END
  'current', //      currentEpoch, likewise
  'last-counter', // last counter of the history as of this record; final at END
  'ordinal', //      number of this record in the log's whole life
  'cut-bytes', //    END: bytes of a torn end that were cut
] as const

/** Index into `fields`. */
export const LOG_FIELD = {
  counter: 0, count: 1, epoch: 2, previous: 3, time: 4, committed: 5, bytes: 6, accepted: 7, current: 8,
  lastCounter: 9, ordinal: 10, cutBytes: 11,
} as const

/** Index into `counters`; the native side declares the same list (compared by a test). */
export const LOG_COUNTERS = [
  'records', //          written
  'bytes', //            of them, with their headers
  'groups', //           of records that were written together
  'writes', //           system calls for them
  'syncs',
  'sync-micros-max',
  'sync-micros-mean',
  'buffer-full', //      appends refused
  'segments', //         gauge
  'segments-deleted',
  'waits-for-space',
  'snapshots', //        finished
  'snapshot-bytes',
  'replayed', //         records read at the start
  'cut-bytes', //        of a torn end
] as const

export interface Log {
  // Recovery, before the first append.

  /**
   * Reads the next record: its fields into `fields`, an ENTRY's payload to slab[offset, offset + bytesMax). Returns
   * one of RECORD_KIND. Entries that a later TRUNCATE or BASE voids, or that the newest snapshot contains, come too.
   */
  replayNext(offset: number, bytesMax: number): number
  readonly fields: Float64Array
  /**
   * After DAMAGE: keeps the records that were replayed, and sets the rest aside (*.damaged). The next replayNext
   * returns END. What the replica has promised may be among the rest. False: see error().
   */
  discardAfterDamage(): boolean

  // After the replay's end. False: the buffer is full (or the log has failed) and nothing was taken: try again later.

  /** A whole PROPOSE datagram in the slab; its time and previous epoch are read from it. */
  appendEntry(
    offset: number, length: number, counter: number, count: number, epoch: number, committed: number,
  ): boolean
  appendEpochs(accepted: number, current: number): boolean
  appendTruncate(counter: number): boolean
  appendBase(counter: number, epoch: number): boolean
  /** Wakes the writer for what was appended: once a turn. */
  flush(): void
  /** Records appended in this life. */
  appended(): number
  /** How many of them are durable. Mode fsync: synchronised; async: written, and synchronised within a second. */
  durable(): number
  /** One of LOG_STATUS. The wake handle is signalled when it changes, and when more is durable. */
  status(): number
  /** What is wrong and what to do about it, or null. */
  error(): string | null
  /** Index by LOG_COUNTERS. */
  readonly counters: Float64Array

  // Snapshots: one at a time is written, in parts; there is one when all of it is durable.

  snapshotBegin(counter: number, epoch: number): void
  /** False: the buffer is full, nothing was taken (the wake handle is signalled when there is room); or it failed. */
  snapshotPart(offset: number, bytes: number): boolean
  /** A part's largest size. */
  readonly snapshotPartBytesMax: number
  snapshotFinish(): void
  /**
   * One of SNAPSHOT_STATE. With FINISHED, what the last two snapshots do not need is deleted: older snapshots, and
   * segments of records before the older of the two.
   */
  snapshotState(): number
  snapshotAbandon(): void
  /** Opens the newest that is good: counter, epoch and bytes into `fields`. Damaged ones are set aside; see error(). */
  snapshotOpen(): boolean
  /** The next part, as it was handed in: its bytes; 0 at the end, -1 when it is damaged. */
  snapshotRead(offset: number, bytesMax: number): number

  // Anew, in the life of a replica: its state in memory was given up, and what is on the disk is what it has.

  /** Writes what was appended and opens the log again: replayNext begins from the beginning. */
  reopen(): void
  /** Sets everything aside, in a folder of the directory, and begins with an empty log: what it held is void. */
  startAnew(): void

  /** Writes what was appended, if the disk takes it. Idempotent; to be closed before the slab's endpoint. */
  close(): void
}

export interface LogSettings {
  directory: string
  cluster: string
  replica: number
  mode: 'fsync' | 'async'
  slab: ArrayBuffer
  /** wakeHandle() of the endpoint whose wait() a new durable() ends; null: nobody waits. */
  wakeHandle: number | null
  bufferBytes?: number //         64 MiB; half of it takes appends while the other half is written
  segmentBytes?: number //        64 MiB
  snapshotBufferBytes?: number // 8 MiB; a part fits half of it
  faultSync?: number //           fault knob: this fdatasync of the log's life fails; 0: none
}
