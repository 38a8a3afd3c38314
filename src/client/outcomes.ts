/** What a call resolves to, or the error it fails with, out of result columns. */

import { at } from '../assert.js'
import type { ZabkvError } from '../errors.js'
import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { OP, STATUS } from '../zab/wire.js'
import { kindAt } from './columns.js'
import { answerFailure } from './failures.js'
import { operationFailure } from './submission.js'
import type { Submission } from './submission.js'

/** An item as get returns it. */
export interface Item {
  value: Buffer
  /** Of the write that made it; larger for later writes. For `ifVersion`. */
  version: number
}

/** A write's outcome. */
export interface Written {
  version: number
}

/** An Item or null for GET, whether the key was there for a delete, else Written. */
export type Outcome = Item | Written | boolean | null

/** Of one operation of a submission that is done. */
export function outcomeOf(submission: Submission, index: number): Outcome | ZabkvError {
  const { columns, results, moved } = submission
  const failed = operationFailure(submission, index)
  if (failed !== null) return failed
  return answerOf(columns, results, index, moved !== null && at(moved, index) === 1)
}

/** Of one operation that is answered. `moved`: it went to several replicas before. */
export function answerOf(
  columns: OperationColumns,
  results: ResultColumns,
  index: number,
  moved: boolean,
): Outcome | ZabkvError {
  const kind = kindAt(columns, index)
  const status = at(results.statuses, index)
  const version = at(results.versions, index)
  const found = status === STATUS.OK
  if (!found) {
    const error = answerFailure(kind, status, version, moved)
    if (error !== null) return error
  }
  switch (kind) {
    case OP.GET:
      return found ? { value: valueAt(results, index), version } : null
    case OP.DELETE:
    case OP.DELETE_IF:
      return found
    default:
      return { version }
  }
}

function valueAt(results: ResultColumns, index: number): Buffer {
  const { values, valueOffsets, valueBytes } = results
  const offset = at(valueOffsets, index)
  return Buffer.from(values.subarray(offset, offset + at(valueBytes, index)))
}
