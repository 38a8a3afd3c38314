/** Forwards of a follower over changes of its leader: none is lost, none changes its place, each leader starts anew. */

import assert from 'node:assert/strict'
import test from 'node:test'
import {
  createForwarding,
  dropForwards,
  followerForwards,
  forward,
  forwardNext,
  forwardRoom,
  joinLeader,
  leadOwn,
  leaveLeader,
  onForward,
  onForwardAck,
  orderOwn,
} from '../../src/runtime/forwarding.js'
import type { Forwarding } from '../../src/runtime/forwarding.js'
import { layoutSlab, SLOTS } from '../../src/runtime/layout.js'
import { createPool } from '../../src/runtime/pool.js'
import { TAKEN } from '../../src/store/machine.js'
import type { Machine } from '../../src/store/machine.js'
import { counterOf, extensionOf, kindOf, lengthOf } from '../../src/zab/header.js'
import { createState, ROLE, SEND } from '../../src/zab/state.js'
import type { State } from '../../src/zab/state.js'
import { BODY_OFFSET, HEADER, KIND, LINK, setWide, TAG_BYTES } from '../../src/zab/wire.js'

const DATAGRAM_BYTES = 960
const BASE = 5000
const BYTES = 128

interface Node {
  state: State
  forwarding: Forwarding
  /** What its state machine ordered: words of the forwards' bodies. */
  ordered: number[]
  /** Highest number of its own forwards that is applied. */
  applied: number
  hasRoom: boolean
}

function createNode(replica: number, base: number): Node {
  const layout = layoutSlab(DATAGRAM_BYTES, DATAGRAM_BYTES, DATAGRAM_BYTES * 16)
  const state = createState({
    replica,
    members: 3,
    cluster: 7,
    incarnation: 10 + replica,
    multicast: false,
    quorumAll: false,
    copies: 0,
    logged: false,
    durable: false,
    failureTicks: 600,
    stuckTicks: 5000,
    datagramBytes: DATAGRAM_BYTES,
    slab: new ArrayBuffer(DATAGRAM_BYTES + layout.bytes),
    historyOffset: layout.history,
    historyBytes: layout.historyBytes,
    reserveBytes: 0,
    controlOffset: layout.control,
    controlSlots: SLOTS.control,
    parkOffset: layout.early,
    parkSlots: SLOTS.early,
    windowBytes: DATAGRAM_BYTES * 8,
  })
  const node = { state, ordered: [] as number[], applied: 0, hasRoom: true }
  const machine: Partial<Machine> = {
    forwardApplied: () => node.applied,
    forwarded: (offset) => {
      if (!node.hasRoom) return TAKEN.NO_ROOM
      node.ordered.push(state.words[(offset + BODY_OFFSET) >>> 2] ?? 0)
      return TAKEN.OK
    },
  }
  const parked = createPool(layout.parked, DATAGRAM_BYTES, SLOTS.parked)
  return Object.assign(node, { forwarding: createForwarding(state, machine as Machine, parked, layout, base) })
}

/** Packs a forward that is known by its number. Returns that. */
function pack({ forwarding, state }: Node): number {
  assert.ok(forwardRoom(forwarding, BYTES, 1) > 0)
  const number = forwardNext(forwarding)
  state.words[(forwarding.ring.head + BODY_OFFSET) >>> 2] = number
  forward(forwarding, BYTES, BYTES, 1)
  return number
}

function follow(node: Node, leader: number, tick: number): void {
  node.state.role = ROLE.FOLLOWING
  node.state.leader = leader
  node.state.joins++
  joinLeader(node.forwarding, tick)
}

interface Sent {
  bytes: Uint8Array
  words: Uint32Array
}

/** What it sends to its leader this turn. */
function send({ forwarding, state }: Node, tick: number): Sent[] {
  followerForwards(forwarding, tick)
  const sent = Array.from({ length: state.sendCount }, (_, index) => {
    const row = index * SEND.WORDS
    const offset = state.sends[row + SEND.offset] ?? 0
    const bytes = state.bytes.slice(offset, offset + (state.sends[row + SEND.bytes] ?? 0))
    return { bytes, words: new Uint32Array(bytes.buffer) }
  })
  state.sendCount = 0
  return sent
}

function deliver(to: Node, { bytes }: Sent, tick: number): string | null {
  to.state.bytes.set(bytes, 0)
  return onForward(to.forwarding, 0, tick)
}

/** The leader tells that it has taken everything before `next`. */
function acknowledge(node: Node, join: number, next: number, tick: number): void {
  const { words } = node.state
  words.fill(0, 0, DATAGRAM_BYTES >>> 2)
  words[(HEADER.SIZE + LINK.link) >>> 2] = join
  words[(HEADER.SIZE + LINK.credits) >>> 2] = 512
  words[HEADER.length >>> 2] = BODY_OFFSET + TAG_BYTES
  setWide(words, HEADER.committed >>> 2, next)
  onForwardAck(node.forwarding, 0, tick)
}

const numbers = (sent: readonly Sent[]): number[] => sent.map(({ words }) => words[BODY_OFFSET >>> 2] ?? 0)
const sequences = (sent: readonly Sent[]): number[] => sent.map(({ words }) => counterOf(words, 0))
const join = ({ words }: Sent): number => extensionOf(words, 0, LINK.link)

test('forwarding: numbers begin above those of former lives and are sent to a leader from sequence 1 on', () => {
  const node = createNode(1, BASE)
  assert.deepEqual([pack(node), pack(node)], [BASE + 1, BASE + 2])
  assert.deepEqual(send(node, 0), [], 'without a leader the ring waits')
  follow(node, 0, 0)
  const sent = send(node, 0)
  assert.deepEqual([numbers(sent), sequences(sent)], [[BASE + 1, BASE + 2], [1, 2]])
  assert.ok(sent.every(({ words }) => kindOf(words, 0) === KIND.FORWARD && lengthOf(words, 0) === BYTES))
  assert.ok(sent.every((each) => join(each) === 1))
})

