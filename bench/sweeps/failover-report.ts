/** What the load of a failover reports to the one who kills. */

export const BUCKET_MILLIS = 10

export interface LoadReport {
  /** When the first bucket begins, by the clock of all processes. */
  readonly baseMillis: number
  /** Writes completed in each BUCKET_MILLIS. */
  readonly buckets: readonly number[]
  /** The longest time without a completed write. */
  readonly gapMillis: number
}
