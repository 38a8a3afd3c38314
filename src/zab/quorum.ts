/** Who is counted, and what a quorum of those has said. Used by the leader only. */

import { at } from '../assert.js'
import { STAGE } from './peers.js'
import type { State } from './state.js'
import { majority, quorumSize } from './state.js'

/** May its acknowledgements commit? It has the epoch's history and has lost nothing that it acknowledged. */
export function isCounted(state: State, id: number): boolean {
  if (id === state.config.replica) return true
  return at(state.peers.stage, id) === STAGE.ACTIVE && at(state.peers.whole, id) === 1
}

/**
 * Has a quorum without `joiner` shown, after it joined, that this epoch still stands? Then nobody can have been
 * promised a later epoch with the help of the joiner's former life.
 */
export function isConfirmed(state: State, joiner: number): boolean {
  const needed = at(state.peers.joinRound, joiner)
  let shown = 0
  for (let id = 0; id < state.config.members; id++) {
    if (id === joiner || !isCounted(state, id)) continue
    if (id === state.config.replica || at(state.peers.echoed, id) >= needed) shown++
  }
  return shown >= majority(state.config)
}

/** The highest counter that a quorum has acknowledged, and as many replicas as are to hold it besides. */
export function quorumCounter(state: State): number {
  const { members, copies } = state.config
  const voters = nthHighest(state, members, quorumSize(state.config), true)
  if (copies === 0) return voters
  return Math.min(voters, nthHighest(state, state.acked.length, copies, false))
}

/** The nth largest acknowledgement among replicas below `end`; 0 when there are fewer. */
function nthHighest(state: State, end: number, n: number, countedOnly: boolean): number {
  let best = 0
  for (let candidate = 0; candidate < end; candidate++) {
    const counter = at(state.acked, candidate)
    if (counter <= best || !mayHold(state, candidate, countedOnly)) continue
    let holders = 0
    for (let id = 0; id < end; id++) {
      if (at(state.acked, id) >= counter && mayHold(state, id, countedOnly)) holders++
    }
    if (holders >= n) best = counter
  }
  return best
}

function mayHold(state: State, id: number, countedOnly: boolean): boolean {
  if (countedOnly) return isCounted(state, id)
  return id === state.config.replica || at(state.peers.stage, id) === STAGE.ACTIVE
}

/**
 * Are those that decide, this leader included, heard of since `tick`? A quorum, of which one that lost its memory is no
 * part; where a history begins, all members.
 */
export function isQuorumHeard(state: State, tick: number): boolean {
  const { peers } = state
  let heard = 0
  for (let id = 0; id < state.config.members; id++) {
    if (id === state.config.replica) heard++
    else if (at(peers.stage, id) < STAGE.CEPOCH || at(peers.activeTick, id) < tick) continue
    else if (state.forming || at(peers.whole, id) === 1) heard++
  }
  return heard >= (state.forming && !state.forced ? state.config.members : majority(state.config))
}
