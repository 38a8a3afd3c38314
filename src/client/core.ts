/**
 * The state of a client that its parts share, and how it is made.
 *
 * transmit.ts, receive.ts, attach.ts and duties.ts are functions over it; turn.ts runs them in
 * order.
 */

import type { Histogram } from '../histogram.js'
import { createHistogram } from '../histogram.js'
import type { ClusterSettings } from '../runtime/options.js'
import type { Codec, ResultColumns } from '../store/machine.js'
import type { Endpoint, EndpointSettings } from '../transport/endpoint.js'
import { clusterHash } from '../zab/cluster-hash.js'
import { DATAGRAM_ALIGN, TICKS_PER_MILLI } from '../zab/limits.js'
import { LINK_EARLY_MAX } from '../zab/link.js'
import type { Link } from '../zab/link.js'
import type { Sender } from '../zab/header.js'
import { BODY_OFFSET, SENDER_CLIENT, TAG_BYTES } from '../zab/wire.js'
import type { Attach } from './attach-state.js'
import { createAttach } from './attach-state.js'
import type { Counts } from './counts.js'
import { createCounts } from './counts.js'
import { createResults } from './results.js'
import type { Gather } from './gather.js'
import type { SessionState } from './session-state.js'
import { TOUCH_MILLIS_MAX, TOUCHES } from './times.js'
import type { Slots } from './slots.js'
import { createSlots } from './slots.js'
import type { ClientWorld, Member } from './world.js'

export interface CoreSettings {
  cluster: string
  provider: 'udp' | 'verbs'
  address: string
  device: string | undefined
  gidIndex: number | undefined
  timeoutMillis: number
  failoverMillis: number
  preferred: number | null
  latency: boolean
  dropRatio: number
  dropSeed: number
}

/** A datagram that is being filled. */
export interface Filling {
  offset: number //        -1: none
  cursor: number
  recordOffset: number //  of the last record, -1: none
  recordSession: number // its session
  operations: number
}

export interface Core {
  readonly world: ClientWorld
  readonly settings: CoreSettings
  readonly datagramBytes: number
  readonly sessionWindow: number
  /** A session that wrote nothing for so long says that it is there. */
  readonly touchMillis: number
  readonly endpoint: Endpoint
  readonly codec: Codec
  readonly slab: Uint8Array
  readonly words: Uint32Array
  readonly sender: Sender
  readonly counts: Counts
  readonly latency: Histogram | null
  readonly attach: Attach
  link: Link | null
  /** Slots of REQUESTs, of small datagrams used in turn, and of REPLYs that came early. */
  readonly requests: Slots
  readonly notesOffset: number
  noteNext: number
  readonly parked: Slots
  readonly filling: Filling
  txCount: number
  sentMillis: number // when anything was last sent to the replica
  readonly due: Float64Array
  /** What the sessions of this client have seen: no replica behind it is accepted. */
  lastSeen: number
  readonly sessions: Set<SessionState>
  readonly byId: Map<number, SessionState>
  readonly byNonce: Map<number, SessionState>
  readyFirst: SessionState | null
  readyLast: SessionState | null
  /** Gathers whose answers are all in, to be used again. */
  readonly gathers: Gather[]
  /** Answers that fit no single batch are decoded here and copied. */
  readonly scratch: ResultColumns
  /** A value that comes in parts is put together here. */
  readonly parts: ResultColumns
  /** Callbacks to run when the turn is over. */
  completions: (() => void)[]
  deadlineNext: number // no batch is due before it, milliseconds
  /** Milliseconds: when there last was nothing to wait for, or this process slept itself. */
  waitingSince: number
  progressMillis: number // when an answer last came
  isWaiting: boolean
  turnMillis: number //    when this turn began
  askedMillis: number //   when the replica was last asked whether it lives
  dutiesMillis: number //  when duties last ran
  /** There is something new to send or to wait for. Set by turn.ts. */
  wake: () => void
  flushScheduled: boolean
  inTurn: boolean
  stopTimer: (() => void) | null
  timerIsFast: boolean
  closing: boolean
  closed: boolean
}

export const NOTE_BYTES = BODY_OFFSET + TAG_BYTES
const NOTE_SLOT_BYTES = Math.ceil(NOTE_BYTES / DATAGRAM_ALIGN) * DATAGRAM_ALIGN
const NOTE_SLOTS = 64 //              small datagrams that may still be on their way out
const REQUEST_SLOTS_MAX = 1024
const REQUEST_SLOTS_MIN = 32
const REQUEST_BYTES_MAX = 8 << 20
const RX_SLOTS_MAX = 512
const RX_SLOTS_MIN = 16
const RX_BYTES_MAX = 8 << 20
const TX_ROWS = 256
const SOCKET_BYTES = 4 << 20
const SCRATCH_ROWS = 65_536 //        a reply record's count has 16 bits
const SCRATCH_VALUES_BYTES = 65_536
const RESEND_ROWS = 64

