/**
 * The endpoint over UDP: its contract, and what is of sockets alone. Datagrams of one length go out as trains, which
 * the receiving kernel may hand over whole: what does not fit a burst is left over for the next.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'

import { transportAddon } from '../../src/transport/addon.js'
import type { Endpoint } from '../../src/transport/endpoint.js'
import { ENDPOINT_COUNTERS } from '../../src/transport/endpoint.js'
import { endpointContract } from './contract.js'
import { claims, fillRows, kindsTo, UDP } from './provider.js'
import { count, queueSettings, receive, sendOne, writeDatagram, writeRow } from './support.js'

endpointContract(UDP)

const claim = claims(UDP)

function slots(rxSlots: number): { queues: [ReturnType<typeof queueSettings>] } {
  return { queues: [queueSettings({ rxSlots })] }
}

function sendTrain(from: Endpoint, destination: number, datagrams: number): void {
  fillRows(from, destination, datagrams, 64)
  assert.equal(from.txBurst(0, datagrams), datagrams)
}

test('counters: both sides declare the same list', () => {
  assert.deepEqual([...transportAddon().endpointCounterNames()], [...ENDPOINT_COUNTERS])
})

claim('a train is received in few system calls', ({ pair }) => {
  const [from, to, destination] = pair()
  fillRows(from, destination, 200, UDP.bytes)
  assert.equal(from.txBurst(0, 200), 200)
  assert.equal(receive(to, 200).length, 200)
  assert.ok(count(to, 'rx-calls') < 20, 'the receiver took trains, not single datagrams')
})

claim('never more rows than slots, and the rest of a train comes next time', ({ pair }) => {
  const [from, to, destination] = pair(slots(7))
  fillRows(from, destination, 100, 512)
  from.txBurst(0, 100)
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
  assert.deepEqual(kinds, kindsTo(100))
})

claim('a large datagram passes loopback in one piece', ({ open }) => {
  const [from, to] = [0, 1].map(() => open({ datagramBytes: 65472, txSlots: 2 }))
  assert.ok(from !== undefined && to !== undefined)
  assert.equal(sendOne(from, from.addDestination(to.local(0)), { length: 65472, fill: 3 }), 1)
  assert.equal(receive(to, 1)[0]?.length, 65472)
})

claim('a network that the kernel refuses costs its own datagrams only', ({ pair }) => {
  const [from, to, good] = pair() // bound to loopback: the kernel refuses other networks with EINVAL
  const lost = from.addDestination({ ...to.local(0), address: '192.0.2.200' })
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
})

claim('wait: leftovers of a train count as ready', ({ pair }) => {
  const [from, to, destination] = pair(slots(4))
  sendTrain(from, destination, 6)
  assert.equal(to.wait(1_000_000), 1)
  assert.equal(to.rxBurst(0), 4)
  to.postReceives(0)
  assert.equal(to.wait(0), 1, 'the kernel has nothing more, the endpoint has')
  assert.equal(to.rxBurst(0), 2)
})

claim('watch: calls again until everything is read, leftovers included', async ({ pair }) => {
  const [from, to, destination] = pair(slots(5))
  let [received, calls] = [0, 0]
  const all = new Promise<void>((resolve) => {
    to.watch(() => {
      calls++
      received += to.rxBurst(0)
      to.postReceives(0)
      if (received === 50) resolve()
    })
  })
  sendTrain(from, destination, 50)
  await all
  assert.equal(calls, 10, 'once per wake-up, five at a time')
  await after(20)
  assert.equal(calls, 10, 'and not when nothing waits')
})

claim('watch: leftovers of a burst outside the callback wake the loop', async ({ pair }) => {
  const [from, to, destination] = pair(slots(3))
  let calls = 0
  const rest = new Promise<number>((resolve) => {
    to.watch(() => {
      calls++
      resolve(to.rxBurst(0))
      to.postReceives(0)
    })
  })
  sendTrain(from, destination, 5)
  assert.equal(to.wait(1_000_000), 1)
  assert.equal(to.rxBurst(0), 3)
  to.postReceives(0)
  assert.equal(await rest, 2)
  assert.equal(calls, 1)
})
