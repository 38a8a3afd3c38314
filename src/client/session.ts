/**
 * A session: operations in one order, each seeing the effects of those before it.
 *
 * What every method here guarantees. A session's operations take effect in the order they were
 * called, also when they were called without waiting. Its reads see its own writes, and never a
 * state older than one it saw before, also after the client moved to another replica. Reads are
 * answered by one replica and may be stale with respect to other sessions; a read called after
 * `sync` sees everything that was committed before the sync was called. A write that resolved is
 * kept by a majority.
 */

import type { ZabkvError } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { OP } from '../zab/wire.js'
import { OperationBatch } from './operation-batch.js'
import { abortAll, call, heeding, submitColumns } from './calls.js'
import type { CallOptions } from './calls.js'
import { checkKey, checkValue, checkVersion } from './checks.js'
import { closeSession } from './closing.js'
import type { Core } from './core.js'
import type { Operation } from './gather.js'
import type { Item, Written } from './outcomes.js'
import type { SessionState } from './session-state.js'
import { submissionError } from './submission.js'
import { CLOSE_MILLIS_MAX } from './times.js'

export interface ConditionOptions extends CallOptions {
  /** The write happens only while the item has this version. */
  ifVersion?: number
}

export interface SubmitOptions extends CallOptions {
  /** Columns for the answers, with a row for each operation; new ones unless given. */
  results?: ResultColumns
}

/**
 * Answers to `submit`: rows [0, count) of the columns. `values` may be another array than the one
 * lent.
 */
export type Submitted = ResultColumns & { count: number }

/**
 * Told when every operation of `submitWith` is answered, or has failed; null when all are answered.
 */
export type SubmitDone = (token: number, error: ZabkvError | null) => void

const NOTHING = new Uint8Array(0)

export class Session {
  readonly #core: Core
  readonly #state: SessionState

  /** Made by connect() and session(). */
  constructor(core: Core, state: SessionState) {
    this.#core = core
    this.#state = state
  }

  /**
   * The item, or null when the key is not there. A local read: see the class for what it may miss.
   */
  get(key: string | Uint8Array, options: CallOptions = {}): Promise<Item | null> {
    return this.#call(options, () => read(OP.GET, checkKey(key))) as Promise<Item | null>
  }

  /**
   * Sets the value, whether the key is there or not; with `ifVersion`, only while the item has that
   * version (else VERSION_MISMATCH with `.version`, or NOT_FOUND). Key: 1 to 250 bytes. Value: at
   * most 1 MiB.
   */
  set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: ConditionOptions = {},
  ): Promise<Written> {
    const { ifVersion } = options
    const kind = ifVersion === undefined ? OP.SET : OP.SET_IF
    return this.#call(options, () => {
      const version = ifVersion === undefined ? 0 : checkVersion(ifVersion)
      return { kind, key: checkKey(key), value: checkValue(value), version }
    }) as Promise<Written>
  }

  /** Sets the value only if the key is not there; else EXISTS, with `.version` of the item. */
  create(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: CallOptions = {},
  ): Promise<Written> {
    return this.#call(options, () => {
      return { kind: OP.CREATE, key: checkKey(key), value: checkValue(value), version: 0 }
    }) as Promise<Written>
  }

  /**
   * Deletes the key; resolves to whether it was there. With `ifVersion`, only while the item has
   * that version (else VERSION_MISMATCH with `.version`; false when the key is not there).
   */
  delete(key: string | Uint8Array, options: ConditionOptions = {}): Promise<boolean> {
    const { ifVersion } = options
    const kind = ifVersion === undefined ? OP.DELETE : OP.DELETE_IF
    return this.#call(options, () => {
      const version = ifVersion === undefined ? 0 : checkVersion(ifVersion)
      return { kind, key: checkKey(key), value: NOTHING, version }
    }) as Promise<boolean>
  }

  /**
   * Resolves when the replica has applied everything that was committed before the call. Reads
   * called after it (also without waiting for it) are linearizable as of the call.
   */
  sync(options: CallOptions = {}): Promise<Written> {
    return this.#call(options, () => read(OP.SYNC, NOTHING)) as Promise<Written>
  }

  /**
   * Collects operations to be called together: one promise for all. They take effect in order, but
   * not as one: others' operations may come between, and some may succeed where others are refused.
   */
  batch(): OperationBatch {
    return new OperationBatch(this.#core, this.#state)
  }

  /**
   * Many operations from typed arrays, for high rates. Resolves when every one is answered: look at
   * `statuses` (STATUS in zab/wire), `versions`, and values at `valueOffsets`. The columns, and
   * `results` if given, are lent until then. Rejects with TIMEOUT, ABORTED, SESSION_EXPIRED or
   * CLOSED when some were not answered: those have status 255, and `definite` is true only if none
   * of them can have happened.
   */
  submit(columns: OperationColumns, options: SubmitOptions = {}): Promise<Submitted> {
    return new Promise((resolve, reject) => {
      const core = this.#core
      const given = options.results ?? null
      let waiter = { resolve: resolve as (outcome: unknown) => void, reject }
      const submission = submitColumns(core, this.#state, columns, given, options, true, (done) => {
        const error = submissionError(done)
        if (error !== null) return waiter.reject(error)
        waiter.resolve(Object.assign(done.results, { count: done.count }))
      })
      const { signal } = options
      if (signal !== undefined) waiter = heeding(signal, waiter, () => abortAll(core, submission))
    })
  }

  /**
   * As submit, without a promise: `done` is called with `token` out of poll() or of a later turn of
   * the event loop. Columns and results are lent until then. Throws for arguments that are refused,
   * and when closed.
   */
  submitWith(
    columns: OperationColumns,
    results: ResultColumns,
    done: SubmitDone,
    token: number,
  ): void {
    const core = this.#core
    submitColumns(core, this.#state, columns, results, {}, true, (submission) => {
      const error = submissionError(submission)
      core.completions.push(() => done(token, error))
      core.wake()
    })
  }

  /**
   * Ends the session at the cluster, after what it has issued. Later calls fail with CLOSED.
   * Idempotent, and never rejects: a cluster that does not answer forgets the session by itself.
   */
  async close(): Promise<void> {
    await closeSession(this.#core, this.#state, CLOSE_MILLIS_MAX)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Refused arguments are rejections, like every other failure. */
  #call(options: CallOptions, operation: () => Operation): Promise<unknown> {
    let made: Operation
    try {
      made = operation()
    } catch (error) {
      return Promise.reject(error as ZabkvError)
    }
    return call(this.#core, this.#state, made, options)
  }
}

function read(kind: number, key: Uint8Array): Operation {
  return { kind, key, value: NOTHING, version: 0 }
}
