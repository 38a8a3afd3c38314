/** A store in memory that answers the workload as a cluster would, with faults to order. */
import { ZabkvError } from '../../src/errors.js'
import type { BatchDone, LoadClient, LoadSession } from '../../src/bench/load-client.js'
import type { OperationColumns, ResultColumns } from '../../src/store/machine.js'
import { OP, STATUS } from '../../src/zab/wire.js'

export interface MemoryFaults {
  /** Every so many reads is answered with another key's value. */
  wrongValueEvery?: number
  /** Batches that fail as a whole, by number. */
  failBatch?: (batch: number) => boolean
  /** Every so many operations is refused as full. */
  fullEvery?: number
  /** Never answers after so many batches. */
  silentAfter?: number
}

interface Waiting {
  columns: OperationColumns
  results: ResultColumns
  done: BatchDone
  token: number
}

export interface MemoryClient extends LoadClient {
  readonly items: Map<string, Uint8Array>
  issued: number
  answered: number
  batches: number
  outstandingMost: number
}

export function createMemoryClient(sessionCount: number, faults: MemoryFaults = {}): MemoryClient {
  const waiting: Waiting[] = []
  let outstanding = 0
  const session: LoadSession = {
    submitWith(columns, results, done, token) {
      client.issued += columns.count
      outstanding += columns.count
      client.outstandingMost = Math.max(client.outstandingMost, outstanding)
      waiting.push({ columns, results, done, token })
    },
  }
  const client: MemoryClient = {
    items: new Map(),
    issued: 0,
    answered: 0,
    batches: 0,
    outstandingMost: 0,
    sessions: Array.from({ length: sessionCount }, () => session),
    poll() {
      if (client.batches >= (faults.silentAfter ?? Infinity)) return
      for (const each of waiting.splice(0)) {
        client.batches++
        outstanding -= each.columns.count
        if (faults.failBatch?.(client.batches) === true) {
          each.done(each.token, new ZabkvError('TIMEOUT', 'No answer.', { definite: false }))
          continue
        }
        answer(client, each, faults)
        each.done(each.token, null)
      }
    },
    sync: () => Promise.resolve(),
    moves: () => ({}),
    close: () => Promise.resolve(),
  }
  return client
}

function answer(client: MemoryClient, { columns, results }: Waiting, faults: MemoryFaults): void {
  let key = 0
  let value = 0
  let end = 0
  for (let index = 0; index < columns.count; index++) {
    client.answered++
    const keyBytes = typeof columns.keyBytes === 'number' ? columns.keyBytes : (columns.keyBytes[index] ?? 0)
    const name = Buffer.from(columns.keys.subarray(key, key + keyBytes)).toString('latin1')
    key += keyBytes
    const kind = typeof columns.kinds === 'number' ? columns.kinds : columns.kinds[index]
    if (client.answered % (faults.fullEvery ?? Infinity) === 0) {
      results.statuses[index] = STATUS.FULL
      if (kind === OP.SET) value += columns.valueBytes as number
      continue
    }
    if (kind === OP.SET) {
      const bytes = columns.valueBytes as number
      client.items.set(name, columns.values.slice(value, value + bytes))
      value += bytes
      results.statuses[index] = STATUS.OK
      continue
    }
    const found = client.items.get(name)
    results.statuses[index] = found === undefined ? STATUS.NOT_FOUND : STATUS.OK
    if (found === undefined) continue
    results.values.set(found, end)
    if (client.answered % (faults.wrongValueEvery ?? Infinity) === 0) {
      results.values[end] = (results.values[end] ?? 0) ^ 1
    }
    results.valueOffsets[index] = end
    results.valueBytes[index] = found.length
    end += found.length
  }
}
