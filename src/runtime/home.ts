/**
 * Home: the replica that clients are attached to. Takes their requests in the order of their link, hands them to
 * the state machine, and keeps the answers until they are acknowledged.
 *
 * A REQUEST that finds no room (the order is stalled, or too many answers wait) is parked where it stands in its
 * link's order, and tried again every turn: nothing is lost, and the client's credit ends the flow.
 */

import { assert, at } from '../assert.js'
import type { Endpoint } from '../transport/endpoint.js'
import { REPLY_ROW, TAKEN } from '../store/machine.js'
import { counterOf, extensionOf, flagsOf, incarnationOf, lengthOf, writeHeader } from '../zab/header.js'
import type { Sender } from '../zab/header.js'
import {
  LINK_WINDOW_MAX,
  linkAckDue,
  linkDue,
  linkLength,
  linkOffset,
  linkOrder,
  linkOweAck,
  linkParked,
  linkRoom,
  linkSend,
  linkStamp,
  linkTook,
  linkUnacked,
  linkUnpark,
  onLinkAck,
} from '../zab/link.js'
import { FLAG_QUESTION, HEADER, KIND, LINK, REFUSAL, setWide } from '../zab/wire.js'
import { HOME_DROPS } from './home-drops.js'
import type { HomeDrop } from './home-drops.js'
import type { HomeLink, HomeLinks } from './home-links.js'
import { addHomeLink, createHomeLinks, homeKey, homeLinkAt, removeHomeLink } from './home-links.js'
import type { HomeMachine } from './home-machine.js'
import { acknowledge, dismiss, refuse, welcome } from './home-notes.js'
import type { HomeLayout } from './layout.js'
import { parkDatagram } from './parked.js'
import { createPool, poolGive } from './pool.js'
import type { Pool } from './pool.js'
import type { QueueSender } from './sender.js'
import { queueSend, sendQueued } from './sender.js'

const SILENT_TICKS = 100_000 //  a link not heard of for 10 s is dropped
const SWEEP_TICKS = 10 //        links are looked after at least every few milliseconds
const SWEEP_LINKS = 512 //       of one sweep
const RESEND_MAX = 64 //         datagrams of one link and look

export interface Home {
  readonly endpoint: Endpoint
  readonly machine: HomeMachine
  readonly output: QueueSender
  readonly queue: number
  readonly sender: Sender
  readonly words: Uint32Array
  readonly bytes: Uint8Array
  readonly notesOffset: number
  readonly noteSlots: number
  readonly datagramBytes: number
  readonly links: HomeLinks
  readonly parked: Pool
  readonly touched: HomeLink[]
  readonly drops: Map<HomeDrop, number>
  readonly due: Float64Array
  /** Destinations to give back after this turn: as often as a source was adopted, less once for each link. */
  readonly returned: number[]
  deferred: HomeLink[]
  noteNext: number
  sweepNext: number
  sweepTick: number
  resent: number
  /** Turns in which a request waited for room. */
  stalls: number
}

export function createHome(
  endpoint: Endpoint,
  machine: HomeMachine,
  output: QueueSender,
  sender: Sender,
  layout: HomeLayout,
  datagramBytes: number,
  linksMax: number,
): Home {
  return {
    endpoint,
    machine,
    output,
    queue: output.queue,
    sender,
    words: new Uint32Array(endpoint.slab),
    bytes: new Uint8Array(endpoint.slab),
    notesOffset: layout.notes,
    noteSlots: layout.slots.control,
    datagramBytes,
    links: createHomeLinks(linksMax),
    parked: createPool(layout.parked, datagramBytes, layout.slots.parked),
    touched: [],
    drops: new Map(HOME_DROPS.map((reason) => [reason, 0])),
    due: new Float64Array(RESEND_MAX),
    returned: [],
    deferred: [],
    noteNext: 0,
    sweepNext: 0,
    sweepTick: 0,
    resent: 0,
    stalls: 0,
  }
}

/** A validated datagram from the clients' queue. `serving`: this replica may take requests now. */
export function onClientDatagram(
  home: Home,
  row: number,
  offset: number,
  kind: number,
  serving: boolean,
  tick: number,
): void {
  if (kind === KIND.HELLO) return onHello(home, row, offset, serving, tick)
  const client = homeLinkAt(home.links, extensionOf(home.words, offset, LINK.link))
  if (client === null || client.incarnation !== incarnationOf(home.words, offset)) {
    drop(home, client === null ? 'client-unknown-link' : 'client-other-incarnation')
    return refuse(home, row, offset, REFUSAL.UNKNOWN_LINK)
  }
  touch(home, client)
  takeAck(home, client, offset, tick)
  if (kind === KIND.REQUEST) onRequest(home, client, offset, tick)
  else if (kind === KIND.BYE) close(home, client)
  else if (kind !== KIND.LINK_ACK) drop(home, 'client-unknown-kind')
  else if ((flagsOf(home.words, offset) & FLAG_QUESTION) !== 0) acknowledge(home, client)
}

