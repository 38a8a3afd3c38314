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
import type { RingReader } from './ring.js'
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

export function createFrontMachine(settings: FrontMachineSettings): FrontMachine {
  const { board, slab, datagramBytes, replyOffset, replySlots, linksMax } = settings
  const words = new Uint32Array(slab)
  const bytes = new Uint8Array(slab)
  const requests = openRingWriter(settings.memory.requests)
  const replies = openRingReader(settings.memory.replies)
  const slots = createPool(replyOffset, datagramBytes, replySlots)
  const slotsReserved = Math.max(1, Math.floor(replySlots / SLOTS_RESERVED_SHARE))
  const replyRows = new Uint32Array(replySlots * REPLY_ROW.WORDS)
  const lives = new Uint32Array(linksMax)
  const lost: number[] = []
  /** News of links for which the ring had no room: it goes before everything else. */
  const owed: Owed[] = []

  function control(kind: number, link: number, life: number): void {
    if (owed.length > 0 || ringReserve(requests, kind, link, life, 0) < 0) {
      owed.push({ kind, link, life })
    }
  }

  function payOwed(): boolean {
    while (owed.length > 0) {
      const first = owed[0]
      if (first === undefined) return true
      if (ringReserve(requests, first.kind, first.link, first.life, 0) < 0) return false
      owed.shift()
    }
    return true
  }

  function request(offset: number, link: number): number {
    if (slots.count < slotsReserved || !payOwed()) return TAKEN.NO_ROOM
    const length = lengthOf(words, offset)
    const to = ringReserve(requests, TO_ORDER.REQUEST, link, at(lives, link), length)
    if (to < 0) return TAKEN.NO_ROOM
    requests.bytes.set(bytes.subarray(offset, offset + length), to)
    return TAKEN.OK
  }

  function repliesClose(): number {
    let rows = 0
    while (slots.count > 0) {
      const kind = ringNext(replies)
      if (kind === 0) break
      const link = ringLink(replies)
      if (at(lives, link) === ringLife(replies)) {
        if (kind === TO_FRONT.LOST) lost.push(link)
        else takeReply(replies, link, rows++)
      }
      ringTook(replies)
    }
    return rows
  }

  function takeReply(ring: RingReader, link: number, row: number): void {
    const slot = poolTake(slots)
    const from = ringPayload(ring)
    const length = ringLength(ring)
    bytes.set(ring.bytes.subarray(from, from + length), slot + BODY_OFFSET)
    replyRows[row * REPLY_ROW.WORDS + REPLY_ROW.link] = link
    replyRows[row * REPLY_ROW.WORDS + REPLY_ROW.offset] = slot
    replyRows[row * REPLY_ROW.WORDS + REPLY_ROW.length] = BODY_OFFSET + length
  }

  return {
    lost,
    replyRows,
    linkOpen: (link) => {
      lives[link] = boardTicket(board)
      control(TO_ORDER.OPEN, link, at(lives, link))
    },
    linkClose: (link) => {
      control(TO_ORDER.CLOSE, link, at(lives, link))
      lives[link] = 0
    },
    request,
    repliesClose,
    replyFree: (offset) => poolGive(slots, offset),
    applied: () => boardApplied(board),
    publish: () => {
      payOwed()
      return ringPublish(requests)
    },
    release: () => ringRelease(replies),
    wantsRoom: () => requests.full,
    hasNews: () => {
      if (slots.count > 0 && ringHasNews(replies)) return true
      if (!requests.full || !ringGotRoom(requests)) return false
      requests.full = false // whoever was refused tries again, and it is set again if there still is no room
      return true
    },
  }
}
