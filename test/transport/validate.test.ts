/**
 * The receive ladder: every kind of broken datagram is dropped under its own name, and good ones
 * still pass.
 */

import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'

import type { Endpoint, ENDPOINT_COUNTERS } from '../../src/transport/endpoint.js'
import { HEADER } from '../../src/zab/wire.js'
import {
  CLUSTER,
  count,
  open,
  receive,
  receiveUntil,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

type Reason = (typeof ENDPOINT_COUNTERS)[number]

async function rawSocket(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** A sealed datagram, as bytes, made by an endpoint that sends it to a plain socket. */
async function sealedBytes(length: number): Promise<Buffer> {
  const socket = await rawSocket()
  const from = open()
  const arrived = once(socket, 'message')
  const address = { ...from.local(0), port: socket.address().port }
  sendOne(from, from.addDestination(address), { length })
  const [bytes] = (await arrived) as [Buffer]
  from.close()
  socket.close()
  return bytes
}

/** Sends bytes from a plain socket; then a good datagram, which must be all that arrives. */
async function sendRaw(to: Endpoint, bytes: Uint8Array, reason: Reason): Promise<void> {
  const socket = await rawSocket()
  const good = await sealedBytes(64)
  const before = count(to, reason)
  await new Promise((resolve) => socket.send(bytes, to.local(0).port, '127.0.0.1', resolve))
  await new Promise((resolve) => socket.send(good, to.local(0).port, '127.0.0.1', resolve))
  assert.equal(receive(to, 1)[0]?.length, 64)
  assert.equal(count(to, reason), before + 1, reason)
  socket.close()
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  return copy
}

test('ladder: each broken datagram is counted under its own reason', async () => {
  const to = open()
  const good = await sealedBytes(128)
  const cases: [Reason, Buffer][] = [
    ['dropped-truncated', good.subarray(0, 47)],
    ['dropped-truncated', good.subarray(0, 1)],
    ['dropped-truncated', Buffer.alloc(0)],
    ['dropped-bad-magic', changed(good, (copy) => copy.writeUInt16LE(0x1234, HEADER.magic))],
    ['dropped-bad-version', changed(good, (copy) => copy.writeUInt8(99, HEADER.version))],
    ['dropped-bad-length', changed(good, (copy) => copy.writeUInt32LE(132, HEADER.length))],
    ['dropped-bad-length', changed(good, (copy) => copy.writeUInt32LE(60, HEADER.length))],
    ['dropped-bad-length', changed(good, (copy) => copy.writeUInt32LE(66, HEADER.length))],
    ['dropped-bad-length', changed(good, (copy) => copy.writeUInt32LE(0xfffffffc, HEADER.length))],
    ['dropped-bad-length', good.subarray(0, 124)],
    [
      'dropped-wrong-cluster',
      changed(good, (copy) => copy.writeUInt32LE(CLUSTER + 1, HEADER.cluster)),
    ],
    ['dropped-bad-checksum', changed(good, (copy) => copy.writeUInt32LE(1, HEADER.checksum))],
  ]
  for (const [reason, bytes] of cases) await sendRaw(to, bytes, reason)
  to.close()
})

test('ladder: no byte of a datagram may change, the kind among them', async () => {
  const to = open()
  const good = await sealedBytes(64)
  for (let byte = 0; byte < good.length; byte++) {
    const flipped = changed(good, (copy) => copy.writeUInt8((copy[byte] ?? 0) ^ 0x10, byte))
    const socket = await rawSocket()
    await new Promise((resolve) => socket.send(flipped, to.local(0).port, '127.0.0.1', resolve))
    socket.close()
  }
  while (to.wait(20_000) !== 0) {
    assert.equal(to.rxBurst(0), 0, 'a changed datagram is not delivered')
    to.postReceives(0)
  }
  assert.equal(
    count(to, 'dropped-bad-checksum'),
    64 - 2 - 1 - 4 - 4,
    'all but magic, version, length and cluster',
  )
  to.close()
})

test('ladder: a train that puts datagrams at odd places loses those, not the others', () => {
  const from = open()
  const to = open()
  const destination = from.addDestination(to.local(0))
  for (let row = 0; row < 4; row++) {
    const offset = from.txOffset + row * 1472
    writeDatagram(from, offset, { length: 64, kind: row })
    writeRow(from, row, offset, 66, destination) // 66: the second lies at 66, the third at 132
  }
  assert.equal(from.txBurst(0, 4), 4)
  receiveUntil(to, 'dropped-misaligned', 2)
  assert.equal(count(to, 'rx-datagrams'), 2)
  from.close()
  to.close()
})

test('ladder: random bytes never pass and never harm', async () => {
  const to = open()
  const socket = await rawSocket()
  let state = 1
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0)
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.alloc(next() % 300, 0)
    for (let byte = 0; byte < bytes.length; byte++) bytes[byte] = next() >>> 24
    if (round % 2 === 0 && bytes.length > 4) bytes.writeUInt16LE(0x6b7a, 0)
    await new Promise((resolve) => socket.send(bytes, to.local(0).port, '127.0.0.1', resolve))
    assert.equal(to.rxBurst(0), 0)
  }
  socket.close()
  to.close()
})

test('ladder: a datagram longer than a slot is dropped: whoever keeps one copies it into a slot', async () => {
  const to = open({ datagramBytes: 1024 })
  const sender = open({ datagramBytes: 4096 })
  const destination = sender.addDestination(to.local(0))
  sendOne(sender, destination, { length: 1028 })
  sendOne(sender, destination, { length: 1024 })
  assert.equal(receive(to, 1)[0]?.length, 1024)
  assert.equal(count(to, 'dropped-bad-length'), 1)
  sender.close()
  to.close()
})
