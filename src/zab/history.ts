/**
 * The history: proposals as they lie in the slab, a ring of bytes with a ring of columns beside it.
 *
 * An entry is a whole PROPOSE datagram, so what was ordered is sent, sent again and applied where it lies.
 * Entries are found by absolute index (used again only after a truncation) or by counter. The same ring holds what a
 * follower forwarded (there `counter` is the forward sequence).
 *
 * Pure. Upholds: entries are contiguous in counters; nothing that may still be needed is overwritten.
 */

import { assert, at } from '../assert.js'
import { DATAGRAM_ALIGN } from './limits.js'

export interface History {
  readonly base: number //  slab offset of the ring
  readonly end: number
  readonly reserveEnd: number // of the room that follows the ring and is used while `extended`
  extended: boolean
  readonly mask: number //  entries, a power of two, less one
  readonly counter: Float64Array // of the entry's first operation
  readonly count: Uint32Array //    operations; 1 for a forward
  readonly offset: Uint32Array
  readonly bytes: Uint32Array //    on the wire and in the ring
  readonly epoch: Uint32Array
  readonly time: Float64Array //    the log's time, microseconds
  first: number // absolute index of the oldest entry kept
  next: number //  absolute index of the next entry
  head: number //  slab offset where the next entry goes
}

/** More than one span is ever packed into. */
const ENTRIES_MIN = 4096

/** Columns for the smallest entries that `bytes` hold, but no more than `most`, a power of two. */
export function historyEntries(bytes: number, most: number): number {
  let entries = ENTRIES_MIN
  while (entries < most && entries * DATAGRAM_ALIGN < bytes) entries *= 2
  return entries
}

export function createHistory(base: number, bytes: number, entriesMax: number, reserveBytes = 0): History {
  assert(base % DATAGRAM_ALIGN === 0 && bytes % DATAGRAM_ALIGN === 0, 'history: whole lines')
  assert((entriesMax & (entriesMax - 1)) === 0, 'history: entries are a power of two')
  return {
    base,
    end: base + bytes,
    reserveEnd: base + bytes + reserveBytes,
    extended: false,
    mask: entriesMax - 1,
    counter: new Float64Array(entriesMax),
    count: new Uint32Array(entriesMax),
    offset: new Uint32Array(entriesMax),
    bytes: new Uint32Array(entriesMax),
    epoch: new Uint32Array(entriesMax),
    time: new Float64Array(entriesMax),
    first: 0,
    next: 0,
    head: base,
  }
}

/** Counter of the oldest operation kept. There is one. */
export function historyFirst(history: History): number {
  assert(history.first < history.next, 'historyFirst: something is kept')
  return at(history.counter, history.first & history.mask)
}

/** Counter of an entry's last operation. */
export function historyLast(history: History, index: number): number {
  const slot = index & history.mask
  return at(history.counter, slot) + at(history.count, slot) - 1
}

/**
 * Bytes that may be written in one piece at `head`, at least `need`, or 0 when there is no such room. Forgets the
 * oldest entries for it, but none from index `keep` on. There are columns for `entries` more then.
 */
export function historyRoom(history: History, need: number, keep: number, entries = 1): number {
  assert(entries <= history.mask, 'historyRoom: so many entries can be there')
  for (;;) {
    if (history.first === history.next) {
      history.head = history.base
      const room = limitOf(history) - history.base
      return room >= need ? room : 0
    }
    const tail = at(history.offset, history.first & history.mask)
    if (history.next - history.first + entries <= history.mask + 1) {
      const room = roomBefore(history, tail, need)
      if (room > 0) return room
    }
    if (history.first >= keep) return 0
    history.first++
  }
}

/** Where the ring ends now. Entries beyond, from a time when it was extended, leave it as all others do. */
function limitOf(history: History): number {
  return history.extended ? history.reserveEnd : history.end
}

/** The tail never meets the head while entries are kept: a line stays free between them. */
function roomBefore(history: History, tail: number, need: number): number {
  const limit = limitOf(history)
  if (history.head <= tail) {
    // What is kept may still lie beyond the limit, from when the ring was extended.
    const room = Math.min(tail - DATAGRAM_ALIGN, limit) - history.head
    return room >= need ? room : 0
  }
  if (limit - history.head >= need) return limit - history.head
  const room = tail - history.base - DATAGRAM_ALIGN
  if (room < need) return 0
  history.head = history.base
  return room
}

/** Appends the entry that was written at `head`. Returns its absolute index. */
export function historyAppend(
  history: History,
  counter: number,
  count: number,
  bytes: number,
  epoch: number,
  time: number,
): number {
  const index = history.next
  const slot = index & history.mask
  assert(index - history.first <= history.mask, 'historyAppend: the columns have room')
  assert(
    index === history.first || counter === historyLast(history, index - 1) + 1,
    'historyAppend: counters are contiguous',
  )
  assert(history.head + bytes <= limitOf(history), 'historyAppend: the entry lies inside the ring')
  history.counter[slot] = counter
  history.count[slot] = count
  history.offset[slot] = history.head
  history.bytes[slot] = bytes
  history.epoch[slot] = epoch
  history.time[slot] = time
  history.head += bytes
  history.next++
  return index
}

/** Forgets entries from absolute index `next` on; their indices are used again. */
export function historyTruncate(history: History, next: number): void {
  assert(next >= history.first && next <= history.next, 'historyTruncate: the index is kept')
  if (next === history.next) return
  history.head = at(history.offset, next & history.mask)
  history.next = next
}

/** Forgets all entries. */
export function historyClear(history: History): void {
  history.first = history.next
  history.head = history.base
}

/** Absolute index of the entry that holds `counter`, or -1 when it is not kept. */
export function historyFind(history: History, counter: number): number {
  let low = history.first
  let high = history.next - 1
  while (low <= high) {
    const middle = low + Math.floor((high - low) / 2)
    if (historyLast(history, middle) < counter) low = middle + 1
    else if (at(history.counter, middle & history.mask) > counter) high = middle - 1
    else return middle
  }
  return -1
}
