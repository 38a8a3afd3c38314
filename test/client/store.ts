/**
 * What fake replicas share: the log's effects, every version of every key, and sessions that apply
 * once.
 */

import { strict as assert } from 'node:assert'
import { FRAGMENT, OP, OPERATION, STATUS, WIDE } from '../../src/zab/wire.js'

export interface Answer {
  status: number
  version: number
  value: Uint8Array | null
}

export interface SharedSession {
  applied: number
  answers: Map<number, Answer>
  assembly: Uint8Array | null
}

export interface Store {
  counter: number
  readonly items: Map<string, { version: number; value: Uint8Array | null }[]>
  readonly sessions: Map<number, SharedSession>
  readonly byNonce: Map<bigint, number>
  sessionsMax: number
  /** Writes applied, in order: key and value as text. */
  readonly log: string[]
  duplicates: number
}

export interface ParsedOperation {
  kind: number
  key: Uint8Array
  value: Uint8Array
  version: number
  bytes: number
}

export function createStore(): Store {
  return {
    counter: 0,
    items: new Map(),
    sessions: new Map(),
    byNonce: new Map(),
    sessionsMax: 1000,
    log: [],
    duplicates: 0,
  }
}

export function parseOperation(bytes: Uint8Array, at: number): ParsedOperation {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const kind = view.getUint8(at)
  const keyBytes = view.getUint8(at + 1)
  const valueBytes = view.getUint16(at + 2, true)
  const prefixed = kind === OP.SET_IF || kind === OP.DELETE_IF || kind === OP.FRAGMENT
  const head = OPERATION.SIZE + (prefixed ? 8 : 0)
  const key = bytes.slice(at + head, at + head + keyBytes)
  const value = bytes.slice(at + head + keyBytes, at + head + keyBytes + valueBytes)
  const version = prefixed ? Number(view.getBigUint64(at + 4, true)) : 0
  return { kind, key, value, version, bytes: head + ((keyBytes + valueBytes + 3) & ~3) }
}

/** A read as of the counter that the replica has applied. */
export function readAt(store: Store, key: Uint8Array, counter: number): Answer {
  const versions = store.items.get(text(key)) ?? []
  const seen = versions.filter(({ version }) => version <= counter).at(-1)
  if (seen === undefined || seen.value === null) return { status: STATUS.NOT_FOUND, version: 0, value: null }
  return { status: STATUS.OK, version: seen.version, value: seen.value }
}

export function openShared(store: Store, nonce: bigint): Answer {
  const known = store.byNonce.get(nonce)
  if (known !== undefined) return { status: STATUS.OK, version: known, value: null }
  store.counter++
  if (store.sessions.size >= store.sessionsMax) {
    return { status: STATUS.SESSIONS_FULL, version: store.counter, value: null }
  }
  store.byNonce.set(nonce, store.counter)
  store.sessions.set(store.counter, { applied: 0, answers: new Map(), assembly: null })
  return { status: STATUS.OK, version: store.counter, value: null }
}

/** Forgets answers that the client says it has. */
export function forgetAnswers(store: Store, id: number, before: number): void {
  const answers = store.sessions.get(id)?.answers ?? new Map<number, Answer>()
  for (const sequence of answers.keys()) if (sequence < before) answers.delete(sequence)
}

/** A write of a session, once: a sequence applied before gets the answer it had. */
export function applyWrite(
  store: Store,
  id: number,
  sequence: number,
  operation: ParsedOperation,
  raw: Uint8Array,
): Answer {
  const session = store.sessions.get(id)
  if (session === undefined) {
    store.counter++
    return { status: STATUS.SESSION_EXPIRED, version: store.counter, value: null }
  }
  if (sequence <= session.applied) {
    store.duplicates++
    const answer = session.answers.get(sequence)
    assert(answer !== undefined, 'a duplicate of a write whose answer the client has')
    return answer
  }
  assert.equal(sequence, session.applied + 1, 'writes of a session come without a hole')
  store.counter++
  session.applied = sequence
  const answer =
    operation.kind === OP.FRAGMENT
      ? assemble(store, session, operation, raw)
      : execute(store, operation, id)
  session.answers.set(sequence, answer)
  return answer
}

function assemble(store: Store, session: SharedSession, part: ParsedOperation, raw: Uint8Array): Answer {
  const view = new DataView(raw.buffer, raw.byteOffset)
  const total = view.getUint32(OPERATION.SIZE + FRAGMENT.total, true)
  const offset = view.getUint32(OPERATION.SIZE + FRAGMENT.offset, true)
  if (offset === 0) session.assembly = new Uint8Array(total)
  assert(session.assembly !== null && session.assembly.length === total)
  session.assembly.set(part.value, offset)
  if (offset + part.value.length < total) return { status: STATUS.OK, version: store.counter, value: null }
  const block = session.assembly
  session.assembly = null
  const wide = new DataView(block.buffer)
  const keyBytes = wide.getUint8(WIDE.keyBytes)
  const operation = {
    kind: wide.getUint8(WIDE.kind),
    key: block.slice(WIDE.SIZE, WIDE.SIZE + keyBytes),
    value: block.slice(WIDE.SIZE + keyBytes),
    version: Number(wide.getBigUint64(WIDE.version, true)),
    bytes: 0,
  }
  assert.equal(operation.value.length, wide.getUint32(WIDE.valueBytes, true))
  return execute(store, operation, 0)
}

function execute(store: Store, operation: ParsedOperation, id: number): Answer {
  const { kind, key, value } = operation
  const answer = (status: number, version: number): Answer => ({ status, version, value: null })
  const put = (next: Uint8Array | null): Answer => {
    const versions = store.items.get(text(key)) ?? []
    versions.push({ version: store.counter, value: next })
    store.items.set(text(key), versions)
    store.log.push(`${text(key)}=${next === null ? '-' : text(next.subarray(0, 32))}`)
    return answer(STATUS.OK, store.counter)
  }
  const now = readAt(store, key, store.counter)
  const isThere = now.status === STATUS.OK
  switch (kind) {
    case OP.SET:
      return put(value)
    case OP.CREATE:
      return isThere ? answer(STATUS.EXISTS, now.version) : put(value)
    case OP.SET_IF:
    case OP.DELETE_IF:
      if (!isThere) return answer(STATUS.NOT_FOUND, 0)
      if (now.version !== operation.version) return answer(STATUS.VERSION_MISMATCH, now.version)
      return put(kind === OP.SET_IF ? value : null)
    case OP.DELETE:
      return isThere ? put(null) : answer(STATUS.NOT_FOUND, 0)
    case OP.CLOSE:
      store.sessions.delete(id)
      return answer(STATUS.OK, store.counter)
    default:
      return answer(STATUS.OK, store.counter)
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
