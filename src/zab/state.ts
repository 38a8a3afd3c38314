/**
 * A replica's protocol state: one record, allocated once. The functions of this room are its only writers.
 *
 * Names are the Zab paper's (Junqueira, Reed, Serafini, DSN 2011): acceptedEpoch, currentEpoch, history,
 * lastCommitted, the four phases. A counter numbers operations and goes on over epochs (ARCHITECTURE.md says why).
 */

import { assert, at } from '../assert.js'
import { COUNTER_NAMES } from './counters.js'
import type { CounterName } from './counters.js'
import { COUNT } from './counters.js'
import type { Sender } from './header.js'
import { createHistory, historyEntries } from './history.js'
import type { History } from './history.js'
import { DATAGRAM_ALIGN, NODES_MAX, REPLICAS_MAX } from './limits.js'
import { createPeers } from './peers.js'
import type { Peers } from './peers.js'

export const PHASE = { ELECTION: 0, DISCOVERY: 1, SYNCHRONIZATION: 2, BROADCAST: 3 } as const
export const ROLE = { LOOKING: 0, FOLLOWING: 1, LEADING: 2, OBSERVING: 3 } as const

/**
 * What a replica still knows of what it once acknowledged. Only a WHOLE one is counted in a quorum: else an
 * acknowledged write could be lost with a majority alive. A HOLLOW one may help another to lead that has as much as
 * it had, and leads never.
 */
export const TRUST = {
  LOST: 0, //    nothing: it started empty
  PARTIAL: 1, // what its disk kept; the end may be missing
  WHOLE: 2, //   all of it
  HOLLOW: 3, //  how far it went, but no longer what it was: it was WHOLE and is to be given a snapshot
} as const

/** A send's destination that means every other replica at once. Others are replica ids. */
export const TO_ALL = 0xffff

/** The pause between a looking replica's votes, 1 ms; then twice as long each time. */
export const VOTE_TICKS_MIN = 10

/** Words of a row of State.sends, the same as the endpoint's but with a replica id as the destination. */
export const SEND = { offset: 0, bytes: 1, to: 2, seal: 3, WORDS: 4 } as const

export interface Config {
  replica: number
  members: number //         voting replicas: ids 0 to members - 1; an observer's id is beyond
  cluster: number //         hash of the cluster's name
  incarnation: number
  multicast: boolean //      a proposal goes out once for all
  quorumAll: boolean //      every member's acknowledgement commits, instead of a majority's
  copies: number //          replicas, observers included, that must hold a proposal besides; 0: no such demand
  logged: boolean //         the history goes to a log
  durable: boolean //        what is not stored there is not acknowledged
  failureTicks: number //    silence after which a replica is taken for dead
  stuckTicks: number //      mean age of a leader's last turn from which it is taken for stuck
  datagramBytes: number
  slab: ArrayBuffer
  historyOffset: number
  historyBytes: number
  reserveBytes: number //    beyond, for what is held while a snapshot is loaded
  controlOffset: number //   slots for ACK, COMMIT, NACK, HEARTBEAT
  controlSlots: number
  parkOffset: number //      slots for proposals that came early
  parkSlots: number
  windowBytes: number //     proposals sent and not committed, at most: what a follower's queue can take
}

export interface State {
  readonly config: Config
  readonly sender: Sender
  readonly words: Uint32Array
  readonly bytes: Uint8Array
  readonly counters: Float64Array

  phase: number
  role: number
  leader: number //        -1: none known
  trust: number
  phaseTick: number //     when the phase began
  askTick: number //       when what the phase waits for is asked for again
  acceptedEpoch: number
  acceptedLeader: number // who proposed acceptedEpoch in this life; -1: not known
  currentEpoch: number
  formed: boolean //       the history is known to have begun: an epoch of it was established
  readonly history: History
  lastEpoch: number //     epoch of the entry that ends with lastHeld
  lastProposed: number //  a leader's last counter; at a follower the highest that its leader told of
  lastHeld: number //      highest counter up to which the history has no hole
  lastCommitted: number
  commitKnown: number //   the leader's lastCommitted as last heard; may be ahead of lastHeld
  lastApplied: number //   counter up to which entries were handed out to be applied
  applyNext: number //     absolute index of the next entry to hand out
  abandoned: boolean //    what is stored is void as well
  claimCurrent: number //  while HOLLOW: currentEpoch, lastEpoch and lastHeld of what was given up
  claimEpoch: number
  claimLast: number
  generation: number //    rises when what was applied is void: the state machine is to begin anew

