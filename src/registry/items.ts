/**
 * The embedded registry's items: memcached's store semantics over a Map, with time as an argument.
 *
 * Called only by server.ts. Memory is bounded: what exceeds it is refused, never evicted, because a
 * directory that silently forgets replicas is worse than one that says it is full.
 */
import { ITEM_OVERHEAD_BYTES, type Command } from './codec.js'

/** Longer times are absolute: memcached's rule. */
const RELATIVE_SECONDS_MAX = 30 * 24 * 3600

export interface Item {
  flags: number
  value: Buffer
  /** Decimal; compared as text, so that 64-bit ids sent by anyone are harmless. */
  cas: string
  /** Milliseconds since 1970; null never. */
  expiresAt: number | null
}

export interface Items {
  readonly byKey: Map<string, Item>
  readonly bytesMax: number
  bytes: number
  casLast: number
  /** When a delayed flush_all takes effect; null when none is pending. */
  flushAt: number | null
}

type Store = Extract<Command, { kind: 'store' }>
const FULL = 'SERVER_ERROR out of memory storing object'
export type Stored = 'STORED' | 'NOT_STORED' | 'EXISTS' | 'NOT_FOUND' | typeof FULL

export function createItems(bytesMax: number): Items {
  return { byKey: new Map(), bytesMax, bytes: 0, casLast: 0, flushAt: null }
}

/** Null when there is none, or no longer. */
export function getItem(items: Items, key: string, now: number): Item | null {
  applyFlush(items, now)
  const item = items.byKey.get(key)
  if (item === undefined) return null
  if (item.expiresAt === null || item.expiresAt > now) return item
  removeItem(items, key)
  return null
}

export function storeItem(items: Items, store: Store, now: number): Stored {
  const old = getItem(items, store.key, now)
  if (store.verb === 'add' && old !== null) return 'NOT_STORED'
  if (store.verb === 'replace' && old === null) return 'NOT_STORED'
  if (store.verb === 'cas') {
    if (old === null) return 'NOT_FOUND'
    if (old.cas !== store.cas.replace(/^\+?0*(?=[0-9])/, '')) return 'EXISTS'
  }
  const oldBytes = old === null ? 0 : itemBytes(store.key, old.value)
  const delta = itemBytes(store.key, store.value) - oldBytes
  if (!hasRoom(items, delta, now)) return FULL
  items.bytes += delta
  items.byKey.set(store.key, {
    flags: store.flags,
    value: store.value,
    cas: String(++items.casLast),
    expiresAt: expiryOf(store.exptime, now),
  })
  return 'STORED'
}

/** False when there was none. */
export function removeItem(items: Items, key: string): boolean {
  const item = items.byKey.get(key)
  if (item === undefined) return false
  items.bytes -= itemBytes(key, item.value)
  items.byKey.delete(key)
  return true
}

export function touchItem(items: Items, key: string, exptime: number, now: number): boolean {
  const item = getItem(items, key, now)
  if (item === null) return false
  item.expiresAt = expiryOf(exptime, now)
  return true
}

export function flushItems(items: Items, delay: number, now: number): void {
  const time = expiryOf(delay, now) ?? now
  items.flushAt = Math.max(time, now)
  applyFlush(items, now)
}

function applyFlush(items: Items, now: number): void {
  if (items.flushAt === null || items.flushAt > now) return
  items.byKey.clear()
  items.bytes = 0
  items.flushAt = null
}

/** Expired items are swept only when room is short: then it pays. */
function hasRoom(items: Items, delta: number, now: number): boolean {
  if (items.bytes + delta <= items.bytesMax) return true
  for (const key of [...items.byKey.keys()]) getItem(items, key, now)
  return items.bytes + delta <= items.bytesMax
}

function itemBytes(key: string, value: Buffer): number {
  return key.length + value.length + ITEM_OVERHEAD_BYTES
}

/** 0 never, negative at once, up to 30 days from now, beyond that seconds since 1970. */
export function expiryOf(exptime: number, now: number): number | null {
  if (exptime === 0) return null
  if (exptime < 0) return now
  return exptime <= RELATIVE_SECONDS_MAX ? now + exptime * 1000 : exptime * 1000
}
