/**
 * SYNCHRONIZATION, phase 2 of the paper: followers come to the history that the epoch begins with (NEWLEADER, ACKLD,
 * COMMITLD), by what is missing, by truncation, or by a snapshot.
 *
 * What is missing travels as proposals that the follower asks for (follower.ts), because an entry says the epoch of
 * the one before it: a history can only grow where it equals the leader's. Upholds PrefixConsistency; most of the
 * data lost by systems of this kind was lost here.
 */

import { assert, at } from '../assert.js'
import type { CounterName } from './counters.js'
import { ASK_TICKS, hasQuorum, isJoining } from './discovery.js'
import { becomeHollow, beginAt, truncateTo } from './forgetting.js'
import { committedOf, counterOf, epochOf, extensionOf } from './header.js'
import { historyFind, historyFirst, historyLast } from './history.js'
import { COUNTER_MAX, NODES_MAX } from './limits.js'
import { isConfirmed } from './quorum.js'
import { STAGE } from './peers.js'
import { isForThisJoin, isOfKnownJoin, mayPromise, sendSaid, sendStanding, takeStanding } from './standing.js'
import type { State } from './state.js'
import { count, epochsChanged, isMember, nothingTold, PHASE, ROLE, TRUST } from './state.js'
import { EPOCHS, KIND, PROPOSE, SYNC_FORMING, SYNC_MODE } from './wire.js'

/** Leader: a quorum promised the epoch, and nobody in it has a better history. */
export function beginSynchronization(state: State, tick: number): void {
  assert(state.phase === PHASE.DISCOVERY && state.newEpoch === state.acceptedEpoch, 'synchronization: after discovery')
  state.phase = PHASE.SYNCHRONIZATION
  state.phaseTick = tick
  state.currentEpoch = state.newEpoch
  if (state.forming) state.trust = TRUST.WHOLE
  epochsChanged(state)
  state.acked.fill(0)
  state.lastProposed = state.lastHeld
  state.targetCounter = state.lastHeld
  state.sendNext = state.history.next
  state.unackedBytes = 0
  Object.assign(state, nothingTold())
  state.heartbeatTick = tick
  for (let id = 0; id < NODES_MAX; id++) {
    if (id !== state.config.replica && at(state.peers.stage, id) === STAGE.ACKEPOCH) sendNewLeader(state, id)
  }
}

/** Leader, SYNCHRONIZATION: established once a quorum has the history that the epoch begins with. */
export function leaderSynchronizationTick(state: State, tick: number): void {
  const stored = !state.config.durable || state.lastStored >= state.targetCounter
  if (!stored || !mayPromise(state)) return
  state.peers.stage[state.config.replica] = STAGE.ACKLD
  if (hasQuorum(state, STAGE.ACKLD)) establish(state, tick)
}

function establish(state: State, tick: number): void {
  const { replica, members } = state.config
  state.phase = PHASE.BROADCAST
  state.phaseTick = tick
  state.established = true
  state.formed = true
  state.trust = TRUST.WHOLE
  state.peers.stage[replica] = STAGE.ACTIVE
  state.acked[replica] = state.lastHeld
  // The history that the epoch begins with is committed by the quorum that acknowledged NEWLEADER.
  state.lastCommitted = state.lastHeld
  state.commitKnown = state.lastHeld
  state.commitNext = state.history.next
  state.heartbeatTick = tick
  state.heartbeatTicks = 0
  count(state, 'epochs-led')
  for (let id = 0; id < NODES_MAX; id++) {
    if (id === replica || at(state.peers.stage, id) !== STAGE.ACKLD) continue
    if (state.forming && id < members) state.peers.whole[id] = 1
    // One that lost its memory waits until it is confirmed, as after any other ACKLD of it.
    if (id >= members || at(state.peers.whole, id) === 1) commitLeader(state, id)
  }
  state.forming = false
  state.forced = false
}

/** Tells a follower that the epoch is established: from now on it counts, if it may. */
function commitLeader(state: State, id: number): void {
  state.peers.stage[id] = STAGE.ACTIVE
  sendSaid(state, id, KIND.COMMITLD, {
    current: state.currentEpoch,
    last: state.lastEpoch,
    mode: 0,
    counter: state.lastProposed,
    committed: state.lastCommitted,
  })
}

