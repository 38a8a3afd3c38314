/** Operations collected one by one, called together, with one promise. */

import { item } from '../assert.js'
import { ZabkvError } from '../errors.js'
import type { OperationColumns } from '../store/machine.js'
import { OP } from '../zab/wire.js'
import { abortAll, heeding, submitColumns } from './calls.js'
import type { CallOptions } from './calls.js'
import { checkKey, checkValue, checkVersion } from './checks.js'
import type { Core } from './core.js'
import { outcomeOf } from './outcomes.js'
import type { Item, Outcome, Written } from './outcomes.js'
import type { SessionState } from './session-state.js'
import type { Submission } from './submission.js'

/**
 * What became of one operation of a batch. `outcome` is what the method of the same name resolves
 * to: an Item or null for get, a boolean for delete, else the version written.
 */
export type BatchResult =
  | { ok: true; operation: 'get'; outcome: Item | null }
  | { ok: true; operation: 'delete'; outcome: boolean }
  | { ok: true; operation: 'set' | 'create' | 'sync'; outcome: Written }
  | { ok: false; operation: BatchOperation; error: ZabkvError }
export type BatchOperation = 'get' | 'set' | 'create' | 'delete' | 'sync'

interface Row {
  operation: BatchOperation
  kind: number
  key: Uint8Array
  value: Uint8Array
  version: number
}

const NOTHING = new Uint8Array(0)

/**
 * From session.batch() or client.batch(). Methods chain, and throw at once for arguments that are
 * refused.
 */
export class OperationBatch {
  readonly #core: Core
  readonly #session: SessionState
  #rows: Row[] = []

  constructor(core: Core, session: SessionState) {
    this.#core = core
    this.#session = session
  }

  get(key: string | Uint8Array): this {
    return this.#add('get', OP.GET, checkKey(key), NOTHING, 0)
  }

  /** Keys and values are copied when the batch is committed. */
  set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: { ifVersion?: number } = {},
  ): this {
    const { ifVersion } = options
    const kind = ifVersion === undefined ? OP.SET : OP.SET_IF
    const version = ifVersion === undefined ? 0 : checkVersion(ifVersion)
    return this.#add('set', kind, checkKey(key), checkValue(value), version)
  }

  create(key: string | Uint8Array, value: string | Uint8Array): this {
    return this.#add('create', OP.CREATE, checkKey(key), checkValue(value), 0)
  }

  delete(key: string | Uint8Array, options: { ifVersion?: number } = {}): this {
    const { ifVersion } = options
    const kind = ifVersion === undefined ? OP.DELETE : OP.DELETE_IF
    const version = ifVersion === undefined ? 0 : checkVersion(ifVersion)
    return this.#add('delete', kind, checkKey(key), NOTHING, version)
  }

  sync(): this {
    return this.#add('sync', OP.SYNC, NOTHING, NOTHING, 0)
  }

  get size(): number {
    return this.#rows.length
  }

  /**
   * Calls what was collected, and empties the batch. Resolves when every operation is answered or
   * has failed, to one result each, in order; an operation's failure, TIMEOUT included, is its own
   * result. Rejects only when nothing was sent (CLOSED, or a signal that was aborted before).
   */
  commit(options: CallOptions = {}): Promise<BatchResult[]> {
    const rows = this.#rows
    this.#rows = []
    return new Promise((resolve, reject) => {
      let waiter = { resolve: resolve as (outcome: unknown) => void, reject }
      const columns = columnsOf(rows)
      const done = (submission: Submission): void => {
        waiter.resolve(rows.map((row, index) => resultOf(row, outcomeOf(submission, index))))
      }
      const core = this.#core
      const submission = submitColumns(core, this.#session, columns, null, options, false, done)
      const { signal } = options
      if (signal !== undefined) waiter = heeding(signal, waiter, () => abortAll(core, submission))
    })
  }

  #add(
    operation: BatchOperation,
    kind: number,
    key: Uint8Array,
    value: Uint8Array,
    version: number,
  ): this {
    this.#rows.push({ operation, kind, key, value, version })
    return this
  }
}

function columnsOf(rows: readonly Row[]): OperationColumns {
  const keyBytes = rows.reduce((sum, row) => sum + row.key.length, 0)
  const valueBytes = rows.reduce((sum, row) => sum + row.value.length, 0)
  const columns = {
    count: rows.length,
    kinds: new Uint8Array(rows.length),
    keys: new Uint8Array(keyBytes),
    keyBytes: new Uint8Array(rows.length),
    values: new Uint8Array(valueBytes),
    valueBytes: new Uint32Array(rows.length),
    versions: new Float64Array(rows.length),
  }
  let keyEnd = 0
  let valueEnd = 0
  for (let index = 0; index < rows.length; index++) {
    const { kind, key, value, version } = item(rows, index)
    columns.kinds[index] = kind
    columns.keyBytes[index] = key.length
    columns.valueBytes[index] = value.length
    columns.versions[index] = version
    columns.keys.set(key, keyEnd)
    columns.values.set(value, valueEnd)
    keyEnd += key.length
    valueEnd += value.length
  }
  return columns
}

function resultOf(row: Row, outcome: Outcome | ZabkvError): BatchResult {
  const { operation } = row
  if (outcome instanceof ZabkvError) return { ok: false, operation, error: outcome }
  return { ok: true, operation, outcome } as BatchResult
}
