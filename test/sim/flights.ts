/** Datagrams on their way: a heap by when they are due, then by when they were sent. */

import { item } from '../../src/assert.js'
import type { Arrival } from './network.js'

export interface Flight {
  due: number
  order: number
  to: number
  source: number
  bytes: Uint8Array
  /** What waited at the port when it was sent; null: the port was closed. */
  queue: Arrival[] | null
}

export function pushFlight(heap: Flight[], flight: Flight): void {
  let index = heap.push(flight) - 1
  while (index > 0) {
    const above = (index - 1) >>> 1
    const parent = item(heap, above)
    if (!isEarlier(flight, parent)) break
    heap[index] = parent
    index = above
  }
  heap[index] = flight
}

/** The next that is due by then, or null. */
export function popFlight(heap: Flight[], tick: number): Flight | null {
  const first = heap[0]
  if (first === undefined || first.due > tick) return null
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  let index = 0
  for (;;) {
    let below = index * 2 + 1
    if (below >= heap.length) break
    const right = heap[below + 1]
    if (right !== undefined && isEarlier(right, item(heap, below))) below++
    const child = item(heap, below)
    if (!isEarlier(child, last)) break
    heap[index] = child
    index = below
  }
  heap[index] = last
  return first
}

function isEarlier(one: Flight, other: Flight): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order)
}
