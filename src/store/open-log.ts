/**
 * Opens the native log (wal/log.h). It reads and writes the slab: close it before the endpoint that owns the slab.
 */

import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { loadAddon } from '../transport/addon.js'
import { withNativeErrors } from '../transport/native-error.js'
import { HEADER, PROPOSE, TAG_BYTES } from '../zab/wire.js'
import type { Log, LogSettings } from './log.js'

type Numbers<T> = {
  readonly [K in keyof T]: T[K] extends (...words: infer W) => unknown ? (...words: W) => number : T[K]
}

/** The log's own functions return numbers; a misuse is MISUSE. */
interface NativeLog extends Omit<Numbers<Log>, 'error' | 'close' | 'reopen' | 'startAnew'> {
  error(): string
  close(): void
}

type NativeSettings = Required<Omit<LogSettings, 'mode' | 'wakeHandle'>> & { sync: number; wakeHandle: number }

/** The part of the addon that is the log's. */
export interface LogAddon {
  openLog(settings: NativeSettings): NativeLog
  logCounterNames(): readonly string[]
  logFieldNames(): readonly string[]
}

export function logAddon(): LogAddon {
  return loadAddon() as LogAddon
}

const MISUSE = 99
const NO_ROOM = 8
const MIB = 1 << 20

const ENTRY_BYTES_MIN = HEADER.SIZE + PROPOSE.SIZE + TAG_BYTES
const EPOCH_MAX = 0xffff_ffff

function taken(result: number): boolean {
  assert(result !== MISUSE, 'log: offsets lie in the slab, and appends follow the end of the replay')
  return result === 1
}

export function openLog(settings: LogSettings): Log {
  let native = openNative(settings)
  return {
    get fields() {
      return native.fields
    },
    get counters() {
      return native.counters
    },
    get snapshotPartBytesMax() {
      return native.snapshotPartBytesMax
    },
    reopen() {
      native.close()
      native = openNative(settings)
    },
    startAnew() {
      native.close()
      setAside(settings.directory)
      native = openNative(settings)
    },
    replayNext(offset, bytesMax) {
      const kind = native.replayNext(offset, bytesMax)
      assert(kind !== MISUSE, 'replayNext: before the first append, into the slab')
      assert(kind !== NO_ROOM, 'replayNext: there is room for the largest datagram')
      return kind
    },
    discardAfterDamage: () => taken(native.discardAfterDamage()),
    appendEntry(offset, length, counter, count, epoch, committed) {
      assert(length >= ENTRY_BYTES_MIN && count > 0, 'appendEntry: a whole PROPOSE datagram')
      return taken(native.appendEntry(offset, length, counter, count, epoch, committed))
    },
    appendEpochs(accepted, current) {
      assert(accepted <= EPOCH_MAX && current <= EPOCH_MAX, 'appendEpochs: epochs have 32 bits')
      return taken(native.appendEpochs(accepted, current))
    },
    appendTruncate: (counter) => taken(native.appendTruncate(counter)),
    appendBase: (counter, epoch) => taken(native.appendBase(counter, epoch)),
    flush: () => void native.flush(),
    appended: () => native.appended(),
    durable: () => native.durable(),
    status: () => native.status(),
    error: () => native.error() || null,
    snapshotBegin: (counter, epoch) => void taken(native.snapshotBegin(counter, epoch)),
    snapshotPart: (offset, bytes) => taken(native.snapshotPart(offset, bytes)),
    snapshotFinish: () => void native.snapshotFinish(),
    snapshotState: () => native.snapshotState(),
    snapshotAbandon: () => void native.snapshotAbandon(),
    snapshotOpen: () => taken(native.snapshotOpen()),
    snapshotRead(offset, bytesMax) {
      const bytes = native.snapshotRead(offset, bytesMax)
      assert(bytes !== -2, 'snapshotRead: there is room in the slab for the part')
      return bytes
    },
    close: () => native.close(),
  }
}

function openNative(settings: LogSettings): NativeLog {
  const { slab, cluster, wakeHandle, mode } = settings
  if (/[\n\0]/.test(cluster) || cluster.length === 0)
    throw new ZabkvError('BAD_ARGUMENT', 'a cluster with a data directory has a name of one line')
  return withNativeErrors(() =>
    logAddon().openLog({
      slab, cluster,
      directory: settings.directory,
      replica: settings.replica,
      sync: mode === 'fsync' ? 1 : 0,
      wakeHandle: wakeHandle ?? -1,
      bufferBytes: settings.bufferBytes ?? 64 * MIB,
      segmentBytes: settings.segmentBytes ?? 64 * MIB,
      snapshotBufferBytes: settings.snapshotBufferBytes ?? 8 * MIB,
      faultSync: settings.faultSync ?? 0,
    }),
  )
}

/** Nothing is deleted: a person may want to look at it. */
function setAside(directory: string): void {
  const folder = join(directory, `abandoned-${Date.now()}`)
  mkdirSync(folder)
  for (const name of readdirSync(directory)) {
    if (/^(log|snapshot)-/.test(name)) renameSync(join(directory, name), join(folder, name))
  }
}
