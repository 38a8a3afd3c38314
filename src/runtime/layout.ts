/**
 * Where everything lies in a replica's slab beyond what the endpoint itself uses. Sizes in bytes.
 *
 *   history   proposals as they are sent and applied
 *   forward   records on their way to the leader
 *   control   small datagrams between replicas
 *   notes     small datagrams to clients
 *   early     proposals that came before their turn
 *   parked    datagrams of links that came before their turn
 *   replies   answers, lent to links until acknowledged
 *   staging   one datagram for each front: what the machine reads next
 */

import { DATAGRAM_ALIGN } from '../zab/limits.js'

export const CONTROL_SLOT_BYTES = DATAGRAM_ALIGN * 2
export const CONTROL_SLOTS = 4096
export const EARLY_SLOTS = 256
export const PARKED_SLOTS = 1024
export const REPLY_SLOTS = 4096

export interface Layout {
  history: number
  historyBytes: number
  forward: number
  forwardBytes: number
  control: number
  notes: number
  early: number
  parked: number
  replies: number
  staging: number
  /** Bytes in all. */
  bytes: number
}

/** What the home of clients needs; a front's slab has nothing else. */
export type HomeLayout = Pick<Layout, 'notes' | 'parked' | 'replies' | 'bytes'>

export function layoutSlab(
  base: number,
  datagramBytes: number,
  historyBytes: number,
  fronts = 0,
): Layout {
  let next = base
  const take = (bytes: number): number => {
    const offset = next
    next += alignUp(bytes)
    return offset
  }
  const forwardBytes = Math.max(Math.floor(historyBytes / 4 / DATAGRAM_ALIGN) * DATAGRAM_ALIGN, datagramBytes * 64)
  const layout = {
    history: take(historyBytes),
    historyBytes,
    forward: take(forwardBytes),
    forwardBytes,
    control: take(CONTROL_SLOTS * CONTROL_SLOT_BYTES),
    notes: take(CONTROL_SLOTS * CONTROL_SLOT_BYTES),
    early: take(EARLY_SLOTS * datagramBytes),
    parked: take(PARKED_SLOTS * datagramBytes),
    replies: take(REPLY_SLOTS * datagramBytes),
    staging: take(fronts * datagramBytes),
  }
  return { ...layout, bytes: next - base }
}

export function layoutFrontSlab(base: number, datagramBytes: number): HomeLayout {
  const notes = base
  const parked = notes + alignUp(CONTROL_SLOTS * CONTROL_SLOT_BYTES)
  const replies = parked + alignUp(PARKED_SLOTS * datagramBytes)
  const bytes = replies + alignUp(REPLY_SLOTS * datagramBytes) - base
  return { notes, parked, replies, bytes }
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / DATAGRAM_ALIGN) * DATAGRAM_ALIGN
}
