/** Destinations and sources: who can be reached, who is answered, and what one that is lost costs. */

import assert from 'node:assert/strict'

import type { QueueAddress } from '../../src/transport/endpoint.js'
import { pathDatagramBytes } from '../../src/transport/open-endpoint.js'
import { type Claim, memberOf } from './provider.js'
import { count, freePort, GROUP, queueSettings, quiet, receive, sendOne, writeDatagram, writeRow } from './support.js'

const REFUSED = { code: 'BAD_ARGUMENT' }

/** A destination that takes datagrams that nobody hears. */
function claimLost(claim: Claim): void {
  claim('one that is gone costs its own datagrams only', ({ open, pair }) => {
    const [from, to, good] = pair()
    const leaver = open()
    const lost = from.addDestination(leaver.local(0))
    leaver.close()
    for (let row = 0; row < 90; row++) {
      writeDatagram(from, from.txOffset + row * 64, { kind: row })
      writeRow(from, row, from.txOffset + row * 64, 64, row >= 30 && row < 60 ? lost : good)
    }
    from.txBurst(0, 90)
    from.flush()
    const kinds = receive(to, 60).map(({ kind }) => kind)
    assert.deepEqual(
      kinds,
      Array.from({ length: 60 }, (_, place) => (place < 30 ? place : place + 30)),
    )
    assert.equal(sendOne(from, good, { kind: 99 }), 1)
    assert.equal(receive(to, 1)[0]?.kind, 99)
    assert.equal(count(from, 'completion-errors'), 0)
  })

  claim('removed with datagrams under way, a destination takes no others with it', ({ provider: { bytes }, pair }) => {
    const [from, to, first] = pair()
    for (let round = 0; round < 20; round++) {
      const destination = from.addDestination(to.local(0))
      const offset = from.txOffset + round * bytes // the device may still be at the ones before
      writeDatagram(from, offset, { kind: round, length: bytes })
      writeRow(from, 0, offset, bytes, destination)
      assert.equal(from.txBurst(0, 1), 1)
      from.removeDestination(destination)
      if (round === 0) from.removeDestination(first) // from now on each is the last use
    }
    from.flush()
    assert.deepEqual(
      receive(to, 20).map(({ kind }) => kind),
      Array.from({ length: 20 }, (_, round) => round),
    )
    assert.equal(count(from, 'completion-errors'), 0)
  })
}

function claimDestinations(claim: Claim): void {
  claim('local says where the queue is and what passes', ({ provider: { name, address }, open }) => {
    const endpoint = open({ queues: [queueSettings(), queueSettings()] })
    const [first, second] = [endpoint.local(0), endpoint.local(1)]
    assert.deepEqual([first.provider, first.address], [name, address])
    const place = ({ port, qpNumber }: QueueAddress): number[] => [port, qpNumber]
    assert.notDeepEqual(place(first), place(second))
    assert.equal(first.mtuBytes, pathDatagramBytes(address, name))
    assert.equal(first.mtuBytes % 64, 0)
  })

  claim('equal addresses share a destination until it is removed as often as added', ({ pair }) => {
    const [from, to, first] = pair()
    assert.equal(from.addDestination(to.local(0)), first)
    from.removeDestination(first)
    assert.equal(sendOne(from, first), 1)
    from.removeDestination(first)
    assert.equal(sendOne(from, first), 0, 'a removed destination takes nothing')
    assert.equal(count(from, 'tx-refused'), 1)
    assert.throws(() => from.removeDestination(first), REFUSED)
    assert.equal(receive(to, 1).length, 1)
  })

  claim('a number that was removed is used again, and its old address forgotten', ({ open, pair }) => {
    const [from, to, first] = pair()
    const other = open()
    from.removeDestination(first)
    assert.equal(from.addDestination(other.local(0)), first)
    assert.notEqual(from.addDestination(to.local(0)), first, 'and not found under its old address')
    sendOne(from, first, { kind: 12 })
    assert.equal(receive(other, 1)[0]?.kind, 12)
    assert.ok(quiet(to, 1_000))
  })
}

export function claimPlaces(claim: Claim): void {
  claimDestinations(claim)
  claimLost(claim)

  claim('a stranger is answered by adopting its row, each by one destination', ({ open, pair }) => {
    const [from, to, destination] = pair()
    const other = open()
    sendOne(from, destination)
    sendOne(from, destination)
    const adopted: number[] = []
    receive(to, 2, 0, ({ row }) => adopted.push(to.adoptSource(0, row)))
    sendOne(other, other.addDestination(to.local(0)), { kind: 5 })
    receive(to, 1, 0, ({ row }) => adopted.push(to.adoptSource(0, row)))
    const [first = -1, again, stranger = -1] = adopted
    assert.equal(first, again)
    assert.notEqual(first, stranger)
    assert.equal(to.addDestination(from.local(0)), first, 'adopted or added is the same')
    sendOne(to, first, { kind: 77 })
    assert.equal(receive(from, 1)[0]?.kind, 77)
    sendOne(to, stranger, { kind: 78 })
    assert.equal(receive(other, 1)[0]?.kind, 78)
    assert.throws(() => to.adoptSource(0, 0), REFUSED, 'the burst was given back')
    for (let uses = 0; uses < 3; uses++) to.removeDestination(first)
    assert.equal(sendOne(to, first), 0)
  })

  claim('a stranger is the same by unicast and by multicast, and its answer goes by unicast', async ({ open }) => {
    const port = await freePort()
    const [from, to] = [open(), open(memberOf(port, GROUP))]
    const adopted: number[] = []
    sendOne(from, from.addDestination(to.local(0)))
    receive(to, 1, 0, ({ row }) => adopted.push(to.adoptSource(0, row)))
    sendOne(from, from.addGroup(GROUP, port))
    receive(to, 1, 0, ({ row }) => adopted.push(to.adoptSource(0, row)))
    assert.equal(adopted[0], adopted[1])
    sendOne(to, adopted[1] ?? -1, { kind: 44 })
    assert.equal(receive(from, 1)[0]?.kind, 44)
  })

  claim('an address of the other provider, of nobody or of no queue is refused', ({ provider: { name }, open }) => {
    const endpoint = open()
    const address = endpoint.local(0)
    const other = name === 'udp' ? 'verbs' : 'udp'
    assert.throws(() => endpoint.addDestination({ ...address, provider: other }), REFUSED)
    assert.throws(() => endpoint.addDestination({ ...address, port: 0, qpNumber: 0 }), REFUSED)
    assert.equal(sendOne(endpoint, 12345), 0, 'a destination that is none is loss')
    assert.equal(sendOne(endpoint, endpoint.addDestination(address)), 1, 'and the endpoint still works')
    assert.equal(receive(endpoint, 1).length, 1)
  })
}
