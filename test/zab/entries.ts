/** Puts entries into a replica's history by hand: for tests that begin in the middle of its life. */

import { setCommitted, setCounter, writeHeader } from '../../src/zab/header.js'
import { historyAppend, historyLast } from '../../src/zab/history.js'
import type { State } from '../../src/zab/state.js'
import { BODY_OFFSET, HEADER, KIND, PROPOSE, TAG_BYTES } from '../../src/zab/wire.js'

const ENTRY_BYTES = 128

/** The next entry, of that epoch. */
export function appendEntry(state: State, epoch: number, operations = 1): void {
  const { history, words } = state
  const length = BODY_OFFSET + TAG_BYTES
  const counter = state.lastHeld + 1
  writeHeader(words, history.head, state.sender, KIND.PROPOSE, length, epoch, operations)
  setCounter(words, history.head, counter)
  setCommitted(words, history.head, 0)
  words[(history.head + HEADER.SIZE + PROPOSE.previous) >>> 2] = state.lastEpoch
  words[(history.head + HEADER.SIZE + PROPOSE.epoch) >>> 2] = epoch
  historyAppend(history, counter, operations, ENTRY_BYTES, epoch, 0)
  state.lastHeld = counter + operations - 1
  state.lastProposed = state.lastHeld
  state.lastEpoch = epoch
}

/** Entries up to that counter are committed and applied. */
export function commitUpTo(state: State, counter: number): void {
  const { history } = state
  while (state.commitNext < history.next && historyLast(history, state.commitNext) <= counter) {
    state.lastCommitted = historyLast(history, state.commitNext++)
  }
  state.commitKnown = state.lastCommitted
  state.lastApplied = state.lastCommitted
  state.applyNext = state.commitNext
}
