/**
 * What is known of the other replicas: what they last said of themselves, and how far each has come under this leader.
 *
 * Columns by replica id. Pure; written by replica.ts, election.ts, discovery.ts and synchronization.ts.
 */

import { NODES_MAX } from './limits.js'

/** How far a follower has come under this leader. */
export const STAGE = {
  NONE: 0,
  CEPOCH: 1, //   it asked for an epoch
  ACKEPOCH: 2, // it promised the epoch: proposals are sent to it
  ACKLD: 3, //    it has the history that the epoch begins with
  ACTIVE: 4, //   it was told that the epoch is established
} as const

export interface Peers {
  // What it said of itself.
  readonly phase: Uint8Array
  readonly role: Uint8Array
  readonly trust: Uint8Array
  readonly formed: Uint8Array //    1: it knows that the history has begun
  readonly vote: Uint8Array
  readonly leader: Uint8Array //    LEADER_NONE: none
  readonly epoch: Float64Array //   that it leads or follows
  readonly accepted: Float64Array
  readonly current: Float64Array
  readonly lastEpoch: Float64Array
  readonly last: Float64Array
  readonly saidTick: Float64Array // when it last said so
  readonly ageTicks: Float64Array // weighted mean of the age of its last turn
  readonly shunTick: Float64Array // not to be followed before

  // Under this leader.
  readonly stage: Uint8Array
  readonly whole: Uint8Array //       1: it may be counted
  readonly join: Float64Array //      number of its joining
  readonly owed: Float64Array //      last counter sent when it joined: its former life may have had all
  readonly joinRound: Float64Array // round of heartbeats that proves this leader's quorum after the join
  readonly echoed: Float64Array //    round that it last echoed
  readonly activeTick: Float64Array // when it last spoke as this leader's follower
  readonly progressTick: Float64Array // when its acknowledgement last rose
  readonly behind: Uint8Array //      1: no longer waited for
  readonly streamNext: Float64Array // index of the next entry of a long hole that is being filled; -1: none
  readonly streamLast: Float64Array // index of its last
  readonly streamEnd: Float64Array //  what is before this index was sent in that way
  readonly streamTick: Float64Array // when that last began anew
  readonly transfer: Float64Array //  number of the snapshot that it is to load; 0: none
  readonly offered: Float64Array //       counter of that snapshot
  readonly offeredEpoch: Float64Array //  epoch of its last entry
}

export const LEADER_NONE = 255

export function createPeers(): Peers {
  const bytes = (): Uint8Array => new Uint8Array(NODES_MAX)
  const wide = (value = 0): Float64Array => new Float64Array(NODES_MAX).fill(value)
  return {
    phase: bytes(),
    role: bytes(),
    trust: bytes(),
    formed: bytes(),
    vote: bytes(),
    leader: bytes().fill(LEADER_NONE),
    epoch: wide(),
    accepted: wide(),
    current: wide(),
    lastEpoch: wide(),
    last: wide(),
    saidTick: wide(-Infinity),
    ageTicks: wide(),
    shunTick: wide(-Infinity),
    stage: bytes(),
    whole: bytes(),
    join: wide(),
    owed: wide(),
    joinRound: wide(),
    echoed: wide(),
    activeTick: wide(-Infinity),
    progressTick: wide(-Infinity),
    behind: bytes(),
    streamNext: wide(-1),
    streamLast: wide(),
    streamEnd: wide(),
    streamTick: wide(-Infinity),
    transfer: wide(),
    offered: wide(),
    offeredEpoch: wide(),
  }
}

/** A leader's knowledge of one follower, as before it asked. */
export function forgetFollower(peers: Peers, replica: number): void {
  peers.stage[replica] = STAGE.NONE
  peers.whole[replica] = 0
  peers.join[replica] = 0
  peers.owed[replica] = 0
  peers.joinRound[replica] = 0
  peers.echoed[replica] = 0
  peers.activeTick[replica] = -Infinity
  peers.progressTick[replica] = -Infinity
  peers.behind[replica] = 0
  peers.streamNext[replica] = -1
  peers.streamEnd[replica] = 0
  peers.transfer[replica] = 0
  peers.offered[replica] = 0
  peers.offeredEpoch[replica] = 0
}

/** A new life of a replica: nothing that the last one said counts. */
export function forgetPeer(peers: Peers, replica: number): void {
  forgetFollower(peers, replica)
  peers.phase[replica] = 0
  peers.role[replica] = 0
  peers.trust[replica] = 0
  peers.formed[replica] = 0
  peers.vote[replica] = replica
  peers.leader[replica] = LEADER_NONE
  peers.epoch[replica] = 0
  peers.accepted[replica] = 0
  peers.current[replica] = 0
  peers.lastEpoch[replica] = 0
  peers.last[replica] = 0
  peers.saidTick[replica] = -Infinity
  peers.ageTicks[replica] = 0
  peers.shunTick[replica] = -Infinity
}
