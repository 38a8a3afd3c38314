/**
 * A replica without a process around it: protocol, state machine, clients and endpoint, moved on by turn().
 *
 * The same core runs in a real replica over UDP or verbs and in the simulator over its own network and clock.
 * One turn: receive from peers, receive from clients, order what was packed, send, apply what is committed, answer.
 */

import { at } from '../assert.js'
import { createHistogram, recordMany } from '../histogram.js'
import type { Histogram } from '../histogram.js'
import type { Log } from '../store/log.js'
import type { Machine } from '../store/machine.js'
import { PACK_ROW } from '../store/machine.js'
import type { Endpoint } from '../transport/endpoint.js'
import { historyRoom } from '../zab/history.js'
import { awaitCommit, onHistoryFull, propose } from '../zab/leader.js'
import { flush, historyKeeps, phaseTick, takeCommitted } from '../zab/replica.js'
import type { Config, State } from '../zab/state.js'
import { NODES_MAX } from '../zab/limits.js'
import { count, createState, PHASE, ROLE, SEND, TO_ALL } from '../zab/state.js'
import { createBeats, tellBeats } from './beats.js'
import type { Beats } from './beats.js'
import type { Clock } from './clock.js'
import { createDonor, donorTick, isGiving } from './donor.js'
import type { Donor } from './donor.js'
import {
  createForwarding,
  followerForwards,
  forward,
  forwardNext,
  forwardRoom,
  leaderForwardAcks,
  orderOwn,
  retryForwards,
} from './forwarding.js'
import type { Forwarding } from './forwarding.js'
import { flushFronts, pumpFronts, tellFronts } from './fronts.js'
import type { Fronts } from './fronts.js'
import type { HomeMachine } from './home-machine.js'
import { createHome, homeAfterSend, homeFlush, retryDeferred } from './home.js'
import type { Home } from './home.js'
import type { Layout } from './layout.js'
import type { MemcachedFront } from './memcached.js'
import { createLearner, learnerTick } from './learner.js'
import type { Learner } from './learner.js'
import { onClientRow, onForwardRow, onPeerRow } from './rows.js'
import type { Recovered } from './recovery.js'
import { createQueueSender, queueSend, sendQueued } from './sender.js'
import type { QueueSender } from './sender.js'
import { createSnapshots, snapshotTick } from './snapshots.js'
import type { Snapshots } from './snapshots.js'
import { createStoring, isSpaceLow, storeTurn } from './storing.js'
import type { Storing } from './storing.js'
import { createTraffic } from './traffic.js'
import type { Traffic } from './traffic.js'
import { finishLoad, followPhase } from './transitions.js'

export const QUEUE_PEERS = 0
export const QUEUE_CLIENTS = 1

/** Entries packed in one turn take at most this much of a ring: several times what one burst can bring. */
const PACK_BYTES_MAX = 4 << 20
/** Packed and not yet sent, at most; then clients wait in their queue. */
const UNSENT_BYTES_MAX = 2 << 20
/** A span is at least this share of its ring: what is left at the ring's end is skipped rather than used up. */
const PACK_RING_SHARE = 16
/** The packer takes nothing with less: what is packed now may begin another datagram (machine/packer.h). */
const PACK_DATAGRAMS_MIN = 2
/** The log's time goes on at least so often, while there are items that live by it. */
const LOG_TIME_MICROS_MAX = 1_000_000
/** Turns after which all that was there before them has been read, however much it was. */
const DRAINED_TURNS = 8

export interface CoreSettings {
  config: Config
  endpoint: Endpoint
  machine: Machine
  layout: Layout
  clock: Clock
  linksMax: number
  /** Null: the history is kept in memory only. */
  log?: Log | null
  /** Bytes of the log after which a snapshot is taken. */
  snapshotBytes?: number
  /** Null: one thread does everything. */
  fronts?: { fronts: Fronts; homeMachine: HomeMachine } | null
  /** Null: memcached's clients are not served. */
  memcached?: MemcachedFront | null
}

