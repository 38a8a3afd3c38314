/**
 * What worker 0 tells all fronts, in shared memory: how far it has applied, whether it serves; and what all share:
 * the tickets that order links, and worker 0's sleep.
 *
 * The applied counter is two words with the high one written before and after the low one, and read in the opposite
 * order. It only grows, so when the two differ a reader knows a lower bound, and needs no loop.
 */

import { at } from '../assert.js'

/** A cache line apart: each is written by other threads at other times. */
const SLEEP_0 = 0
const TICKET = 16
const HIGH_FIRST = 32
const LOW = 33
const HIGH_LAST = 34
const SERVING = 35
const BOARD_BYTES = 192
const TWO32 = 4294967296

export interface Board {
  readonly memory: SharedArrayBuffer
  readonly words: Int32Array
}

export function createBoard(): Board {
  return openBoard(new SharedArrayBuffer(BOARD_BYTES))
}

export function openBoard(memory: SharedArrayBuffer): Board {
  return { memory, words: new Int32Array(memory) }
}

/** Worker 0's place for sleep.ts. */
export const BOARD_SLEEP = SLEEP_0

/** Only worker 0 calls it; `applied` never falls. */
export function boardPublish(board: Board, applied: number, serving: boolean): void {
  const { words } = board
  const low = applied >>> 0
  const high = (applied - low) / TWO32
  if (at(words, LOW) !== (low | 0) || at(words, HIGH_LAST) !== high) {
    Atomics.store(words, HIGH_FIRST, high)
    Atomics.store(words, LOW, low | 0)
    Atomics.store(words, HIGH_LAST, high)
  }
  if (at(words, SERVING) !== Number(serving)) Atomics.store(words, SERVING, Number(serving))
}

/** What worker 0 has applied, or a little less. */
export function boardApplied(board: Board): number {
  const last = Atomics.load(board.words, HIGH_LAST)
  const low = Atomics.load(board.words, LOW) >>> 0
  const first = Atomics.load(board.words, HIGH_FIRST)
  return first === last ? first * TWO32 + low : first * TWO32
}

export function boardServing(board: Board): boolean {
  return Atomics.load(board.words, SERVING) === 1
}

/** Numbers a link that opens, over all workers of the replica. Never 0; wraps. */
export function boardTicket(board: Board): number {
  const ticket = (Atomics.add(board.words, TICKET, 1) + 1) >>> 0
  return ticket === 0 ? boardTicket(board) : ticket
}
