/**
 * Watches a replica from outside: after each of its turns, what is new in its state goes into the ledger, where it is
 * held against what all others did.
 */

import { at } from '../../src/assert.js'
import { extensionOf, lengthOf } from '../../src/zab/header.js'
import { historyFind, historyFirst } from '../../src/zab/history.js'
import type { State } from '../../src/zab/state.js'
import { PHASE, ROLE, TRUST } from '../../src/zab/state.js'
import { HEADER, PROPOSE } from '../../src/zab/wire.js'
import type { SimCluster, SimNode } from './cluster.js'
import {
  noteBase,
  noteCommitted,
  noteDigest,
  noteEstablished,
  noteProposed,
  noteSynchronizing,
  SafetyViolation,
} from './ledger.js'
import type { Entry, Ledger, Property } from './ledger.js'
import type { SimReplica } from './sim-replica.js'
import { tellChange } from './standing.js'

export interface Watch {
  generation: number
  /** Absolute index of the next entry whose commit was not seen yet, and what came before it. */
  index: number
  counter: number
  epoch: number
  /** The epochs that it was last seen to synchronize, and to lead, and the last counter proposed in that. */
  synchronized: number
  led: number
  proposed: number
  applied: number
  /** It had lost nothing, once. */
  wasWhole: boolean
  /** What was last told of it. */
  told: string
}

const SESSIONS_DIGEST_SHARE = 8

export function createWatch(): Watch {
  const nothing = { counter: 0, epoch: 0, synchronized: 0, led: 0, proposed: 0, applied: 0, wasWhole: false }
  return { generation: 0, index: 0, ...nothing, told: '' }
}

export function watchTurn(cluster: SimCluster, node: SimNode, replica: SimReplica): void {
  const { watch, core } = replica
  const { state } = core
  const { ledger } = cluster
  if (state.role === ROLE.LEADING && state.phase >= PHASE.SYNCHRONIZATION) watchLeader(ledger, replica, state)
  const committed = state.commitNext
  if (watch.generation !== state.generation) beginAnew(ledger, replica, state)
  if (committed !== watch.index) {
    scanCommits(ledger, replica, state)
    if (state.role === ROLE.LEADING) checkHolders(cluster, replica, watch.counter, watch.epoch)
  }
  if (state.lastCommitted !== watch.counter) {
    throw violation('TotalOrder', replica, `says that ${state.lastCommitted} is committed, not ${watch.counter}`)
  }
  if (state.currentEpoch > state.acceptedEpoch && state.trust === TRUST.WHOLE) {
    throw violation('Leadership2', replica, `is in epoch ${state.currentEpoch} and accepted ${state.acceptedEpoch}`)
  }
  watch.wasWhole ||= state.trust === TRUST.WHOLE
  // A load that was given up this turn: the state machine begins anew with the next one.
  const isCurrent = state.transfer === 0 && core.generation === state.generation
  if (isCurrent && state.lastApplied !== watch.applied) watchApplied(ledger, replica, state)
  if (cluster.network.trace.enabled) tellChange(cluster, node, replica)
}

/** A life begins, with what its disk kept. */
export function watchStart(cluster: SimCluster, node: SimNode, replica: SimReplica): void {
  const { state } = replica.core
  if (node.disk === null || state.lastHeld === 0) return
  beginAnew(cluster.ledger, replica, state)
  scanCommits(cluster.ledger, replica, state)
  watchApplied(cluster.ledger, replica, state)
}

function nameOf({ id, incarnation }: SimReplica): string {
  return `${id}/${incarnation}`
}

function violation(property: Property, replica: SimReplica, what: string): Error {
  return new SafetyViolation(property, `replica ${nameOf(replica)} ${what}`)
}

