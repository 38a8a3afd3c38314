/**
 * The history: proposals as they lie in the slab, a ring of bytes with a ring of columns beside it.
 *
 * An entry is a whole PROPOSE datagram, so what was ordered is sent, sent again and applied where it lies.
 * Entries are found by absolute index (never reused) or by counter. The same ring holds what a follower
 * forwarded (there `counter` is the forward sequence).
 *
 * Pure. Upholds: entries are contiguous in counters; nothing that may still be needed is overwritten.
 */

import { assert, at } from '../assert.js'
import { DATAGRAM_ALIGN } from './limits.js'

export interface History {
  readonly base: number //  slab offset of the ring
  readonly end: number
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

export function createHistory(base: number, bytes: number, entriesMax: number): History {
  assert(base % DATAGRAM_ALIGN === 0 && bytes % DATAGRAM_ALIGN === 0, 'history: whole lines')
  assert((entriesMax & (entriesMax - 1)) === 0, 'history: entries are a power of two')
  return {
    base,
    end: base + bytes,
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
 * oldest entries for it, but none from index `keep` on.
 */
export function historyRoom(history: History, need: number, keep: number): number {
  for (;;) {
    if (history.first === history.next) {
      history.head = history.base
      return history.end - history.base >= need ? history.end - history.base : 0
    }
    const tail = at(history.offset, history.first & history.mask)
    if (history.next - history.first <= history.mask) {
      const room = roomBefore(history, tail, need)
      if (room > 0) return room
    }
    if (history.first >= keep) return 0
    history.first++
  }
}

/** The tail never meets the head while entries are kept: a line stays free between them. */
function roomBefore(history: History, tail: number, need: number): number {
  if (history.head <= tail) {
    const room = tail - history.head - DATAGRAM_ALIGN
    return room >= need ? room : 0
  }
  if (history.end - history.head >= need) return history.end - history.head
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
  assert(history.head + bytes <= history.end, 'historyAppend: the entry lies inside the ring')
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
