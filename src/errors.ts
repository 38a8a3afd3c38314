/**
 * Operational errors: what a user can meet. One class, a stable code, one sentence that says what to do.
 */

/** Stable codes. A code is never renamed or reused. */
export type ErrorCode =
  | 'KEY_EMPTY' //            a key has at least one byte
  | 'KEY_TOO_LONG' //         more than KEY_BYTES_MAX
  | 'VALUE_TOO_LARGE' //      more than VALUE_BYTES_MAX
  | 'BAD_ARGUMENT' //         an argument of the wrong type or out of range
  | 'EXISTS' //               create: the key is there
  | 'NOT_FOUND' //            conditional write: the key is not there
  | 'VERSION_MISMATCH' //     conditional write: another version is there
  | 'STORE_FULL' //           the cluster's memory limit is reached; nothing changed
  | 'LOG_FULL' //             the disk of the cluster's log is full; nothing changed
  | 'SESSION_EXPIRED' //      the session ended by the log's time
  | 'SESSIONS_FULL' //        the cluster's limit of sessions is reached
  | 'READ_OVERTAKEN' //       after a move, a later write of the session had already taken effect
  | 'TIMEOUT' //              no answer in the time given
  | 'ABORTED' //              the caller's AbortSignal fired
  | 'CLOSED' //               the client is closed
  | 'UNAVAILABLE' //          no replica answers
  | 'WRONG_CLUSTER' //        the replica belongs to another cluster or has other settings
  | 'REGISTRY_UNREACHABLE' // the registry does not answer
  | 'REGISTRY_REFUSED' //     the registry answered with an error
  | 'NOT_REGISTERED' //       the registry does not know that cluster or replica
  | 'DUPLICATE_REPLICA' //    two live replicas with one id
  | 'SETTINGS_MISMATCH' //    replicas of one cluster with different settings
  | 'UNKNOWN_REPLICA' //      a replica id outside the cluster
  | 'NOT_MY_ADDRESS' //       an address that this machine does not have
  | 'ADDRESS_IN_USE' //       another process holds the port
  | 'ADDON_MISSING' //        the native addon is not built
  | 'NO_DEVICE' //            no RDMA device, or not the one asked for
  | 'DEVICE' //               the device or kernel refused; see errno and syscall
  | 'LOG_FAILED' //           the log can store nothing any more: the replica stops
  | 'LOG_DAMAGED' //          what the log stored is damaged
  | 'MAJORITY_LOST' //        a majority of the replicas lost what it acknowledged
  | 'NEEDS_SYNC' //           a replica without history meets a cluster that has one
  | 'DATA_DIR' //             the data directory is missing or may not be used; see errno
  | 'DATA_DIR_IN_USE' //      another process uses it
  | 'WRONG_DATA_DIR' //       it belongs to another cluster or replica
  | 'DISK_FAILED' //          a write or sync of the log failed: final

export interface ErrorDetails {
  /** True when the operation certainly did not happen. */
  definite?: boolean
  errno?: string
  syscall?: string
  /** The item's current version, on VERSION_MISMATCH and EXISTS. */
  version?: number
  cause?: unknown
}

/** What every public call of zabkv throws. `definite` says whether the operation certainly did not happen. */
export class ZabkvError extends Error {
  override readonly name = 'ZabkvError'
  readonly code: ErrorCode
  readonly definite: boolean
  readonly errno: string | undefined
  readonly syscall: string | undefined
  readonly version: number | undefined

  constructor(code: ErrorCode, sentence: string, details: ErrorDetails = {}) {
    super(sentence, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.definite = details.definite ?? true
    this.errno = details.errno
    this.syscall = details.syscall
    this.version = details.version
  }
}
