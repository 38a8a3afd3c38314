/**
 * Beats over UDP, as exact as loopback is: a native thread sends them at their period whatever JavaScript does, and the
 * age in them tells what it does. What any provider keeps is in contract-beats.ts.
 */

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { AssertionError, item } from '../../src/assert.js'
import type { Endpoint } from '../../src/transport/endpoint.js'
import { HEADER, KIND, TAG_BYTES } from '../../src/zab/wire.js'
import { monotonicMillis } from '../monotonic-clock.js'
import { createNetwork, advance } from '../sim/network.js'
import { createPrng } from '../sim/prng.js'
import { createSimEndpoint, sendSimBeats } from '../sim/sim-endpoint.js'
import {
  ageOf,
  BEAT_AGE_OFFSET,
  BEAT_BYTES,
  BEAT_MICROS,
  beatTo,
  busy,
  scenarioWorker,
} from './beats.js'
import type { BeatReport } from './beats.js'
import type { Received } from './support.js'
import { count, endpointSettings, open, queueSettings, receive, writeDatagram } from './support.js'

/** What has arrived and was not read. */
function arrived(endpoint: Endpoint): Received[] {
  const all: Received[] = []
  while ((endpoint.wait(0) & 1) !== 0) all.push(...receive(endpoint, 1))
  return all
}

function closeAll(...endpoints: Endpoint[]): void {
  for (const each of endpoints) each.close()
}

test('beats: arrive at their period while the JavaScript of their sender is busy for 300 ms', async () => {
  const to = open()
  const worker: Worker = scenarioWorker('thread-beating')
  const report = new Promise<BeatReport>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  worker.postMessage(to.local(0))
  const heard: { at: number; age: number }[] = []
  receive(to, 1) // however long the worker takes to start
  while (to.wait(500_000) !== 0) {
    const at = monotonicMillis()
    for (const received of receive(to, 1)) heard.push({ at, age: ageOf(received) / 1000 })
  }
  const { busyFrom, busyTo, waitTo } = await report
  const within = heard.filter(({ at }) => at > busyFrom && at < busyTo)
  const wanted = ((busyTo - busyFrom) * 1000) / BEAT_MICROS
  assert.ok(within.length > wanted / 2, `${within.length} of ${wanted} beats came`)
  assert.ok(within.length < wanted + 2, `${within.length} of ${wanted} beats came`)
  const ages = within.map(({ age }) => age)
  const oldest = Math.max(...ages)
  assert.ok(oldest > 200 && oldest < busyTo - busyFrom + 100, `the oldest is ${oldest} ms`)
  const stuck = ages.filter((age) => age > 50)
  assert.deepEqual(
    stuck,
    stuck.toSorted((a, b) => a - b),
  )
  for (const { at, age } of within) assert.ok(age < at - busyFrom + 50, `${age} ms is no more than true`)
  const waited = heard.filter(({ at }) => at > busyTo + 20 && at < waitTo)
  const young = waited.filter(({ age }) => age === 0)
  assert.ok(young.length > waited.length / 2, `${young.length} of ${waited.length} are of one that waits`)
  to.close()
})

test('beats: the age is 0 in a wait, grows in a busy loop, and is small when the owner polls', () => {
  const [from, to] = [open(), open()]
  beatTo(from, [from.addDestination(to.local(0))])
  from.wait(100_000)
  const waited = arrived(to).map(ageOf) // some may be of before and after the wait
  assert.ok(waited.length > 5, `${waited.length} came`)
  assert.ok(waited.filter((age) => age === 0).length > waited.length / 2, waited.join(' '))
  busy(100)
  const stuck = arrived(to).map(ageOf)
  assert.ok(stuck.length > 5, `${stuck.length} came`)
  assert.ok(item(stuck, stuck.length - 1) > 70_000)
  for (let beat = 2; beat < stuck.length; beat++) {
    assert.ok(item(stuck, beat) > item(stuck, beat - 1), stuck.join(' '))
  }
  const until = performance.now() + 100
  while (performance.now() < until) from.rxBurst(0)
  const polled = arrived(to).map(ageOf)
  const young = polled.filter((age) => age < 50_000) // the scheduler may take its time, too
  assert.ok(young.length > polled.length / 2, polled.join(' '))
  closeAll(from, to)
})

test('beats: a burst of another queue is no sign of life', () => {
  const from = open({ queues: [queueSettings(), queueSettings()] })
  const to = open()
  beatTo(from, [from.addDestination(to.local(0))])
  const until = performance.now() + 100
  while (performance.now() < until) from.rxBurst(1)
  assert.ok(Math.max(...arrived(to).map(ageOf)) > 70_000)
  closeAll(from, to)
})

test('beats: keep their period, however often they are set', () => {
  const [from, to] = [open(), open()]
  const destination = from.addDestination(to.local(0))
  for (const periodMicros of [20_000, 1_000]) {
    const before = count(from, 'beats-sent')
    const start = performance.now()
    let set = 0
    for (; performance.now() < start + 200; set++) {
      beatTo(from, [destination], { periodMicros })
      busy(0.5)
    }
    const sent = count(from, 'beats-sent') - before
    // Read after the count: what the scheduler takes between the two is no reason to fail.
    const periods = ((performance.now() - start) * 1000) / periodMicros
    assert.ok(set > 5)
    assert.ok(sent <= periods + 2, `${sent} in ${periods} periods`)
    assert.ok(sent > periods / 4, `${sent} in ${periods} periods`)
  }
  closeAll(from, to)
})

