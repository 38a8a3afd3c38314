/**
 * Worker 0's side of the fronts: takes what they hand over, in the order of each ring, and hands back answers.
 *
 * The total order is made by worker 0 alone. A REQUEST that finds no room stays where it is in its ring and is tried
 * again next turn; behind it the ring fills, the front parks, and the clients' credits end the flow.
 */

import { assert, at } from '../assert.js'
import type { Machine } from '../store/machine.js'
import { MACHINE_COUNTERS, TAKEN } from '../store/machine.js'
import type { Endpoint } from '../transport/endpoint.js'
import { WOKEN } from '../transport/endpoint.js'
import type { Waker } from '../transport/waker.js'
import { BODY_OFFSET } from '../zab/wire.js'
import type { Board } from './board.js'
import { BOARD_SLEEP, boardPublish, createBoard } from './board.js'
import type { ChannelMemory } from './channel.js'
import { CONTROL, createChannelMemory, TO_FRONT, TO_ORDER } from './channel.js'
import type { RingReader, RingWriter } from './ring.js'
import {
  openRingReader,
  openRingWriter,
  ringGotRoom,
  ringHasNews,
  ringLength,
  ringLife,
  ringLink,
  ringNext,
  ringPayload,
  ringPublish,
  ringRelease,
  ringReserve,
  ringTook,
} from './ring.js'
import type { Bed } from './sleep.js'
import { goToBed, riseFromBed, wakeForRecords, wakeForRoom } from './sleep.js'

/** Taken from one front in one turn: as much as one burst of the own clients' queue brings. */
const PUMP_BYTES_MAX = 512 << 10

const READS = MACHINE_COUNTERS.indexOf('reads')
const READS_PARKED = MACHINE_COUNTERS.indexOf('reads-parked')
const WRITES_TAKEN = MACHINE_COUNTERS.indexOf('writes-taken')

/** An answer, or the news of a lost link (offset -1), that found the ring full. */
interface Waiting {
  readonly link: number
  readonly life: number
  readonly offset: number
  readonly length: number
}

export interface Front {
  readonly worker: number
  /** The machine knows the front's link i as base + i. */
  readonly base: number
  readonly memory: ChannelMemory
  readonly control: Int32Array
  readonly figures: Float64Array
  readonly requests: RingReader
  readonly replies: RingWriter
  readonly bed: Bed
  /** By the front's link: the life that is open in the machine; 0: none. */
  readonly lives: Uint32Array
  /** A datagram's room in the slab, where the machine reads the next REQUEST. */
  readonly staging: number
  readonly waiting: Waiting[]
  /** The REQUEST that is next in the ring lies in `staging` already. */
  staged: boolean
  /** What is next in the ring found no room. */
  blocked: boolean
  /** Null until the front runs. */
  waker: Waker | null
  requestsTaken: number
  readsTaken: number
  writesTaken: number
  /** Turns in which what is next in the ring found no room. */
  stalls: number
}

export interface Fronts {
  readonly machine: Machine
  readonly board: Board
  readonly bed: Bed // worker 0's
  readonly bytes: Uint8Array
  readonly linksEach: number
  readonly list: readonly Front[]
  /** Age in the machine of the youngest link. */
  age: number
  /** The front that is served first, in turn. */
  next: number
  wakeUps: number
  signals: number
}

export function createFronts(
  machine: Machine,
  slab: ArrayBuffer,
  datagramBytes: number,
  linksEach: number,
  staging: number,
  count: number,
): Fronts {
  const board = createBoard()
  const list: Front[] = []
  for (let index = 0; index < count; index++) {
    const memory = createChannelMemory(datagramBytes)
    const control = new Int32Array(memory.control)
    list.push({
      worker: index + 1,
      base: (index + 1) * linksEach,
      memory,
      control,
      figures: new Float64Array(memory.figures),
      requests: openRingReader(memory.requests),
      replies: openRingWriter(memory.replies),
      bed: { words: control, index: CONTROL.sleep },
      lives: new Uint32Array(linksEach),
      staging: staging + index * datagramBytes,
      waiting: [],
      staged: false,
      blocked: false,
      waker: null,
      requestsTaken: 0,
      readsTaken: 0,
      writesTaken: 0,
      stalls: 0,
    })
  }
  const bed = { words: board.words, index: BOARD_SLEEP }
  const bytes = new Uint8Array(slab)
  const counts = { age: 0, next: 0, wakeUps: 0, signals: 0 }
  return { machine, board, bed, bytes, linksEach, list, ...counts }
}

/** Takes from every ring. `open`: what has to be ordered may be taken now. Returns the records taken. */
export function pumpFronts(fronts: Fronts, open: boolean): number {
  const { list } = fronts
  let taken = 0
  for (let turn = 0; turn < list.length; turn++) {
    const front = list[(fronts.next + turn) % list.length]
    if (front !== undefined) taken += pump(fronts, front, open)
  }
  fronts.next = (fronts.next + 1) % list.length
  return taken
}

/** After what is committed was applied, and before answers that saw it leave. */
export function tellFronts(fronts: Fronts, serving: boolean): void {
  boardPublish(fronts.board, fronts.machine.applied(), serving)
}

