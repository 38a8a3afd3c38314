/**
 * The replicas of a protocol script, and how messages come from one to another: by hand, in order, at once, unless a
 * rule of the script says otherwise.
 */

import { at, item } from '../../src/assert.js'
import { COUNTER_NAMES } from '../../src/zab/counters.js'
import {
  committedOf,
  counterOf,
  countOf,
  epochOf,
  extensionOf,
  incarnationOf,
  kindOf,
  senderOf,
} from '../../src/zab/header.js'
import { fellBehind } from '../../src/zab/follower.js'
import { isNewLife, meetPeer, onPeerDatagram, takeCommitted } from '../../src/zab/replica.js'
import { STANDING_BYTES, writeAlive } from '../../src/zab/standing.js'
import type { State } from '../../src/zab/state.js'
import { createState, SEND, TO_ALL } from '../../src/zab/state.js'
import { EPOCHS, KIND, SYNC_FORMING, SYNC_MODE } from '../../src/zab/wire.js'

export const DATAGRAM_BYTES = 1024
export const CLUSTER = 7
const HISTORY_BYTES = 64 * DATAGRAM_BYTES
const CONTROL_SLOTS = 64
const PARK_SLOTS = 4
const RX_OFFSET = 0

interface Rule {
  action: 'drop' | 'repeat' | 'hold'
  from: number
  to: number
  kind: string
  counter: number | null
}

interface Held {
  from: number
  to: number
  bytes: Uint8Array
}

export interface Script {
  states: State[]
  rules: Rule[]
  held: Held[]
  cuts: Set<string>
  /** Crashed replicas. */
  down: Set<number>
  /** How the cluster was asked for, to make a replica again. */
  words: readonly string[]
  /** Kinds of messages that the trace leaves out. */
  unsaid: ReadonlySet<number>
  /** The last phase of each replica that the trace tells of. */
  phases: string[]
  tick: number
  trace: string[]
}

export function createScript(): Script {
  return {
    states: [],
    rules: [],
    held: [],
    cuts: new Set(),
    down: new Set(),
    words: [],
    unsaid: new Set(),
    phases: [],
    tick: 0,
    trace: [],
  }
}

