/** One operation of a simulated client: how it is submitted, and what its answer means for the history. */

import { item } from '../../src/assert.js'
import { answerFailure } from '../../src/client/failures.js'
import type { Session } from '../../src/client/session.js'
import type { OperationColumns } from '../../src/store/machine.js'
import { STATUS } from '../../src/zab/wire.js'
import type { HistoryOperation } from '../checker/history.js'
import { columnsOf } from '../checker/operation-columns.js'

const BYTES = new TextDecoder()

/** Through submit, which gives versions of deletes too. Rejects when the operation was not done or refused. */
export async function submitOne(session: Session, operation: HistoryOperation): Promise<void> {
  const columns = columnsOf(operation)
  const results = await session.submit(columns)
  const status = item([...results.statuses], 0)
  const version = results.versions[0] ?? 0
  if (operation.kind === 'read') {
    if (status !== STATUS.OK && status !== STATUS.NOT_FOUND) throw failureOf(columns, status)
    const from = results.valueOffsets[0] ?? 0
    const found = results.values.subarray(from, from + (results.valueBytes[0] ?? 0))
    operation.value = status === STATUS.OK ? BYTES.decode(found) : null
    operation.version = status === STATUS.OK ? version : 0
    return
  }
  switch (status) {
    case STATUS.OK:
      operation.version = version
      return
    case STATUS.NOT_FOUND:
      operation.outcome = 'refused'
      operation.version = 0
      return
    case STATUS.EXISTS:
    case STATUS.VERSION_MISMATCH:
      operation.outcome = 'refused'
      operation.version = version
      return
    default:
      throw failureOf(columns, status)
  }
}

function failureOf({ kinds }: OperationColumns, status: number): Error {
  return answerFailure(Number(kinds), status, 0, true) ?? new Error(`an answer of status ${status}`)
}
