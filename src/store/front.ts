/**
 * The native memcached front (front/server.h): sockets, protocols and execution, one link of a machine.
 *
 * It lives in the thread of its machine, and is closed before it.
 */

import { loadAddon } from '../transport/addon.js'
import { withNativeErrors } from '../transport/native-error.js'
import type { Machine } from './machine.js'

export interface FrontSettings {
  slab: ArrayBuffer
  /** One datagram of the slab that is the front's: requests are built there. */
  slotOffset: number
  datagramBytes: number
  /** A link of the machine that nobody else uses. */
  link: number
  sessionWindow: number
  /** 0: sessions do not end. */
  sessionMillis: number
  /** After so long a command that is not answered failed. */
  waitMillis: number
  /** 1: reads are told to the order, so that a cache keeps what is read. */
  tellsReads: 0 | 1
  /** IP address to listen on; empty: none. */
  host: string
  port: number
  /** Unix socket to listen on; empty: none. */
  path: string
  connectionsMax: number
  /** 0: connections may be silent for ever. */
  idleMillis: number
  /** Lines of user and password with a colon between; empty: everybody may. */
  credentials: string
  /** 1: a wait ends for the event loop's own sockets, too. */
  watchesLoop: 0 | 1
}

/** Bits of what flush returns. */
export const FRONT_BUSY = 1
export const FRONT_WANTS_TOLD = 2

export interface NativeFront {
  /** Readable when there is something to receive. */
  readonly descriptor: number
  /** Where it listens; 0: on no port. */
  readonly port: number
  /**
   * Reads what has come, answers what it can, and hands requests to the machine while it packs (`open`). `serving`:
   * this replica's state may be shown. Returns how many sockets had something to say.
   */
  receive(millis: number, serving: boolean, open: boolean): number
  /** Sends what is answered. Returns bits of FRONT_*. */
  flush(): number
  /** Before the machine closes its links, or is reset. */
  dismiss(): void
  connections(): number
  /** For `stats`: lines of a name, a blank and a value. */
  tell(general: string, settings: string, replication: string): void
  close(): void
}

interface FrontAddon {
  openFront(machine: Machine, settings: FrontSettings): NativeFront
}

export function openFront(machine: Machine, settings: FrontSettings): NativeFront {
  return withNativeErrors(() => (loadAddon() as unknown as FrontAddon).openFront(machine, settings))
}
