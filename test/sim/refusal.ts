/**
 * A cluster in memory of which a majority lost what it had acknowledged: it must refuse to go on by itself, say so, and
 * go on from what is left once an operator says so.
 */

import { isServing } from '../../src/runtime/core.js'
import { becomeProspective, isStuck } from '../../src/zab/election.js'
import { compareHistories } from '../../src/zab/standing.js'
import { historyFind } from '../../src/zab/history.js'
import { at } from '../../src/assert.js'
import type { State } from '../../src/zab/state.js'
import { TRUST } from '../../src/zab/state.js'
import { replicasOf } from './cluster.js'
import type { SimCluster } from './cluster.js'
import { forkLedger } from './ledger.js'
import type { Ledger } from './ledger.js'
import type { SimReplica } from './sim-replica.js'

/** Do all members know that they cannot go on? */
export function isRefusing(cluster: SimCluster): boolean {
  const replicas = replicasOf(cluster)
  if (replicas.length < cluster.nodes.length) return false
  return replicas.every(({ core }) => isStuck(core.state, core.clock.ticks()))
}

/**
 * Did somebody give up what it had for a snapshot that did not come? Then too few may be left that lost nothing, though
 * only few crashed.
 */
export function isGivenUp(cluster: SimCluster): boolean {
  return replicasOf(cluster).some(({ watch, core }) => watch.wasWhole && core.state.trust !== TRUST.WHOLE)
}

/**
 * Is there a replica that has something, or has heard that the history began? Where none is, a history that was lost
 * cannot be told from one that never began.
 */
export function isRemembered(cluster: SimCluster): boolean {
  return replicasOf(cluster).some(({ core: { state } }) => {
    return state.trust !== TRUST.LOST && (state.formed || state.lastHeld > 0 || state.trust === TRUST.HOLLOW)
  })
}

/** Replicas that serve. */
export function servingOf(cluster: SimCluster): SimReplica[] {
  return replicasOf(cluster).filter(({ core }) => isServing(core))
}

/** The operator's word: go on from the best that is left, and give up what only others had. */
export function leadAnyway(cluster: SimCluster): void {
  const replicas = replicasOf(cluster)
  const having = replicas.filter(({ core }) => core.state.trust !== TRUST.HOLLOW)
  const all = having.length > 0 ? having : replicas
  const best = all.reduce((one, other) => (isBetter(other.core.state, one.id) ? other : one))
  const { state, clock } = best.core
  const epoch = Math.max(...replicas.map(({ core }) => core.state.acceptedEpoch))
  forkLedger(cluster.ledger, keptOf(cluster.ledger, state), epoch)
  cluster.network.trace.say(cluster.network.tick, `an operator has ${best.id} lead from ${state.lastHeld}`)
  becomeProspective(state, true, true, clock.ticks())
}

/** By what it last heard of the other. */
function isBetter(state: State, other: number): boolean {
  return state.config.replica !== other && compareHistories(state, state.config.replica, other) > 0
}

/** Counter up to which what was committed is in that replica's history. */
function keptOf(ledger: Ledger, state: State): number {
  let kept = state.lastCommitted
  for (;;) {
    const entry = ledger.committed.get(kept + 1)
    const index = historyFind(state.history, kept + 1)
    if (entry === undefined || index < 0) return kept
    if (at(state.history.epoch, index & state.history.mask) !== entry.epoch) return kept
    kept += entry.operations
  }
}
