/**
 * How a command ends: exit codes, and errors as one sentence on standard error.
 */
import { ZabkvError, type ErrorCode } from '../errors.js'

export const EXIT = { OK: 0, FAILED: 1, USAGE: 2, UNAVAILABLE: 3 } as const

const USAGE_CODES = new Set<ErrorCode>([
  'BAD_ARGUMENT',
  'KEY_EMPTY',
  'KEY_TOO_LONG',
  'VALUE_TOO_LARGE',
  'UNKNOWN_REPLICA',
  'DATA_DIR',
  'WRONG_DATA_DIR',
])
const UNAVAILABLE_CODES = new Set<ErrorCode>([
  'UNAVAILABLE',
  'TIMEOUT',
  'REGISTRY_UNREACHABLE',
  'NOT_REGISTERED',
])

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ZabkvError)) return EXIT.FAILED
  if (USAGE_CODES.has(error.code)) return EXIT.USAGE
  return UNAVAILABLE_CODES.has(error.code) ? EXIT.UNAVAILABLE : EXIT.FAILED
}

export function errorLine(error: unknown): string {
  if (error instanceof ZabkvError) return `zabkv: ${sentenceOf(error)} (${error.code})`
  if (error instanceof Error) return `zabkv: ${sentenceOf(error)} (${nameOf(error)})`
  return `zabkv: ${String(error)}`
}

export function errorJson(error: unknown): string {
  const known = error instanceof ZabkvError
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error ? nameOf(error) : 'ERROR'
  return JSON.stringify({ error: { code, message, definite: known ? error.definite : false } })
}

/** Says what went wrong and sets the exit code; the process ends by itself. */
export function fail(error: unknown, json: boolean): void {
  process.stderr.write(`${errorLine(error)}\n`)
  if (!(error instanceof ZabkvError) && error instanceof Error && process.env['ZABKV_DEBUG']) {
    process.stderr.write(`${error.stack ?? ''}\n`)
  }
  if (json) process.stdout.write(`${errorJson(error)}\n`)
  process.exitCode = exitCodeOf(error)
}

function sentenceOf(error: Error): string {
  return error.message.replaceAll(/\s*\n\s*/g, ' ')
}

function nameOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}
