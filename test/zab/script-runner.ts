/**
 * Runs a protocol script: the pure protocol alone, with messages carried by hand and a trace of all that happens.
 *
 *   cluster replicas=3 [multicast=yes] [quorum=all] [history=BYTES]
 *   cut A->B | mend A->B               nothing from A arrives at B; or again
 *   drop FROM->TO KIND [counter=N]     the next such message is lost for that receiver
 *   repeat FROM->TO KIND [counter=N]   the next such message arrives twice
 *   hold FROM->TO KIND [counter=N]     the next such message arrives at `release`
 *   release                            held messages arrive, oldest first
 *   propose REPLICA count=N            packs and orders N operations as one proposal
 *   stale FROM->TO KIND counter=N epoch=E [incarnation=I]   a message of another time arrives
 *   tick N                             time passes, in ticks of 100 microseconds
 *   stabilize                          turns until nobody has anything to say
 */

import { item } from '../../src/assert.js'
import {
  committedOf,
  counterOf,
  countOf,
  epochOf,
  kindOf,
  setCommitted,
  setCounter,
  writeHeader,
} from '../../src/zab/header.js'
import { fellBehind } from '../../src/zab/follower.js'
import { historyRoom } from '../../src/zab/history.js'
import { CONTROL_BYTES, propose } from '../../src/zab/leader.js'
import { enterBroadcast, flush, historyKeeps, onPeerDatagram, takeCommitted } from '../../src/zab/replica.js'
import type { State } from '../../src/zab/state.js'
import { createState, SEND, TO_ALL } from '../../src/zab/state.js'
import { BODY_OFFSET, KIND, TAG_BYTES } from '../../src/zab/wire.js'

const DATAGRAM_BYTES = 1024
const HISTORY_BYTES = 64 * DATAGRAM_BYTES
const PACK_BYTES = 128
const CONTROL_SLOTS = 64
const PARK_SLOTS = 4
const RX_OFFSET = 0
const CLUSTER = 7
const ROUNDS_MAX = 100

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

interface Script {
  states: State[]
  rules: Rule[]
  held: Held[]
  cuts: Set<string>
  tick: number
  trace: string[]
}

/** The trace of a script, a line each. */
export function runScript(text: string): string[] {
  const script: Script = { states: [], rules: [], held: [], cuts: new Set(), tick: 0, trace: [] }
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/).filter((word) => word !== '')
    if (words.length > 0) runCommand(script, words)
  }
  return script.trace
}

function runCommand(script: Script, words: readonly string[]): void {
  const [command, first = '', second = ''] = words
  switch (command) {
    case 'cluster':
      return createCluster(script, words)
    case 'drop':
    case 'repeat':
    case 'hold': {
      const [from, to] = first.split('->').map(Number)
      const counter = optionOf(words, 'counter')
      script.rules.push({
        action: command,
        from: from ?? 0,
        to: to ?? 0,
        kind: second,
        counter: counter === null ? null : Number(counter),
      })
      return
    }
    case 'cut':
      script.cuts.add(first)
      return
    case 'mend':
      script.cuts.delete(first)
      return
    case 'release':
      for (const held of script.held.splice(0)) {
        const note = deliver(script, held.to, held.bytes)
        script.trace.push(`${held.from}->${held.to} ${describe(held.bytes)} released${note}`)
      }
      return
    case 'propose':
      return proposeAt(script, Number(first), Number(optionOf(words, 'count') ?? 1))
    case 'stale':
      return sendStale(script, words)
    case 'tick':
      script.tick += Number(first)
      return
    case 'stabilize':
      return stabilize(script)
    default:
      throw new Error(`script: unknown command ${command ?? ''}`)
  }
}