/** Starts a turn: requests that waited for room go first, so that no later one overtakes. */
export function retryDeferred(home: Home, tick: number): void {
  if (home.deferred.length === 0) return
  const waiting = home.deferred
  home.deferred = []
  home.stalls++
  for (const client of waiting) {
    client.deferred = false
    if (homeLinkAt(home.links, client.index) === client) drainParked(home, client, tick)
  }
}

/** Ends a turn: answers leave, then what else the links have to say. */
export function homeFlush(home: Home, tick: number): void {
  sendReplies(home, tick)
  for (const client of home.touched) {
    client.touched = false
    if (homeLinkAt(home.links, client.index) === client) lookAfter(home, client, tick)
  }
  home.touched.length = 0
  if (tick - home.sweepTick >= SWEEP_TICKS) sweep(home, tick)
}

/** The machine has closed a link: what it sent is no request. */
export function onLinkLost(home: Home, index: number): void {
  const client = homeLinkAt(home.links, index)
  if (client === null) return
  drop(home, 'client-malformed')
  dismiss(home, client)
  close(home, client)
}

/** Every client is told to go elsewhere and to ask again for what it has no answer to. */
export function dismissAll(home: Home): void {
  let said = 0
  for (const client of [...home.links.byKey.values()]) {
    if (++said % (home.noteSlots / 2) === 0) sendQueued(home.output) // before a slot is used again
    dismiss(home, client)
    close(home, client)
  }
  home.deferred.length = 0
  sendQueued(home.output)
}

export function homeLinkCount(home: Home): number {
  return home.links.byKey.size
}

function onHello(home: Home, row: number, offset: number, serving: boolean, tick: number): void {
  const { words } = home
  if (!serving || home.machine.applied() < counterOf(words, offset)) {
    return refuse(home, row, offset, REFUSAL.NOT_READY)
  }
  const incarnation = incarnationOf(words, offset)
  const remote = extensionOf(words, offset, LINK.link)
  const destination = home.endpoint.adoptSource(home.queue, row)
  const key = homeKey(incarnation, remote, destination)
  let client = home.links.byKey.get(key) ?? null
  if (client === null) {
    client = addHomeLink(home.links, key, remote, incarnation, destination, tick)
    if (client === null) {
      home.returned.push(destination)
      return refuse(home, row, offset, REFUSAL.LINKS_FULL)
    }
    home.machine.linkOpen(client.index, 0)
    const credits = extensionOf(words, offset, LINK.credits)
    client.link.txAllowed = Math.min(Math.max(credits, 1), LINK_WINDOW_MAX)
  } else {
    home.returned.push(destination) // adopted once more than the link keeps
  }
  welcome(home, client)
}

function onRequest(home: Home, client: HomeLink, offset: number, tick: number): void {
  // UDP delivers what is larger than a slot: it has no place here, and no client of this cluster sends it.
  if (lengthOf(home.words, offset) > home.datagramBytes) return drop(home, 'client-malformed')
  const sequence = counterOf(home.words, offset)
  switch (linkOrder(client.link, sequence)) {
    case 'next':
      if (take(home, client, offset, false, tick)) drainParked(home, client, tick)
      return
    case 'early':
      park(home, client, sequence, offset, tick)
      return
    case 'duplicate':
      linkOweAck(client.link, tick)
      return drop(home, 'client-duplicate')
    case 'beyond':
      return drop(home, 'client-beyond-window')
  }
}

/** Hands the next request to the machine. False: it waits, or the link is gone. */
function take(
  home: Home,
  client: HomeLink,
  offset: number,
  parked: boolean,
  tick: number,
): boolean {
  const backlog = linkUnacked(client.link) + client.waiting.length
  const taken =
    backlog >= LINK_WINDOW_MAX ? TAKEN.NO_ROOM : home.machine.request(offset, client.index)
  if (taken === TAKEN.OK) {
    if (parked) {
      linkUnpark(client.link)
      poolGive(home.parked, offset)
    }
    linkTook(client.link, tick)
    return true
  }
  if (taken === TAKEN.MALFORMED) {
    drop(home, 'client-malformed')
    close(home, client)
    return false
  }
  if (!parked && !park(home, client, client.link.rxNext, offset, tick)) return false
  if (!client.deferred) {
    client.deferred = true
    home.deferred.push(client)
  }
  return false
}

