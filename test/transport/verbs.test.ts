/**
 * The endpoint's contract on the verbs provider. Skipped, with the reason, where no RDMA device has
 * an active port; scripts of the project run it in an emulated host with Soft-RoCE.
 */

import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'

import { transportAddon } from '../../src/transport/addon.js'
import type { Endpoint, EndpointSettings } from '../../src/transport/endpoint.js'
import { chooseProvider, pathDatagramBytes } from '../../src/transport/open-endpoint.js'
import { ageOf, BEAT_BYTES, beatTo, busy } from './beats.js'
import {
  count,
  open,
  queueSettings,
  quiet,
  receive,
  receiveUntil,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

const BYTES = 1024
const GROUPS = ['239.195.8.1', '239.195.8.2'] as const
const GROUP_PORT = 4000

/** An IPv4 address on an interface under an active RDMA port. */
function verbsAddress(): string | undefined {
  const active = transportAddon()
    .rdmaPorts()
    .find((port) => port.state === 'ACTIVE')
  const addresses = networkInterfaces()[active?.interface ?? ''] ?? []
  return addresses.find((each) => each.family === 'IPv4')?.address
}

const address = verbsAddress()
const skip =
  address === undefined ? 'no RDMA device with an active port and an IPv4 address' : false

function openVerbs(changes: Partial<EndpointSettings> = {}): Endpoint {
  const queues = [queueSettings({ rxSlots: 512 })]
  return open({
    provider: 'verbs',
    address: address ?? '',
    datagramBytes: BYTES,
    queues,
    ...changes,
  })
}

function fillRows(endpoint: Endpoint, destination: number, rows: number, length: number): void {
  for (let row = 0; row < rows; row++) {
    const offset = endpoint.txOffset + row * BYTES
    writeDatagram(endpoint, offset, { length, kind: row % 251, fill: row % 256 })
    writeRow(endpoint, row, offset, length, destination)
  }
}

function closeAll(...endpoints: Endpoint[]): void {
  for (const each of endpoints) each.close()
}

test('verbs: auto chooses it, and knows what passes', { skip }, () => {
  assert.equal(chooseProvider('auto').provider, 'verbs')
  assert.equal(pathDatagramBytes(address ?? '', 'verbs') % 64, 0)
  const endpoint = openVerbs()
  const local = endpoint.local(0)
  assert.equal(local.provider, 'verbs')
  assert.ok(local.qpNumber > 0)
  assert.match(local.gid, /^0{20}ffff[0-9a-f]{8}$/, 'the IPv4-mapped GID is preferred')
  assert.equal(local.mtuBytes, pathDatagramBytes(address ?? '', 'verbs'))
  closeAll(endpoint)
})

test(
  'verbs: a small datagram goes inline, a large one from the slab; both arrive whole',
  { skip },
  () => {
    const [from, to] = [openVerbs(), openVerbs()]
    const destination = from.addDestination(to.local(0))
    assert.equal(sendOne(from, destination, { kind: 1, length: 64, fill: 0xaa }), 1)
    assert.equal(count(from, 'tx-inline'), 1)
    assert.equal(sendOne(from, destination, { kind: 2, length: BYTES, fill: 0xbb }), 1)
    assert.equal(count(from, 'tx-inline'), 1)
    assert.equal(count(from, 'tx-signalled'), 1)
    const received = receive(to, 2)
    assert.deepEqual(received[0]?.body, new Uint8Array(16).fill(0xaa))
    assert.deepEqual(received[1]?.body, new Uint8Array(BYTES - 48).fill(0xbb))
    assert.equal(count(to, 'completion-errors'), 0)
    closeAll(from, to)
  },
)

test('verbs: a burst is one doorbell, in order, with few completions', { skip }, () => {
  const [from, to] = [openVerbs(), openVerbs()]
  fillRows(from, from.addDestination(to.local(0)), 200, BYTES)
  assert.equal(from.txBurst(0, 200), 200)
  from.flush()
  assert.equal(count(from, 'tx-calls'), 1)
  assert.ok(count(from, 'tx-signalled') <= 5)
  const kinds = receive(to, 200).map((each) => each.kind)
  assert.deepEqual(
    kinds,
    kinds.map((_, row) => row % 251),
  )
  closeAll(from, to)
})

test('verbs: more sends than the queue is deep, inline ones among them', { skip }, () => {
  const [from, to] = [openVerbs(), openVerbs()]
  const destination = from.addDestination(to.local(0))
  let sent = 0
  for (let round = 0; round < 20; round++) {
    fillRows(from, destination, 150, round % 2 === 0 ? 64 : BYTES)
    sent += from.txBurst(0, 150)
    from.flush()
    receive(to, 150)
  }
  assert.equal(sent, 3000)
  assert.equal(count(from, 'tx-inline'), 1500)
  assert.ok(count(from, 'tx-signalled') < 100)
  assert.equal(count(from, 'completion-errors') + count(to, 'completion-errors'), 0)
  closeAll(from, to)
})

test('verbs: multicast reaches members, not strangers, not the sender', { skip }, () => {
  const member = {
    queues: [queueSettings({ rxSlots: 512, multicast: { port: GROUP_PORT, groups: [GROUPS[0]] } })],
  }
  const [first, second] = [openVerbs(member), openVerbs(member)]
  const other = {
    queues: [queueSettings({ rxSlots: 512, multicast: { port: GROUP_PORT, groups: [GROUPS[1]] } })],
  }
  const [stranger, from] = [openVerbs(other), openVerbs(other)]
  const group = from.addGroup(GROUPS[0], GROUP_PORT)
  assert.equal(from.addGroup(GROUPS[0], GROUP_PORT), group)
  fillRows(from, group, 20, BYTES)
  assert.equal(from.txBurst(0, 20), 20)
  from.flush()
  for (const each of [first, second]) assert.equal(receive(each, 20)[19]?.kind, 19)
  assert.ok(quiet(stranger, 50_000))
  assert.ok(quiet(from, 1_000))
  closeAll(first, second, stranger, from)
})

test(
  'verbs: strangers are answered, after unicast and after multicast, by one destination',
  { skip },
  () => {
    const queues = [
      queueSettings({ rxSlots: 512, multicast: { port: GROUP_PORT, groups: [GROUPS[0]] } }),
    ]
    const [from, to] = [openVerbs(), openVerbs({ queues })]
    const adopted: number[] = []
    sendOne(from, from.addDestination(to.local(0)))
    receive(to, 1, 0, (received) => adopted.push(to.adoptSource(0, received.row)))
    sendOne(from, from.addGroup(GROUPS[0], GROUP_PORT))
    receive(to, 1, 0, (received) => adopted.push(to.adoptSource(0, received.row)))
    assert.equal(adopted[0], adopted[1])
    assert.equal(to.addDestination(from.local(0)), adopted[0])
    sendOne(to, adopted[0] ?? -1, { kind: 33 })
    assert.equal(receive(from, 1)[0]?.kind, 33)
    for (let uses = 0; uses < 3; uses++) to.removeDestination(adopted[0] ?? -1)
    assert.equal(sendOne(to, adopted[0] ?? -1), 0)
    closeAll(from, to)
  },
)

test('verbs: wait blocks until its time, and is ready when a datagram is there', { skip }, () => {
  const [from, to] = [openVerbs(), openVerbs()]
  const start = performance.now()
  assert.equal(to.wait(50_000), 0)
  assert.ok(performance.now() - start >= 49)
  assert.equal(count(to, 'wait-blocked'), 1)
  sendOne(from, from.addDestination(to.local(0)))
  assert.equal(to.wait(5_000_000), 1)
  assert.equal(to.rxBurst(0), 1)
  assert.throws(() => to.rxBurst(0), /given back/)
  to.postReceives(0)
  assert.equal(to.wait(1_000), 0)
  closeAll(from, to)
})

test('verbs: watch calls back once per wake-up', { skip }, async () => {
  const [from, to] = [openVerbs(), openVerbs()]
  const destination = from.addDestination(to.local(0))
  let received = 0
  let calls = 0
  const enough = new Promise<void>((resolve) => {
    to.watch(() => {
      calls++
      received += to.rxBurst(0)
      to.postReceives(0)
      if (received === 30) resolve()
    })
  })
  for (let round = 0; round < 3; round++) {
    fillRows(from, destination, 10, 256)
    from.txBurst(0, 10)
    from.flush()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await enough
  assert.ok(calls <= 30)
  to.unwatch()
  closeAll(from, to)
})

test('verbs: the ladder holds here, too', { skip }, () => {
  const [from, to] = [openVerbs(), openVerbs()]
  const destination = from.addDestination(to.local(0))
  sendOne(from, destination, { magic: 1 })
  sendOne(from, destination, { cluster: 1 })
  writeDatagram(from, from.txOffset)
  writeRow(from, 0, from.txOffset, 64, destination, 0) // not sealed
  from.txBurst(0, 1)
  receiveUntil(to, 'dropped-bad-checksum', 1)
  assert.equal(count(to, 'dropped-bad-magic'), 1)
  assert.equal(count(to, 'dropped-wrong-cluster'), 1)
  assert.equal(count(to, 'rx-datagrams'), 0)
  closeAll(from, to)
})

test('verbs: an overrun receive queue loses, counts, and works on', { skip }, () => {
  const from = openVerbs()
  const to = openVerbs({ queues: [queueSettings({ rxSlots: 16 })] })
  const destination = from.addDestination(to.local(0))
  fillRows(from, destination, 100, 256)
  from.txBurst(0, 100)
  from.flush()
  assert.equal(receive(to, 16).length, 16)
  assert.ok(count(to, 'dropped-no-room') > 0)
  while (!quiet(to, 10_000)) continue
  sendOne(from, destination, { kind: 9 })
  assert.equal(receive(to, 1)[0]?.kind, 9)
  closeAll(from, to)
})

test('verbs: beats go on in a busy loop, beside the bursts of their owner', { skip }, () => {
  const [from, first, second] = [openVerbs(), openVerbs(), openVerbs()]
  const places = [first, second].map((each) => from.addDestination(each.local(0)))
  beatTo(from, places, { periodMicros: 20_000 })
  busy(500)
  const [one = 0, ...ages] = receive(first, 10).map(ageOf)
  assert.ok(one < 400_000 && Math.max(...ages) > one + 50_000, `${one} then ${ages.join(' ')}`)
  receive(second, 10)
  for (let round = 0; round < 20; round++) {
    fillRows(from, places[0] ?? -1, 50, BYTES)
    assert.equal(from.txBurst(0, 50), 50)
    from.flush()
    assert.ok(receive(first, 50).every(({ length }) => length === BYTES || length === BEAT_BYTES))
  }
  from.removeDestination(places[0] ?? -1)
  while (!quiet(first, 100_000)) continue
  receive(second, 3)
  beatTo(from, places, { periodMicros: 20_000 })
  from.beat(0, 0, 0, new Uint32Array(0), 0, 0, 0)
  while (!quiet(second, 100_000)) continue
  assert.equal(count(from, 'completion-errors'), 0)
  beatTo(from, places, { periodMicros: 100 })
  closeAll(from, first, second)
})

test('verbs: a beat too long for inline leaves whole, from memory of its own', { skip }, () => {
  const [from, to] = [openVerbs(), openVerbs()]
  const place = from.addDestination(to.local(0))
  for (const fill of [1, 2]) {
    writeDatagram(from, from.txOffset, { kind: 6, length: BYTES, fill })
    from.beat(0, from.txOffset, BYTES, Uint32Array.of(place), 1, 5_000, 48)
    writeDatagram(from, from.txOffset, { length: BYTES, fill: 9 })
    while (!receive(to, 1)[0]?.body.subarray(4).every((byte) => byte === fill)) continue
    for (const { body } of receive(to, 5)) {
      assert.deepEqual(body.subarray(4), new Uint8Array(BYTES - 48 - 4).fill(fill))
    }
  }
  assert.equal(count(from, 'completion-errors'), 0)
  closeAll(from, to)
})

test('verbs: refuses what the device cannot do, closes in every state', { skip }, () => {
  assert.throws(() => openVerbs({ datagramBytes: 8192 }), { code: 'BAD_ARGUMENT' })
  assert.throws(() => openVerbs({ address: '127.0.0.1' }), { code: 'NO_DEVICE' })
  assert.throws(() => openVerbs({ device: 'other0' }), { code: 'NO_DEVICE' })
  assert.throws(() => openVerbs({ gidIndex: 200 }), { code: 'NO_DEVICE' })
  const endpoint = openVerbs()
  const self = endpoint.addDestination(endpoint.local(0))
  assert.throws(() => endpoint.addDestination({ ...endpoint.local(0), gid: 'zz' }), {
    code: 'BAD_ARGUMENT',
  })
  endpoint.watch(() => undefined)
  sendOne(endpoint, self, { length: BYTES })
  endpoint.wait(5_000_000)
  assert.equal(endpoint.rxBurst(0), 1)
  fillRows(endpoint, self, 50, BYTES)
  endpoint.txBurst(0, 50) // under way when it closes
  endpoint.close()
  endpoint.close()
  for (let round = 0; round < 10; round++) openVerbs().close()
})
