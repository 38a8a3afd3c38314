/** Small datagrams to clients: WELCOME, LINK_ACK, REFUSED, BYE. Sent once; what they tell is told again when asked. */

import { extensionOf, incarnationOf, setFlags, writeHeader } from '../zab/header.js'
import { linkStamp } from '../zab/link.js'
import { BODY_OFFSET, HEADER, KIND, LINK, setWide, TAG_BYTES } from '../zab/wire.js'
import type { HomeLink } from './home-links.js'
import type { Home } from './home.js'
import { CONTROL_SLOT_BYTES } from './layout.js'
import { queueSend, sendQueued } from './sender.js'

const NOTE_BYTES = BODY_OFFSET + TAG_BYTES

export function welcome(home: Home, client: HomeLink): void {
  const { words } = home
  const note = noteSlot(home)
  writeHeader(words, note, home.sender, KIND.WELCOME, NOTE_BYTES, 0, 0)
  setFlags(words, note, client.index)
  setWide(words, (note + HEADER.counter) >>> 2, 0)
  setWide(words, (note + HEADER.epoch) >>> 2, home.machine.applied())
  linkStamp(client.link, words, note)
  queueSend(home.output, note, NOTE_BYTES, client.destination, true)
}

export function acknowledge(home: Home, client: HomeLink): void {
  const note = noteSlot(home)
  writeHeader(home.words, note, home.sender, KIND.LINK_ACK, NOTE_BYTES, 0, 0)
  setWide(home.words, (note + HEADER.counter) >>> 2, 0)
  linkStamp(client.link, home.words, note)
  queueSend(home.output, note, NOTE_BYTES, client.destination, true)
}

/** Tells one client to go elsewhere. */
export function dismiss(home: Home, client: HomeLink): void {
  const note = noteSlot(home)
  writeHeader(home.words, note, home.sender, KIND.BYE, NOTE_BYTES, 0, 0)
  setWide(home.words, (note + HEADER.counter) >>> 2, 0)
  linkStamp(client.link, home.words, note)
  queueSend(home.output, note, NOTE_BYTES, client.destination, true)
}

/** The replica is stopping: its clients need not wait until they miss it. Once; the links are not used after. */
export function sayGoodbye(home: Home): void {
  if (home.links.byKey.size === 0) return
  let said = 0
  for (const client of home.links.byKey.values()) {
    if (++said % (home.noteSlots / 2) === 0) sendQueued(home.output) // before a slot is used again
    dismiss(home, client)
  }
  sendQueued(home.output)
  home.endpoint.flush()
  home.links.byKey.clear()
}

/** `why`: one of REFUSAL. Answers a row of the last burst, whoever sent it. */
export function refuse(home: Home, row: number, offset: number, why: number): void {
  const destination = home.endpoint.adoptSource(home.queue, row)
  home.returned.push(destination)
  const note = noteSlot(home)
  writeHeader(home.words, note, home.sender, KIND.REFUSED, NOTE_BYTES, 0, why)
  setWide(home.words, (note + HEADER.counter) >>> 2, 0)
  setWide(home.words, (note + HEADER.committed) >>> 2, 0)
  const word = (note + HEADER.SIZE) >>> 2
  const theirs = extensionOf(home.words, offset, LINK.link)
  home.words[word + (LINK.link >>> 2)] = theirs
  home.words[word + (LINK.credits >>> 2)] = incarnationOf(home.words, offset)
  home.words[word + (LINK.sackLow >>> 2)] = 0
  home.words[word + (LINK.sackHigh >>> 2)] = 0
  queueSend(home.output, note, NOTE_BYTES, destination, true)
}

function noteSlot(home: Home): number {
  const slot = home.noteNext
  home.noteNext = (slot + 1) % home.noteSlots
  return home.notesOffset + slot * CONTROL_SLOT_BYTES
}
