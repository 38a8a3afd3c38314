/**
 * A replica without a process around it: protocol, state machine, clients and endpoint, moved on by turn().
 *
 * The same core runs in a real replica over UDP or verbs and in the simulator over its own network and clock.
 * One turn: receive from peers, receive from clients, order what was packed, send, apply what is committed, answer.
 */

import { at } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { createHistogram, recordMany } from '../histogram.js'
import type { Histogram } from '../histogram.js'
import type { Machine } from '../store/machine.js'
import { PACK_ROW } from '../store/machine.js'
import type { Endpoint } from '../transport/endpoint.js'
import { RX_ROW } from '../transport/endpoint.js'
import { fellBehind } from '../zab/follower.js'
import { kindOf } from '../zab/header.js'
import { historyRoom } from '../zab/history.js'
import { propose } from '../zab/leader.js'
import { flush, historyKeeps, ignorePeer, onPeerDatagram, takeCommitted } from '../zab/replica.js'
import type { Config, State } from '../zab/state.js'
import { count, createState, PHASE, ROLE, SEND, TO_ALL } from '../zab/state.js'
import { KIND } from '../zab/wire.js'
import type { Clock } from './clock.js'
import {
  createForwarding,
  followerForwards,
  forward,
  forwardNext,
  forwardRoom,
  leaderForwardAcks,
  onForward,
  onForwardAck,
  retryForwards,
} from './forwarding.js'
import type { Forwarding } from './forwarding.js'
import { flushFronts, pumpFronts, tellFronts } from './fronts.js'
import type { Fronts } from './fronts.js'
import type { HomeMachine } from './home-machine.js'
import { createHome, homeAfterSend, homeFlush, onClientDatagram, retryDeferred } from './home.js'
import type { Home } from './home.js'
import type { Layout } from './layout.js'
import { createQueueSender, queueSend, sendQueued } from './sender.js'
import type { QueueSender } from './sender.js'
import { countTraffic, createTraffic } from './traffic.js'
import type { Traffic } from './traffic.js'

export const QUEUE_PEERS = 0
export const QUEUE_CLIENTS = 1

/** Entries packed in one turn take at most this much of a ring: several times what one burst can bring. */
const PACK_BYTES_MAX = 4 << 20
/** Packed and not yet sent, at most; then clients wait in their queue. */
const UNSENT_BYTES_MAX = 2 << 20
/** A span is at least this share of its ring: what is left at the ring's end is skipped rather than used up. */
const PACK_RING_SHARE = 16

export interface CoreSettings {
  config: Config
  endpoint: Endpoint
  machine: Machine
  layout: Layout
  clock: Clock
  linksMax: number
  /** Null: one thread does everything. */
  fronts?: { fronts: Fronts; homeMachine: HomeMachine } | null
}

export interface Core {
  readonly state: State
  readonly endpoint: Endpoint
  readonly machine: Machine
  readonly clock: Clock
  readonly home: Home
  readonly fronts: Fronts | null
  readonly forwarding: Forwarding
  readonly peerOutput: QueueSender
  readonly clientOutput: QueueSender
  readonly sent: Traffic
  readonly received: Traffic
  /** Endpoint destination by replica id; -1: not known. [members]: the group of all. */
  readonly destinations: Int32Array
  readonly commitMicros: Histogram
  readonly drops: Map<string, number>
  /** The log's time never goes back. */
  lastTime: number
  turns: number
}

export function createCore(settings: CoreSettings): Core {
  const { config, endpoint, machine, clock, layout } = settings
  const state = createState(config)
  const sent = createTraffic()
  const clientOutput = createQueueSender(endpoint, QUEUE_CLIENTS, sent)
  const { sender } = state
  const beside = settings.fronts ?? null
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
    clock,
    home,
    fronts: beside?.fronts ?? null,
    forwarding: createForwarding(state, machine, home.parked, layout, clock.ticks()),
    peerOutput: createQueueSender(endpoint, QUEUE_PEERS, sent),
    clientOutput,
    sent,
    received: createTraffic(),
    destinations: new Int32Array(config.members + 1).fill(-1),
    commitMicros: createHistogram(),
    drops: new Map(),
    lastTime: 0,
    turns: 0,
  }
}

/** Datagrams received, requests of fronts and entries applied: 0 means that there was nothing to do. */
export function turn(core: Core): number {
  const { endpoint, state } = core
  const tick = core.clock.ticks()
  core.turns++
  const packing = beginPack(core, tick)
  if (packing) retryForwards(core.forwarding, tick)
  if (packing) retryDeferred(core.home, tick)

  const fromPeers = endpoint.rxBurst(QUEUE_PEERS)
  for (let row = 0; row < fromPeers; row++) onPeerRow(core, row, packing, tick)
  if (fromPeers > 0) endpoint.postReceives(QUEUE_PEERS)

  const fromClients = isOpen(core) ? endpoint.rxBurst(QUEUE_CLIENTS) : 0
  for (let row = 0; row < fromClients; row++) onClientRow(core, row, packing, tick)
  if (fromClients > 0) endpoint.postReceives(QUEUE_CLIENTS)

  const fromFronts = core.fronts === null ? 0 : pumpFronts(core.fronts, packing && isOpen(core))

  if (packing) endPack(core)
  flush(state, tick)
  if (fellBehind(state)) throw needsSync(state)
  if (state.role === ROLE.LEADING) leaderForwardAcks(core.forwarding, tick)
  if (state.role === ROLE.FOLLOWING) followerForwards(core.forwarding, tick)
  drainSends(core)

  const applied = applyCommitted(core)
  if (core.fronts !== null) tellFronts(core.fronts, isServing(core))
  homeFlush(core.home, tick)
  if (core.fronts !== null) flushFronts(core.fronts)
  sendQueued(core.clientOutput)
  homeAfterSend(core.home)
  return fromPeers + fromClients + fromFronts + applied
}

