/** Beats that hold on any provider and however slow the machine: who hears them, what is in them, when they end. */

import assert from 'node:assert/strict'

import type { Endpoint } from '../../src/transport/endpoint.js'
import { HEADER, KIND } from '../../src/zab/wire.js'
import { ageOf, BEAT_AGE_OFFSET, BEAT_BYTES, beatTo, busy } from './beats.js'
import { type Claim, fillRows, memberOf } from './provider.js'
import { count, freePort, GROUP, quiet, receive, writeDatagram } from './support.js'

const PERIOD_MICROS = 10_000
const SILENCE_MICROS = 5 * PERIOD_MICROS

/** Reads what is still on its way, until the endpoint hears nothing for several periods. */
function fallSilent(endpoint: Endpoint): void {
  while (!quiet(endpoint, SILENCE_MICROS)) continue
}

function stop(endpoint: Endpoint): void {
  endpoint.beat(0, 0, 0, new Uint32Array(0), 0, 0, 0)
}

function claimEnds(claim: Claim): void {
  claim('beats go to the destinations set last, and to none when stopped', ({ open }) => {
    const [from, first, second] = [open(), open(), open()]
    const places = [first, second].map((each) => from.addDestination(each.local(0)))
    beatTo(from, places, { periodMicros: PERIOD_MICROS })
    receive(first, 2)
    receive(second, 2)
    beatTo(from, places.slice(1), { periodMicros: PERIOD_MICROS })
    fallSilent(first)
    receive(second, 2)
    stop(from)
    const sent = count(from, 'beats-sent')
    fallSilent(second)
    assert.equal(count(from, 'beats-sent'), sent)
    assert.equal(count(from, 'tx-datagrams'), 0, 'beats are in no other count')
    beatTo(from, places, { periodMicros: PERIOD_MICROS })
    receive(first, 2)
  })

  claim('a removed destination hears no more beats, one that is still shared does', ({ open }) => {
    const [from, first, second] = [open(), open(), open()]
    const places = [first, second].map((each) => from.addDestination(each.local(0)))
    assert.equal(from.addDestination(second.local(0)), places[1])
    beatTo(from, [...places, 12345], { periodMicros: PERIOD_MICROS })
    receive(first, 2)
    for (const place of places) from.removeDestination(place)
    fallSilent(first)
    receive(second, 12)
    const third = open()
    assert.equal(from.addDestination(third.local(0)), places[0], 'the number has another owner')
    assert.ok(quiet(third, SILENCE_MICROS))
    assert.equal(count(from, 'completion-errors'), 0)
  })

  claim('beats end with their endpoint, the next one far away or near', ({ open }) => {
    for (let round = 0; round < 10; round++) {
      const endpoint = open()
      const self = endpoint.addDestination(endpoint.local(0))
      beatTo(endpoint, [self], { periodMicros: round % 2 === 0 ? 60_000_000 : 100 })
      receive(endpoint, 1)
      endpoint.close()
      assert.ok(count(endpoint, 'beats-sent') >= 1, 'counters stay readable')
    }
  })
}

export function claimBeats(claim: Claim): void {
  claim('beats go on while JavaScript is busy, and tell for how long', ({ pair }) => {
    const [from, to, destination] = pair()
    beatTo(from, [destination], { periodMicros: PERIOD_MICROS })
    busy(300)
    const ages = receive(to, 10).map(ageOf)
    for (const [beat, age] of ages.entries()) assert.ok(age >= (ages[beat - 1] ?? 0), ages.join(' '))
    assert.ok((ages[9] ?? 0) > 9 * PERIOD_MICROS * 0.9, ages.join(' '))
  })

  claim('beats go on beside the bursts of their owner', ({ provider: { bytes }, pair }) => {
    const [from, to, destination] = pair()
    beatTo(from, [destination], { periodMicros: 1_000 })
    receive(to, 1) // the thread that beats may begin late
    let bursts = 0
    for (let round = 0; round < 20; round++) {
      fillRows(from, destination, 50, bytes)
      assert.equal(from.txBurst(0, 50), 50)
      from.flush()
      for (let heard = 0; heard < 50; ) {
        for (const { length } of receive(to, 1)) {
          assert.ok(length === bytes || length === BEAT_BYTES)
          if (length === bytes) heard++
          bursts += length === bytes ? 1 : 0
        }
      }
    }
    assert.equal(bursts, 1000)
    assert.ok(count(from, 'beats-sent') > 0)
    assert.equal(count(to, 'dropped-bad-checksum'), 0)
    assert.equal(count(from, 'completion-errors'), 0)
  })

  claim('beats are copied when they are set, short and long, and change when set again', ({ provider, pair }) => {
    const [from, to, destination] = pair()
    for (const [fill, length] of [
      [1, BEAT_BYTES],
      [2, provider.bytes],
      [3, BEAT_BYTES],
    ] as const) {
      writeDatagram(from, from.txOffset, { kind: KIND.ALIVE, length, fill })
      from.beat(0, from.txOffset, length, Uint32Array.of(destination), 1, 5_000, BEAT_AGE_OFFSET)
      writeDatagram(from, from.txOffset, { length: provider.bytes, fill: 9 })
      while (receive(to, 1)[0]?.length !== length) continue
      for (const { kind, body } of receive(to, 3)) {
        assert.equal(kind, KIND.ALIVE)
        assert.deepEqual(body.subarray(4), new Uint8Array(length - HEADER.SIZE - 4).fill(fill))
      }
    }
    assert.equal(count(to, 'dropped-bad-checksum'), 0)
  })

  claimEnds(claim)

  claim('beats reach a multicast group', async ({ open }) => {
    const port = await freePort()
    const [from, to] = [open(), open(memberOf(port, GROUP))]
    beatTo(from, [from.addGroup(GROUP, port)], { periodMicros: PERIOD_MICROS })
    assert.equal(receive(to, 2)[1]?.kind, KIND.ALIVE)
  })
}
