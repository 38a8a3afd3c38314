/**
 * The endpoint's contract on the UDP provider: what goes out comes in, whole and in order, in
 * bursts.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Endpoint } from '../../src/transport/endpoint.js'
import { ENDPOINT_COUNTERS } from '../../src/transport/endpoint.js'
import { transportAddon } from '../../src/transport/addon.js'
import {
  count,
  freePort,
  GROUP,
  LENGTH_MIN,
  open,
  queueSettings,
  quiet,
  receive,
  receiveUntil,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

/** Two endpoints and the way from the first to the second; closed when the test ends. */
function withPair(
  run: (from: Endpoint, to: Endpoint, destination: number) => void,
  rxSlots = 256,
): void {
  const from = open()
  const to = open({ queues: [queueSettings({ rxSlots })] })
  try {
    run(from, to, from.addDestination(to.local(0)))
  } finally {
    from.close()
    to.close()
  }
}

/** Sends rows of the given lengths from consecutive slots, numbered by their kind. */
function sendLengths(
  endpoint: Endpoint,
  destination: number,
  lengths: readonly number[],
  stride = 1472,
): number {
  lengths.forEach((length, row) => {
    const offset = endpoint.txOffset + row * stride
    writeDatagram(endpoint, offset, { length, kind: row % 251, fill: row % 256 })
    writeRow(endpoint, row, offset, length, destination)
  })
  return endpoint.txBurst(0, lengths.length)
}

test('counters: both sides declare the same list', () => {
  assert.deepEqual([...transportAddon().endpointCounterNames()], [...ENDPOINT_COUNTERS])
})

test('unicast: a datagram arrives with its kind, length and bytes', () => {
  withPair((from, to, destination) => {
    assert.equal(sendOne(from, destination, { kind: 9, length: 128, fill: 0xab }), 1)
    const [received] = receive(to, 1)
    assert.equal(received?.kind, 9)
    assert.equal(received?.length, 128)
    assert.deepEqual(received?.body, new Uint8Array(80).fill(0xab))
    assert.equal(count(to, 'rx-datagrams'), 1)
    assert.equal(count(to, 'rx-bytes'), 128)
    assert.equal(count(from, 'tx-bytes'), 128)
  })
})

test('unicast: padding goes out and is not part of the length', () => {
  withPair((from, to, destination) => {
    writeDatagram(from, from.txOffset, { length: 68 })
    writeRow(from, 0, from.txOffset, 128, destination)
    assert.equal(from.txBurst(0, 1), 1)
    assert.equal(receive(to, 1)[0]?.length, 68)
    assert.equal(count(to, 'rx-bytes'), 128)
  })
})

test('unicast: what was sealed once goes out again without sealing', () => {
  withPair((from, to, destination) => {
    sendOne(from, destination)
    writeRow(from, 0, from.txOffset, LENGTH_MIN, destination, 0)
    assert.equal(from.txBurst(0, 1), 1)
    assert.equal(receive(to, 2).length, 2)
    assert.equal(count(to, 'dropped-bad-checksum'), 0)
  })
})

test('bursts: rows of one length leave in one system call, in order', () => {
  withPair((from, to, destination) => {
    const lengths = Array.from({ length: 200 }, () => 1472)
    assert.equal(sendLengths(from, destination, lengths), 200)
    assert.equal(count(from, 'tx-calls'), 1)
    const received = receive(to, 200)
    assert.deepEqual(
      received.map((each) => each.kind),
      lengths.map((_, row) => row % 251),
    )
    for (const [row, each] of received.entries()) assert.equal(each.body[0], row % 256)
    assert.ok(count(to, 'rx-calls') < 20, 'the receiver took trains, not single datagrams')
  })
})

test('bursts: trains end at a longer row, after a shorter one, and at another destination', () => {
  withPair((from, to, destination) => {
    const other = open()
    const second = from.addDestination(other.local(0))
    const lengths = [64, 64, 1472, 1472, 128, 128, 64, 1408, 1472, 64, 512, 256, 256, 64]
    lengths.forEach((length, row) => {
      const offset = from.txOffset + row * 1472
      writeDatagram(from, offset, { length, kind: row })
      writeRow(from, row, offset, length, row === 5 ? second : destination)
    })
    assert.equal(from.txBurst(0, lengths.length), lengths.length)
    const received = receive(to, 13)
    const bytes = lengths.reduce((sum, length, row) => (row === 5 ? sum : sum + length), 0)
    assert.equal(count(to, 'rx-bytes'), bytes, 'each ends where it ends')
    assert.deepEqual(
      received.map((each) => [each.kind, each.length]),
      [...lengths.entries()].filter(([row]) => row !== 5),
    )
    assert.equal(receive(other, 1)[0]?.kind, 5)
    other.close()
  })
})

test('bursts: scattered rows make trains too, none longer than the kernel takes', () => {
  withPair((from, to, destination) => {
    for (let row = 0; row < 200; row++) {
      const offset = from.txOffset + ((row * 7) % 200) * 1472
      writeDatagram(from, offset, { length: 64, kind: row })
      writeRow(from, row, offset, 64, destination)
    }
    assert.equal(from.txBurst(0, 200), 200)
    assert.equal(count(from, 'tx-calls'), 1)
    assert.deepEqual(
      receive(to, 200).map((each) => each.kind),
      Array.from({ length: 200 }, (_, row) => row),
    )
  })
})

