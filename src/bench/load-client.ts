/**
 * What the workload needs of a client: sessions that take batches, and a poll that brings answers.
 *
 * Narrow on purpose: tests drive the workload against a store in memory, without a cluster.
 */
import type { ZabkvError } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'

/** Called from poll() when every operation of a batch is answered, or the batch failed as a whole. */
export type BatchDone = (token: number, error: ZabkvError | null) => void

export interface LoadSession {
  /** Columns and results are lent until `done`. */
  submitWith(
    columns: OperationColumns,
    results: ResultColumns,
    done: BatchDone,
    token: number,
  ): void
}

export interface LoadClient {
  readonly sessions: readonly LoadSession[]
  /** Sends and receives; waits up to `micros` for something to receive. */
  poll(micros: number): void
  /** Returns after what was committed before the call is visible to this client. */
  sync(): Promise<void>
  /** How often it went to another replica, by reason. */
  moves(): Readonly<Record<string, number>>
  close(): Promise<void>
}
