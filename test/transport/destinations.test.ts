/**
 * Destinations and setup: who can be reached, and what setup refuses.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  chooseProvider,
  openEndpoint,
  pathDatagramBytes,
} from '../../src/transport/open-endpoint.js'
import {
  count,
  endpointSettings,
  GROUP,
  open,
  queueSettings,
  receive,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

test('destinations: equal addresses share one until it is removed as often as added', () => {
  const from = open()
  const to = open()
  const first = from.addDestination(to.local(0))
  assert.equal(from.addDestination(to.local(0)), first)
  from.removeDestination(first)
  assert.equal(sendOne(from, first), 1)
  from.removeDestination(first)
  assert.equal(sendOne(from, first), 0, 'a removed destination takes nothing')
  assert.equal(count(from, 'tx-refused'), 1)
  assert.throws(() => from.removeDestination(first), { code: 'BAD_ARGUMENT' })
  assert.equal(receive(to, 1).length, 1)
  from.close()
  to.close()
})

test('destinations: a removed number is used again', () => {
  const from = open()
  const to = open()
  const [one, other] = [to.local(0), { ...to.local(0), port: 9 }]
  const first = from.addDestination(one)
  from.removeDestination(first)
  assert.equal(from.addDestination(other), first)
  assert.notEqual(from.addDestination(one), first, 'and not found under its old address')
  from.close()
  to.close()
})

test('sources: a stranger is answered by adopting its row, and twice is the same', () => {
  const from = open()
  const to = open()
  const other = open()
  sendOne(from, from.addDestination(to.local(0)))
  sendOne(from, from.addDestination(to.local(0)))
  sendOne(other, other.addDestination(to.local(0)), { kind: 5 })
  const adopted: number[] = []
  const kinds = receive(to, 3, 0, (received) => adopted.push(to.adoptSource(0, received.row)))
  assert.equal(adopted[0], adopted[1])
  assert.notEqual(adopted[0], adopted[2])
  assert.equal(kinds[2]?.kind, 5)
  sendOne(to, adopted[0] ?? -1, { kind: 77 })
  assert.equal(receive(from, 1)[0]?.kind, 77)
  assert.throws(() => to.adoptSource(0, 0), { code: 'BAD_ARGUMENT' }, 'the burst was given back')
  for (const each of [from, to, other]) each.close()
})

test('local: says where the queue is and what passes', () => {
  const endpoint = open({ queues: [queueSettings(), queueSettings()] })
  const address = endpoint.local(0)
  assert.equal(address.provider, 'udp')
  assert.equal(address.address, '127.0.0.1')
  assert.ok(address.port > 0)
  assert.notEqual(address.port, endpoint.local(1).port)
  assert.equal(address.mtuBytes, pathDatagramBytes('127.0.0.1'))
  assert.equal(address.mtuBytes % 64, 0)
  endpoint.close()
})

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

test('setup: a slab of 4 GiB or more is refused', () => {
  assert.throws(() => open({ extraBytes: 0xffffffff }), { code: 'BAD_ARGUMENT' })
})

test('setup: groups that are none are refused', () => {
  for (const group of ['127.0.0.1', 'localhost', 'ff02::1', '']) {
    const queues = [queueSettings({ multicast: { port: 9999, groups: [group] } })]
    assert.throws(() => open({ queues }), { code: 'BAD_ARGUMENT' }, group)
  }
  const endpoint = open()
  for (const group of ['127.0.0.1', 'ff02::1', 'x']) {
    assert.throws(() => endpoint.addGroup(group, 9999), { code: 'BAD_ARGUMENT' }, group)
  }
  assert.throws(() => endpoint.addDestination({ ...endpoint.local(0), address: GROUP }), {
    code: 'BAD_ARGUMENT',
  })
  endpoint.close()
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

test('destinations: one that cannot be reached costs its own datagrams only', () => {
  const from = open() // bound to loopback: the kernel refuses other networks with EINVAL
  const to = open()
  const lost = from.addDestination({ ...to.local(0), address: '192.0.2.200' })
  const good = from.addDestination(to.local(0))
  for (let row = 0; row < 90; row++) {
    writeDatagram(from, from.txOffset + row * 64, { kind: row })
    writeRow(from, row, from.txOffset + row * 64, 64, row >= 30 && row < 60 ? lost : good)
  }
  assert.equal(from.txBurst(0, 90), 60)
  assert.equal(count(from, 'tx-refused'), 30)
  assert.equal(receive(to, 60)[30]?.kind, 60)
  const calls = count(from, 'tx-calls')
  for (let row = 30; row < 60; row++) writeRow(from, row, from.txOffset + row * 64, 64, good)
  assert.equal(from.txBurst(0, 90), 90)
  assert.equal(count(from, 'tx-calls'), calls + 1)
  receive(to, 90)
  assert.equal(count(from, 'tx-datagrams'), 150)
  from.close()
  to.close()
})