function optionOf(words: readonly string[], name: string): string | null {
  const found = words.find((word) => word.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}

function createCluster(script: Script, words: readonly string[]): void {
  const replicas = Number(optionOf(words, 'replicas') ?? 3)
  const historyBytes = Number(optionOf(words, 'history') ?? HISTORY_BYTES)
  for (let replica = 0; replica < replicas; replica++) {
    const historyOffset = DATAGRAM_BYTES
    const controlOffset = historyOffset + HISTORY_BYTES
    const parkOffset = controlOffset + CONTROL_SLOTS * 128
    const state = createState({
      replica,
      members: replicas,
      cluster: CLUSTER,
      incarnation: 10 + replica,
      multicast: optionOf(words, 'multicast') === 'yes',
      quorumAll: optionOf(words, 'quorum') === 'all',
      datagramBytes: DATAGRAM_BYTES,
      slab: new ArrayBuffer(parkOffset + PARK_SLOTS * DATAGRAM_BYTES),
      historyOffset,
      historyBytes,
      controlOffset,
      controlSlots: CONTROL_SLOTS,
      parkOffset,
      parkSlots: PARK_SLOTS,
      windowBytes: 8 * DATAGRAM_BYTES,
    })
    for (let other = 0; other < replicas; other++) state.incarnations[other] = 10 + other
    state.heardTick.fill(0)
    script.states.push(state)
  }
  for (const state of script.states) {
    enterBroadcast(state, 0, 1, script.tick)
    state.heartbeatTick = Infinity // heartbeats are asked for by `tick` in scripts about them only
    state.ackOwed = false
  }
}

function proposeAt(script: Script, replica: number, operations: number): void {
  const state = item(script.states, replica)
  const room = historyRoom(state.history, PACK_BYTES, historyKeeps(state, script.tick))
  if (room === 0) {
    script.trace.push(`${replica}: no room in the history`)
    return
  }
  propose(state, PACK_BYTES, BODY_OFFSET + TAG_BYTES, operations, script.tick)
}

/** A message that some earlier life or epoch left in the network. */
function sendStale(script: Script, words: readonly string[]): void {
  const [from = 0, to = 0] = (words[1] ?? '').split('->').map(Number)
  const kind = Object.entries(KIND).find(([name]) => name === words[2])?.[1] ?? 0
  const bytes = new Uint8Array(CONTROL_BYTES + 64)
  const view = new Uint32Array(bytes.buffer)
  const incarnation = Number(optionOf(words, 'incarnation') ?? 10 + from)
  const sender = { cluster: CLUSTER, sender: from, incarnation }
  const length = kind === KIND.PROPOSE ? BODY_OFFSET + TAG_BYTES : CONTROL_BYTES
  writeHeader(view, 0, sender, kind, length, Number(optionOf(words, 'epoch') ?? 1), 1)
  setCounter(view, 0, Number(optionOf(words, 'counter') ?? 0))
  setCommitted(view, 0, Number(optionOf(words, 'committed') ?? 0))
  const note = deliver(script, to, bytes.subarray(0, length))
  script.trace.push(`${from}->${to} ${describe(bytes)} stale${note}`)
}

function stabilize(script: Script): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let sends = 0
    for (const state of script.states) {
      flush(state, script.tick)
      sends += carry(script, state)
    }
    for (const state of script.states) reportCommits(script, state)
    if (sends === 0) return
  }
  throw new Error('script: the cluster does not come to rest')
}

/** Carries what a replica wants sent. Returns how many messages. */
function carry(script: Script, state: State): number {
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
    script.trace.push(`${from}->${to === TO_ALL ? '*' : to} ${describe(bytes)}${notes}`)
  }
  return sendCount
}

function carryTo(script: Script, from: number, to: number, bytes: Uint8Array): string {
  if (script.cuts.has(`${from}->${to}`)) return `   ${to}: cut`
  const view = new Uint32Array(bytes.buffer)
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

function deliver(script: Script, to: number, bytes: Uint8Array): string {
  const state = item(script.states, to)
  state.bytes.set(bytes, RX_OFFSET)
  const ignored = onPeerDatagram(state, RX_OFFSET, script.tick)
  return ignored === null ? '' : `   ${to}: ${ignored}`
}

function reportCommits(script: Script, state: State): void {
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

function describe(bytes: Uint8Array): string {
  const view = new Uint32Array(bytes.buffer)
  const kind = kindOf(view, 0)
  const zxid = `(${epochOf(view, 0)},${counterOf(view, 0)})`
  const committed = committedOf(view, 0)
  switch (kind) {
    case KIND.PROPOSE:
      return `PROPOSE ${zxid} count=${countOf(view, 0)} committed=${committed}`
    case KIND.NACK:
      return `NACK ${zxid} to=${committed}`
    case KIND.COMMIT:
    case KIND.HEARTBEAT:
      return `${nameOf(kind)} committed=${committed}`
    default:
      return `${nameOf(kind)} ${zxid}`
  }
}

function nameOf(kind: number): string {
  return Object.entries(KIND).find(([, value]) => value === kind)?.[0] ?? `kind ${kind}`
}