function park(
  home: Home,
  client: HomeLink,
  sequence: number,
  offset: number,
  tick: number,
): boolean {
  if (parkDatagram(client.link, home.parked, home, sequence, offset, tick)) return true
  drop(home, 'client-no-room')
  return false
}

function drainParked(home: Home, client: HomeLink, tick: number): void {
  for (;;) {
    const offset = linkParked(client.link)
    if (offset < 0 || !take(home, client, offset, true, tick)) return
  }
}

function takeAck(home: Home, client: HomeLink, offset: number, tick: number): void {
  const { link } = client
  const before = link.txAcked
  if (!onLinkAck(link, home.words, offset, tick)) return drop(home, 'client-bad-ack')
  for (let sequence = before + 1; sequence <= link.txAcked; sequence++) {
    home.machine.replyFree(at(link.txOffset, sequence & link.txMask))
  }
}

function sendReplies(home: Home, tick: number): void {
  const { machine } = home
  const rowsMax = machine.replyRows.length / REPLY_ROW.WORDS
  for (;;) {
    const rows = machine.repliesClose()
    for (let row = 0; row < rows; row++) {
      const word = row * REPLY_ROW.WORDS
      const client = homeLinkAt(home.links, at(machine.replyRows, word + REPLY_ROW.link))
      assert(client !== null, 'sendReplies: answers are owed to open links only')
      const offset = at(machine.replyRows, word + REPLY_ROW.offset)
      const length = at(machine.replyRows, word + REPLY_ROW.length)
      touch(home, client)
      if (client.waiting.length > 0 || linkRoom(client.link) === 0) {
        client.waiting.push({ offset, length })
      } else {
        sendReply(home, client, offset, length, tick)
      }
    }
    if (rows < rowsMax) return
  }
}

function sendReply(
  home: Home,
  client: HomeLink,
  offset: number,
  length: number,
  tick: number,
): void {
  writeHeader(home.words, offset, home.sender, KIND.REPLY, length, 0, 0)
  setWide(home.words, (offset + HEADER.epoch) >>> 2, home.machine.applied())
  const bytes = wireBytes(home, length)
  linkSend(client.link, home.words, offset, bytes, tick)
  queueSend(home.output, offset, bytes, client.destination, true)
}

/** Nearly full datagrams leave at full size, so that a burst of them is one segmented send. */
function wireBytes(home: Home, length: number): number {
  return length > home.datagramBytes - home.datagramBytes / 8 ? home.datagramBytes : length
}

/** One link: answers that waited for credit, what is to be sent again, and acknowledgements. */
function lookAfter(home: Home, client: HomeLink, tick: number): void {
  const { link } = client
  while (client.waiting.length > 0 && linkRoom(link) > 0) {
    const reply = client.waiting.shift()
    if (reply !== undefined) sendReply(home, client, reply.offset, reply.length, tick)
  }
  const due = linkDue(link, tick, home.due)
  for (let index = 0; index < due; index++) {
    const sequence = at(home.due, index)
    const offset = linkOffset(link, sequence)
    linkStamp(link, home.words, offset)
    queueSend(home.output, offset, linkLength(link, sequence), client.destination, true)
    home.resent++
  }
  if (linkAckDue(link, tick)) acknowledge(home, client)
}

/** Links that were quiet: their timers, and the end of those that are silent. */
function sweep(home: Home, tick: number): void {
  home.sweepTick = tick
  const { byIndex } = home.links
  const most = Math.min(SWEEP_LINKS, byIndex.length)
  for (let looked = 0; looked < most; looked++) {
    const client = byIndex[home.sweepNext] ?? null
    home.sweepNext = (home.sweepNext + 1) % byIndex.length
    if (client === null) continue
    if (tick - client.link.heardTick > SILENT_TICKS) {
      drop(home, 'client-silent')
      close(home, client)
    } else {
      lookAfter(home, client, tick)
    }
  }
}

function close(home: Home, client: HomeLink): void {
  home.machine.linkClose(client.index)
  removeHomeLink(home.links, client, home.parked, (offset) => home.machine.replyFree(offset))
  home.returned.push(client.destination)
}

/** After the turn's sends have left: destinations that no link uses are given back. */
export function homeAfterSend(home: Home): void {
  for (const destination of home.returned) home.endpoint.removeDestination(destination)
  home.returned.length = 0
}

function touch(home: Home, client: HomeLink): void {
  if (client.touched) return
  client.touched = true
  home.touched.push(client)
}

function drop(home: Home, reason: HomeDrop): void {
  home.drops.set(reason, (home.drops.get(reason) ?? 0) + 1)
}