test('forwarding: the next leader is sent all that is not applied, in order, whatever the last one had taken', () => {
  const node = createNode(1, BASE)
  for (let index = 0; index < 4; index++) pack(node)
  follow(node, 0, 0)
  send(node, 0)
  acknowledge(node, 1, 5, 1)
  node.applied = BASE + 2
  leaveLeader(node.forwarding)
  pack(node)
  assert.deepEqual(send(node, 2), [])
  follow(node, 2, 3)
  const sent = send(node, 3)
  assert.deepEqual([numbers(sent), sequences(sent)], [[BASE + 3, BASE + 4, BASE + 5], [1, 2, 3]])
  assert.ok(sent.every((each) => join(each) === 2))
  pack(node)
  assert.deepEqual(sequences(send(node, 4)), [4])
})

test('forwarding: an acknowledgement of a former joining says nothing of this one', () => {
  const node = createNode(1, BASE)
  for (let index = 0; index < 3; index++) pack(node)
  follow(node, 0, 0)
  send(node, 0)
  leaveLeader(node.forwarding)
  follow(node, 2, 1)
  send(node, 1)
  acknowledge(node, 1, 4, 2)
  assert.equal(node.forwarding.to?.txAcked, 0)
  acknowledge(node, 2, 3, 2)
  assert.equal(node.forwarding.to?.txAcked, 2)
})

test('forwarding: what is applied but not acknowledged, or acknowledged but not applied, is kept', () => {
  const node = createNode(1, BASE)
  const { forwarding } = node
  for (let index = 0; index < 4; index++) pack(node)
  follow(node, 0, 0)
  send(node, 0)
  const { ring } = forwarding
  const forget = (): number => {
    forwardRoom(forwarding, ring.end - ring.base, 1) // as much as it may
    return ring.first
  }
  node.applied = BASE + 3
  assert.equal(forget(), 0, 'the leader has not said that it has them: they may be asked for')
  acknowledge(node, 1, 3, 1)
  assert.equal(forget(), 2)
  acknowledge(node, 1, 5, 2)
  assert.equal(forget(), 3, 'the fourth is not applied: the next leader will need it')
})

test('forwarding: a replica that becomes the leader orders its own ring, from the first that is not applied', () => {
  const node = createNode(1, BASE)
  for (let index = 0; index < 4; index++) pack(node)
  follow(node, 0, 0)
  send(node, 0)
  node.applied = BASE + 1
  leadOwn(node.forwarding)
  node.hasRoom = false
  assert.equal(orderOwn(node.forwarding), false)
  node.hasRoom = true
  assert.equal(orderOwn(node.forwarding), true)
  assert.deepEqual(node.ordered, [BASE + 2, BASE + 3, BASE + 4])
  assert.equal(orderOwn(node.forwarding), true)
  assert.equal(node.ordered.length, 3, 'once')
  node.applied = BASE + 2
  follow(node, 2, 9)
  assert.deepEqual(numbers(send(node, 9)), [BASE + 3, BASE + 4], 'what it ordered in vain goes to the next leader')
})

test('forwarding: a leader takes forwards in order, and those of a new joining from its beginning', () => {
  const [leader, follower] = [createNode(0, 0), createNode(1, BASE)]
  for (let index = 0; index < 3; index++) pack(follower)
  follow(follower, 0, 0)
  const [one, two, three] = send(follower, 0)
  assert.ok(one !== undefined && two !== undefined && three !== undefined)
  assert.equal(deliver(leader, three, 0), null)
  assert.equal(deliver(leader, one, 0), null)
  assert.equal(deliver(leader, one, 0), 'forward-duplicate')
  assert.equal(deliver(leader, two, 0), null)
  assert.deepEqual(leader.ordered, [BASE + 1, BASE + 2, BASE + 3])

  leaveLeader(follower.forwarding)
  pack(follower)
  follow(follower, 0, 1)
  const again = send(follower, 1)
  for (const each of again) assert.equal(deliver(leader, each, 1), null)
  assert.deepEqual(leader.ordered.slice(3), [BASE + 1, BASE + 2, BASE + 3, BASE + 4])
  assert.equal(deliver(leader, two, 2), 'forward-of-former-join', 'a late one of the joining before')
  assert.equal(leader.ordered.length, 7)
})

test('forwarding: early forwards of a joining that is over give their places back', () => {
  const [leader, follower] = [createNode(0, 0), createNode(1, BASE)]
  const { parked } = leader.forwarding
  const free = parked.count
  for (let index = 0; index < 3; index++) pack(follower)
  follow(follower, 0, 0)
  for (const each of send(follower, 0).slice(1)) deliver(leader, each, 0)
  assert.equal(parked.count, free - 2)
  leaveLeader(follower.forwarding)
  follow(follower, 0, 1)
  for (const each of send(follower, 1)) deliver(leader, each, 1)
  assert.equal(parked.count, free)
})

test('forwarding: a state machine that begins anew owes nothing, and numbers go on', () => {
  const node = createNode(1, BASE)
  for (let index = 0; index < 3; index++) pack(node)
  follow(node, 0, 0)
  send(node, 0)
  dropForwards(node.forwarding)
  node.applied = 0
  follow(node, 0, 1)
  assert.deepEqual(send(node, 1), [])
  assert.equal(pack(node), BASE + 4)
  const sent = send(node, 2)
  assert.deepEqual([numbers(sent), sequences(sent)], [[BASE + 4], [1]])
})
