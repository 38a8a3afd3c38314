/** One operation of a simulated client: how it is submitted, and what its answer means for the history. */

import { item } from '../../src/assert.js'
import { answerFailure } from '../../src/client/failures.js'
import type { Session } from '../../src/client/session.js'
import type { OperationColumns } from '../../src/store/machine.js'
import { OP, STATUS } from '../../src/zab/wire.js'
import type { HistoryOperation } from '../checker/history.js'

const TEXT = new TextEncoder()
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

function columnsOf(operation: HistoryOperation): OperationColumns {
  const kind = kindOf(operation)
  const keys = kind === OP.SYNC ? new Uint8Array(0) : TEXT.encode(operation.key)
  const values = TEXT.encode(operation.value ?? '')
  const { condition } = operation
  return {
    count: 1,
    kinds: kind,
    keys,
    keyBytes: keys.length,
    values,
    valueBytes: new Uint32Array([values.length]),
    versions: typeof condition === 'number' ? new Float64Array([condition]) : null,
  }
}

function kindOf({ kind, condition }: HistoryOperation): number {
  switch (kind) {
    case 'read':
      return OP.GET
    case 'delete':
      return OP.DELETE
    case 'sync':
      return OP.SYNC
    case 'write':
      return condition === undefined ? OP.SET : condition === 'absent' ? OP.CREATE : OP.SET_IF
  }
}
