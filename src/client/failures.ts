/** Statuses and codes into the one error class, with a sentence that says what to do. */

import { ZabkvError } from '../errors.js'
import type { ErrorCode } from '../errors.js'
import { OP, STATUS } from '../zab/wire.js'
import { isRead } from './columns.js'

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  EXISTS: 'The key is there already: use set to replace its value.',
  NOT_FOUND: 'The key is not there: use create, or set without ifVersion.',
  VERSION_MISMATCH: 'The item has another version: read it again and decide anew.',
  STORE_FULL: 'The store is full: delete items, or start the cluster with more memory.',
  LOG_FULL: 'The disks of the cluster are full: make room where the log is kept; nothing was changed.',
  SESSION_EXPIRED: 'The session has ended at the cluster: later operations open a new one.',
  SESSIONS_FULL: 'The cluster has as many sessions as it takes: close some, or raise its limit.',
  READ_OVERTAKEN: 'After a move to another replica a later write had taken effect: read again.',
  BAD_ARGUMENT: 'The replica does not know this operation: use the same version at both ends.',
  TIMEOUT: 'No answer in the time given: check that a majority of the replicas runs.',
  ABORTED: 'The signal given with the operation was aborted.',
  CLOSED: 'The client or session is closed.',
  UNAVAILABLE: 'No replica answers: check that the cluster runs and can be reached from here.',
}

/** An operation that will not be answered, or that was answered with a refusal. */
export function failure(code: ErrorCode, definite: boolean, version?: number): ZabkvError {
  const sentence = SENTENCES[code] ?? 'The operation failed.'
  const rest = definite ? '' : ' The write may or may not have happened.'
  return new ZabkvError(code, sentence + rest, {
    definite,
    ...(version === undefined ? {} : { version }),
  })
}

/** The code for an answer; null when the operation did what was asked. */
export function codeOf(kind: number, status: number): ErrorCode | null {
  switch (status) {
    case STATUS.OK:
      return null
    case STATUS.NOT_FOUND:
      return kind === OP.SET_IF ? 'NOT_FOUND' : null
    case STATUS.EXISTS:
      return 'EXISTS'
    case STATUS.VERSION_MISMATCH:
      return 'VERSION_MISMATCH'
    case STATUS.FULL:
      return 'STORE_FULL'
    case STATUS.NO_SPACE:
      return 'LOG_FULL'
    case STATUS.SESSION_EXPIRED:
      return 'SESSION_EXPIRED'
    case STATUS.SESSIONS_FULL:
      return 'SESSIONS_FULL'
    case STATUS.OVERTAKEN:
      return 'READ_OVERTAKEN'
    default:
      return 'BAD_ARGUMENT'
  }
}

/**
 * The error for an answer; null when the operation did what was asked. `moved`: it went to several
 * replicas.
 */
export function answerFailure(
  kind: number,
  status: number,
  version: number,
  moved: boolean,
): ZabkvError | null {
  const code = codeOf(kind, status)
  if (code === null) return null
  const definite = code !== 'SESSION_EXPIRED' || isRead(kind) || !moved
  const shows = code === 'EXISTS' || code === 'VERSION_MISMATCH'
  return failure(code, definite, shows ? version : undefined)
}
