/**
 * Errors of native setup calls, as the one class that users of zabkv meet.
 */

import { type ErrorCode, type ErrorDetails, ZabkvError } from '../errors.js'

/** What the addon puts on the errors it throws. */
interface NativeError extends Error {
  code: ErrorCode
  errno?: string
  syscall?: string
}

function isNative(thrown: unknown): thrown is NativeError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
}

/** Runs a native setup call; what it throws comes out as a ZabkvError. */
export function withNativeErrors<T>(call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    if (!isNative(thrown) || thrown instanceof ZabkvError) throw thrown
    const details: ErrorDetails = {}
    if (thrown.errno !== undefined) details.errno = thrown.errno
    if (thrown.syscall !== undefined) details.syscall = thrown.syscall
    throw new ZabkvError(thrown.code, thrown.message, details)
  }
}