/** Leader: says to a follower how it comes to this history. */
export function sendNewLeader(state: State, to: number): void {
  const { peers } = state
  if (at(peers.transfer, to) !== 0) return sendSnapshotMode(state, to)
  const found = match(state, at(peers.lastEpoch, to), at(peers.last, to))
  if (found.mode === SYNC_MODE.SNAPSHOT || at(peers.trust, to) === TRUST.HOLLOW) {
    // The runtime begins a transfer and then calls offerSnapshot: until then the follower asks again.
    peers.transfer[to] = TRANSFER_WANTED
    count(state, 'snapshots-needed')
    return
  }
  if (found.mode === SYNC_MODE.DIFF) state.acked[to] = Math.max(at(state.acked, to), found.counter)
  sendSaid(state, to, KIND.NEWLEADER, {
    current: 0,
    last: state.lastEpoch,
    mode: found.mode | (state.forming ? SYNC_FORMING : 0),
    counter: state.targetCounter,
    committed: found.counter,
  })
}

/** A follower needs a snapshot, and no transfer has begun. */
export const TRANSFER_WANTED = -1

/** Leader: the transfer of a snapshot to a follower has begun. */
export function offerSnapshot(state: State, to: number, transfer: number, counter: number, epoch: number): void {
  assert(transfer > 0, 'offerSnapshot: transfers are numbered from one')
  state.peers.transfer[to] = transfer
  state.acked[to] = counter
  state.peers.offered[to] = counter
  state.peers.offeredEpoch[to] = epoch
  sendSnapshotMode(state, to)
}

function sendSnapshotMode(state: State, to: number): void {
  const { peers } = state
  if (at(peers.transfer, to) === TRANSFER_WANTED) return
  sendSaid(state, to, KIND.NEWLEADER, {
    current: at(peers.transfer, to),
    last: at(peers.offeredEpoch, to),
    mode: SYNC_MODE.SNAPSHOT | (state.forming ? SYNC_FORMING : 0),
    counter: state.targetCounter,
    committed: at(peers.offered, to),
  })
}

/** What a follower whose history ends at (epoch, counter) has to do. */
export function match(state: State, epoch: number, counter: number): { mode: number; counter: number } {
  const { history } = state
  const empty = history.first === history.next
  const base = empty ? state.lastHeld : historyFirst(history) - 1
  let end = Math.min(counter, state.lastHeld)
  if (end < base) return { mode: SYNC_MODE.SNAPSHOT, counter: 0 }
  // Down to the end of an entry whose epoch the follower may have, too.
  while (end > base) {
    const index = historyFind(history, end)
    const slot = index & history.mask
    const whole = historyLast(history, index) === end
    const own = at(history.epoch, slot)
    if (whole && end === counter && own === epoch) return { mode: SYNC_MODE.DIFF, counter: end }
    if (whole && end < counter && own <= epoch) return { mode: SYNC_MODE.TRUNCATE, counter: end }
    end = at(history.counter, slot) - 1
  }
  const baseEpoch = empty ? state.lastEpoch : previousEpoch(state, history.first)
  if (end === counter && baseEpoch === epoch) return { mode: SYNC_MODE.DIFF, counter: end }
  if (end < counter && (base === 0 || baseEpoch <= epoch)) return { mode: SYNC_MODE.TRUNCATE, counter: end }
  return { mode: SYNC_MODE.SNAPSHOT, counter: 0 }
}

/** Epoch of the last entry that was handed out to be applied. */
export function appliedEpoch(state: State): number {
  return state.applyNext === state.history.next ? state.lastEpoch : previousEpoch(state, state.applyNext)
}

function previousEpoch(state: State, index: number): number {
  const offset = at(state.history.offset, index & state.history.mask)
  return extensionOf(state.words, offset, PROPOSE.previous)
}

/** Follower: how it comes to the history of its leader. */
export function onNewLeader(state: State, sender: number, offset: number, tick: number): CounterName | null {
  const { words } = state
  const epoch = extensionOf(words, offset, EPOCHS.accepted)
  if (!isJoining(state, sender, offset) || !state.promised || epoch !== state.acceptedEpoch) {
    return 'ignored-not-expected'
  }
  const mode = extensionOf(words, offset, EPOCHS.mode)
  const target = counterOf(words, offset)
  const counter = committedOf(words, offset)
  if (target > COUNTER_MAX || counter > COUNTER_MAX) return 'ignored-malformed'
  takeStanding(state, sender, offset, tick)
  const how = mode & ~SYNC_FORMING
  if (how !== SYNC_MODE.SNAPSHOT && state.trust === TRUST.HOLLOW) return 'ignored-not-expected' // meant for what it had
  if (how === SYNC_MODE.TRUNCATE && counter < state.lastHeld) {
    if (counter < state.lastCommitted) abandonHistory(state)
    else truncateTo(state, counter)
    state.askTick = tick
    return null
  }
  if (how === SYNC_MODE.SNAPSHOT) {
    const transfer = extensionOf(words, offset, EPOCHS.current)
    if (transfer === 0) return 'ignored-malformed'
    becomeHollow(state)
    state.transfer = transfer
    beginAt(state, counter, extensionOf(words, offset, EPOCHS.last))
  } else if (how !== SYNC_MODE.DIFF || counter !== state.lastHeld) {
    return 'ignored-not-expected' // an answer to what this replica had before
  }
  state.phase = PHASE.SYNCHRONIZATION
  state.phaseTick = tick
  state.askTick = tick
  state.targetCounter = target
  state.followsForming = (mode & SYNC_FORMING) !== 0
  state.lastProposed = Math.max(state.lastHeld, target)
  state.ackedTold = 0
  state.leaderKeeps = 0
  state.nackTick = tick
  state.nackedTo = 0
  return null
}

