/** Small file systems in memory that hold the replicas' data, to be filled and emptied. Gone with the namespace. */

import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const CHUNK = Buffer.alloc(64 * 1024)
const BALLAST = 'ballast'

/** Null when it is mounted, else why not. Only in a mount namespace of our own: nobody else sees it. */
export function mountDisk(folder: string, mebibytes: number): string | null {
  mkdirSync(folder, { recursive: true })
  const words = ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]
  const done = spawnSync('mount', words, { encoding: 'utf8' })
  return done.status === 0 ? null : `mount ${words.join(' ')}: ${(done.stderr ?? String(done.error)).trim()}`
}

export function unmountDisk(folder: string): void {
  spawnSync('umount', [folder])
}

/** Until the next byte is refused; the ballast is beside the replica's own folder. */
export function fillDisk(folder: string): void {
  const file = openSync(join(folder, BALLAST), 'a')
  try {
    const rounds = Math.ceil(statfsSync(folder).blocks / 16) + 16
    let bytes = CHUNK.length
    for (let round = 0; round < rounds && bytes > 0; round++) {
      try {
        const written = writeSync(file, CHUNK, 0, bytes)
        if (written < bytes) bytes = bytes >> 1
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        bytes = bytes >> 4
      }
    }
  } finally {
    closeSync(file)
  }
}

export function emptyDisk(folder: string): void {
  rmSync(join(folder, BALLAST), { force: true })
}