  /** What is to be stored, and what is: the runtime's log reads and writes these. */
  storeNext: number //     absolute index of the next entry to store
  truncateOwed: number //  the log is to forget what is beyond this counter first; -1: nothing
  epochsVersion: number // rises when acceptedEpoch or currentEpoch changed
  epochsStored: number //  the last version that is stored
  lastStored: number //    counter up to which the history is stored

  /** By replica id. */
  readonly incarnations: Float64Array // -1: not known
  readonly acked: Float64Array //        highest counter acknowledged
  readonly heardTick: Float64Array //    when anything valid last came
  readonly peers: Peers

  // Looking for a leader.
  vote: number
  voteTicks: number //     until the vote is said again

  // Leading.
  newEpoch: number //      0: not chosen yet
  forming: boolean //      of a new history, or of one that an operator goes on from
  forced: boolean //       by an operator: a majority of whoever is there suffices
  established: boolean //  a quorum has the history that this epoch begins with
  round: number //         of heartbeats
  sendNext: number //      absolute index of the next entry to send for the first time
  unackedBytes: number //  sent, not committed
  commitNext: number //    absolute index of the first entry not committed
  committedTold: number // lastCommitted as the followers were last told
  commitAwaited: number // highest counter that somebody waits for at another replica
  commitTick: number //    since when there is news of a commit that was not told; -1: there is none
  heartbeatTick: number //  when the next is due
  heartbeatTicks: number // how long after the last: longer and longer while all have all
  resendRoom: number //    bytes that may still be sent again in this turn
  stallTick: number //     since when the history has had no room; -1: it has

  // Following.
  joins: number //         times that it began to follow somebody
  promised: boolean //     NEWEPOCH was taken: ACKEPOCH is what is to be said
  targetCounter: number // the leader's last counter when the epoch began; -1: NEWLEADER has not come
  followsForming: boolean
  ackOwed: boolean
  roundHeard: number
  ackedTold: number //     lastHeld as the leader was last told
  nackTick: number //      no NACK before it
  nackedFrom: number //    first hole of the last NACK, or what came of it since
  nackedTo: number //      how far was asked
  leaderKeeps: number //   oldest counter that the leader said it keeps, when asked for an older one; else 0
  nackTicks: number //     patience until the next, doubled while nothing comes
  readonly parkCounter: Float64Array // by park slot; 0: free
  parkCount: number
  transfer: number //      number of the snapshot that is to be loaded or being loaded; 0: none

  controlNext: number
  /** What is to be sent, in order. Drained by the runtime after every step. */
  sends: Uint32Array
  sendCount: number
}

const HISTORY_ENTRIES_MAX = 1 << 19
const SEND_ROWS = 8192

function noSends(): Pick<State, 'sends' | 'sendCount'> {
  return { sends: new Uint32Array(SEND_ROWS * SEND.WORDS), sendCount: 0 }
}

function nothingGivenUp(): Pick<State, 'formed' | 'abandoned' | 'claimCurrent' | 'claimEpoch' | 'claimLast'> {
  return { formed: false, abandoned: false, claimCurrent: 0, claimEpoch: 0, claimLast: 0 }
}

/** Of an epoch that begins. */
export function nothingTold(): Pick<State, 'committedTold' | 'commitAwaited' | 'commitTick'> {
  return { committedTold: 0, commitAwaited: 0, commitTick: -1 }
}

function nothingAsked(): Pick<State, 'nackTick' | 'nackTicks' | 'nackedFrom' | 'nackedTo'> {
  return { nackTick: 0, nackTicks: 0, nackedFrom: 0, nackedTo: 0 }
}

function historyOf(config: Config): History {
  const { historyOffset, historyBytes, reserveBytes } = config
  const entries = historyEntries(historyBytes + reserveBytes, HISTORY_ENTRIES_MAX)
  return createHistory(historyOffset, historyBytes, entries, reserveBytes)
}