/** What was committed here is not in the leader's history: only a whole new state helps. */
function abandonHistory(state: State): void {
  count(state, 'histories-abandoned')
  beginAt(state, 0, 0)
  state.abandoned = true
  state.trust = TRUST.LOST
  state.currentEpoch = 0
}

/** Follower, SYNCHRONIZATION: acknowledges the leader once it has, and has stored, the history. */
export function followerSynchronizationTick(state: State, tick: number): void {
  if (state.transfer !== 0 || state.lastHeld < state.targetCounter) return
  if (state.config.durable && state.lastStored < state.targetCounter) return
  if (state.currentEpoch !== state.acceptedEpoch) {
    // The history is stored before currentEpoch is.
    state.currentEpoch = state.acceptedEpoch
    const forms = state.followsForming && isMember(state.config)
    if (forms || state.trust === TRUST.HOLLOW) state.trust = TRUST.WHOLE
    epochsChanged(state)
    state.askTick = tick
  }
  if (!mayPromise(state) || tick < state.askTick) return
  sendStanding(state, state.leader, KIND.ACKLD)
  state.askTick = tick + ASK_TICKS
}

/** Leader: a follower has the history that the epoch begins with. */
export function onAckLd(state: State, sender: number, offset: number, tick: number): CounterName | null {
  const { peers } = state
  if (state.role !== ROLE.LEADING || state.phase < PHASE.SYNCHRONIZATION) return 'ignored-not-expected'
  if (epochOf(state.words, offset) !== state.newEpoch) return 'ignored-epoch-older'
  if (!isOfKnownJoin(state, sender, offset)) return 'ignored-not-expected'
  const counter = counterOf(state.words, offset)
  if (at(peers.stage, sender) < STAGE.ACKEPOCH || counter > COUNTER_MAX || counter < state.targetCounter) {
    return 'ignored-not-expected'
  }
  if (!takeStanding(state, sender, offset, tick)) return 'ignored-malformed'
  peers.activeTick[sender] = tick
  peers.transfer[sender] = 0
  peers.stage[sender] = Math.max(at(peers.stage, sender), STAGE.ACKLD)
  // What it has besides it may not have stored: its ACKs tell.
  state.acked[sender] = Math.max(at(state.acked, sender), state.targetCounter)
  if (at(peers.trust, sender) === TRUST.WHOLE && state.forming) peers.whole[sender] = 1
  if (!state.established) return null
  if (sender < state.config.members && at(peers.whole, sender) === 0 && !mayCount(state, sender)) return null
  commitLeader(state, sender)
  return null
}

/**
 * One that lost its memory counts only after a quorum without it has shown that this epoch still stands, and once it
 * has again what its former life may have acknowledged: that may be committed, and nobody but the leader have it.
 */
function mayCount(state: State, joiner: number): boolean {
  return at(state.acked, joiner) >= at(state.peers.owed, joiner) && isConfirmed(state, joiner)
}

/** Follower: the epoch is established. */
export function onCommitLd(state: State, sender: number, offset: number, tick: number): CounterName | null {
  if (state.phase !== PHASE.SYNCHRONIZATION || state.role === ROLE.LEADING || state.leader !== sender) {
    return 'ignored-not-expected'
  }
  const epoch = extensionOf(state.words, offset, EPOCHS.accepted)
  const own = epoch === state.acceptedEpoch && epoch === state.currentEpoch && mayPromise(state)
  if (!own || !isForThisJoin(state, offset)) {
    return 'ignored-not-expected'
  }
  takeStanding(state, sender, offset, tick)
  state.phase = PHASE.BROADCAST
  state.phaseTick = tick
  state.formed = true
  if (isMember(state.config) && state.trust !== TRUST.WHOLE) {
    state.trust = TRUST.WHOLE
    epochsChanged(state) // from now on it may be counted, also after a restart
  }
  state.ackOwed = true
  count(state, 'epochs-followed')
  return null
}
