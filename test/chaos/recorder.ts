/**
 * One session that issues random operations and keeps what became of each: times of the one monotonic clock of this
 * machine, versions, and what is not known as not known.
 */

import { ZabkvError } from '../../src/client/connect.js'
import type { Client, Session } from '../../src/client/connect.js'
import { STATUS } from '../../src/zab/wire.js'
import type { HistoryOperation } from '../checker/history.js'
import { columnsOf } from '../checker/operation-columns.js'
import { monotonicMicros } from '../monotonic-clock.js'
import type { Prng } from '../sim/prng.js'

export interface Recorder {
  /** What is known of an operation that is over. */
  readonly write: (operation: HistoryOperation) => void
  readonly codes: Map<string, number>
  completed: number
  completedWrites: number
}

export interface Recording {
  readonly client: Client
  readonly session: Session
  readonly number: number
  readonly prng: Prng
  readonly keys: number
  readonly timeoutMillis: number
  readonly recorder: Recorder
  readonly versions: Map<string, number>
  readonly outstanding: Set<Promise<void>>
  issued: number
  /** The session is over at the cluster. */
  isEnded: boolean
}

const LARGE_BYTES_MAX = 6000

export function count(codes: Map<string, number>, code: string): void {
  codes.set(code, (codes.get(code) ?? 0) + 1)
}

export function issueOne(recording: Recording): void {
  const operation = drawOperation(recording)
  const done = perform(recording, operation).finally(() => recording.outstanding.delete(done))
  recording.outstanding.add(done)
}

function drawOperation(recording: Recording): HistoryOperation {
  const { prng, number, versions } = recording
  const index = recording.issued++
  const key = `key-${prng.below(recording.keys)}`
  const choice = prng.unit()
  const kind = choice < 0.4 ? 'read' : choice < 0.82 ? 'write' : choice < 0.94 ? 'delete' : 'sync'
  const pad = prng.chance(0.03) ? prng.below(LARGE_BYTES_MAX) : prng.below(20)
  const operation: HistoryOperation = {
    session: number,
    index,
    kind,
    key: kind === 'sync' ? '' : key,
    value: kind === 'write' ? `${number}.${index}.${pad}` : null,
    version: null,
    start: 0,
    end: Infinity,
  }
  const condition = prng.unit()
  if (kind === 'write' && condition < 0.15) operation.condition = 'absent'
  else if ((kind === 'write' || kind === 'delete') && condition < 0.35) {
    operation.condition = Math.max(1, versions.get(key) ?? 1) // 0 is no version: the key was absent
  }
  return operation
}

/** The value in the store is its name and as many x as that says. */
export function storedValue(name: string): string {
  return `${name};`.padEnd(name.length + 1 + Number(name.split('.')[2]), 'x')
}

export function nameOfStored(stored: string): string {
  const name = stored.slice(0, stored.indexOf(';'))
  return storedValue(name) === stored ? name : `damaged: ${stored.slice(0, 60)}`
}

async function perform(recording: Recording, operation: HistoryOperation): Promise<void> {
  const { recorder, client, session, timeoutMillis } = recording
  const columns = columnsOf(operation, operation.value === null ? '' : storedValue(operation.value))
  operation.start = monotonicMicros()
  try {
    const results = await session.submit(columns, { timeoutMillis })
    operation.end = monotonicMicros()
    operation.replica = client.stats().replica
    const [from = 0] = results.valueOffsets
    const [bytes = 0] = results.valueBytes
    const value = Buffer.from(results.values.subarray(from, from + bytes)).toString()
    onAnswer(recording, operation, results.statuses[0] ?? -1, results.versions[0] ?? 0, value)
  } catch (error) {
    onError(recording, operation, error)
  }
  recorder.write(operation)
}

function onAnswer(
  recording: Recording,
  operation: HistoryOperation,
  status: number,
  version: number,
  value: string,
): void {
  const { recorder, versions } = recording
  const { kind, key } = operation
  switch (status) {
    case STATUS.OK:
      operation.version = version
      if (kind === 'read') operation.value = nameOfStored(value)
      if (kind !== 'sync') versions.set(key, version)
      recorder.completed++
      if (kind !== 'read') recorder.completedWrites++
      return count(recorder.codes, 'OK')
    case STATUS.NOT_FOUND:
    case STATUS.EXISTS:
    case STATUS.VERSION_MISMATCH:
      operation.version = status === STATUS.NOT_FOUND ? 0 : version
      if (kind !== 'read') operation.outcome = 'refused'
      versions.set(key, operation.version)
      recorder.completed++
      return count(recorder.codes, status === STATUS.NOT_FOUND ? 'NOT_FOUND' : 'REFUSED')
    case STATUS.OVERTAKEN:
    case STATUS.FULL:
      operation.outcome = 'failed'
      return count(recorder.codes, status === STATUS.FULL ? 'STORE_FULL' : 'READ_OVERTAKEN')
    case STATUS.SESSION_EXPIRED:
      recording.isEnded = true
      operation.end = Infinity // it may have happened before the session ended
      return count(recorder.codes, 'SESSION_EXPIRED')
    default:
      throw new Error(`an answer with status ${status}`)
  }
}

function onError(recording: Recording, operation: HistoryOperation, error: unknown): void {
  if (!(error instanceof ZabkvError)) throw error
  operation.version = null
  if (error.definite) {
    operation.outcome = 'failed'
    operation.end = monotonicMicros()
  } else {
    operation.end = Infinity
  }
  if (error.code === 'SESSION_EXPIRED' || error.code === 'CLOSED') recording.isEnded = true
  count(recording.recorder.codes, `${error.code}${error.definite ? '' : ', not known'}`)
}