export function createState(config: Config): State {
  assert(config.members >= 1 && config.members <= REPLICAS_MAX, 'state: the cluster has a size')
  assert(config.replica < NODES_MAX, 'state: a replica has a place in the tables')
  assert(config.datagramBytes % DATAGRAM_ALIGN === 0, 'state: datagrams are whole lines')
  return {
    config,
    sender: { cluster: config.cluster, sender: config.replica, incarnation: config.incarnation },
    words: new Uint32Array(config.slab),
    bytes: new Uint8Array(config.slab),
    counters: new Float64Array(COUNTER_NAMES.length),
    phase: PHASE.ELECTION,
    role: ROLE.LOOKING,
    leader: -1,
    trust: TRUST.LOST,
    phaseTick: 0,
    askTick: 0,
    acceptedEpoch: 0,
    acceptedLeader: -1,
    currentEpoch: 0,
    history: historyOf(config),
    lastEpoch: 0,
    lastProposed: 0,
    lastHeld: 0,
    lastCommitted: 0,
    commitKnown: 0,
    lastApplied: 0,
    applyNext: 0,
    ...nothingGivenUp(),
    generation: 0,
    storeNext: 0,
    truncateOwed: -1,
    epochsVersion: 0,
    epochsStored: 0,
    lastStored: 0,
    incarnations: new Float64Array(NODES_MAX).fill(-1),
    acked: new Float64Array(NODES_MAX),
    heardTick: new Float64Array(NODES_MAX).fill(-Infinity),
    peers: createPeers(),
    vote: config.replica,
    voteTicks: VOTE_TICKS_MIN,
    newEpoch: 0,
    forming: false,
    forced: false,
    established: false,
    round: 0,
    sendNext: 0,
    unackedBytes: 0,
    commitNext: 0,
    ...nothingTold(),
    heartbeatTick: 0,
    heartbeatTicks: 0,
    resendRoom: config.windowBytes,
    stallTick: -1,
    joins: 0,
    promised: false,
    targetCounter: -1,
    followsForming: false,
    ackOwed: false,
    roundHeard: 0,
    ackedTold: 0,
    ...nothingAsked(),
    leaderKeeps: 0,
    parkCounter: new Float64Array(config.parkSlots),
    parkCount: 0,
    transfer: 0,
    controlNext: 0,
    ...noSends(),
  }
}

export function count(state: State, name: CounterName, by = 1): void {
  const index = COUNT[name]
  state.counters[index] = at(state.counters, index) + by
}

/** Rows that may still be emitted before the runtime drains them. */
export function sendRoom(state: State): number {
  return state.sends.length / SEND.WORDS - state.sendCount
}

/** Emits a send. `seal`: the checksum is to be computed (the same bytes need it once). */
export function emitSend(
  state: State,
  to: number,
  offset: number,
  bytes: number,
  seal: boolean,
): void {
  assert(sendRoom(state) > 0, 'emitSend: the rows were drained in time')
  const row = state.sendCount++ * SEND.WORDS
  state.sends[row + SEND.offset] = offset
  state.sends[row + SEND.bytes] = bytes
  state.sends[row + SEND.to] = to
  state.sends[row + SEND.seal] = seal ? 1 : 0
}

/** A slot for a small datagram. Its turn comes again after all the others: by then it was sent. */
export function controlSlot(state: State): number {
  const slot = state.controlNext
  state.controlNext = (slot + 1) % state.config.controlSlots
  return state.config.controlOffset + slot * DATAGRAM_ALIGN * 2
}

/** Does this replica vote? */
export function isMember(config: Config): boolean {
  return config.replica < config.members
}

/** acceptedEpoch or currentEpoch changed: nothing that promises it leaves before it is stored. */
export function epochsChanged(state: State): void {
  state.epochsVersion++
  if (!state.config.durable) state.epochsStored = state.epochsVersion
}

/** Are acceptedEpoch and currentEpoch stored as they are? */
export function epochsAreStored(state: State): boolean {
  return state.epochsStored === state.epochsVersion
}

/** Highest counter that this replica may acknowledge. */
export function lastKept(state: State): number {
  return state.config.durable ? Math.min(state.lastHeld, state.lastStored) : state.lastHeld
}

export function majority(config: Config): number {
  return Math.floor(config.members / 2) + 1
}

export function quorumSize(config: Config): number {
  return config.quorumAll ? config.members : majority(config)
}