export interface Core {
  readonly state: State
  readonly endpoint: Endpoint
  readonly machine: Machine
  readonly layout: Layout
  readonly clock: Clock
  readonly home: Home
  readonly fronts: Fronts | null
  readonly memcached: MemcachedFront | null
  readonly forwarding: Forwarding
  readonly storing: Storing | null
  readonly snapshots: Snapshots | null
  readonly donor: Donor
  readonly learner: Learner
  readonly beats: Beats
  readonly peerOutput: QueueSender
  readonly clientOutput: QueueSender
  readonly sent: Traffic
  readonly received: Traffic
  /** Endpoint destination by replica id; -1: not known. */
  readonly destinations: Int32Array
  /** Destination of all at once; -1: there is none. */
  group: number
  readonly commitMicros: Histogram
  readonly drops: Map<string, number>
  /** The log's time never goes back. */
  lastTime: number
  turns: number
  /** When there last was more to do than beats and heartbeats. */
  busyTick: number
  /** Replicas that speak in a life that is not known here: the registry is to be asked about them. */
  readonly strangers: Set<number>
  /** What the disk had when this replica started, or began anew; null without a disk. */
  recovered: Recovered | null
  /** State.generation that the state machine stands for. */
  generation: number
  /** The epoch that forwards are arranged for, and whether this replica led it; 0: none. */
  epoch: number
  led: boolean
  /** When this replica last had its place in an epoch. */
  placedTick: number
  /** The last rows of peers were fewer than there is room for. */
  drainedTurns: number
  /** Forwards that were ordered, as far as their commits are known to be awaited. */
  forwardsSeen: number
  /** Nothing but what arrives gives the next turn something to do. */
  isDone: boolean
}

export function createCore(settings: CoreSettings): Core {
  const { config, endpoint, machine, clock, layout } = settings
  const state = createState(config)
  const sent = createTraffic()
  const clientOutput = createQueueSender(endpoint, QUEUE_CLIENTS, sent)
  const { sender } = state
  const beside = settings.fronts ?? null
  const log = settings.log ?? null
  const home = createHome(
    endpoint,
    beside?.homeMachine ?? machine,
    clientOutput,
    sender,
    layout,
    config.datagramBytes,
    settings.linksMax,
  )
  return {
    state,
    endpoint,
    machine,
    layout,
    clock,
    home,
    fronts: beside?.fronts ?? null,
    memcached: settings.memcached ?? null,
    forwarding: createForwarding(state, machine, home.parked, layout, clock.micros()),
    storing: log === null ? null : createStoring(state, log),
    snapshots: log === null ? null : createSnapshots(state, machine, log, layout, settings.snapshotBytes),
    donor: createDonor(state, machine, layout),
    learner: createLearner(state, machine, home.parked, log),
    beats: createBeats(),
    peerOutput: createQueueSender(endpoint, QUEUE_PEERS, sent),
    clientOutput,
    sent,
    received: createTraffic(),
    destinations: new Int32Array(NODES_MAX).fill(-1),
    group: -1,
    commitMicros: createHistogram(),
    drops: new Map(),
    lastTime: 0,
    turns: 0,
    busyTick: clock.ticks(),
    strangers: new Set(),
    recovered: null,
    generation: 0,
    epoch: 0,
    led: false,
    placedTick: clock.ticks(),
    drainedTurns: 0,
    forwardsSeen: 0,
    isDone: false,
  }
}

