/** Datagrams and bursts: what goes out comes in, whole and in order, and what finds no room is counted. */

import assert from 'node:assert/strict'

import type { Endpoint } from '../../src/transport/endpoint.js'
import { HEADER } from '../../src/zab/wire.js'
import { type Claim, fillRows, kindsTo } from './provider.js'
import {
  count,
  LENGTH_MIN,
  queueSettings,
  quiet,
  receive,
  receiveUntil,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

const OVERRUNS_MAX = 50

/** The kinds of what survived of `sent` datagrams. */
function survivors(to: Endpoint, sent: number): number[] {
  const kinds: number[] = []
  while (count(to, 'rx-datagrams') + count(to, 'dropped-by-fault') < sent) {
    assert.notEqual(to.wait(1_000_000), 0, 'what was sent came, or was dropped')
    const burst = to.rxBurst(0)
    for (let row = 0; row < burst; row++) kinds.push(to.rxRows[0]?.[row * 4 + 2] ?? -1)
    to.postReceives(0)
  }
  return kinds
}

function claimBursts(claim: Claim): void {
  claim('a burst of one length is one call, and arrives in order', ({ provider: { bytes }, pair }) => {
    const [from, to, destination] = pair()
    fillRows(from, destination, 200, bytes)
    assert.equal(from.txBurst(0, 200), 200)
    from.flush()
    assert.equal(count(from, 'tx-calls'), 1)
    const received = receive(to, 200)
    assert.deepEqual(
      received.map(({ kind }) => kind),
      kindsTo(200),
    )
    for (const [row, { body }] of received.entries()) assert.equal(body[0], row % 256)
  })

  claim('datagrams of many lengths and two destinations end where they end', ({ provider: { bytes }, pair, open }) => {
    const [from, to, destination] = pair()
    const other = open()
    const second = from.addDestination(other.local(0))
    const lengths = [64, 64, bytes, bytes, 128, 128, 64, 960, bytes, 64, 512, 256, 256, 64]
    lengths.forEach((length, row) => {
      const offset = from.txOffset + row * bytes
      writeDatagram(from, offset, { length, kind: row })
      writeRow(from, row, offset, length, row === 5 ? second : destination)
    })
    assert.equal(from.txBurst(0, lengths.length), lengths.length)
    from.flush()
    assert.deepEqual(
      receive(to, 13).map(({ kind, length }) => [kind, length]),
      [...lengths.entries()].filter(([row]) => row !== 5),
    )
    const total = lengths.reduce((sum, length) => sum + length, 0)
    assert.equal(count(to, 'rx-bytes'), total - 128)
    assert.equal(receive(other, 1)[0]?.kind, 5)
  })

  claim('rows out of the order of their bytes arrive in the order of the rows', ({ pair }) => {
    const [from, to, destination] = pair()
    for (let row = 0; row < 200; row++) {
      const offset = from.txOffset + ((row * 7) % 200) * LENGTH_MIN
      writeDatagram(from, offset, { kind: row })
      writeRow(from, row, offset, LENGTH_MIN, destination)
    }
    assert.equal(from.txBurst(0, 200), 200)
    from.flush()
    assert.equal(count(from, 'tx-calls'), 1)
    assert.deepEqual(
      receive(to, 200).map(({ kind }) => kind),
      kindsTo(200),
    )
  })
}

function claimMany(claim: Claim): void {
  claim('many bursts, short and long ones in turn, are all taken and all arrive', ({ provider: { bytes }, pair }) => {
    const [from, to, destination] = pair()
    for (let round = 0; round < 20; round++) {
      fillRows(from, destination, 150, round % 2 === 0 ? LENGTH_MIN : bytes)
      assert.equal(from.txBurst(0, 150), 150)
      from.flush()
      assert.equal(receive(to, 150)[149]?.kind, 149)
    }
    assert.equal(count(from, 'tx-datagrams'), 3000)
    assert.equal(count(from, 'completion-errors') + count(to, 'completion-errors'), 0)
    assert.equal(count(to, 'dropped-no-room'), 0)
  })

  claim('a burst larger than the receive queue loses, is counted, and is survived', ({ provider, pair }) => {
    const [from, to, destination] = pair({ queues: [queueSettings({ rxSlots: 16, socketBytes: 0 })] })
    let [sent, received] = [0, 0]
    for (let round = 0; count(to, 'dropped-no-room') === 0; round++) {
      assert.ok(round < OVERRUNS_MAX, `${received} of ${sent} came, and none was counted as lost`)
      fillRows(from, destination, 256, provider.bytes)
      sent += from.txBurst(0, 256)
      from.flush()
      received += to.rxBurst(0)
      to.postReceives(0)
    }
    while (!quiet(to, 50_000)) continue
    assert.ok(count(to, 'rx-datagrams') < sent, `of ${sent} some are lost`)
    fillRows(from, destination, 4, LENGTH_MIN)
    from.txBurst(0, 4)
    from.flush()
    assert.deepEqual(
      receive(to, 4).map(({ kind }) => kind),
      kindsTo(4),
    )
  })
}

function claimBytes(claim: Claim): void {
  claim('a datagram arrives with its kind, length and bytes, however long', ({ provider: { bytes }, pair }) => {
    const [from, to, destination] = pair()
    for (const [length, fill] of [
      [LENGTH_MIN, 0xaa],
      [128, 0xbb],
      [bytes, 0xcc],
    ] as const) {
      assert.equal(sendOne(from, destination, { kind: 9, length, fill }), 1)
      const [received] = receive(to, 1)
      assert.equal(received?.kind, 9)
      assert.equal(received.length, length)
      assert.deepEqual(received.body, new Uint8Array(length - HEADER.SIZE).fill(fill))
    }
    const total = LENGTH_MIN + 128 + bytes
    assert.deepEqual([count(from, 'tx-datagrams'), count(from, 'tx-bytes')], [3, total])
    assert.deepEqual([count(to, 'rx-datagrams'), count(to, 'rx-bytes')], [3, total])
  })

  claim('padding goes out and is not part of the length', ({ pair }) => {
    const [from, to, destination] = pair()
    writeDatagram(from, from.txOffset, { length: 68 })
    writeRow(from, 0, from.txOffset, 128, destination)
    assert.equal(from.txBurst(0, 1), 1)
    assert.equal(receive(to, 1)[0]?.length, 68)
    assert.equal(count(to, 'rx-bytes'), 128)
  })

  claim('what was sealed once goes out again without sealing, what never was does not pass', ({ pair }) => {
    const [from, to, destination] = pair()
    sendOne(from, destination)
    writeRow(from, 0, from.txOffset, LENGTH_MIN, destination, 0)
    assert.equal(from.txBurst(0, 1), 1)
    assert.equal(receive(to, 2).length, 2)
    assert.equal(count(to, 'dropped-bad-checksum'), 0)
    writeDatagram(from, from.txOffset)
    assert.equal(from.txBurst(0, 1), 1)
    receiveUntil(to, 'dropped-bad-checksum', 1)
    assert.equal(count(to, 'rx-datagrams'), 2)
  })
}

export function claimDatagrams(claim: Claim): void {
  claimBytes(claim)
  claimBursts(claim)
  claimMany(claim)

  claim('each queue has its own address and its own rows', ({ open }) => {
    const two = open({ queues: [queueSettings(), queueSettings({ rxSlots: 8 })] })
    const from = open()
    sendOne(from, from.addDestination(two.local(1)), { kind: 2 })
    assert.equal(two.wait(5_000_000), 2, 'wait names the queue that is ready')
    assert.equal(receive(two, 1, 1)[0]?.kind, 2)
    assert.ok(quiet(two, 1_000, 0))
    sendOne(from, from.addDestination(two.local(0)), { kind: 3 })
    assert.equal(two.wait(5_000_000), 1)
    assert.equal(receive(two, 1, 0)[0]?.kind, 3)
  })

  claim('the fault knob drops the same datagrams with the same seed, others with another', ({ pair }) => {
    const dropping = (dropSeed: number): number[] => {
      const [from, to, destination] = pair({ dropRatio: 0.3, dropSeed })
      fillRows(from, destination, 200, 256)
      assert.equal(from.txBurst(0, 200), 200)
      from.flush()
      const kinds = survivors(to, 200)
      const dropped = count(to, 'dropped-by-fault')
      assert.ok(dropped > 30 && dropped < 90, `about 60 of 200 are dropped, not ${dropped}`)
      return kinds
    }
    const once = dropping(1)
    assert.deepEqual(dropping(1), once)
    assert.notDeepEqual(dropping(2), once)
  })
}
