/**
 * Giving up a part of the history: the end that another leader did not take over, or all of it before a snapshot.
 *
 * Upholds: what is committed is never truncated; the log is told (State.truncateOwed, State.storeNext).
 */

import { assert, at } from '../assert.js'
import { extensionOf } from './header.js'
import { historyClear, historyLast, historyTruncate } from './history.js'
import type { State } from './state.js'
import { count, isMember, TRUST } from './state.js'
import { PROPOSE } from './wire.js'

/** Forgets entries beyond `counter`, an entry's last or less. Nothing committed may be beyond. */
export function truncateTo(state: State, counter: number): void {
  assert(counter >= state.lastCommitted, 'truncateTo: what is committed stays')
  const { history } = state
  let next = history.next
  while (next > history.first && historyLast(history, next - 1) > counter) next--
  if (next === history.next) return
  assert(next >= state.applyNext, 'truncateTo: what is applied stays')
  const slot = next & history.mask
  state.lastHeld = at(history.counter, slot) - 1
  state.lastEpoch = extensionOf(state.words, at(history.offset, slot), PROPOSE.previous)
  historyTruncate(history, next)
  state.commitNext = Math.min(state.commitNext, next)
  state.sendNext = Math.min(state.sendNext, next)
  state.storeNext = Math.min(state.storeNext, next)
  state.lastStored = Math.min(state.lastStored, state.lastHeld)
  const owed = state.truncateOwed
  state.truncateOwed = owed < 0 ? state.lastHeld : Math.min(owed, state.lastHeld)
  state.lastProposed = state.lastHeld
  state.ackedTold = Math.min(state.ackedTold, state.lastHeld)
  count(state, 'truncations')
}

/**
 * Forgets everything in memory: this replica is not to be counted before it was given a snapshot. What is stored stays
 * until the snapshot is, so the epochs that are stored stay as well.
 */
export function forgetHistory(state: State): void {
  becomeHollow(state)
  state.transfer = 0
  beginAt(state, 0, 0)
  state.targetCounter = -1
}

/** What this replica has goes: how far it went stays known, if it had all that it acknowledged. */
export function becomeHollow(state: State): void {
  if (state.trust === TRUST.WHOLE && isMember(state.config)) {
    state.trust = TRUST.HOLLOW
    state.claimCurrent = state.currentEpoch
    state.claimEpoch = state.lastEpoch
    state.claimLast = state.lastHeld
  } else if (state.trust !== TRUST.HOLLOW) {
    state.trust = TRUST.LOST
  }
  state.currentEpoch = 0
}

/** After the log was read again: does it hold all that this replica had before it became HOLLOW? */
export function settleClaim(state: State): void {
  if (state.trust === TRUST.WHOLE) return // the log keeps whatever is acknowledged
  const met =
    state.currentEpoch === state.claimCurrent &&
    state.lastEpoch === state.claimEpoch &&
    state.lastHeld === state.claimLast
  state.trust = met ? TRUST.WHOLE : TRUST.HOLLOW
}

/** The history begins after `counter`, of `epoch`: what a snapshot holds. */
export function beginAt(state: State, counter: number, epoch: number): void {
  const { history } = state
  state.generation++
  historyClear(history)
  history.extended = state.transfer !== 0
  state.applyNext = history.next
  state.commitNext = history.next
  state.sendNext = history.next
  state.storeNext = history.next
  state.truncateOwed = -1
  state.lastHeld = counter
  state.lastEpoch = epoch
  state.lastProposed = counter
  state.lastCommitted = counter
  state.commitKnown = counter
  state.lastApplied = counter
  state.lastStored = counter
  state.ackedTold = 0
  state.parkCounter.fill(0)
  state.parkCount = 0
  state.nackedTo = 0
  state.unackedBytes = 0
}