test('bursts: never more rows than slots, and the rest of a train comes next time', () => {
  withPair((from, to, destination) => {
    sendLengths(
      from,
      destination,
      Array.from({ length: 100 }, () => 512),
    )
    const sizes: number[] = []
    const kinds: number[] = []
    while (kinds.length < 100) {
      assert.notEqual(to.wait(1_000_000), 0)
      const burst = to.rxBurst(0)
      for (let row = 0; row < burst; row++) kinds.push(to.rxRows[0]?.[row * 4 + 2] ?? -1)
      sizes.push(burst)
      to.postReceives(0)
    }
    assert.ok(Math.max(...sizes) <= 7)
    assert.deepEqual(
      kinds,
      Array.from({ length: 100 }, (_, row) => row),
    )
  }, 7)
})

test('bursts: a large datagram passes loopback in one piece', () => {
  const from = open({ datagramBytes: 65472, txSlots: 2 })
  const to = open({ datagramBytes: 65472, txSlots: 2 })
  assert.equal(sendOne(from, from.addDestination(to.local(0)), { length: 65472, fill: 3 }), 1)
  assert.equal(receive(to, 1)[0]?.length, 65472)
  from.close()
  to.close()
})

test('multicast: every member hears it, a stranger and the sender do not', async () => {
  const port = await freePort()
  const member = {
    queues: [queueSettings({ multicast: { port, groups: [GROUP, '239.195.7.9'] } })],
  }
  const [first, second] = [open(member), open(member)]
  const other = open({ queues: [queueSettings({ multicast: { port, groups: ['239.195.7.8'] } })] })
  const from = open({ queues: [queueSettings({ multicast: { port, groups: ['239.195.7.8'] } })] })
  const group = from.addGroup(GROUP, port)
  assert.equal(
    sendLengths(
      from,
      group,
      Array.from({ length: 60 }, () => 1472),
    ),
    60,
  )
  for (const each of [first, second]) {
    const received = receive(each, 60)
    assert.equal(received[59]?.kind, 59)
  }
  assert.ok(quiet(other, 20_000), 'a group that was not joined is not heard')
  assert.ok(quiet(from, 1_000), 'a sender does not hear itself')
  for (const each of [first, second, other, from]) each.close()
})

test('multicast: the answer to a member goes by its unicast queue', async () => {
  const port = await freePort()
  const member = open({ queues: [queueSettings({ multicast: { port, groups: [GROUP] } })] })
  const from = open()
  sendOne(from, from.addGroup(GROUP, port))
  let back = -1
  receive(member, 1, 0, (received) => (back = member.adoptSource(0, received.row)))
  sendOne(member, back, { kind: 44 })
  assert.equal(receive(from, 1)[0]?.kind, 44)
  from.close()
  member.close()
})

test('queues: each has its own port and its own rows', () => {
  const two = open({ queues: [queueSettings(), queueSettings({ rxSlots: 8 })] })
  const from = open()
  sendOne(from, from.addDestination(two.local(1)), { kind: 2 })
  assert.equal(receive(two, 1, 1)[0]?.kind, 2)
  assert.ok(quiet(two, 1_000, 0))
  sendOne(from, from.addDestination(two.local(0)), { kind: 3 })
  assert.equal(two.wait(1_000_000), 1, 'wait names the queue that is ready')
  assert.equal(receive(two, 1, 0)[0]?.kind, 3)
  from.close()
  two.close()
})

test('faults: the same seed drops the same datagrams, another seed others', () => {
  const survivors = (dropSeed: number): number[] => {
    const from = open()
    const to = open({ dropRatio: 0.3, dropSeed })
    sendLengths(
      from,
      from.addDestination(to.local(0)),
      Array.from({ length: 200 }, () => 256),
    )
    const kinds: number[] = []
    while (count(to, 'rx-datagrams') + count(to, 'dropped-by-fault') < 200) {
      const burst = to.rxBurst(0)
      for (let row = 0; row < burst; row++) kinds.push(to.rxRows[0]?.[row * 4 + 2] ?? -1)
      to.postReceives(0)
      to.wait(1_000)
    }
    const dropped = count(to, 'dropped-by-fault')
    assert.ok(dropped > 30 && dropped < 90, `about 60 of 200 are dropped, not ${dropped}`)
    from.close()
    to.close()
    return kinds
  }
  const once = survivors(1)
  assert.deepEqual(survivors(1), once)
  assert.notDeepEqual(survivors(2), once)
})

test('overrun: what finds no room in the socket is counted', () => {
  const from = open()
  const to = open({ queues: [queueSettings({ socketBytes: 0 })] })
  const destination = from.addDestination(to.local(0))
  const lengths = Array.from({ length: 256 }, () => 1472)
  for (let burst = 0; burst < 8; burst++) sendLengths(from, destination, lengths)
  receive(to, 1)
  sendOne(from, destination) // the kernel tells of drops with the next datagram that it takes
  receiveUntil(to, 'dropped-no-room', 1)
  from.close()
  to.close()
})
