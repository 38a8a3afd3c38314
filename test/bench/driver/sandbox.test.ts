/** Nothing that a benchmark starts outlives it: not when it ends, and not when it is interrupted. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { awaitServer, freePorts, Sandbox } from '../../../bench/sandbox.js'

const MAIN = fileURLToPath(new URL('./sandbox-main.js', import.meta.url))
const LOOKS_MAX = 100
const LOOK_MILLIS = 50

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function isGone(pid: number): Promise<boolean> {
  for (let look = 0; look < LOOKS_MAX && runs(pid); look++) await sleep(LOOK_MILLIS)
  return !runs(pid)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`sandbox: ${signal} ends all that was started, and removes the folder`, async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 'sandbox-test-'))
    t.after(() => rmSync(parent, { recursive: true, force: true }))
    const child = spawn(process.execPath, [MAIN, parent], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const { folder, pids } = JSON.parse(line.toString()) as { folder: string; pids: number[] }
    assert.ok(pids.length === 2 && pids.every(runs) && existsSync(folder))
    child.kill(signal)
    const [code] = (await once(child, 'exit')) as [number]
    assert.equal(code, signal === 'SIGINT' ? 130 : 143)
    for (const pid of pids) assert.ok(await isGone(pid), `process ${pid} is ended`)
    assert.deepEqual(readdirSync(parent), [])
  })
}

test('sandbox: a program that fails is told with what it said; one that is closed leaves nothing', async () => {
  const sandbox = new Sandbox(tmpdir())
  const server = sandbox.start('server', 'sleep', ['300'])
  await assert.rejects(sandbox.run('the load', 'sh', ['-c', 'echo no such key >&2; exit 3'], 5000), /no such key/)
  assert.equal(await sandbox.run('the load', 'echo', ['done'], 5000), 'done\n')
  await sandbox.close()
  assert.ok(await isGone(server.child.pid ?? 0))
  assert.equal(existsSync(sandbox.folder), false)
})

test('sandbox: a server is waited for until it is ready, and not after it ended or the time is over', async (t) => {
  const sandbox = new Sandbox(tmpdir())
  t.after(() => sandbox.close())
  const server = sandbox.start('server', 'sh', ['-c', 'echo no such port; exec sleep 300'])
  let looks = 0
  await awaitServer(server, 5000, 'does not listen', () => Promise.resolve(++looks === 3))
  assert.equal(looks, 3)
  await assert.rejects(awaitServer(server, 200, 'does not listen', () => false), /server does not listen: no such port/)
  await sandbox.stop(server, 'SIGKILL')
  const begun = performance.now()
  await assert.rejects(awaitServer(server, 60_000, 'does not listen', () => false), /server does not listen/)
  assert.ok(performance.now() - begun < 10_000)
})

test('sandbox: free ports are different ones', async () => {
  const ports = await freePorts(20)
  assert.equal(new Set(ports).size, 20)
})
