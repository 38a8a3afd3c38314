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
import { createHistory } from './history.js'
import type { History } from './history.js'
import { DATAGRAM_ALIGN, REPLICAS_MAX } from './limits.js'

export const PHASE = { ELECTION: 0, DISCOVERY: 1, SYNCHRONIZATION: 2, BROADCAST: 3 } as const
export const ROLE = { LOOKING: 0, FOLLOWING: 1, LEADING: 2, OBSERVING: 3 } as const

/** A send's destination that means every other replica at once. Others are replica ids. */
export const TO_ALL = 0xffff

/** Words of a row of State.sends, the same as the endpoint's but with a replica id as the destination. */
export const SEND = { offset: 0, bytes: 1, to: 2, seal: 3, WORDS: 4 } as const

export interface Config {
  replica: number
  members: number //         voting replicas: ids 0 to members - 1
  cluster: number //         hash of the cluster's name
  incarnation: number
  multicast: boolean //      a proposal goes out once for all
  quorumAll: boolean //      every member's acknowledgement commits, instead of a majority's
  datagramBytes: number
  slab: ArrayBuffer
  historyOffset: number
  historyBytes: number
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
  acceptedEpoch: number
  currentEpoch: number
  readonly history: History
  lastProposed: number //  a leader's last counter; at a follower the highest that its leader told of
  lastHeld: number //      highest counter up to which the history has no hole
  lastCommitted: number
  commitKnown: number //   the leader's lastCommitted as last heard; may be ahead of lastHeld
  lastApplied: number //   counter up to which entries were handed out to be applied
  applyNext: number //     absolute index of the next entry to hand out

  /** By replica id. */
  readonly incarnations: Float64Array // -1: not known
  readonly acked: Float64Array //        highest counter acknowledged
  readonly heardTick: Float64Array //    when anything valid last came

  // Leading.
  sendNext: number //      absolute index of the next entry to send for the first time
  unackedBytes: number //  sent, not committed
  commitNext: number //    absolute index of the first entry not committed
  committedTold: number // lastCommitted as the followers were last told
  heartbeatTick: number //  when the next is due

  // Following.
  ackOwed: boolean
  ackedTold: number //     lastHeld as the leader was last told
  nackTick: number //      no NACK before it
  nackedFrom: number //    first hole of the last NACK
  leaderKeeps: number //   oldest counter that the leader said it keeps, when asked for an older one; else 0
  nackTicks: number //     patience until the next, doubled while nothing comes
  readonly parkCounter: Float64Array // by park slot; 0: free
  parkCount: number

  controlNext: number
  /** What is to be sent, in order. Drained by the runtime after every step. */
  sends: Uint32Array
  sendCount: number
}

const HISTORY_ENTRIES = 1 << 17
const SEND_ROWS = 8192

export function createState(config: Config): State {
  assert(config.members >= 1 && config.members <= REPLICAS_MAX, 'state: the cluster has a size')
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
    acceptedEpoch: 0,
    currentEpoch: 0,
    history: createHistory(config.historyOffset, config.historyBytes, HISTORY_ENTRIES),
    lastProposed: 0,
    lastHeld: 0,
    lastCommitted: 0,
    commitKnown: 0,
    lastApplied: 0,
    applyNext: 0,
    incarnations: new Float64Array(REPLICAS_MAX).fill(-1),
    acked: new Float64Array(REPLICAS_MAX),
    heardTick: new Float64Array(REPLICAS_MAX).fill(-Infinity),
    sendNext: 0,
    unackedBytes: 0,
    commitNext: 0,
    committedTold: 0,
    heartbeatTick: 0,
    ackOwed: false,
    ackedTold: 0,
    nackTick: 0,
    nackedFrom: 0,
    leaderKeeps: 0,
    nackTicks: 0,
    parkCounter: new Float64Array(config.parkSlots),
    parkCount: 0,
    controlNext: 0,
    sends: new Uint32Array(SEND_ROWS * SEND.WORDS),
    sendCount: 0,
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

export function quorumSize(config: Config): number {
  return config.quorumAll ? config.members : Math.floor(config.members / 2) + 1
}