/** Datagrams received, requests of fronts and sockets, and entries applied: 0 means that there was nothing to do. */
export function turn(core: Core): number {
  const { endpoint, state } = core
  const tick = core.clock.ticks()
  core.turns++
  const fromPeers = endpoint.rxBurst(QUEUE_PEERS)
  for (let row = 0; row < fromPeers; row++) onPeerRow(core, row, tick)
  phaseTick(state, isDrained(core, fromPeers), tick)
  followPhase(core, tick)
  // What is sent again lies in the history, where the packer may be about to write: a slow follower holds up nobody.
  if (state.sendCount > 0) drainSends(core)

  const packing = beginPack(core, tick)
  const own = !packing || state.role !== ROLE.LEADING || orderOwn(core.forwarding)
  const open = packing && own && isOpen(core)
  if (packing && state.role === ROLE.LEADING) retryForwards(core.forwarding, tick)
  if (open) retryDeferred(core.home, tick)
  for (let row = 0; row < fromPeers; row++) onForwardRow(core, row, packing, tick)
  if (fromPeers > 0) endpoint.postReceives(QUEUE_PEERS)

  const fromClients = !packing || open ? endpoint.rxBurst(QUEUE_CLIENTS) : 0
  for (let row = 0; row < fromClients; row++) onClientRow(core, row, tick)
  if (fromClients > 0) endpoint.postReceives(QUEUE_CLIENTS)

  const fromFronts = core.fronts === null || state.transfer !== 0 ? 0 : pumpFronts(core.fronts, open)

  const fromSockets = core.memcached?.receive(tick, isServing(core), open) ?? 0

  if (packing) {
    tickWhenIdle(core)
    endPack(core)
  }
  flush(state, tick)
  if (core.storing !== null) storeTurn(core.storing)
  if (state.role === ROLE.LEADING) leaderForwardAcks(core.forwarding, tick)
  else followerForwards(core.forwarding, tick)
  if (learnerTick(core.learner, tick)) finishLoad(core, tick)
  const applied = applyCommitted(core)
  donorTick(core.donor, core.snapshots === null || !core.snapshots.taking, tick)
  if (core.snapshots !== null) snapshotTick(core.snapshots, core.storing, core.donor)
  drainSends(core)
  tellBeats(core)

  if (core.fronts !== null) tellFronts(core.fronts, isServing(core))
  homeFlush(core.home, tick)
  if (core.fronts !== null) flushFronts(core.fronts)
  sendQueued(core.clientOutput)
  homeAfterSend(core.home)
  const isBusy = core.memcached?.flush() ?? false
  const done = fromClients + fromFronts + fromSockets + applied + (isBusy ? 1 : 0)
  if (done > 0 || !isSettled(core)) core.busyTick = tick
  core.isDone = !isBusy && leavesNothing(core)
  return done + fromPeers
}

/** Has this turn done all that it could? Where a disk, fronts or a transfer take part, the next turn finds out. */
function leavesNothing(core: Core): boolean {
  const { state, forwarding } = core
  if (!isServing(core) || core.storing !== null || core.fronts !== null || isGiving(core.donor)) return false
  if (state.sendNext < state.history.next && state.role === ROLE.LEADING) return false
  return forwarding.sendNext === forwarding.ring.next && core.home.deferred.length === 0
}

/** Is there nothing to be waited for, but news? */
function isSettled(core: Core): boolean {
  const { state } = core
  return isServing(core) && state.lastApplied === Math.max(state.lastHeld, state.lastProposed) && !isGiving(core.donor)
}

/** Silence is the others' only if nothing waits to be read. A flood must not hide it for ever. */
function isDrained(core: Core, fromPeers: number): boolean {
  core.drainedTurns = fromPeers === 0 ? DRAINED_TURNS : core.drainedTurns + 1
  return core.drainedTurns >= DRAINED_TURNS
}

/** Can this replica take clients: has it a place in an established epoch, and its state? */
export function isServing(core: Core): boolean {
  return core.state.phase === PHASE.BROADCAST && core.state.transfer === 0
}

/** Opens a span of the ring for what this turn packs. False: nothing may be taken that has to be ordered. */
function beginPack(core: Core, tick: number): boolean {
  const { state, machine, forwarding } = core
  if (state.transfer !== 0) return false
  if (state.role === ROLE.LEADING && state.phase === PHASE.BROADCAST) {
    const need = packNeed(state.config.historyBytes, state.config.datagramBytes)
    const room = historyRoom(state.history, need, historyKeeps(state, tick), packEntries(machine))
    if (room === 0) {
      count(state, 'stall-history')
      onHistoryFull(state, tick)
      return false
    }
    state.stallTick = -1
    const refusing = core.storing !== null && isSpaceLow(core.storing)
    machine.packBegin(state.history.head, Math.min(room, PACK_BYTES_MAX), 0, refusing)
    return true
  }
  const ringNeed = packNeed(forwarding.ring.end - forwarding.ring.base, state.config.datagramBytes)
  const room = forwardRoom(forwarding, ringNeed, packEntries(machine))
  if (room === 0) return false
  machine.packBegin(forwarding.ring.head, Math.min(room, PACK_BYTES_MAX), forwardNext(forwarding), false)
  return true
}

