/** What every link between replicas sends beside its datagrams: acknowledgements, and what is due again. */

import { at } from '../assert.js'
import { writeHeader } from '../zab/header.js'
import { linkDue, linkLength, linkOffset, linkStamp } from '../zab/link.js'
import type { Link } from '../zab/link.js'
import type { State } from '../zab/state.js'
import { controlSlot, emitSend, sendRoom } from '../zab/state.js'
import { BODY_OFFSET, HEADER, KIND, setWide, TAG_BYTES } from '../zab/wire.js'

const NOTE_BYTES = BODY_OFFSET + TAG_BYTES

/** `transfer`: number of the snapshot's transfer that the link is for; 0: the link is for forwards. */
export function sendLinkAck(state: State, link: Link, to: number, transfer: number): void {
  const offset = controlSlot(state)
  writeHeader(state.words, offset, state.sender, KIND.LINK_ACK, NOTE_BYTES, state.acceptedEpoch, transfer)
  setWide(state.words, (offset + HEADER.counter) >>> 2, 0)
  linkStamp(link, state.words, offset)
  emitSend(state, to, offset, NOTE_BYTES, true)
}

/** Sends again what is due, as long as more than `slack` rows are left in this turn. Returns how many. */
export function sendDue(state: State, link: Link, due: Float64Array, to: number, slack: number, tick: number): number {
  const found = linkDue(link, tick, due)
  let sent = 0
  while (sent < found && sendRoom(state) > slack) {
    const sequence = at(due, sent)
    const offset = linkOffset(link, sequence)
    linkStamp(link, state.words, offset)
    emitSend(state, to, offset, linkLength(link, sequence), true)
    sent++
  }
  return sent
}