/** Ends a turn: what was written and read becomes the fronts'. */
export function flushFronts(fronts: Fronts): void {
  for (const front of fronts.list) {
    const wrote = ringPublish(front.replies)
    const read = ringRelease(front.requests)
    const woke =
      (wrote && wakeForRecords(front.bed, front.waker)) ||
      (read && wakeForRoom(front.bed, front.waker))
    if (woke) fronts.signals++
  }
}

/** Every client of every front is to go elsewhere. */
export function dismissFronts(fronts: Fronts): void {
  for (const front of fronts.list) {
    for (let link = 0; link < front.lives.length; link++) {
      const life = at(front.lives, link)
      if (life === 0) continue
      closeLink(fronts, front, link)
      ship(fronts, front, { link, life, offset: -1, length: 0 })
    }
  }
}

/** The endpoint's wait, ended by a front as well. */
export function waitBesideFronts(fronts: Fronts, endpoint: Endpoint, micros: number): void {
  goToBed(fronts.bed, fronts.list.some(hasWaiting))
  if (!fronts.list.some(hasNews) && (endpoint.wait(micros) & WOKEN) !== 0) fronts.wakeUps++
  riseFromBed(fronts.bed)
}

/** The wide number that a ticket is short for: the one near the youngest known. */
export function ageOfTicket(fronts: Fronts, ticket: number): number {
  const age = fronts.age + ((ticket - fronts.age) | 0)
  fronts.age = Math.max(fronts.age, age)
  return age
}

/** An answer for a link of a front. Its slot is free as soon as the ring has the answer. */
export function shipReply(fronts: Fronts, link: number, offset: number, length: number): void {
  const front = fronts.list[Math.floor(link / fronts.linksEach) - 1]
  assert(front !== undefined, 'shipReply: every link beyond the own ones is of a front')
  const index = link - front.base
  ship(fronts, front, { link: index, life: at(front.lives, index), offset, length })
}

/** What found a ring full goes before what comes now. */
export function shipWaiting(fronts: Fronts): void {
  for (const front of fronts.list) {
    while (front.waiting.length > 0) {
      const first = front.waiting[0]
      if (first === undefined || !put(fronts, front, first)) break
      front.waiting.shift()
    }
  }
}

function hasWaiting(front: Front): boolean {
  return front.waiting.length > 0
}

function hasNews(front: Front): boolean {
  if (hasWaiting(front) && ringGotRoom(front.replies)) return true
  return !front.blocked && ringHasNews(front.requests)
}

function pump(fronts: Fronts, front: Front, open: boolean): number {
  const { requests } = front
  const { counters } = fronts.machine
  const reads = at(counters, READS) + at(counters, READS_PARKED)
  const writes = at(counters, WRITES_TAKEN)
  let records = 0
  front.blocked = false
  for (let bytes = 0; bytes < PUMP_BYTES_MAX; records++) {
    const kind = ringNext(requests)
    if (kind === 0) break
    if (kind === TO_ORDER.REQUEST) front.blocked = !takeRequest(fronts, front, open)
    else takeControl(fronts, front, kind)
    if (front.blocked) break
    bytes += ringTook(requests)
  }
  if (front.blocked) front.stalls++
  front.readsTaken += at(counters, READS) + at(counters, READS_PARKED) - reads
  front.writesTaken += at(counters, WRITES_TAKEN) - writes
  return records
}

function takeControl(fronts: Fronts, front: Front, kind: number): void {
  const link = ringLink(front.requests)
  const life = ringLife(front.requests)
  if (kind === TO_ORDER.OPEN) {
    fronts.machine.linkOpen(front.base + link, ageOfTicket(fronts, life))
    front.lives[link] = life
  } else if (at(front.lives, link) === life) {
    closeLink(fronts, front, link) // else it is lost already, and the front did not know yet
  }
}

/** False: there is no room now. */
function takeRequest(fronts: Fronts, front: Front, open: boolean): boolean {
  const { requests, staging } = front
  const link = ringLink(requests)
  const life = ringLife(requests)
  if (at(front.lives, link) !== life) return true // of a link that is lost
  if (!open) return false
  if (!front.staged) {
    const from = ringPayload(requests)
    fronts.bytes.set(requests.bytes.subarray(from, from + ringLength(requests)), staging)
    front.staged = true
  }
  const taken = fronts.machine.request(staging, front.base + link)
  if (taken === TAKEN.NO_ROOM) return false
  front.staged = false
  if (taken === TAKEN.OK) {
    front.requestsTaken++
    return true
  }
  closeLink(fronts, front, link)
  ship(fronts, front, { link, life, offset: -1, length: 0 })
  return true
}

function closeLink(fronts: Fronts, front: Front, link: number): void {
  fronts.machine.linkClose(front.base + link)
  front.lives[link] = 0
}

function ship(fronts: Fronts, front: Front, what: Waiting): void {
  if (front.waiting.length > 0 || !put(fronts, front, what)) front.waiting.push(what)
}

/** False: the ring is full. */
function put(fronts: Fronts, front: Front, what: Waiting): boolean {
  const { replies } = front
  const { link, life, offset, length } = what
  if (offset < 0) return ringReserve(replies, TO_FRONT.LOST, link, life, 0) >= 0
  const to = ringReserve(replies, TO_FRONT.REPLY, link, life, length - BODY_OFFSET)
  if (to < 0) return false
  replies.bytes.set(fronts.bytes.subarray(offset + BODY_OFFSET, offset + length), to)
  fronts.machine.replyFree(offset)
  return true
}
