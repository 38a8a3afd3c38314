/** The embedded server and a real memcached pass one suite. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { REGISTRY_VALUE_BYTES_MAX } from '../../src/registry/connection.js'
import { startRegistryServer } from '../../src/registry/server.js'
import { dial, HOST, KINDS, refusal, serve, talk } from './world.js'

const LONG = 'k'.repeat(251)

/** What is sent, and the reply of memcached 1.6.18. */
const TRANSCRIPT: readonly (readonly [string, string])[] = [
  ['set a 5 0 3\r\nabc\r\n', 'STORED\r\n'],
  ['get a\r\n', 'VALUE a 5 3\r\nabc\r\nEND\r\n'],
  ['get  a   b \r\n', 'VALUE a 5 3\r\nabc\r\nEND\r\n'],
  ['get a a\r\n', 'VALUE a 5 3\r\nabc\r\nVALUE a 5 3\r\nabc\r\nEND\r\n'],
  ['add a 0 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
  ['add b 0 0 0\r\n\r\n', 'STORED\r\n'],
  ['get b\r\n', 'VALUE b 0 0\r\n\r\nEND\r\n'],
  ['replace none 0 0 1\r\nx\r\n', 'NOT_STORED\r\n'],
  ['replace b 0 0 1\r\nx\r\n', 'STORED\r\n'],
  ['cas none 0 0 1 5\r\nx\r\n', 'NOT_FOUND\r\n'],
  ['cas a 0 0 1 999999\r\nx\r\n', 'EXISTS\r\n'],
  ['cas a 0 0 1 zz\r\nx\r\n', 'CLIENT_ERROR bad command line format\r\nERROR\r\n'],
  ['cas a 0 0 1\r\nx\r\n', 'ERROR\r\nERROR\r\n'],
  ['set a 0 0 3 noreply\r\nxyz\r\nget a\r\n', 'VALUE a 0 3\r\nxyz\r\nEND\r\n'],
  ['set a 0 -1 1\r\nx\r\nget a\r\n', 'STORED\r\nEND\r\n'],
  ['set a 0 2592001 1\r\nx\r\nget a\r\n', 'STORED\r\nEND\r\n'],
  ['set a 0 2100000000 1\r\nx\r\nget a\r\n', 'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n'],
  ['set a 0 0 3\r\nabcd\r\n', 'CLIENT_ERROR bad data chunk\r\nERROR\r\n'],
  ['set a 0 0 3 noreply\r\nabcdef\r\n', 'ERROR\r\n'],
  ['set a 0 0 1\r\nx\n\n', 'CLIENT_ERROR bad data chunk\r\n'],
  ['set a 0 0 -1\r\n', 'CLIENT_ERROR bad command line format\r\n'],
  ['set a x 0 1\r\nx\r\n', 'CLIENT_ERROR bad command line format\r\nERROR\r\n'],
  ['set a 0 0 1.5\r\nx\r\n', 'CLIENT_ERROR bad command line format\r\nERROR\r\n'],
  [`set ${LONG} 0 0 1\r\nx\r\n`, 'CLIENT_ERROR bad command line format\r\nERROR\r\n'],
  ['set a\r\n', 'ERROR\r\n'],
  [`get ${LONG}\r\n`, 'CLIENT_ERROR bad command line format\r\n'],
  [`delete ${LONG}\r\n`, 'CLIENT_ERROR bad command line format\r\n'],
  ['get\r\n', 'ERROR\r\n'],
  ['gets\r\n', 'ERROR\r\n'],
  ['GET a\r\n', 'ERROR\r\n'],
  ['bogus\r\n', 'ERROR\r\n'],
  ['\r\n', 'ERROR\r\n'],
  ['delete b\r\n', 'DELETED\r\n'],
  ['delete b\r\n', 'NOT_FOUND\r\n'],
  ['delete b 0\r\n', 'NOT_FOUND\r\n'],
  [
    'delete b 5\r\n',
    'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n',
  ],
  ['delete\r\n', 'ERROR\r\n'],
  ['set a 0 0 1\r\nx\r\ndelete a noreply\r\nget a\r\n', 'STORED\r\nEND\r\n'],
  ['set a 0 0 1\r\nx\r\ntouch a 100\r\n', 'STORED\r\nTOUCHED\r\n'],
  ['touch a -1\r\nget a\r\n', 'TOUCHED\r\nEND\r\n'],
  ['touch none 5\r\n', 'NOT_FOUND\r\n'],
  ['touch a\r\n', 'ERROR\r\n'],
  ['touch a x\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
  [
    'set a 0 0 1048577\r\n' + 'x'.repeat(1048577) + '\r\n',
    'SERVER_ERROR object too large for cache\r\n',
  ],
  ['verbosity 1\r\n', 'OK\r\n'],
  ['verbosity\r\n', 'ERROR\r\n'],
  ['verbosity x\r\n', 'CLIENT_ERROR bad command line format\r\n'],
  ['stats reset\r\n', 'RESET\r\n'],
  ['stats nonsense\r\n', 'ERROR\r\n'],
  ['flush_all x\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
  ['set a 0 0 1\r\nx\r\nflush_all noreply\r\nget a\r\n', 'STORED\r\nEND\r\n'],
  ['flush_all 0\r\n', 'OK\r\n'],
  ['set a\tb 0 0 1\nx\r\nget a\tb\n', 'STORED\r\nVALUE a\tb 0 1\r\nx\r\nEND\r\n'],
]

for (const { kind, skip } of KINDS) {
  test(`server (${kind}): every reply is memcached's, command by command`, { skip }, async () => {
    const port = await serve(kind)
    for (const [sent, reply] of TRANSCRIPT) {
      assert.equal(await talk(port, [sent, 'quit\r\n']), reply, JSON.stringify(sent.slice(0, 80)))
    }
  })

  // memcached 1.6.18 itself loses replies when errors are pipelined, so there only the rest is
  // compared.
  const pipeline = TRANSCRIPT.filter(([, reply]) => kind === 'embedded' || !/ERROR/.test(reply))

  test(`server (${kind}): the transcript pipelined is the same`, { skip }, async () => {
    const port = await serve(kind)
    const sent = pipeline.map(([command]) => command).join('')
    const replies = pipeline.map(([, reply]) => reply).join('')
    assert.equal(await talk(port, [sent, 'quit\r\n']), replies)
  })

  test(`server (${kind}): commands in packets of one byte are understood`, { skip }, async () => {
    const port = await serve(kind)
    const socket = connect({ host: HOST, port, noDelay: true })
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    for (const byte of 'set a 0 0 2\r\nhi\r\nget a\r\nquit\r\n') {
      socket.write(byte)
      await sleep(1)
    }
    await closed
    assert.equal(text, 'STORED\r\nVALUE a 0 2\r\nhi\r\nEND\r\n')
  })

  test(`server (${kind}): the client gets, adds, compares, deletes`, { skip }, async (t) => {
    const connection = dial(t, await serve(kind))
    assert.equal(await connection.get('k'), null)
    assert.equal(await connection.add('k', 'one', 0), true)
    assert.equal(await connection.add('k', 'two', 0), false)
    const first = await connection.get('k')
    assert.equal(first?.value, 'one')
    await connection.set('k', 'three', 0)
    assert.equal(await connection.cas('k', 'four', first.cas, 0), false)
    assert.equal(await connection.deleteIf('k', first.cas), false)
    const second = await connection.get('k')
    assert.equal(second?.value, 'three')
    assert.equal(await connection.cas('k', 'four', second.cas, 0), true)
    const third = await connection.get('k')
    assert.equal(third?.value, 'four')
    assert.equal(await connection.deleteIf('k', third.cas), true)
    assert.equal(await connection.get('k'), null)
    assert.equal(await connection.add('k', 'again', 0), true, 'nothing was left')
    assert.equal(await connection.delete('k'), true)
    assert.equal(await connection.delete('k'), false)
    assert.equal(await connection.cas('k', 'five', third.cas, 0), false)
  })

  test(`server (${kind}): many calls at once get their own answers`, { skip }, async (t) => {
    const connection = dial(t, await serve(kind))
    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`)
    await Promise.all(keys.map((key) => connection.set(key, `value of ${key}`, 0)))
    const found = await Promise.all(keys.map((key) => connection.get(key)))
    assert.deepEqual(found.map((item) => item?.value), keys.map((key) => `value of ${key}`))
  })

  test(`server (${kind}): the largest value comes back whole`, { skip }, async (t) => {
    const connection = dial(t, await serve(kind))
    const value = 'é'.repeat(REGISTRY_VALUE_BYTES_MAX / 2)
    await connection.set('k', value, 0)
    assert.equal((await connection.get('k'))?.value, value)
    await assert.rejects(connection.set('k', value + 'x', 0), refusal('BAD_ARGUMENT', '1000001'))
  })

  test(`server (${kind}): an item ends after its time to live`, { skip }, async (t) => {
    const connection = dial(t, await serve(kind))
    await connection.set('k', 'v', 1)
    assert.notEqual(await connection.get('k'), null)
    await sleep(2100) // memcached's clock has whole seconds
    assert.equal(await connection.get('k'), null)
  })
}

test('server: a port that is taken is ADDRESS_IN_USE and names it', async () => {
  const port = await serve('embedded')
  const second = startRegistryServer({ host: HOST, port })
  await assert.rejects(second, refusal('ADDRESS_IN_USE', `${HOST}:${port}`))
})

test('server: an address of another machine is NOT_MY_ADDRESS', async () => {
  const start = startRegistryServer({ host: '192.0.2.1', port: 0 })
  await assert.rejects(start, refusal('NOT_MY_ADDRESS', '192.0.2.1'))
})

test('server: one connection too many is told so, and a place freed can be taken', async (t) => {
  const server = await startRegistryServer({ host: HOST, port: 0, connectionsMax: 1 })
  t.after(() => server.close())
  const first = connect({ host: HOST, port: server.port })
  await new Promise((resolve) => first.once('connect', resolve))
  first.write('version\r\n')
  await new Promise((resolve) => first.once('data', resolve))
  assert.equal(await talk(server.port, ['']), 'ERROR Too many open connections\r\n')
  first.end('quit\r\n')
  await new Promise((resolve) => first.once('close', resolve))
  assert.match(await talk(server.port, ['version\r\nquit\r\n']), /^VERSION /)
})

test('server: a line without an end is hung up on', async () => {
  const port = await serve('embedded')
  assert.equal(await talk(port, ['x'.repeat(3000)]), 'CLIENT_ERROR line too long\r\n')
})

test('server: a full store refuses and says so through the client', async (t) => {
  const server = await startRegistryServer({ host: HOST, port: 0, itemBytesMax: 1000 })
  t.after(() => server.close())
  const connection = dial(t, server.port)
  await connection.set('a', 'x'.repeat(500), 0)
  const second = connection.set('b', 'x'.repeat(500), 0)
  const where = `${HOST}:${server.port}`
  await assert.rejects(second, refusal('REGISTRY_REFUSED', 'out of memory', where))
  assert.notEqual(await connection.get('a'), null)
})

test('server: the input of a client that does not read waits at the client', async (t) => {
  const server = await startRegistryServer({ host: HOST, port: 0 })
  t.after(() => server.close())
  const value = 'x'.repeat(900_000)
  const socket = connect({ host: HOST, port: server.port })
  t.after(() => socket.destroy())
  socket.pause()
  socket.on('error', () => undefined)
  socket.write(`set a 0 0 ${value.length}\r\n${value}\r\n`)
  await new Promise((resolve) => socket.write('get a\r\n'.repeat(10), resolve))
  const flood = 'get a\r\n'.repeat(6_000_000)
  socket.write(flood)
  await sleep(500)
  assert.equal(socket.writableLength, flood.length)
})

test('server: a client that reads late loses nothing', async (t) => {
  const server = await startRegistryServer({ host: HOST, port: 0 })
  t.after(() => server.close())
  const value = 'x'.repeat(900_000)
  const socket = connect({ host: HOST, port: server.port })
  socket.pause()
  socket.write(`set a 0 0 ${value.length}\r\n${value}\r\n`)
  socket.write('get a\r\n'.repeat(50) + 'quit\r\n')
  await sleep(200)
  let bytes = 0
  socket.on('data', (chunk) => (bytes += chunk.length)).resume()
  await new Promise((resolve) => socket.once('close', resolve))
  const reply = `VALUE a 0 ${value.length}\r\n`.length + value.length + '\r\nEND\r\n'.length
  assert.equal(bytes, 'STORED\r\n'.length + 50 * reply)
})
