/**
 * A log that can be read again from its beginning in the life of a replica: when the state in memory had to be given up
 * and what is on the disk is again what this replica has.
 */

import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Log, LogSettings } from './log.js'
import { openLog } from './open-log.js'

export interface ReopenableLog extends Log {
  /** Writes what was appended and opens the log anew: replayNext begins again. */
  reopen(): void
  /** Sets everything aside, in a folder of the directory, and begins with an empty log: what it held is void. */
  startAnew(): void
}

/** Nothing is deleted: a person may want to look at it. */
function setAside(directory: string): void {
  const folder = join(directory, `abandoned-${Date.now()}`)
  mkdirSync(folder)
  for (const name of readdirSync(directory)) {
    if (/^(log|snapshot)-/.test(name)) renameSync(join(directory, name), join(folder, name))
  }
}

export function openReopenableLog(settings: LogSettings): ReopenableLog {
  let log = openLog(settings)
  return {
    reopen: () => {
      log.close()
      log = openLog(settings)
    },
    startAnew: () => {
      log.close()
      setAside(settings.directory)
      log = openLog(settings)
    },
    replayNext: (offset, bytesMax) => log.replayNext(offset, bytesMax),
    get fields() {
      return log.fields
    },
    discardAfterDamage: () => log.discardAfterDamage(),
    appendEntry: (offset, length, counter, count, epoch, committed) =>
      log.appendEntry(offset, length, counter, count, epoch, committed),
    appendEpochs: (accepted, current) => log.appendEpochs(accepted, current),
    appendTruncate: (counter) => log.appendTruncate(counter),
    appendBase: (counter, epoch) => log.appendBase(counter, epoch),
    flush: () => log.flush(),
    appended: () => log.appended(),
    durable: () => log.durable(),
    status: () => log.status(),
    error: () => log.error(),
    get counters() {
      return log.counters
    },
    snapshotBegin: (counter, epoch) => log.snapshotBegin(counter, epoch),
    snapshotPart: (offset, bytes) => log.snapshotPart(offset, bytes),
    get snapshotPartBytesMax() {
      return log.snapshotPartBytesMax
    },
    snapshotFinish: () => log.snapshotFinish(),
    snapshotState: () => log.snapshotState(),
    snapshotAbandon: () => log.snapshotAbandon(),
    snapshotOpen: () => log.snapshotOpen(),
    snapshotRead: (offset, bytesMax) => log.snapshotRead(offset, bytesMax),
    close: () => log.close(),
  }
}
