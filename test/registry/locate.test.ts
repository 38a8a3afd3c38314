import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { startRegistry } from '../../src/registry/locate.js'
import { dial, HOST, MEMCACHED, refusal, serveRaw } from './world.js'

const skip = MEMCACHED === null ? 'no memcached on PATH' : false

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A folder with a `memcached` that does what `script` says. */
async function fakePath(t: TestContext, script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zabkv-registry-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'memcached'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'memcached'), 0o755)
  return folder
}

test('locate: without memcached on the path the embedded server is started', async (t) => {
  const registry = await startRegistry({ host: HOST, port: 0, path: '' })
  t.after(() => registry.close())
  assert.equal(registry.kind, 'embedded')
  assert.equal(registry.pid, null)
  await dial(t, registry.port).set('k', 'v', 0)
  await registry.close()
  await registry.ended
  await assert.rejects(dial(t, registry.port).get('k'), refusal('REGISTRY_UNREACHABLE'))
})

test('locate: memcached is preferred, answers, and is gone after close', { skip }, async (t) => {
  const registry = await startRegistry({ host: HOST, port: 0 })
  t.after(() => registry.close())
  assert.equal(registry.kind, 'memcached')
  assert.ok(registry.pid !== null && isRunning(registry.pid))
  await dial(t, registry.port).set('k', 'v', 0)
  await Promise.all([registry.close(), registry.close()])
  assert.equal(isRunning(registry.pid), false)
})

test('locate: a memcached that somebody else ends is noticed', { skip }, async (t) => {
  const registry = await startRegistry({ host: HOST, port: 0 })
  t.after(() => registry.close())
  assert.ok(registry.pid !== null)
  process.kill(registry.pid, 'SIGKILL')
  await registry.ended
  await registry.close()
})

for (const path of ['', process.env['PATH'] ?? '']) {
  const which = path === '' ? 'embedded' : 'memcached'
  test(`locate: a port that is taken is ADDRESS_IN_USE (${which})`, async (t) => {
    const port = await serveRaw(t, (socket) => socket.resume())
    const start = startRegistry({ host: HOST, port, path })
    await assert.rejects(start, refusal('ADDRESS_IN_USE', `${HOST}:${port}`))
  })
}

test('locate: a memcached that ends at once is an error with its words', async (t) => {
  const path = await fakePath(t, 'echo no luck today >&2; exit 71')
  const start = startRegistry({ host: HOST, port: 0, path })
  await assert.rejects(start, refusal('REGISTRY_UNREACHABLE', 'no luck today'))
})

test('locate: a memcached that loses the race for its port is ADDRESS_IN_USE', async (t) => {
  const path = await fakePath(t, 'echo "failed to listen: Address already in use" >&2; exit 71')
  await assert.rejects(startRegistry({ host: HOST, port: 0, path }), refusal('ADDRESS_IN_USE'))
})