function watchLeader(ledger: Ledger, replica: SimReplica, state: State): void {
  const { watch } = replica
  const epoch = state.acceptedEpoch
  if (watch.synchronized !== epoch) {
    watch.synchronized = epoch
    noteSynchronizing(ledger, epoch, nameOf(replica))
  }
  if (state.phase !== PHASE.BROADCAST) return
  if (watch.led !== epoch) {
    watch.led = epoch
    watch.proposed = state.targetCounter
    noteEstablished(ledger, epoch, nameOf(replica), state.targetCounter)
  }
  if (watch.proposed === state.lastProposed) return
  const { history } = state
  const first = historyFind(history, watch.proposed + 1)
  for (let index = first; index >= 0 && index < history.next; index++) noteProposed(ledger, entryOf(state, index))
  watch.proposed = state.lastProposed
}

function entryOf(state: State, index: number): Entry {
  const { history, words } = state
  const slot = index & history.mask
  const offset = at(history.offset, slot)
  return {
    counter: at(history.counter, slot),
    operations: at(history.count, slot),
    epoch: extensionOf(words, offset, PROPOSE.epoch),
    previous: extensionOf(words, offset, PROPOSE.previous),
    hash: hashWords(words, (offset + HEADER.SIZE) >>> 2, (offset + lengthOf(words, offset)) >>> 2),
  }
}

function hashWords(words: Uint32Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let index = from; index < to; index++) {
    hash = Math.imul((hash ^ (hash >>> 15)) ^ at(words, index), 0x01000193)
  }
  return hash >>> 0
}

/** Its history was given up: it begins with what a snapshot holds, or with nothing. */
function beginAnew(ledger: Ledger, replica: SimReplica, state: State): void {
  const { watch } = replica
  const { history } = state
  const empty = history.first === history.next
  watch.generation = state.generation
  watch.index = history.first
  watch.counter = empty ? state.lastHeld : historyFirst(history) - 1
  watch.epoch = empty ? state.lastEpoch : entryOf(state, history.first).previous
  noteBase(ledger, nameOf(replica), watch.counter, watch.epoch)
}

function scanCommits(ledger: Ledger, replica: SimReplica, state: State): void {
  const { watch } = replica
  if (state.commitNext < watch.index) throw violation('Recovery', replica, 'took back what it had committed')
  for (; watch.index < state.commitNext; watch.index++) {
    const entry = entryOf(state, watch.index)
    if (entry.counter !== watch.counter + 1) {
      throw violation('TotalOrder', replica, `committed ${entry.counter} after ${watch.counter}`)
    }
    noteCommitted(ledger, `replica ${nameOf(replica)}`, entry, watch.epoch)
    watch.counter = entry.counter + entry.operations - 1
    watch.epoch = entry.epoch
  }
}

function watchApplied(ledger: Ledger, replica: SimReplica, state: State): void {
  const { watch, machine } = replica
  const applied = machine.applied()
  watch.applied = state.lastApplied
  if (applied !== state.lastApplied || applied > state.lastCommitted) {
    throw violation('TotalOrder', replica, `applied up to ${applied} where ${state.lastApplied} was handed out`)
  }
  const sessions = applied % SESSIONS_DIGEST_SHARE === 0 ? machine.sessionsDigest() : ''
  noteDigest(ledger, nameOf(replica), applied, machine.digest() + sessions)
}

/**
 * What a leader commits is held by a majority: by replicas that run, or by lives that ended with it and whose place no
 * later life has taken yet.
 */
function checkHolders(cluster: SimCluster, replica: SimReplica, counter: number, epoch: number): void {
  let holders = 0
  for (const node of cluster.nodes) {
    const own = node.replica?.core.state ?? null
    const isPlaced = own !== null && own.trust === TRUST.WHOLE
    const held = own !== null && holds(own, counter, epoch)
    if (held || (!isPlaced && node.former.some((state) => holds(state, counter, epoch)))) holders++
  }
  if (holders * 2 > cluster.nodes.length) return
  throw violation('QuorumHeld', replica, `committed (${epoch},${counter}), which ${holders} replicas hold`)
}

function holds(state: State, counter: number, epoch: number): boolean {
  if (state.lastCommitted >= counter || state.transfer !== 0) return true
  if (state.trust === TRUST.HOLLOW && state.claimLast >= counter) return true // it held it when it acknowledged it
  const index = historyFind(state.history, counter)
  return index >= 0 && at(state.history.epoch, index & state.history.mask) === epoch
}
