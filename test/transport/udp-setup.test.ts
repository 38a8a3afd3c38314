/** Setting an endpoint up over UDP: sockets, addresses and ports; and which provider is chosen. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { chooseProvider, openEndpoint, pathDatagramBytes } from '../../src/transport/open-endpoint.js'
import { endpointSettings, open, queueSettings, receive, sendOne } from './support.js'

test('setup: the room obtained is reported', () => {
  const small = open({ queues: [queueSettings({ socketBytes: 1 << 16 })] })
  const large = open({ queues: [queueSettings({ socketBytes: 1 << 18 })] })
  assert.ok((small.rxBytes[0] ?? 0) > 0)
  assert.ok((large.rxBytes[0] ?? 0) > (small.rxBytes[0] ?? 0))
  small.close()
  large.close()
})

test('setup: an address of another machine is refused', () => {
  assert.throws(() => open({ address: '192.0.2.77' }), { code: 'NOT_MY_ADDRESS' })
  assert.throws(() => open({ address: '0.0.0.0' }), { code: 'NOT_MY_ADDRESS' })
  assert.throws(() => pathDatagramBytes('192.0.2.77'), { code: 'NOT_MY_ADDRESS' })
})

test('setup: a port in use is refused, with the system call', () => {
  const first = open()
  const queues = [queueSettings({ port: first.local(0).port })]
  assert.throws(() => open({ queues }), {
    code: 'ADDRESS_IN_USE',
    errno: 'EADDRINUSE',
    syscall: 'bind',
    definite: true,
  })
  first.close()
  open({ queues }).close()
})

test('setup: all of 127/8 is loopback', () => {
  const endpoint = open({ address: '127.0.0.9' })
  assert.equal(endpoint.local(0).address, '127.0.0.9')
  const from = open()
  sendOne(from, from.addDestination(endpoint.local(0)))
  receive(endpoint, 1)
  from.close()
  endpoint.close()
})

test('setup: IPv6 carries unicast', () => {
  const from = open({ address: '::1' })
  const to = open({ address: '::1' })
  sendOne(from, from.addDestination(to.local(0)), { kind: 6, length: 1024 })
  let back = -1
  receive(to, 1, 0, (received) => (back = to.adoptSource(0, received.row)))
  sendOne(to, back, { kind: 7 })
  assert.equal(receive(from, 1)[0]?.kind, 7)
  const four = open()
  assert.throws(() => from.addDestination(four.local(0)), { code: 'BAD_ARGUMENT' })
  for (const each of [from, to, four]) each.close()
})

test('setup: the port of a closed endpoint is free at once', () => {
  const first = open()
  const { port } = first.local(0)
  first.close()
  open({ queues: [queueSettings({ port })] }).close()
})

test('setup: a slab of 4 GiB or more is refused', () => {
  assert.throws(() => open({ extraBytes: 0xffffffff }), { code: 'BAD_ARGUMENT' })
})

test('provider: auto explains its choice, udp is always possible', () => {
  assert.equal(chooseProvider('udp').provider, 'udp')
  const auto = chooseProvider('auto')
  assert.ok(auto.why.length > 10)
  if (auto.provider === 'udp') {
    assert.throws(() => chooseProvider('verbs'), { code: 'NO_DEVICE' })
    assert.throws(() => openEndpoint(endpointSettings({ provider: 'verbs' })), {
      code: 'NO_DEVICE',
    })
  }
  assert.throws(() => chooseProvider('verbs', 'no_such_device'), { code: 'NO_DEVICE' })
  assert.match(chooseProvider('auto', 'no_such_device').why, /^UDP/)
  assert.equal(chooseProvider('auto', undefined, '127.0.0.1').provider, 'udp')
})