/** Entries that one span may become. */
function packEntries(machine: Machine): number {
  return machine.packRows.length / PACK_ROW.WORDS
}

function packNeed(ringBytes: number, datagramBytes: number): number {
  const share = Math.floor(ringBytes / PACK_RING_SHARE)
  return Math.min(PACK_BYTES_MAX, Math.max(share, datagramBytes * PACK_DATAGRAMS_MIN))
}

/** What was packed takes its place: in the order at a leader, on the way there at a follower. */
function endPack(core: Core): void {
  const { state, machine } = core
  const entries = machine.packEnd()
  if (entries === 0) return
  core.lastTime = Math.max(core.lastTime, lastTimeOf(state), core.clock.micros())
  const leads = state.role === ROLE.LEADING && state.phase === PHASE.BROADCAST
  for (let entry = 0; entry < entries; entry++) {
    const row = entry * PACK_ROW.WORDS
    const bytes = at(machine.packRows, row + PACK_ROW.bytes)
    const length = at(machine.packRows, row + PACK_ROW.length)
    const operations = at(machine.packRows, row + PACK_ROW.operations)
    if (leads) propose(state, bytes, length, operations, core.lastTime)
    else forward(core.forwarding, bytes, length, operations)
  }
  if (leads && core.forwarding.forwardsTaken > core.forwardsSeen) {
    core.forwardsSeen = core.forwarding.forwardsTaken
    awaitCommit(state)
  }
}

/** Items expire by what the log says: when nobody writes, its leader lets it say the time. */
function tickWhenIdle(core: Core): void {
  const { state } = core
  if (state.role !== ROLE.LEADING || state.phase !== PHASE.BROADCAST) return
  const last = Math.max(core.lastTime, lastTimeOf(state))
  if (core.clock.micros() - last < LOG_TIME_MICROS_MAX) return
  if (core.storing !== null && isSpaceLow(core.storing)) return
  core.machine.packTick()
}

/** Time of the history's last entry: a new leader's does not go back behind it. */
function lastTimeOf(state: State): number {
  const { history } = state
  return history.first === history.next ? 0 : at(history.time, (history.next - 1) & history.mask)
}

/** Clients wait in their queue while too much is packed and not yet sent. */
function isOpen(core: Core): boolean {
  const { state, forwarding } = core
  const { datagramBytes } = state.config
  if (state.role === ROLE.LEADING && state.phase === PHASE.BROADCAST) {
    return (state.history.next - state.sendNext) * datagramBytes < UNSENT_BYTES_MAX
  }
  if (forwarding.to === null) return true // the ring itself is the bound
  return (forwarding.ring.next - forwarding.sendNext) * datagramBytes < UNSENT_BYTES_MAX
}

function drainSends(core: Core): void {
  const { state, destinations, peerOutput } = core
  for (let row = 0; row < state.sendCount; row++) {
    const word = row * SEND.WORDS
    const to = at(state.sends, word + SEND.to)
    const destination = to === TO_ALL ? core.group : at(destinations, to)
    if (destination < 0) continue
    const offset = at(state.sends, word + SEND.offset)
    const bytes = at(state.sends, word + SEND.bytes)
    queueSend(peerOutput, offset, bytes, destination, at(state.sends, word + SEND.seal) === 1)
  }
  state.sendCount = 0
  sendQueued(peerOutput)
}

function applyCommitted(core: Core): number {
  const { state, machine } = core
  let applied = 0
  for (;;) {
    const first = state.applyNext
    const entries = takeCommitted(state, machine.applyRows)
    if (entries === 0) return applied
    machine.apply(entries)
    if (state.role === ROLE.LEADING) recordCommits(core, first, entries)
    applied += entries
  }
}

function recordCommits(core: Core, first: number, entries: number): void {
  const { history } = core.state
  const now = core.clock.micros()
  for (let index = first; index < first + entries; index++) {
    const slot = index & history.mask
    const micros = Math.max(0, now - at(history.time, slot))
    recordMany(core.commitMicros, micros, at(history.count, slot))
  }
}