test('beats: a shorter period counts at once, not after the longer one', () => {
  const [from, to] = [open(), open()]
  const destination = from.addDestination(to.local(0))
  beatTo(from, [destination], { periodMicros: 60_000_000 })
  receive(to, 1)
  busy(20) // the thread sleeps by now
  beatTo(from, [destination])
  receive(to, 5)
  closeAll(from, to)
})

test('beats: closing does not wait for the next one', () => {
  const endpoint = open()
  beatTo(endpoint, [endpoint.addDestination(endpoint.local(0))], { periodMicros: 60_000_000 })
  receive(endpoint, 1)
  busy(20) // the thread sleeps by now
  const start = performance.now()
  endpoint.close()
  assert.ok(performance.now() - start < 10_000)
})

test('beats: closing ends them in every state, and leaves nothing behind', async () => {
  await after(20) // what the tests before opened is closed by the loop
  const left = (): number[] => ['task', 'fd'].map((folder) => readdirSync(`/proc/self/${folder}`).length)
  const before = left()
  for (let round = 0; round < 100; round++) {
    const endpoint = open()
    const self = endpoint.addDestination(endpoint.local(0))
    beatTo(endpoint, [self], { periodMicros: round % 2 === 0 ? 60_000_000 : 100 })
    endpoint.close()
    endpoint.close()
    assert.ok(count(endpoint, 'beats-sent') >= 0, 'counters stay readable')
  }
  assert.deepEqual(left(), before)
})

test('beats: what is none is refused, and what was set goes on', () => {
  const [from, to] = [open(), open()]
  const places = Uint32Array.of(from.addDestination(to.local(0)))
  beatTo(from, [...places])
  const good = [0, from.txOffset, BEAT_BYTES, places, 1, BEAT_MICROS, BEAT_AGE_OFFSET] as const
  const beatWith = (argument: number, value: unknown) => (): void => {
    const given = good.map((each, place) => (place === argument ? value : each))
    from.beat(...(given as unknown as Parameters<Endpoint['beat']>))
  }
  const wrong = [undefined, null, true, 'x', -1, 1.5, NaN, Infinity, 2 ** 33, {}, [], 10n, Symbol('s')]
  for (let argument = 0; argument < good.length; argument++) {
    for (const value of wrong) {
      assert.throws(beatWith(argument, value), AssertionError, `${argument}: ${String(value)}`)
    }
  }
  const refused: [argument: number, values: unknown[]][] = [
    [0, [1, 8]],
    [1, [from.txOffset + 2, from.slab.byteLength, from.slab.byteLength - 4, 0xfffffffc]],
    [2, [0, 60, BEAT_BYTES - 4, 1473, 0xffffffff]],
    [3, [new Uint32Array(0), new Uint8Array(8), new Float64Array(1), new DataView(new ArrayBuffer(8))]],
    [4, [2, 65]],
    [5, [0, 99, 60_000_001]],
    [6, [0, 12, 18, BEAT_BYTES - TAG_BYTES, BEAT_BYTES, 0xfffffffc]],
  ]
  for (const [argument, values] of refused) {
    for (const value of values) {
      assert.throws(beatWith(argument, value), AssertionError, `${argument}: ${String(value)}`)
    }
  }
  for (const length of [0, 60, 66, BEAT_BYTES + 4, 0xffffffff]) {
    new DataView(from.slab, from.txOffset).setUint32(HEADER.length, length, true)
    assert.throws(() => from.beat(...good), AssertionError, `a length of ${length}`)
  }
  arrived(to)
  assert.equal(receive(to, 2)[1]?.kind, KIND.ALIVE)
  writeDatagram(from, from.txOffset, { length: BEAT_BYTES })
  for (const place of [HEADER.sender, HEADER.count, BEAT_BYTES - TAG_BYTES - 4]) beatWith(6, place)()
  from.close()
  assert.throws(() => from.beat(...good), /only while it is open/)
  to.close()
})

test('beats: the simulated endpoint sends a round when it is told, with its age in simulated time', () => {
  const network = createNetwork(createPrng(1), {
    loss: 0,
    duplicate: 0,
    reorder: 0,
    delayTicksMax: 0,
    reorderTicksMax: 0,
    receiveQueueMax: 100,
  })
  const [from, to] = [0, 1].map((node) => createSimEndpoint(network, node, endpointSettings()))
  assert.ok(from !== undefined && to !== undefined)
  sendSimBeats(from)
  beatTo(from, [from.addDestination(to.local(0))])
  from.rxBurst(0)
  advance(network, 30)
  sendSimBeats(from)
  advance(network, 1)
  from.rxBurst(0)
  sendSimBeats(from)
  advance(network, 1)
  assert.deepEqual(receive(to, 2).map(ageOf), [3000, 0])
  assert.equal(count(from, 'beats-sent'), 2)
  from.beat(0, 0, 0, new Uint32Array(0), 0, 0, 0)
  sendSimBeats(from)
  advance(network, 1)
  assert.ok(!to.waiting())
})