export function createCore(
  world: ClientWorld,
  settings: CoreSettings,
  cluster: ClusterSettings,
): Core {
  const { datagramBytes } = cluster
  const requestSlots = slotsFor(
    REQUEST_BYTES_MAX,
    datagramBytes,
    REQUEST_SLOTS_MIN,
    REQUEST_SLOTS_MAX,
  )
  const cluster32 = clusterHash(settings.cluster)
  const endpoint = world.openEndpoint(
    endpointSettings(settings, datagramBytes, requestSlots, cluster32),
  )
  const now = world.millis()
  return {
    world,
    settings,
    datagramBytes,
    sessionWindow: cluster.sessionWindow,
    touchMillis: touchMillisOf(cluster.sessionSeconds),
    endpoint,
    codec: world.openCodec(endpoint.slab, datagramBytes),
    slab: new Uint8Array(endpoint.slab),
    words: new Uint32Array(endpoint.slab),
    sender: { cluster: cluster32, sender: SENDER_CLIENT, incarnation: world.random() },
    counts: createCounts(),
    latency: settings.latency ? createHistogram() : null,
    attach: createAttach(world.random()),
    link: null,
    requests: createSlots(endpoint.txOffset, datagramBytes, requestSlots),
    notesOffset: endpoint.extraOffset + LINK_EARLY_MAX * datagramBytes,
    noteNext: 0,
    parked: createSlots(endpoint.extraOffset, datagramBytes, LINK_EARLY_MAX),
    filling: { offset: -1, cursor: 0, recordOffset: -1, recordSession: 0, operations: 0 },
    txCount: 0,
    sentMillis: now,
    due: new Float64Array(RESEND_ROWS),
    lastSeen: 0,
    sessions: new Set(),
    byId: new Map(),
    byNonce: new Map(),
    readyFirst: null,
    readyLast: null,
    gathers: [],
    scratch: createResults(SCRATCH_ROWS, SCRATCH_VALUES_BYTES),
    parts: createResults(1, 0),
    completions: [],
    deadlineNext: Infinity,
    waitingSince: now,
    progressMillis: now,
    isWaiting: false,
    turnMillis: now,
    askedMillis: now,
    dutiesMillis: now,
    wake: () => undefined,
    flushScheduled: false,
    inTurn: false,
    stopTimer: null,
    timerIsFast: false,
    closing: false,
    closed: false,
  }
}

/** 0 seconds: sessions do not end. */
function touchMillisOf(sessionSeconds: number): number {
  return sessionSeconds === 0 ? Infinity : Math.min(TOUCH_MILLIS_MAX, (sessionSeconds * 1000) / TOUCHES)
}

function endpointSettings(
  settings: CoreSettings,
  datagramBytes: number,
  requestSlots: number,
  cluster: number,
): EndpointSettings {
  const rxSlots = slotsFor(RX_BYTES_MAX, datagramBytes, RX_SLOTS_MIN, RX_SLOTS_MAX)
  return {
    provider: settings.provider,
    address: settings.address,
    ...(settings.device === undefined ? {} : { device: settings.device }),
    ...(settings.gidIndex === undefined ? {} : { gidIndex: settings.gidIndex }),
    queues: [{ port: 0, rxSlots, socketBytes: SOCKET_BYTES }],
    datagramBytes,
    cluster,
    txSlots: requestSlots,
    extraBytes: LINK_EARLY_MAX * datagramBytes + NOTE_SLOTS * NOTE_SLOT_BYTES,
    txRows: TX_ROWS,
    dropRatio: settings.dropRatio,
    dropSeed: settings.dropSeed,
  }
}

function slotsFor(bytes: number, datagramBytes: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.floor(bytes / datagramBytes)))
}

/** Of this moment, for the link: ticks (zab/limits.ts). */
export function ticksOf(millis: number): number {
  return Math.floor(millis * TICKS_PER_MILLI)
}

/** A slot for a small datagram. Used in turn: the oldest has long left. */
export function noteSlot(core: Core): number {
  const slot = core.noteNext
  core.noteNext = (slot + 1) % NOTE_SLOTS
  return core.notesOffset + slot * NOTE_SLOT_BYTES
}

export function setMembers(core: Core, members: readonly Member[]): void {
  for (const member of members) core.attach.members.set(member.replica, member)
}
