/**
 * Where everything lies in a replica's slab beyond what the endpoint itself uses. Sizes in bytes.
 *
 *   history   proposals as they are sent and applied; then the reserve for those held while a snapshot is loaded
 *   forward   records on their way to the leader
 *   control   small datagrams between replicas
 *   notes     small datagrams to clients
 *   early     proposals that came before their turn
 *   parked    datagrams of links that came before their turn
 *   replies   answers, lent to links until acknowledged
 *   part      a part of a snapshot on its way out of the machine
 *   transfer  datagrams of a snapshot, lent until acknowledged
 *   staging   one datagram for each front, and one for memcached's: what the machine reads next
 */

import { DATAGRAM_ALIGN } from '../zab/limits.js'
import type { Config } from '../zab/state.js'

export const CONTROL_SLOT_BYTES = DATAGRAM_ALIGN * 2

/** How many there are of each. */
export interface Slots {
  control: number
  early: number
  parked: number
  reply: number
  transfer: number
}

export const SLOTS: Slots = { control: 4096, early: 256, parked: 1024, reply: 4096, transfer: 512 }

export const PART_BYTES = 64 << 10

export interface Layout {
  history: number
  historyBytes: number
  reserveBytes: number
  forward: number
  forwardBytes: number
  control: number
  notes: number
  early: number
  parked: number
  replies: number
  part: number
  transfer: number
  staging: number
  /** Bytes in all. */
  bytes: number
  slots: Slots
}

/** The places of a Config: where the protocol finds its part of the slab. */
export function placesOf(layout: Layout): Pick<
  Config,
  | 'historyOffset'
  | 'historyBytes'
  | 'reserveBytes'
  | 'controlOffset'
  | 'controlSlots'
  | 'parkOffset'
  | 'parkSlots'
> {
  return {
    historyOffset: layout.history,
    historyBytes: layout.historyBytes,
    reserveBytes: layout.reserveBytes,
    controlOffset: layout.control,
    controlSlots: layout.slots.control,
    parkOffset: layout.early,
    parkSlots: layout.slots.early,
  }
}

/** What the home of clients needs; a front's slab has nothing else. */
export type HomeLayout = Pick<Layout, 'notes' | 'parked' | 'replies' | 'bytes' | 'slots'>

export function layoutSlab(
  base: number,
  datagramBytes: number,
  historyBytes: number,
  fronts = 0,
  slots = SLOTS,
  reserveBytes = 0,
): Layout {
  let next = base
  const take = (bytes: number): number => {
    const offset = next
    next += alignUp(bytes)
    return offset
  }
  const forwardBytes = Math.max(Math.floor(historyBytes / 4 / DATAGRAM_ALIGN) * DATAGRAM_ALIGN, datagramBytes * 64)
  const layout = {
    history: take(historyBytes + reserveBytes),
    historyBytes,
    reserveBytes,
    forward: take(forwardBytes),
    forwardBytes,
    control: take(slots.control * CONTROL_SLOT_BYTES),
    notes: take(slots.control * CONTROL_SLOT_BYTES),
    early: take(slots.early * datagramBytes),
    parked: take(slots.parked * datagramBytes),
    replies: take(slots.reply * datagramBytes),
    part: take(PART_BYTES),
    transfer: take(slots.transfer * datagramBytes),
    staging: take((fronts + 1) * datagramBytes),
  }
  return { ...layout, bytes: next - base, slots }
}

export function layoutFrontSlab(base: number, datagramBytes: number): HomeLayout {
  const notes = base
  const parked = notes + alignUp(SLOTS.control * CONTROL_SLOT_BYTES)
  const replies = parked + alignUp(SLOTS.parked * datagramBytes)
  const bytes = replies + alignUp(SLOTS.reply * datagramBytes) - base
  return { notes, parked, replies, bytes, slots: SLOTS }
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / DATAGRAM_ALIGN) * DATAGRAM_ALIGN
}
