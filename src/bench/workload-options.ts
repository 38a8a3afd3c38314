/**
 * What the workload is told, with its limits. The command line fills it; a test may.
 */
import { FAILOVER_MILLIS_DEFAULT } from '../client/times.js'
import { ZabkvError } from '../errors.js'
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../zab/limits.js'
import { ZIPF_KEYS_MAX } from './zipf.js'

export interface WorkloadOptions {
  cluster: string
  registry: { host: string; port: number }
  /** Share of operations that write, 0 to 1. */
  writeRatio: number
  keys: number
  keyBytes: number
  valueBytes: number
  distribution: 'uniform' | 'zipf' | 'single' | 'trace'
  zipfExponent: number
  /** Keys to use one after another, one a line; only for `trace`. */
  traceFile: string | null
  /** Sessions in all, spread over the replicas. */
  sessions: number
  /** Operations that a session has outstanding at most. */
  outstanding: number
  /** Operations of a batch; 0: chosen from `outstanding` and the value's size. */
  batch: number
  /** Operations offered a second, whatever was answered; 0: as many as are answered. */
  rate: number
  seconds: number
  warmupSeconds: number
  seed: number
  preload: boolean
  /** Silence of a replica after which its clients move to another: more where replicas are slow, not dead. */
  failoverMillis: number
}

export const WORKLOAD_DEFAULTS = {
  writeRatio: 0.5,
  keys: 1_000_000,
  keyBytes: 8,
  valueBytes: 32,
  zipfExponent: 0.99,
  sessions: 6,
  outstanding: 4096,
  batch: 0,
  rate: 0,
  seconds: 10,
  warmupSeconds: 1,
  seed: 1,
  failoverMillis: FAILOVER_MILLIS_DEFAULT,
} as const

/** A key id is eight hexadecimal digits. */
export const KEY_DIGITS = 8
const KEYS_MAX = 4_000_000_000
const SESSIONS_MAX = 1024
const OUTSTANDING_MAX = 1 << 20
const BATCH_MAX = 65536
const BATCH_DEFAULT_MAX = 512
/** A session keeps this many batches in flight, so that one is always on its way. */
const BATCHES_IN_FLIGHT = 4
/** All batches of all sessions together. */
const BUFFER_BYTES_MAX = 1 << 30
const BATCH_VALUE_BYTES_MAX = 256 * 1024
/** Of large values, fewer are in flight than allowed. */
const SESSION_VALUE_BYTES_MAX = 16 * 1024 * 1024
const RATE_MAX = 1e9
const SECONDS_MAX = 7 * 24 * 3600
const FAILOVER_MILLIS_MAX = 3_600_000

/** Throws BAD_ARGUMENT with one sentence about the first thing that is wrong. */
export function checkWorkload(options: WorkloadOptions): void {
  within('write-ratio', options.writeRatio, 0, 1)
  integerWithin('keys', options.keys, 1, KEYS_MAX)
  integerWithin('key-bytes', options.keyBytes, KEY_DIGITS, KEY_BYTES_MAX)
  integerWithin('value-bytes', options.valueBytes, 0, VALUE_BYTES_MAX)
  within('zipf', options.zipfExponent, 0, 10)
  integerWithin('sessions', options.sessions, 1, SESSIONS_MAX)
  integerWithin('outstanding', options.outstanding, 1, OUTSTANDING_MAX)
  integerWithin('batch', options.batch, 0, BATCH_MAX)
  within('rate', options.rate, 0, RATE_MAX)
  within('seconds', options.seconds, 0.1, SECONDS_MAX)
  within('warm-up', options.warmupSeconds, 0, SECONDS_MAX)
  integerWithin('seed', options.seed, 0, 0xffffffff)
  integerWithin('failover-millis', options.failoverMillis, 1, FAILOVER_MILLIS_MAX)
  if (options.distribution === 'zipf') integerWithin('keys', options.keys, 1, ZIPF_KEYS_MAX)
  if (options.distribution === 'trace' && options.traceFile === null) {
    throw new ZabkvError('BAD_ARGUMENT', 'A trace needs a file: --trace FILE.')
  }
  if (bufferBytes(options) > BUFFER_BYTES_MAX) {
    const sentence = 'Sessions times outstanding operations times their size needs more than 1 GiB: lower one.'
    throw new ZabkvError('BAD_ARGUMENT', sentence)
  }
}

function bufferBytes(options: WorkloadOptions): number {
  const { sessions, keyBytes, valueBytes } = options
  return sessions * batchesInFlight(options) * batchOf(options) * (keyBytes + 2 * valueBytes + 32)
}

/** Operations of one batch. */
export function batchOf(options: WorkloadOptions): number {
  if (options.batch > 0) return Math.min(options.batch, options.outstanding)
  const byWindow = Math.ceil(options.outstanding / BATCHES_IN_FLIGHT)
  const byValue = Math.floor(BATCH_VALUE_BYTES_MAX / Math.max(1, options.valueBytes))
  return Math.max(1, Math.min(byWindow, byValue, BATCH_DEFAULT_MAX))
}

/** Batches that a session has in flight. */
export function batchesInFlight(options: WorkloadOptions): number {
  const byOutstanding = Math.floor(options.outstanding / batchOf(options))
  const byValue = Math.floor(SESSION_VALUE_BYTES_MAX / (batchOf(options) * Math.max(1, options.valueBytes)))
  return Math.max(1, Math.min(byOutstanding, byValue))
}

function within(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return
  throw new ZabkvError('BAD_ARGUMENT', `--${name} is a number from ${min} to ${max}, not ${value}.`)
}

function integerWithin(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new ZabkvError('BAD_ARGUMENT', `--${name} is an integer from ${min} to ${max}, not ${value}.`)
}
