/** An operation of a history, as a session is given it. Its kind, key, value and condition say all of it. */

import type { OperationColumns } from '../../src/store/machine.js'
import { OP } from '../../src/zab/wire.js'
import type { HistoryOperation } from './history.js'

const TEXT = new TextEncoder()

/** `value`: what is stored, where that is more than its name in the history. */
export function columnsOf(operation: HistoryOperation, value = operation.value ?? ''): OperationColumns {
  const { condition } = operation
  const kind = kindOf(operation)
  const keys = kind === OP.SYNC ? new Uint8Array(0) : TEXT.encode(operation.key)
  const values = TEXT.encode(value)
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
    case 'sync':
      return OP.SYNC
    case 'delete':
      return condition === undefined ? OP.DELETE : OP.DELETE_IF
    case 'write':
      return condition === undefined ? OP.SET : condition === 'absent' ? OP.CREATE : OP.SET_IF
  }
}