export function optionOf(words: readonly string[], name: string): string | null {
  const found = words.find((word) => word.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}

/** A replica as it starts, with nothing. Those with ids beyond the members are observers. */
export function createScriptState(
  words: readonly string[],
  replica: number,
  incarnation: number,
  failureTicks: number,
): State {
  const historyOffset = DATAGRAM_BYTES
  const controlOffset = historyOffset + HISTORY_BYTES
  const parkOffset = controlOffset + CONTROL_SLOTS * 128
  const durable = optionOf(words, 'durable') === 'yes'
  return createState({
    replica,
    members: Number(optionOf(words, 'replicas') ?? 3),
    cluster: CLUSTER,
    incarnation,
    multicast: optionOf(words, 'multicast') === 'yes',
    quorumAll: optionOf(words, 'quorum') === 'all',
    copies: Number(optionOf(words, 'copies') ?? 0),
    logged: durable,
    durable,
    failureTicks,
    stuckTicks: 5000,
    datagramBytes: DATAGRAM_BYTES,
    slab: new ArrayBuffer(parkOffset + PARK_SLOTS * DATAGRAM_BYTES),
    historyOffset,
    historyBytes: Number(optionOf(words, 'history') ?? HISTORY_BYTES),
    reserveBytes: 0,
    controlOffset,
    controlSlots: CONTROL_SLOTS,
    parkOffset,
    parkSlots: PARK_SLOTS,
    windowBytes: 8 * DATAGRAM_BYTES,
  })
}

/** Carries what a replica wants sent. Returns how many messages. */
export function carry(script: Script, state: State): number {
  const { sends, sendCount } = state
  const from = state.config.replica
  const rows = sends.slice(0, sendCount * SEND.WORDS)
  state.sendCount = 0
  for (let row = 0; row < sendCount; row++) {
    const offset = rows[row * SEND.WORDS + SEND.offset] ?? 0
    const length = rows[row * SEND.WORDS + SEND.bytes] ?? 0
    const to = rows[row * SEND.WORDS + SEND.to] ?? 0
    const bytes = state.bytes.slice(offset, offset + length)
    const receivers =
      to === TO_ALL ? script.states.map((_, id) => id).filter((id) => id !== from) : [to]
    let notes = ''
    for (const receiver of receivers) notes += carryTo(script, from, receiver, bytes)
    if (notes === '' && script.unsaid.has(kindOf(new Uint32Array(bytes.buffer), 0))) continue
    script.trace.push(`${from}->${to === TO_ALL ? '*' : to} ${describe(bytes)}${notes}`)
  }
  return sendCount
}

/** What a thread of its own says of a replica to all others: that it lives, and where it stands. */
export function carryAlive(script: Script, state: State): void {
  writeAlive(state, RX_OFFSET, KIND.ALIVE)
  const bytes = state.bytes.slice(RX_OFFSET, RX_OFFSET + STANDING_BYTES)
  const from = state.config.replica
  for (let to = 0; to < script.states.length; to++) if (to !== from) carryTo(script, from, to, bytes)
}

function carryTo(script: Script, from: number, to: number, bytes: Uint8Array): string {
  const view = new Uint32Array(bytes.buffer)
  const isSaid = !script.unsaid.has(kindOf(view, 0))
  if (script.cuts.has(`${from}->${to}`)) return isSaid ? `   ${to}: cut` : ''
  const index = script.rules.findIndex(
    (rule) =>
      rule.from === from &&
      rule.to === to &&
      rule.kind === nameOf(kindOf(view, 0)) &&
      (rule.counter === null || rule.counter === counterOf(view, 0)),
  )
  const rule = index < 0 ? null : item(script.rules.splice(index, 1), 0)
  if (rule?.action === 'drop') return `   ${to}: dropped`
  if (rule?.action === 'hold') {
    script.held.push({ from, to, bytes })
    return `   ${to}: held`
  }
  const once = deliver(script, to, bytes)
  return rule?.action === 'repeat' ? `${once}   ${to}: again${deliver(script, to, bytes)}` : once
}

/** Returns what became of it, when that is not what it was sent for. */
export function deliver(script: Script, to: number, bytes: Uint8Array): string {
  const state = item(script.states, to)
  if (script.down.has(to)) return script.unsaid.has(bytes[3] ?? 0) ? '' : `   ${to}: down`
  state.bytes.set(bytes, RX_OFFSET)
  const { words } = state
  // As the registry would confirm it: in scripts it is always right.
  if (isNewLife(state, RX_OFFSET)) {
    meetPeer(state, senderOf(words, RX_OFFSET), incarnationOf(words, RX_OFFSET), script.tick)
  }
  const before = state.counters.slice()
  const ignored = onPeerDatagram(state, RX_OFFSET, script.tick) ?? countedSince(state, before)
  return ignored === null || script.unsaid.has(bytes[3] ?? 0) ? '' : `   ${to}: ${ignored}`
}

/** What the messages of an election were ignored for is counted, not returned. */
function countedSince(state: State, before: Float64Array): string | null {
  if (kindOf(state.words, RX_OFFSET) < KIND.VOTE) return null
  const isNew = (name: string, index: number): boolean =>
    name.startsWith('ignored-') && at(state.counters, index) > at(before, index)
  return COUNTER_NAMES.find(isNew) ?? null
}

export function reportCommits(script: Script, state: State): void {
  const out = new Uint32Array(64)
  const before = state.lastApplied
  while (takeCommitted(state, out) > 0) {
    // Only how far it went is of interest here.
  }
  if (fellBehind(state)) script.trace.push(`${state.config.replica}: fell behind`)
  if (state.lastApplied > before) {
    const { replica } = state.config
    script.trace.push(`${replica}: commit (${state.currentEpoch},${state.lastApplied})`)
  }
}

export function describe(bytes: Uint8Array): string {
  const view = new Uint32Array(bytes.buffer)
  const kind = kindOf(view, 0)
  const zxid = `(${epochOf(view, 0)},${counterOf(view, 0)})`
  const committed = committedOf(view, 0)
  const field = (name: number): number => extensionOf(view, 0, name)
  switch (kind) {
    case KIND.PROPOSE:
      return `PROPOSE ${zxid} count=${countOf(view, 0)} committed=${committed}`
    case KIND.NACK:
      return `NACK ${zxid} to=${committed}`
    case KIND.COMMIT:
    case KIND.HEARTBEAT:
      return `${nameOf(kind)} committed=${committed}`
    case KIND.CEPOCH:
    case KIND.ACKEPOCH:
      return `${nameOf(kind)} ${epochsOf(view)} last (${field(EPOCHS.last)},${counterOf(view, 0)})`
    case KIND.NEWEPOCH:
      return `${nameOf(kind)} accepted ${field(EPOCHS.accepted)}${field(EPOCHS.mode) === 1 ? ' established' : ''}`
    case KIND.NEWLEADER:
      return `${nameOf(kind)} ${modeOf(field(EPOCHS.mode))} ${committed} up to ${zxid}`
    default:
      return `${nameOf(kind)} ${zxid}`
  }
}

function epochsOf(view: Uint32Array): string {
  return `accepted ${extensionOf(view, 0, EPOCHS.accepted)} current ${extensionOf(view, 0, EPOCHS.current)}`
}

function modeOf(mode: number): string {
  const how = mode & ~SYNC_FORMING
  const name = Object.entries(SYNC_MODE).find(([, value]) => value === how)?.[0] ?? String(how)
  return (mode & SYNC_FORMING) === 0 ? name : `${name} forming`
}

export function nameOf(kind: number): string {
  return Object.entries(KIND).find(([, value]) => value === kind)?.[0] ?? `kind ${kind}`
}
