/**
 * A follower's side of a snapshot's transfer: the state machine begins anew from the leader's state, while proposals
 * that come after the snapshot are held in the history already.
 *
 * With a log the snapshot is stored before this replica acknowledges the epoch: what it had before counts until then.
 */

import { assert } from '../assert.js'
import type { Log } from '../store/log.js'
import { SNAPSHOT_STATE } from '../store/log.js'
import type { Machine } from '../store/machine.js'
import { counterOf, countOf, flagsOf, lengthOf, senderOf } from '../zab/header.js'
import {
  createLink,
  linkAckDue,
  linkOrder,
  linkOweAck,
  linkParked,
  linkTook,
  linkUnpark,
} from '../zab/link.js'
import type { Link } from '../zab/link.js'
import type { State } from '../zab/state.js'
import { BODY_OFFSET, TAG_BYTES } from '../zab/wire.js'
import { FLAG_LAST, PADDING_SHIFT } from './donor.js'
import { dropParked, parkDatagram } from './parked.js'
import { sendLinkAck } from './peer-link.js'
import type { Pool } from './pool.js'
import { poolGive } from './pool.js'

/** As many as one turn can load without making proposals wait in the receive queue. */
const CREDITS = 256
/** Pause of a transfer, in failure times, after which it is given up: later than its sender does. */
const STUCK_FAILURES = 10

export interface Learner {
  readonly state: State
  readonly machine: Machine
  readonly parked: Pool
  readonly log: Log | null
  /** Null while nothing is loaded. */
  link: Link | null
  /** Number of the transfer that is being loaded. */
  transfer: number
  /** The snapshot's counter and epoch. */
  counter: number
  epoch: number
  /** Everything came; the log has not stored it yet. */
  storing: boolean
  beganTick: number
  /** When something of it last came. */
  progressTick: number
  loads: number
  bytes: number
  /** How long the last one took. */
  lastTicks: number
}

export function createLearner(state: State, machine: Machine, parked: Pool, log: Log | null): Learner {
  return {
    state,
    machine,
    parked,
    log,
    link: null,
    transfer: 0,
    counter: 0,
    epoch: 0,
    storing: false,
    beganTick: 0,
    progressTick: 0,
    loads: 0,
    bytes: 0,
    lastTicks: 0,
  }
}

/** The state machine is empty and nobody is attached: what comes is the leader's snapshot. */
export function beginLoad(learner: Learner, tick: number): void {
  const { state } = learner
  assert(state.transfer !== 0, 'learner: a transfer was offered')
  stopLoad(learner)
  learner.transfer = state.transfer
  learner.counter = state.lastHeld
  learner.epoch = state.lastEpoch
  learner.link = createLink(state.transfer, CREDITS, tick)
  learner.beganTick = tick
  learner.progressTick = tick
  learner.loads++
  learner.machine.restoreBegin()
  learner.log?.snapshotBegin(learner.counter, learner.epoch)
}

/** Gives up what was loaded so far. */
export function stopLoad(learner: Learner): void {
  if (learner.link === null) return
  dropParked(learner.link, learner.parked)
  endLoad(learner)
  learner.log?.snapshotAbandon()
}

/** It is loaded, and stored where there is a log. */
export function endLoad(learner: Learner): void {
  learner.link = null
  learner.transfer = 0
  learner.storing = false
}

/** A SNAPSHOT datagram that passed the ladder of peers. False: what it holds is no snapshot. */
export function onSnapshot(learner: Learner, offset: number, tick: number): boolean {
  const { state, link } = learner
  const { words } = state
  if (link === null || senderOf(words, offset) !== state.leader) return true
  if (countOf(words, offset) !== learner.transfer || state.transfer !== learner.transfer) return true
  const sequence = counterOf(words, offset)
  switch (linkOrder(link, sequence)) {
    case 'next': {
      const taken = take(learner, link, offset, tick)
      return taken !== 'malformed' && drainLoad(learner, tick)
    }
    case 'early':
      park(learner, link, sequence, offset, tick)
      return true
    case 'duplicate':
      linkOweAck(link, tick)
      return true
    case 'beyond':
      return true
  }
}

/** What came early, or found no room in the log's buffer. False: it is no snapshot. */
export function drainLoad(learner: Learner, tick: number): boolean {
  const { link } = learner
  if (link === null) return true
  for (;;) {
    const offset = linkParked(link)
    if (offset < 0) return true
    const taken = take(learner, link, offset, tick)
    if (taken === 'malformed') return false
    if (taken === 'no-room') return true
    poolGive(learner.parked, offset)
  }
}

/** Nothing more comes, or the disk does not take it: the load is to be begun anew. */
export function isLoadStuck(learner: Learner, tick: number): boolean {
  const { link, log, state } = learner
  if (link === null) return false
  if (log !== null && log.snapshotState() === SNAPSHOT_STATE.FAILED) return true
  return !learner.storing && tick - learner.progressTick > state.config.failureTicks * STUCK_FAILURES
}

/** Ends a turn: acknowledges what came; true when the state is whole, and stored where there is a log. */
export function learnerTick(learner: Learner, tick: number): boolean {
  const { link, state, log } = learner
  if (link === null) return false
  if (linkAckDue(link, tick)) sendLinkAck(state, link, state.leader, learner.transfer)
  if (!learner.storing) return false
  if (log !== null && log.snapshotState() !== SNAPSHOT_STATE.FINISHED) return false
  learner.lastTicks = tick - learner.beganTick
  return true
}

function take(learner: Learner, link: Link, offset: number, tick: number): 'ok' | 'no-room' | 'malformed' {
  const { machine, log, state } = learner
  const padding = (flagsOf(state.words, offset) >>> PADDING_SHIFT) & 3
  const bytes = lengthOf(state.words, offset) - BODY_OFFSET - TAG_BYTES - padding
  const isParked = linkParked(link) === offset
  if (bytes < 0 || bytes > state.config.datagramBytes) return 'malformed'
  if (bytes > 0) {
    if (log !== null && !log.snapshotPart(offset + BODY_OFFSET, bytes)) {
      if (!isParked) park(learner, link, link.rxNext, offset, tick)
      return 'no-room'
    }
    if (!machine.restorePart(offset + BODY_OFFSET, bytes)) return 'malformed'
    learner.bytes += bytes
  }
  if (isParked) linkUnpark(link)
  linkTook(link, tick)
  learner.progressTick = tick
  if ((flagsOf(state.words, offset) & FLAG_LAST) === 0) return 'ok'
  if (!machine.restoreEnd() || machine.applied() !== learner.counter) return 'malformed'
  learner.log?.snapshotFinish()
  learner.storing = true
  linkOweAck(link, tick - 1000)
  return 'ok'
}

function park(learner: Learner, link: Link, sequence: number, offset: number, tick: number): void {
  parkDatagram(link, learner.parked, learner.state, sequence, offset, tick)
}
