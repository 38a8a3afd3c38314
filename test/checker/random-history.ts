/**
 * Valid histories from a seed: a model of the store with one order of updates, replicas that apply it late, sessions
 * that pipeline and move, answers that are lost, and writes that never arrive.
 */

import { item } from '../../src/assert.js'
import type { Prng } from '../sim/prng.js'
import type { FinalItem, HistoryOperation } from './history.js'

export interface HistoryShape {
  operations: number
  sessions: number
  keys: number
  replicas: number
  outstandingMax: number
  /** Of updates: never ordered, or ordered and not answered. */
  unknownRatio: number
}

export interface RandomHistory {
  history: HistoryOperation[]
  final: FinalItem[]
}

interface Stored {
  value: string
  version: number
}

interface Session {
  readonly number: number
  home: number
  /** Length of the log that it has seen. */
  seen: number
  /** Issued and not answered, in order; the first `ordered` updates of them are in the log. */
  readonly queue: HistoryOperation[]
  readonly unordered: HistoryOperation[]
  issued: number
}

interface Entry {
  readonly session: Session
  readonly operation: HistoryOperation
  readonly version: number
  /** What a refusal shows; null when the update happens. */
  readonly refusal: number | null
}

interface Model {
  readonly prng: Prng
  readonly shape: HistoryShape
  readonly history: HistoryOperation[]
  readonly log: Entry[]
  readonly ordered: Map<string, Stored> // the state after the whole log
  readonly replicas: { applied: number; items: Map<string, Stored> }[]
  readonly sessions: Session[]
  time: number
  version: number
}

export function randomHistory(prng: Prng, shape: HistoryShape): RandomHistory {
  const model: Model = {
    prng,
    shape,
    history: [],
    log: [],
    ordered: new Map(),
    replicas: Array.from({ length: shape.replicas }, () => ({ applied: 0, items: new Map<string, Stored>() })),
    sessions: Array.from({ length: shape.sessions }, (_, number) => {
      return { number, home: prng.below(shape.replicas), seen: 0, queue: [], unordered: [], issued: 0 }
    }),
    time: 0,
    version: 0,
  }
  while (model.history.length < shape.operations) step(model)
  for (const session of model.sessions) {
    while (session.unordered.length > 0) order(model, session)
  }
  for (let replica = 0; replica < shape.replicas; replica++) {
    while (advance(model, replica)) model.time++
  }
  for (const session of model.sessions) answerReads(model, session)
  const final = [...model.ordered].map(([key, stored]) => ({ key, ...stored }))
  return { history: model.history, final }
}

function step(model: Model): void {
  const { prng, shape } = model
  model.time += prng.below(3)
  const choice = prng.unit()
  const session = item(model.sessions, prng.below(shape.sessions))
  if (choice < 0.35) {
    if (session.queue.length < shape.outstandingMax) issue(model, session)
  } else if (choice < 0.6) order(model, session)
  else if (choice < 0.85) advance(model, prng.below(shape.replicas))
  else if (choice < 0.97) answerReads(model, session)
  else move(model, session)
}

function issue(model: Model, session: Session): void {
  const { prng, shape } = model
  const key = `k${prng.below(shape.keys)}`
  const choice = prng.unit()
  const kind = choice < 0.45 ? 'read' : choice < 0.8 ? 'write' : choice < 0.94 ? 'delete' : 'sync'
  const index = session.issued++
  const operation: HistoryOperation = {
    session: session.number,
    index,
    kind,
    key: kind === 'sync' ? '' : key,
    value: kind === 'write' ? `${session.number}.${index}` : null,
    version: null,
    start: model.time,
    end: Infinity,
  }
  const condition = prng.unit()
  if (kind === 'write' && condition < 0.25) operation.condition = 'absent'
  else if ((kind === 'write' || kind === 'delete') && condition < 0.5) {
    // Often what is there in the end of the log, so that many hold.
    operation.condition = model.ordered.get(key)?.version ?? 1 + prng.below(model.version + 1)
  }
  model.history.push(operation)
  session.queue.push(operation)
  if (kind !== 'read') session.unordered.push(operation)
}

/** The session's next update gets its place in the log, or never arrives. */
function order(model: Model, session: Session): void {
  const { prng, shape, ordered, log } = model
  const operation = session.unordered.shift()
  if (operation === undefined) return
  if (prng.chance(shape.unknownRatio)) {
    session.queue.splice(session.queue.indexOf(operation), 1)
    if (prng.chance(0.3)) {
      operation.outcome = 'failed'
      operation.end = model.time
    }
    return
  }
  const { kind, key, value, condition } = operation
  const there = ordered.get(key)
  const version = there?.version ?? 0
  let refusal: number | null = null
  if (condition === 'absent' ? version !== 0 : condition !== undefined && version !== condition) refusal = version
  if (kind === 'delete' && version === 0) refusal = 0
  model.version += 1 + (prng.chance(0.2) ? prng.below(3) : 0)
  log.push({ session, operation, version: model.version, refusal })
  if (refusal !== null) return
  if (kind === 'write' && value !== null) ordered.set(key, { value, version: model.version })
  if (kind === 'delete') ordered.delete(key)
}

/** One replica applies one entry; the session that lives there reads before it what it asked for before it. */
function advance(model: Model, replica: number): boolean {
  const place = item(model.replicas, replica)
  const entry = model.log[place.applied]
  if (entry === undefined) return false
  const { session, operation, version, refusal } = entry
  const isHome = session.home === replica
  if (isHome) answerReads(model, session)
  place.applied++
  const { kind, key, value } = operation
  if (refusal === null && kind === 'write' && value !== null) place.items.set(key, { value, version })
  if (refusal === null && kind === 'delete') place.items.delete(key)
  if (isHome) answerUpdate(model, entry)
  return true
}

/** Those before the session's next update. */
function answerReads(model: Model, session: Session): void {
  const place = item(model.replicas, session.home)
  while (session.queue[0]?.kind === 'read') {
    const read = item(session.queue, 0)
    session.queue.shift()
    session.seen = Math.max(session.seen, place.applied)
    if (model.prng.chance(model.shape.unknownRatio)) continue
    const stored = place.items.get(read.key)
    read.value = stored?.value ?? null
    read.version = stored?.version ?? 0
    end(model, session, read)
  }
}

function answerUpdate(model: Model, entry: Entry): void {
  const { session, operation, version, refusal } = entry
  session.queue.splice(session.queue.indexOf(operation), 1)
  session.seen = Math.max(session.seen, item(model.replicas, session.home).applied)
  if (model.prng.chance(model.shape.unknownRatio)) return
  operation.version = refusal ?? version
  if (refusal !== null) operation.outcome = 'refused'
  end(model, session, operation)
}

function end(model: Model, session: Session, operation: HistoryOperation): void {
  operation.end = model.time + model.prng.below(3)
  operation.replica = session.home
}

/** To a replica that is as far as the session; reads whose place has passed there are refused. */
function move(model: Model, session: Session): void {
  const home = model.prng.below(model.shape.replicas)
  const place = item(model.replicas, home)
  if (place.applied < session.seen) return
  session.home = home
  for (const entry of model.log.slice(0, place.applied)) {
    if (entry.session !== session || !session.queue.includes(entry.operation)) continue
    while (session.queue[0]?.kind === 'read') {
      const read = item(session.queue, 0)
      session.queue.shift()
      read.outcome = 'failed'
      read.end = model.time
    }
    answerUpdate(model, entry)
  }
}
