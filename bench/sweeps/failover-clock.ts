/** The clock that the load of a failover and the one who kills share: one monotonic clock for all processes. */

export const BUCKET_MILLIS = 10

export interface LoadReport {
  /** When the first bucket begins. */
  readonly baseMillis: number
  /** Writes completed in each BUCKET_MILLIS. */
  readonly buckets: readonly number[]
  /** The longest time without a completed write. */
  readonly gapMillis: number
}

export function monotonicMillis(): number {
  const [seconds, nanos] = process.hrtime()
  return seconds * 1e3 + nanos / 1e6
}
