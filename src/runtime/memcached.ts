/**
 * The memcached front of a replica: what core.ts turns beside its own clients, and what it tells of the replica.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ZabkvError } from '../errors.js'
import { FRONT_BUSY, FRONT_WANTS_TOLD, openFront } from '../store/front.js'
import type { NativeFront } from '../store/front.js'
import type { Machine } from '../store/machine.js'
import { TICKS_PER_MILLI } from '../zab/limits.js'
import { startTls } from './memcached-tls.js'
import type { TlsFace } from './memcached-tls.js'
import type { ClusterSettings, MemcachedOptions } from './options.js'

const WAIT_MILLIS = 10_000

/** Three texts of `stats`: lines of a name, a blank and a value. */
export interface Told {
  general: string
  settings: string
  replication: string
}

export interface MemcachedFront {
  readonly descriptor: number
  /** What its clients say comes through the event loop. */
  readonly watchesLoop: boolean
  /** Sockets that had something to say. */
  receive(tick: number, serving: boolean, open: boolean): number
  /** Whether there is more to do at once. */
  flush(): boolean
  dismiss(): void
  /** Who knows what the replica does; set once, before the first turn. */
  describe: () => Told
  /** Where clients connect; resolves when they can. */
  listening(): Promise<{ host: string; port: number }>
  close(): void
}

export interface MemcachedPlace {
  slab: ArrayBuffer
  slotOffset: number
  link: number
  /** The replica's own address: where it listens unless it is told where. */
  address: string
}

export function openMemcached(
  machine: Machine,
  options: MemcachedOptions,
  settings: ClusterSettings,
  place: MemcachedPlace,
): MemcachedFront {
  const host = options.host === '' ? place.address : options.host
  const isSecure = options.tlsCert !== null
  const folder = isSecure ? mkdtempSync(join(tmpdir(), 'zabkv-tls-')) : null
  const path = folder === null ? '' : join(folder, 'plain')
  let native: NativeFront
  let tls: TlsFace | null = null
  try {
    if (isSecure) tls = startTls(options, host, path)
    native = openFront(machine, {
      slab: place.slab,
      slotOffset: place.slotOffset,
      datagramBytes: settings.datagramBytes,
      link: place.link,
      sessionWindow: settings.sessionWindow,
      sessionMillis: settings.sessionSeconds * 1000,
      waitMillis: WAIT_MILLIS,
      tellsReads: settings.memory === 'cache' ? 1 : 0,
      host: isSecure ? '' : host,
      port: isSecure ? 0 : options.port,
      path,
      connectionsMax: options.connectionsMax,
      idleMillis: options.idleSeconds * 1000,
      credentials: credentialsOf(options.authFile),
      watchesLoop: isSecure ? 1 : 0,
    })
  } catch (error) {
    tls?.close()
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
    throw error
  }
  const front: MemcachedFront = {
    descriptor: native.descriptor,
    watchesLoop: isSecure,
    receive: (tick, serving, open) => native.receive(Math.floor(tick / TICKS_PER_MILLI), serving, open),
    flush: () => {
      const bits = native.flush()
      if ((bits & FRONT_WANTS_TOLD) !== 0) tell(front, native)
      return (bits & FRONT_BUSY) !== 0
    },
    dismiss: () => native.dismiss(),
    describe: () => ({ general: '', settings: '', replication: '' }),
    listening: async () => ({ host, port: tls === null ? native.port : await tls.port }),
    close: () => {
      tls?.close()
      native.close()
      if (folder !== null) rmSync(folder, { recursive: true, force: true })
    },
  }
  return front
}

function tell(front: MemcachedFront, native: NativeFront): void {
  const { general, settings, replication } = front.describe()
  native.tell(general, settings, replication)
}

/** As memcached's --auth-file: "user:password" on each line. */
function credentialsOf(file: string | null): string {
  if (file === null) return ''
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new ZabkvError('BAD_ARGUMENT', `The file of --memcached-auth-file cannot be read: ${file}.`)
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length > 0 && lines.every((line) => line.includes(':'))) return lines.join('\n')
  throw new ZabkvError('BAD_ARGUMENT', `Every line of ${file} is a user and a password with a colon between.`)
}
