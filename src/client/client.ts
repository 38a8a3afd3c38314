/** The client: a link to one replica at a time, and the sessions on it. */

import type { OperationColumns, ResultColumns } from '../store/machine.js'
import type { CallOptions } from './calls.js'
import { checkMillis } from './checks.js'
import { reportClient } from './client-stats.js'
import type { ClientStats } from './client-stats.js'
import { closeClient } from './closing.js'
import type { Core } from './core.js'
import type { OperationBatch } from './operation-batch.js'
import { openNewSession } from './opening.js'
import type { Item, Written } from './outcomes.js'
import { Session } from './session.js'
import type { ConditionOptions, SubmitDone, SubmitOptions, Submitted } from './session.js'
import type { SessionState } from './session-state.js'
import { flush, poll } from './turn.js'

/** Which session a call belongs to: the client's own unless given. */
export interface SessionChoice {
  session?: Session
}

/**
 * From connect(). Its methods are those of its own session (see Session for what each guarantees).
 * When the replica falls silent the client moves to another by itself; operations that were not
 * answered are sent again and writes are applied once. Every call ends: with its result, or with a
 * ZabkvError whose `definite` says whether it certainly did not happen.
 */
export class Client {
  readonly #core: Core
  readonly #own: Session
  #closing: Promise<void> | null = null

  /** Made by connect(). */
  constructor(core: Core, own: SessionState) {
    this.#core = core
    this.#own = new Session(core, own)
  }

  /** See Session.get. */
  get(key: string | Uint8Array, options: CallOptions & SessionChoice = {}): Promise<Item | null> {
    return (options.session ?? this.#own).get(key, options)
  }

  /** See Session.set. */
  set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: ConditionOptions & SessionChoice = {},
  ): Promise<Written> {
    return (options.session ?? this.#own).set(key, value, options)
  }

  /** See Session.create. */
  create(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: CallOptions & SessionChoice = {},
  ): Promise<Written> {
    return (options.session ?? this.#own).create(key, value, options)
  }

  /** See Session.delete. */
  delete(
    key: string | Uint8Array,
    options: ConditionOptions & SessionChoice = {},
  ): Promise<boolean> {
    return (options.session ?? this.#own).delete(key, options)
  }

  /** See Session.sync. */
  sync(options: CallOptions & SessionChoice = {}): Promise<Written> {
    return (options.session ?? this.#own).sync(options)
  }

  /** See Session.batch. */
  batch(): OperationBatch {
    return this.#own.batch()
  }

  /** See Session.submit. */
  submit(
    columns: OperationColumns,
    options: SubmitOptions & SessionChoice = {},
  ): Promise<Submitted> {
    return (options.session ?? this.#own).submit(columns, options)
  }

  /** See Session.submitWith. */
  submitWith(
    columns: OperationColumns,
    results: ResultColumns,
    done: SubmitDone,
    token: number,
  ): void {
    this.#own.submitWith(columns, results, done, token)
  }

  /**
   * A further session on the same link, with an order of its own. Costs a write. Rejects with
   * SESSIONS_FULL, TIMEOUT, ABORTED or CLOSED.
   */
  async session(options: CallOptions = {}): Promise<Session> {
    const { timeoutMillis, signal } = options
    const millis =
      timeoutMillis === undefined
        ? this.#core.settings.timeoutMillis
        : checkMillis(timeoutMillis, 'timeoutMillis')
    return new Session(this.#core, await openNewSession(this.#core, millis, signal))
  }

  /**
   * Sends what waits, waits up to `micros` microseconds for answers, and takes them; callbacks of
   * submitWith run inside. For programs that own their loop: the event loop needs no turn. Returns
   * datagrams received.
   */
  poll(micros: number): number {
    return poll(this.#core, micros)
  }

  /** Sends what waits now, instead of at the end of the current stretch of JavaScript. */
  flush(): void {
    flush(this.#core)
  }

  stats(): ClientStats {
    return reportClient(this.#core)
  }

  /**
   * Ends the sessions and the link. New calls fail with CLOSED at once; outstanding ones may still
   * be answered for a second, then fail with CLOSED (not definite for writes that were sent).
   * Idempotent; never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= closeClient(this.#core)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
