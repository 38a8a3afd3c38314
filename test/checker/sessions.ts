/**
 * Each session by itself: the smallest position of the order at which it can stand after each operation.
 *
 * Used by history.ts alone.
 */

import type { HistoryOperation, Violation } from './history.js'
import { absentFrom, chainOf, placeAfter } from './keys.js'
import type { Keys } from './keys.js'
import type { Order } from './order.js'
import { versionIn } from './updates.js'
import type { Updates } from './updates.js'

interface Standing {
  /** What it has written or seen. */
  position: number
  /** Which replica told last; undefined when that was not recorded. */
  replica: number | null | undefined
  /** What was completed before its last sync began, and the sync itself. */
  synced: number
}

interface Context {
  readonly updates: Updates
  readonly order: Order
  readonly keys: Keys
  readonly violations: Violation[]
}

export function sessionsOf(history: readonly HistoryOperation[]): Map<number, HistoryOperation[]> {
  const sessions = new Map<number, HistoryOperation[]>()
  for (const operation of history) {
    const list = sessions.get(operation.session)
    if (list === undefined) sessions.set(operation.session, [operation])
    else list.push(operation)
  }
  for (const operations of sessions.values()) operations.sort((a, b) => a.index - b.index)
  return sessions
}

export function checkSessions(
  sessions: ReadonlyMap<number, readonly HistoryOperation[]>,
  updates: Updates,
  order: Order,
  keys: Keys,
  violations: Violation[],
): void {
  const context: Context = { updates, order, keys, violations }
  for (const operations of sessions.values()) {
    const standing: Standing = { position: 0, replica: undefined, synced: 0 }
    for (const operation of operations) {
      if (operation.outcome === 'refused') onRefused(context, standing, operation)
      else if (operation.outcome === 'failed') continue
      else if (operation.kind !== 'read') onUpdate(context, standing, operation)
      else if (operation.version !== null) observe(context, standing, operation, floorOf(standing))
    }
  }
}

/** Also one whose result was not known to its client, if somebody saw it: issue order holds for it as well. */
function onUpdate(context: Context, standing: Standing, operation: HistoryOperation): void {
  const version = versionIn(context.updates, operation)
  if (version !== null && version <= floorOf(standing)) {
    context.violations.push({ rule: 'session-order', operation })
  }
  if (operation.kind !== 'sync') {
    if (version !== null) raise(standing, version, operation)
  } else if (operation.end < Infinity) {
    standing.synced = Math.max(standing.synced, version ?? 0, context.order.completedBefore(operation.start))
  }
}

/** A refusal is decided in the order of updates, so it knows all that was completed before it began. */
function onRefused(context: Context, standing: Standing, operation: HistoryOperation): void {
  const { condition, version, start } = operation
  if (version === null) return
  const wanted = condition === 'absent' ? version !== 0 : version !== condition
  const isRight = condition === undefined ? operation.kind === 'delete' && version === 0 : wanted
  if (!isRight) context.violations.push({ rule: 'wrong-refusal', operation })
  const floor = Math.max(floorOf(standing), context.order.completedBefore(start))
  observe(context, standing, operation, floor)
  raise(standing, floor, operation)
}

/** The operation saw its key's state at some position from `floor` on. */
function observe(
  context: Context,
  standing: Standing,
  operation: HistoryOperation,
  floor: number,
): void {
  const { key, end } = operation
  const version = operation.version ?? 0
  const chain = chainOf(context.keys, key)
  if (version > 0 && !isWritten(context, operation, version)) return
  const next = version > 0 ? (chain.updates[placeAfter(chain, version)]?.version ?? Infinity) : 0
  const position = version > 0 ? Math.max(floor, version) : absentFrom(chain, floor, end)
  const isOver = (from: number): boolean =>
    version > 0 ? next <= from : absentFrom(chain, from, end) === Infinity
  if (isOver(floor)) {
    context.violations.push({ rule: staleRule(standing, operation, isOver), operation })
    return
  }
  if (context.order.beganUpTo(position) > end) {
    context.violations.push({ rule: 'from-the-future', operation })
  }
  if (version > 0) raise(standing, version, operation)
  else if (position > floor) raise(standing, position, operation)
}

function isWritten(context: Context, operation: HistoryOperation, version: number): boolean {
  const update = context.updates.byVersion.get(version)
  const { key, value } = operation
  if (update === undefined || update.kind !== 'write' || update.key !== key) {
    context.violations.push({ rule: 'never-written', operation })
    return false
  }
  if (operation.kind === 'read' && update.value !== undefined && update.value !== value) {
    context.violations.push({ rule: 'wrong-value', operation })
  }
  return true
}

/** Named for what should have told that what it saw was over. */
function staleRule(
  standing: Standing,
  operation: HistoryOperation,
  isOver: (from: number) => boolean,
): Violation['rule'] {
  const { position, synced, replica } = standing
  if (isOver(position)) {
    const isKnown = replica !== undefined && operation.replica !== undefined
    return isKnown && replica !== operation.replica ? 'stale-after-move' : 'stale-in-session'
  }
  return isOver(synced) ? 'stale-after-sync' : 'stale-refusal'
}

function floorOf({ position, synced }: Standing): number {
  return Math.max(position, synced)
}

function raise(standing: Standing, version: number, operation: HistoryOperation): void {
  if (version <= standing.position) return
  standing.position = version
  if (operation.replica !== undefined) standing.replica = operation.replica
}