function needsSync(state: State): ZabkvError {
  return new ZabkvError(
    'NEEDS_SYNC',
    `Replica ${state.config.replica} fell so far behind that its leader no longer keeps what it lacks: ` +
      'the others go on without it; give all more --history-mib if it was only slow.',
  )
}

/** Can this replica serve clients: has it a place in a broadcasting cluster? */
export function isServing(core: Core): boolean {
  return core.state.phase === PHASE.BROADCAST && core.state.role !== ROLE.LOOKING
}

/** Opens a span of the ring for what this turn packs. False: nothing may be taken that has to be ordered. */
function beginPack(core: Core, tick: number): boolean {
  const { state, machine, forwarding } = core
  if (!isServing(core)) return false
  if (state.role === ROLE.LEADING) {
    const need = packNeed(state.config.historyBytes)
    const room = historyRoom(state.history, need, historyKeeps(state, tick))
    if (room === 0) count(state, 'stall-history')
    else machine.packBegin(state.history.head, Math.min(room, PACK_BYTES_MAX), 0)
    return room > 0
  }
  const room = forwardRoom(forwarding, packNeed(forwarding.ring.end - forwarding.ring.base))
  if (room === 0) return false
  const { head } = forwarding.ring
  machine.packBegin(head, Math.min(room, PACK_BYTES_MAX), forwardNext(forwarding))
  return true
}

function packNeed(ringBytes: number): number {
  return Math.min(PACK_BYTES_MAX, Math.floor(ringBytes / PACK_RING_SHARE))
}

/** What was packed takes its place: in the order at a leader, on the way there at a follower. */
function endPack(core: Core): void {
  const { state, machine } = core
  const entries = machine.packEnd()
  if (entries === 0) return
  core.lastTime = Math.max(core.lastTime, core.clock.micros())
  for (let entry = 0; entry < entries; entry++) {
    const row = entry * PACK_ROW.WORDS
    const bytes = at(machine.packRows, row + PACK_ROW.bytes)
    const length = at(machine.packRows, row + PACK_ROW.length)
    const operations = at(machine.packRows, row + PACK_ROW.operations)
    if (state.role === ROLE.LEADING) propose(state, bytes, length, operations, core.lastTime)
    else forward(core.forwarding, bytes, length, operations)
  }
}

/** Clients wait in their queue while too much is packed and not yet sent. */
function isOpen(core: Core): boolean {
  const { state, forwarding } = core
  const { datagramBytes } = state.config
  if (state.role === ROLE.LEADING) {
    return (state.history.next - state.sendNext) * datagramBytes < UNSENT_BYTES_MAX
  }
  if (state.role === ROLE.FOLLOWING) {
    return (forwarding.ring.next - forwarding.sendNext) * datagramBytes < UNSENT_BYTES_MAX
  }
  return true
}

function onPeerRow(core: Core, row: number, packing: boolean, tick: number): void {
  const { state, forwarding } = core
  const offset = at(rowsOf(core, QUEUE_PEERS), row * RX_ROW.WORDS + RX_ROW.offset)
  const kind = kindOf(state.words, offset)
  countTraffic(core.received, kind, lengthOfRow(core, QUEUE_PEERS, row))
  if (kind !== KIND.FORWARD && kind !== KIND.LINK_ACK) {
    onPeerDatagram(state, offset, tick)
    return
  }
  const ignored = ignorePeer(state, offset, tick)
  if (ignored !== null) return count(state, ignored)
  if (kind === KIND.LINK_ACK) return onForwardAck(forwarding, offset, tick)
  if (state.role !== ROLE.LEADING) return count(state, 'ignored-not-leading')
  if (!packing) return count(state, 'ignored-no-room')
  const dropped = onForward(forwarding, offset, tick)
  if (dropped !== null) core.drops.set(dropped, (core.drops.get(dropped) ?? 0) + 1)
}

function onClientRow(core: Core, row: number, packing: boolean, tick: number): void {
  const offset = at(rowsOf(core, QUEUE_CLIENTS), row * RX_ROW.WORDS + RX_ROW.offset)
  const kind = kindOf(core.state.words, offset)
  countTraffic(core.received, kind, lengthOfRow(core, QUEUE_CLIENTS, row))
  onClientDatagram(core.home, row, offset, kind, isServing(core) && packing, tick)
}

function rowsOf(core: Core, queue: number): Uint32Array {
  return core.endpoint.rxRows[queue] as Uint32Array
}

function lengthOfRow(core: Core, queue: number, row: number): number {
  return at(rowsOf(core, queue), row * RX_ROW.WORDS + RX_ROW.length)
}

function drainSends(core: Core): void {
  const { state, destinations, peerOutput } = core
  for (let row = 0; row < state.sendCount; row++) {
    const word = row * SEND.WORDS
    const to = at(state.sends, word + SEND.to)
    const destination = at(destinations, to === TO_ALL ? state.config.members : to)
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
