/**
 * Messages that say where a replica stands: the kinds of an election and of synchronization, and ALIVE.
 *
 * One layout for all (EPOCHS in wire.ts); what a field means in each kind is said there and in docs/wire.md.
 */

import { at } from '../assert.js'
import {
  committedOf,
  countOf,
  counterOf,
  epochOf,
  extensionOf,
  setCommitted,
  setCounter,
  writeHeader,
} from './header.js'
import { COUNTER_MAX } from './limits.js'
import { LEADER_NONE } from './peers.js'
import type { State } from './state.js'
import { controlSlot, emitSend, epochsAreStored, ROLE, TRUST } from './state.js'
import { EPOCHS, HEADER, KIND, PROMISED_TO, TAG_BYTES } from './wire.js'

export const STANDING_BYTES = HEADER.SIZE + EPOCHS.SIZE + TAG_BYTES

/** What a NEWLEADER or NEWEPOCH says beyond the sender's standing. */
export interface Said {
  current: number
  last: number
  mode: number
  counter: number
  committed: number
}

const FORMED = 1 << 12

/** Where the sender stands, packed in HEADER.count: phase, role, trust, whether it knows of a history, vote, leader. */
export function packStanding(state: State): number {
  const leader = state.leader < 0 ? LEADER_NONE : state.leader
  const formed = state.formed ? FORMED : 0
  return (state.phase | (state.role << 4) | (state.trust << 8) | formed | (state.vote << 16) | (leader << 24)) >>> 0
}

/** Sends this replica's standing to one other. */
export function sendStanding(state: State, to: number, kind: number): void {
  const mode = kind === KIND.CEPOCH ? state.acceptedLeader + PROMISED_TO : 0
  send(state, to, kind, ownCurrent(state), ownEpoch(state), mode, ownLast(state), state.lastCommitted)
}

export function sendSaid(state: State, to: number, kind: number, said: Said): void {
  send(state, to, kind, said.current, said.last, said.mode, said.counter, said.committed)
}

function send(
  state: State,
  to: number,
  kind: number,
  current: number,
  last: number,
  mode: number,
  counter: number,
  committed: number,
): void {
  const offset = controlSlot(state)
  writeStanding(state, offset, kind, current, last, mode, counter, committed)
  const leads = state.role === ROLE.LEADING
  const extension = (offset + HEADER.SIZE) >>> 2
  state.words[extension + (EPOCHS.receiver >>> 2)] = leads ? at(state.incarnations, to) : 0
  state.words[extension + (EPOCHS.join >>> 2)] = leads ? at(state.peers.join, to) : state.joins
  emitSend(state, to, offset, STANDING_BYTES, true)
}

/** Writes this replica's standing at an offset, for ALIVE: the thread that sends it fills in the age (counter). */
export function writeAlive(state: State, offset: number, kind: number): void {
  writeStanding(state, offset, kind, state.currentEpoch, state.lastEpoch, 0, 0, state.lastCommitted)
}

function writeStanding(
  state: State,
  offset: number,
  kind: number,
  current: number,
  last: number,
  mode: number,
  counter: number,
  committed: number,
): void {
  const { words } = state
  writeHeader(words, offset, state.sender, kind, STANDING_BYTES, state.acceptedEpoch, packStanding(state))
  setCounter(words, offset, counter)
  setCommitted(words, offset, committed)
  const extension = (offset + HEADER.SIZE) >>> 2
  words[extension + (EPOCHS.accepted >>> 2)] = state.acceptedEpoch
  words[extension + (EPOCHS.current >>> 2)] = current
  words[extension + (EPOCHS.last >>> 2)] = last
  words[extension + (EPOCHS.mode >>> 2)] = mode
  words[extension + (EPOCHS.receiver >>> 2)] = 0
  words[extension + (EPOCHS.join >>> 2)] = 0
}

/** Follower: is a leader's answer meant for this life and this joining? */
export function isForThisJoin(state: State, offset: number): boolean {
  return (
    extensionOf(state.words, offset, EPOCHS.receiver) === state.config.incarnation &&
    joinOf(state, offset) === state.joins
  )
}

/** Leader: is a follower's message of the joining that it is known by? */
export function isOfKnownJoin(state: State, sender: number, offset: number): boolean {
  return joinOf(state, offset) === at(state.peers.join, sender)
}

export function joinOf(state: State, offset: number): number {
  return extensionOf(state.words, offset, EPOCHS.join)
}

/** Takes what a peer says of its standing. False: it says what no replica says. */
export function takeStanding(state: State, sender: number, offset: number, tick: number): boolean {
  const packed = countOf(state.words, offset)
  const trust = (packed >>> 8) & 15
  if (trust > TRUST.HOLLOW || committedOf(state.words, offset) > COUNTER_MAX) return false
  const { peers } = state
  peers.phase[sender] = packed & 15
  peers.role[sender] = (packed >>> 4) & 15
  peers.trust[sender] = trust
  peers.formed[sender] = (packed & FORMED) === 0 ? 0 : 1
  peers.vote[sender] = (packed >>> 16) & 255
  peers.leader[sender] = packed >>> 24
  peers.epoch[sender] = epochOf(state.words, offset)
  peers.accepted[sender] = extensionOf(state.words, offset, EPOCHS.accepted)
  peers.saidTick[sender] = tick
  return true
}

/** Takes how far a peer's history goes: in VOTE, CEPOCH, ACKEPOCH and ACKLD. */
export function takePosition(state: State, sender: number, offset: number): boolean {
  const last = counterOf(state.words, offset)
  if (last > COUNTER_MAX) return false
  state.peers.current[sender] = extensionOf(state.words, offset, EPOCHS.current)
  state.peers.lastEpoch[sender] = extensionOf(state.words, offset, EPOCHS.last)
  state.peers.last[sender] = last
  return true
}

/**
 * Is the history of `one` better than that of `other`: a later currentEpoch, then a later last zxid? The lower id
 * decides between equals, so that all choose alike.
 */
export function isBetter(state: State, one: number, other: number): boolean {
  const difference = compareHistories(state, one, other)
  return difference === 0 ? one < other : difference > 0
}

/** Above 0: the history of `one` goes on where that of `other` ends, or replaces its end. */
export function compareHistories(state: State, one: number, other: number): number {
  const { replica } = state.config
  const { peers } = state
  const current = (id: number): number => (id === replica ? ownCurrent(state) : at(peers.current, id))
  const lastEpoch = (id: number): number => (id === replica ? ownEpoch(state) : at(peers.lastEpoch, id))
  const last = (id: number): number => (id === replica ? ownLast(state) : at(peers.last, id))
  if (current(one) !== current(other)) return current(one) - current(other)
  if (lastEpoch(one) !== lastEpoch(other)) return lastEpoch(one) - lastEpoch(other)
  return last(one) - last(other)
}

/** Has it, or had it before it became HOLLOW, all that it acknowledged? Then its voice counts in elections. */
export function hasAllOrClaim(trust: number): boolean {
  return trust === TRUST.WHOLE || trust === TRUST.HOLLOW
}

// How far this replica's history goes, or went before it became HOLLOW.

function ownCurrent(state: State): number {
  return state.trust === TRUST.HOLLOW ? state.claimCurrent : state.currentEpoch
}

function ownEpoch(state: State): number {
  return state.trust === TRUST.HOLLOW ? state.claimEpoch : state.lastEpoch
}

function ownLast(state: State): number {
  return state.trust === TRUST.HOLLOW ? state.claimLast : state.lastHeld
}

/** May this replica say what it promised? Only what is stored is promised. */
export function mayPromise(state: State): boolean {
  return epochsAreStored(state)
}
