/**
 * What goes wrong between us and a registry is a ZabkvError in bounded time, and never an uncaught
 * exception.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test from 'node:test'
import { connectRegistry } from '../../src/registry/connection.js'
import { startRegistryServer } from '../../src/registry/server.js'
import { dial, HOST, refusal, serve, serveRaw, talk, world } from './world.js'

/** A port that nobody listens on: one that was just given back. */
async function deadPort(): Promise<number> {
  const server = await startRegistryServer({ host: HOST, port: 0 })
  await server.close()
  return server.port
}

test('connection: a registry that is not there is REGISTRY_UNREACHABLE and names it', async (t) => {
  const port = await deadPort()
  const connection = dial(t, port)
  await assert.rejects(connection.get('k'), refusal('REGISTRY_UNREACHABLE', `${HOST}:${port}`))
})

test('connection: after a failure the next call connects again', async (t) => {
  const port = await deadPort()
  const connection = dial(t, port)
  for (let call = 0; call < 20; call++) {
    await assert.rejects(connection.get('k'), refusal('REGISTRY_UNREACHABLE'))
  }
  const server = await startRegistryServer({ host: HOST, port })
  t.after(() => server.close())
  await connection.set('k', 'v', 0)
  assert.equal((await connection.get('k'))?.value, 'v')
})

test('connection: a registry that is silent times out, and is not definite', async (t) => {
  const port = await serveRaw(t, (socket) => socket.resume())
  const connection = dial(t, port, 50)
  const started = performance.now()
  await assert.rejects(connection.set('k', 'v', 0), (error) => {
    assert.equal(error instanceof Error && 'definite' in error && error.definite, false)
    return refusal('REGISTRY_UNREACHABLE', 'no answer within 50 ms')(error)
  })
  assert.ok(performance.now() - started < 2000)
})

test('connection: a registry that hangs up in the middle fails every pending call', async (t) => {
  const port = await serveRaw(t, (socket) => socket.once('data', () => socket.destroy()))
  const connection = dial(t, port, 10_000)
  const calls = ['a', 'b', 'c'].map((key) => connection.get(key))
  for (const result of await Promise.allSettled(calls)) {
    assert.equal(result.status, 'rejected')
    refusal('REGISTRY_UNREACHABLE')(result.reason)
  }
})

test('connection: what is not memcached text is REGISTRY_REFUSED at once', async (t) => {
  const port = await serveRaw(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  })
  const connection = dial(t, port, 10_000)
  await assert.rejects(connection.get('k'), refusal('REGISTRY_REFUSED', `${HOST}:${port}`))
})

const ODD_REPLIES = ['VERSION x\r\n', 'VALUE k 2 3 1\r\n{x}\r\nEND\r\n', 'STAT\r\nEND\r\n', '7\r\n']

for (const reply of ODD_REPLIES) {
  test(`connection: the reply ${JSON.stringify(reply)} to a get is refused`, async (t) => {
    const port = await serveRaw(t, (socket) => void socket.once('data', () => socket.write(reply)))
    await assert.rejects(dial(t, port, 10_000).get('k'), refusal('REGISTRY_REFUSED'))
  })
}

for (const [what, stored] of [
  ['that claims to be JSON and is not', 'set k 2 0 3\r\n{x}\r\n'],
  ['with line ends in it', 'set k 0 0 10\r\na\r\nb\r\nEND\r\r\n'],
] as const) {
  test(`connection: a foreign value ${what} is refused, other keys still work`, async (t) => {
    const port = await serve('embedded')
    assert.equal(await talk(port, [stored, 'quit\r\n']), 'STORED\r\n')
    const connection = dial(t, port)
    await assert.rejects(connection.get('k'), refusal('REGISTRY_REFUSED'))
    await connection.set('other', 'v', 0)
    assert.equal((await connection.get('other'))?.value, 'v')
  })
}

test('connection: a foreign number or object is a text that decodes as nothing', async (t) => {
  const port = await serve('embedded')
  await talk(port, ['set n 8 0 2\r\n42\r\nset j 2 0 2\r\n{}\r\nquit\r\n'])
  const connection = dial(t, port)
  assert.equal((await connection.get('n'))?.value, '(not stored as text)')
  assert.equal((await connection.get('j'))?.value, '(not stored as text)')
})

test('connection: bad keys, times and cas ids are refused before anything is sent', async (t) => {
  const connection = await world(t)
  for (const key of ['', 'a b', 'a\r\nflush_all', 'é', 'k'.repeat(251)]) {
    await assert.rejects(connection.get(key), refusal('BAD_ARGUMENT'))
  }
  await assert.rejects(connection.set('k', 'v', -1), refusal('BAD_ARGUMENT'))
  await assert.rejects(connection.set('k', 'v', 2_592_001), refusal('BAD_ARGUMENT'))
  await assert.rejects(connection.cas('k', 'v', '1 2', 0), refusal('BAD_ARGUMENT'))
})

test('connection: close fails pending and later calls with CLOSED', async (t) => {
  const port = await serveRaw(t, (socket) => socket.resume())
  const connection = dial(t, port, 10_000)
  const pending = connection.get('k')
  connection.close()
  connection.close()
  await assert.rejects(pending, refusal('CLOSED'))
  await assert.rejects(connection.get('k'), refusal('CLOSED'))
})

test('connection: a process that closes its connection exits by itself', async (t) => {
  const module = new URL('../../src/registry/connection.js', import.meta.url).href
  const silent = await serveRaw(t, (socket) => socket.resume())
  const alive = await serve('embedded')
  const script = `
    const { connectRegistry } = await import(${JSON.stringify(module)})
    const open = (port) => connectRegistry({ host: '${HOST}', port, timeoutMillis: 60000 })
    const [good, dead, mute] = [open(${alive}), open(${await deadPort()}), open(${silent})]
    await good.set('k', 'v', 0)
    await dead.get('k').catch(() => undefined)
    const pending = mute.get('k').catch(() => undefined)
    good.close(), dead.close(), mute.close()
    await pending`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(timer)
  assert.equal(code, 0)
})

test('connection: an idle connection that the registry dropped is replaced', async (t) => {
  const server = await startRegistryServer({ host: HOST, port: 0 })
  const connection = connectRegistry({ host: HOST, port: server.port })
  t.after(() => connection.close())
  await connection.set('k', 'v', 0)
  await server.close()
  const again = await startRegistryServer({ host: HOST, port: server.port })
  t.after(() => again.close())
  await new Promise((resolve) => setTimeout(resolve, 50)) // the hang-up arrives
  assert.equal(await connection.get('k'), null)
})
