/** Full disks: writes are refused and say so, reads go on, and with room all goes on. Needs mount namespaces. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { item } from '../../src/assert.js'
import { ZabkvError } from '../../src/client/connect.js'
import { emptyDisk } from '../chaos/disks.js'
import { settledAlike, startProcesses } from './processes.js'
import { until } from './until.js'

const WORDS = ['--store-mib', '256', '--history-mib', '16', '--failure-timeout-ms', '300']
const MIB = 1 << 20
/** The log is written in segments of 64 MiB, the next one made ahead: the second has no room for a third after it. */
const DISK_MIB = 192
const BALLAST_MIB = 56
const WRITES_MAX = 100

/** A small file system with ballast on it, which nobody else sees and which goes with its process. */
function onSmallDisk(dataDir: string): string[] {
  const mount = `mount -t tmpfs -o size=${DISK_MIB}m none "$0"`
  const script = `${mount} && head -c ${BALLAST_MIB * MIB} /dev/zero >"$0/ballast" && exec "$@"`
  return ['unshare', '-m', 'sh', '-c', script, dataDir]
}

function whyNot(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'zabkv-disk-'))
  const [command = '', ...words] = [...onSmallDisk(folder), 'true']
  const tried = spawnSync(command, words, { encoding: 'utf8' })
  rmSync(folder, { recursive: true, force: true })
  return tried.status === 0 ? null : `no mount namespace with a tmpfs here: ${tried.stderr || String(tried.error)}`
}

const missing = whyNot()

test('disk: full disks refuse writes definitely, reads go on, and writes work again when there is room', async (t) => {
  if (missing !== null) return t.skip(missing)
  const processes = await startProcesses(3, WORDS, { durability: 'fsync', enter: onSmallDisk })
  try {
    await using kv = await processes.client()
    await kv.set('kept', 'v')
    const value = Buffer.alloc(MIB, 'v')
    let refused: unknown = null
    for (let index = 0; index < WRITES_MAX && refused === null; index++) {
      await kv.set(`key-${index % 8}`, value).catch((error: unknown) => (refused = error))
    }
    assert.ok(refused instanceof ZabkvError, 'some write was refused')
    assert.deepEqual([refused.code, refused.definite], ['LOG_FULL', true])
    await assert.rejects(kv.set('new', 'v'), { code: 'LOG_FULL', definite: true })
    assert.equal(await kv.get('new'), null, 'what was refused did not happen')
    assert.equal(Buffer.from((await kv.get('kept'))?.value ?? []).toString(), 'v')
    assert.equal(await kv.delete('key-7'), true, 'what makes room passes')
    await kv.sync()

    for (const { child, dataDir } of processes.replicas) emptyDisk(`/proc/${child.pid}/root${dataDir}`)
    await until(() => kv.set('new', 'w').then(() => true), 'writes work again')
    const stats = await settledAlike(processes)
    assert.equal(item(stats, 0).log?.status, 'FINE')
  } finally {
    await processes.stop()
  }
})
