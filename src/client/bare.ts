/** Batches of one operation without key and value: TOUCH and CLOSE. */

import type { OperationColumns, ResultColumns } from '../store/machine.js'
import { createBatch } from './batch.js'
import type { Batch, Owner } from './batch.js'
import { createResults } from './results.js'

const NOTHING = new Uint8Array(0)
const NOBODY: Owner = { onAnswered: () => undefined, onFailed: () => undefined }

export function bareBatch(
  kind: number,
  owner: Owner | null,
  issued: number,
  deadline: number,
): Batch {
  const columns: OperationColumns = {
    count: 1,
    kinds: kind,
    keys: NOTHING,
    keyBytes: 0,
    values: NOTHING,
    valueBytes: 0,
    versions: null,
  }
  const results: ResultColumns = createResults(1, 0)
  const place = { first: 0, end: 1, keyStart: 0, valueStart: 0 }
  return createBatch(columns, results, place, null, owner ?? NOBODY, false, issued, deadline)
}
