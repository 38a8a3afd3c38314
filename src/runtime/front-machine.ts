/**
 * The machine as a front's home sees it: two rings to worker 0, and reply slots of the front's own.
 *
 * request() says OK when the ring has the datagram: from there it cannot be lost while the replica lives. Answers
 * of an earlier user of a link number are told by the life they carry, and dropped.
 */

import { at } from '../assert.js'
import { REPLY_ROW, TAKEN } from '../store/machine.js'
import { lengthOf } from '../zab/header.js'
import { BODY_OFFSET } from '../zab/wire.js'
import type { Board } from './board.js'
import { boardApplied, boardTicket } from './board.js'
import type { ChannelMemory } from './channel.js'
import { TO_FRONT, TO_ORDER } from './channel.js'
import type { HomeMachine } from './home-machine.js'
import { createPool, poolGive, poolTake } from './pool.js'
import type { Pool } from './pool.js'
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

/** No request is taken when fewer than one slot in this many is free. */
const SLOTS_RESERVED_SHARE = 8

export interface FrontMachine extends HomeMachine {
  /** Links that worker 0 has closed because of what they sent; the owner empties it. */
  readonly lost: number[]
  /** What was handed over becomes worker 0's. False: there was nothing new. */
  publish(): boolean
  /** The room of what was read becomes worker 0's. */
  release(): boolean
  /** Something waits for room in the ring. */
  wantsRoom(): boolean
  /** For who is about to sleep: is there something to do after all? */
  hasNews(): boolean
}

export interface FrontMachineSettings {
  memory: ChannelMemory
  board: Board
  slab: ArrayBuffer
  datagramBytes: number
  replyOffset: number
  replySlots: number
  linksMax: number
}

interface Owed {
  readonly kind: number
  readonly link: number
  readonly life: number
}

/** What the functions of one front's machine share. */
interface Parts {
  readonly board: Board
  readonly words: Uint32Array
  readonly bytes: Uint8Array
  readonly requests: RingWriter
  readonly replies: RingReader
  readonly slots: Pool
  readonly slotsReserved: number
  readonly replyRows: Uint32Array
  /** By link; 0: not open. */
  readonly lives: Uint32Array
  readonly lost: number[]
  /** News of links for which the ring had no room: it goes before everything else. */
  readonly owed: Owed[]
}

export function createFrontMachine(settings: FrontMachineSettings): FrontMachine {
  const { board, slab, datagramBytes, replyOffset, replySlots, linksMax } = settings
  const parts: Parts = {
    board,
    words: new Uint32Array(slab),
    bytes: new Uint8Array(slab),
    requests: openRingWriter(settings.memory.requests),
    replies: openRingReader(settings.memory.replies),
    slots: createPool(replyOffset, datagramBytes, replySlots),
    slotsReserved: Math.max(1, Math.floor(replySlots / SLOTS_RESERVED_SHARE)),
    replyRows: new Uint32Array(replySlots * REPLY_ROW.WORDS),
    lives: new Uint32Array(linksMax),
    lost: [],
    owed: [],
  }
  const { requests, replies, lives, slots } = parts
  return {
    lost: parts.lost,
    replyRows: parts.replyRows,
    linkOpen: (link) => {
      lives[link] = boardTicket(board)
      control(parts, TO_ORDER.OPEN, link)
    },
    linkClose: (link) => {
      control(parts, TO_ORDER.CLOSE, link)
      lives[link] = 0
    },
    request: (offset, link) => request(parts, offset, link),
    repliesClose: () => repliesClose(parts),
    replyFree: (offset) => poolGive(slots, offset),
    applied: () => boardApplied(board),
    publish: () => {
      payOwed(parts)
      return ringPublish(requests)
    },
    release: () => ringRelease(replies),
    wantsRoom: () => requests.full,
    hasNews: () => hasNews(parts),
  }
}

function control(parts: Parts, kind: number, link: number): void {
  const { owed, requests } = parts
  const life = at(parts.lives, link)
  if (owed.length > 0 || ringReserve(requests, kind, link, life, 0) < 0) {
    owed.push({ kind, link, life })
  }
}

function payOwed(parts: Parts): boolean {
  const { owed, requests } = parts
  while (owed.length > 0) {
    const first = owed[0]
    if (first === undefined) return true
    if (ringReserve(requests, first.kind, first.link, first.life, 0) < 0) return false
    owed.shift()
  }
  return true
}

function request(parts: Parts, offset: number, link: number): number {
  const { requests, bytes } = parts
  if (parts.slots.count < parts.slotsReserved || !payOwed(parts)) return TAKEN.NO_ROOM
  const length = lengthOf(parts.words, offset)
  const to = ringReserve(requests, TO_ORDER.REQUEST, link, at(parts.lives, link), length)
  if (to < 0) return TAKEN.NO_ROOM
  requests.bytes.set(bytes.subarray(offset, offset + length), to)
  return TAKEN.OK
}

function repliesClose(parts: Parts): number {
  const { replies } = parts
  let rows = 0
  while (parts.slots.count > 0) {
    const kind = ringNext(replies)
    if (kind === 0) break
    const link = ringLink(replies)
    if (at(parts.lives, link) === ringLife(replies)) {
      if (kind === TO_FRONT.LOST) parts.lost.push(link)
      else takeReply(parts, link, rows++)
    }
    ringTook(replies)
  }
  return rows
}

function takeReply(parts: Parts, link: number, row: number): void {
  const { replies, replyRows } = parts
  const slot = poolTake(parts.slots)
  const from = ringPayload(replies)
  const length = ringLength(replies)
  parts.bytes.set(replies.bytes.subarray(from, from + length), slot + BODY_OFFSET)
  replyRows[row * REPLY_ROW.WORDS + REPLY_ROW.link] = link
  replyRows[row * REPLY_ROW.WORDS + REPLY_ROW.offset] = slot
  replyRows[row * REPLY_ROW.WORDS + REPLY_ROW.length] = BODY_OFFSET + length
}

function hasNews(parts: Parts): boolean {
  const { requests } = parts
  if (parts.slots.count > 0 && ringHasNews(parts.replies)) return true
  if (!requests.full || !ringGotRoom(requests)) return false
  requests.full = false // whoever was refused tries again, and it is set again if there still is no room
  return true
}
