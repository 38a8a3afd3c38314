/**
 * The misuse matrix: wrong types, wrong values, wrong order. Always an error that names it, never a
 * crash.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { AssertionError } from '../../src/assert.js'
import { transportAddon } from '../../src/transport/addon.js'
import type { EndpointSettings, QueueSettings } from '../../src/transport/endpoint.js'
import { TX_SEAL } from '../../src/transport/endpoint.js'
import { openEndpoint, pathDatagramBytes } from '../../src/transport/open-endpoint.js'
import {
  endpointSettings,
  open,
  queueSettings,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

const WRONG: readonly unknown[] = [
  undefined,
  null,
  true,
  'x',
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 33,
  {},
  [],
  () => 1,
  Symbol('s'),
  10n,
]

/** Hands a wrong type to something typed: what plain JavaScript could do. */
function wrongly<T>(value: unknown): T {
  return value as T
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof AssertionError ||
    (error instanceof Error && 'code' in error && error.code === 'BAD_ARGUMENT')
  )
}

test('misuse: settings of wrong types are refused by name', () => {
  assert.throws(() => openEndpoint(wrongly<EndpointSettings>(null)), { code: 'BAD_ARGUMENT' })
  const required = [
    'address',
    'queues',
    'datagramBytes',
    'cluster',
    'txSlots',
    'extraBytes',
    'txRows',
    'provider',
  ]
  for (const property of required) {
    for (const value of WRONG) {
      if (property === 'address' && typeof value === 'string') continue
      const settings = { ...endpointSettings(), [property]: value }
      assert.throws(
        () => openEndpoint(settings),
        { code: 'BAD_ARGUMENT' },
        `${property}: ${String(value)}`,
      )
    }
  }
  for (const property of ['device', 'gidIndex', 'dropRatio', 'dropSeed']) {
    for (const value of [null, {}, -1, [], NaN]) {
      const settings = { ...endpointSettings(), [property]: value }
      assert.throws(
        () => openEndpoint(settings),
        { code: 'BAD_ARGUMENT' },
        `${property}: ${String(value)}`,
      )
    }
  }
  assert.throws(() => open({ datagramBytes: 1000 }), { code: 'BAD_ARGUMENT' })
  assert.throws(() => open({ queues: [] }), { code: 'BAD_ARGUMENT' })
})

test('misuse: queue settings of wrong types are refused', () => {
  for (const property of ['port', 'rxSlots', 'socketBytes', 'multicast']) {
    for (const value of WRONG) {
      if (property === 'multicast' && value === undefined) continue
      const queue = wrongly<QueueSettings>({ ...queueSettings(), [property]: value })
      assert.throws(
        () => open({ queues: [queue] }),
        { code: 'BAD_ARGUMENT' },
        `${property}: ${String(value)}`,
      )
    }
  }
  for (const groups of [null, 'x', [1], [null], { length: 1 }]) {
    const queue = queueSettings({ multicast: { port: 1, groups: wrongly<string[]>(groups) } })
    assert.throws(() => open({ queues: [queue] }), { code: 'BAD_ARGUMENT' })
  }
})

test('misuse: every call of an open endpoint survives every wrong argument', () => {
  const endpoint = open()
  for (const value of [...WRONG, 1, 7, 1000]) {
    const name = String(value)
    const count = value === 1 || value === 7 ? 1000 : value // those are counts, too
    const port = typeof value === 'number' ? 0 : value
    const queue = wrongly<number>(value)
    assert.throws(() => endpoint.rxBurst(queue), isRefusal, `rxBurst ${name}`)
    assert.throws(() => endpoint.postReceives(queue), isRefusal, `postReceives ${name}`)
    assert.throws(() => endpoint.txBurst(queue, 0), isRefusal, `txBurst ${name}`)
    assert.throws(() => endpoint.txBurst(0, wrongly(count)), isRefusal, `txBurst count ${name}`)
    assert.throws(() => endpoint.local(queue), isRefusal, `local ${name}`)
    assert.throws(
      () => endpoint.addDestination(wrongly(value)),
      isRefusal,
      `addDestination ${name}`,
    )
    assert.throws(() => endpoint.adoptSource(queue, 0), isRefusal, `adoptSource ${name}`)
    assert.throws(
      () => endpoint.adoptSource(0, wrongly(value)),
      isRefusal,
      `adoptSource row ${name}`,
    )
    assert.throws(
      () => endpoint.removeDestination(wrongly(value)),
      isRefusal,
      `removeDestination ${name}`,
    )
    assert.throws(() => endpoint.addGroup(wrongly(value), 1), isRefusal, `addGroup ${name}`)
    assert.throws(
      () => endpoint.addGroup('239.1.1.1', wrongly(port)),
      isRefusal,
      `addGroup port ${name}`,
    )
    if (typeof value !== 'function')
      assert.throws(() => endpoint.watch(wrongly(value)), isRefusal, `watch ${name}`)
  }
  for (const value of [null, true, 'x', {}, -1, NaN]) {
    assert.equal(endpoint.wait(wrongly(value)), 0)
    endpoint.setSpin(wrongly(value))
  }
  endpoint.close()
})

test('misuse: addresses with wrong fields are refused', () => {
  const endpoint = open()
  const address = endpoint.local(0)
  for (const property of [
    'provider',
    'address',
    'port',
    'qpNumber',
    'qkey',
    'lid',
    'gid',
    'mtuBytes',
  ]) {
    for (const value of [undefined, null, {}, -1, NaN]) {
      assert.throws(() => endpoint.addDestination({ ...address, [property]: value }), {
        code: 'BAD_ARGUMENT',
      })
    }
  }
  for (const change of [
    { provider: 'verbs' as const },
    { port: 0 },
    { address: 'localhost' },
    { address: '' },
  ]) {
    assert.throws(() => endpoint.addDestination({ ...address, ...change }), {
      code: 'BAD_ARGUMENT',
    })
  }
  endpoint.close()
})

test('misuse: rows outside the slab, too short, too long, unaligned or not a datagram', () => {
  const endpoint = open()
  const self = endpoint.addDestination(endpoint.local(0))
  const rows: [offset: number, length: number][] = [
    [endpoint.slab.byteLength, 64],
    [endpoint.slab.byteLength - 60, 64],
    [0xfffffffc, 64],
    [endpoint.txOffset + 2, 64],
    [endpoint.txOffset, 60],
    [endpoint.txOffset, 0],
    [endpoint.txOffset, 1473],
    [endpoint.txOffset, 0xffffffff],
  ]
  for (const [offset, length] of rows) {
    writeDatagram(endpoint, endpoint.txOffset)
    writeRow(endpoint, 0, offset, length, self)
    assert.throws(() => endpoint.txBurst(0, 1), AssertionError, `${offset} ${length}`)
  }
  for (const length of [0, 60, 66, 128, 0xffffffff]) {
    writeDatagram(endpoint, endpoint.txOffset)
    new DataView(endpoint.slab, endpoint.txOffset).setUint32(12, length, true)
    writeRow(endpoint, 0, endpoint.txOffset, 64, self, TX_SEAL)
    assert.throws(() => endpoint.txBurst(0, 1), AssertionError, `sealing a length of ${length}`)
  }
  assert.throws(() => endpoint.txBurst(0, 257), AssertionError)
  assert.equal(sendOne(endpoint, 12345), 0, 'a destination that is none is loss')
  assert.equal(sendOne(endpoint, self), 1, 'and the endpoint still works')
  endpoint.close()
})

test('misuse: a burst before the last one was given back', () => {
  const endpoint = open()
  sendOne(endpoint, endpoint.addDestination(endpoint.local(0)))
  assert.equal(endpoint.wait(1_000_000), 1)
  assert.equal(endpoint.rxBurst(0), 1)
  assert.throws(() => endpoint.rxBurst(0), /given back/)
  endpoint.postReceives(0)
  endpoint.postReceives(0)
  assert.equal(endpoint.rxBurst(0), 0)
  assert.equal(endpoint.rxBurst(0), 0, 'an empty burst lends nothing')
  endpoint.close()
})

test('misuse: rows that JavaScript scribbled over do no harm', () => {
  const endpoint = open()
  sendOne(endpoint, endpoint.addDestination(endpoint.local(0)))
  endpoint.wait(1_000_000)
  endpoint.rxBurst(0)
  endpoint.rxRows[0]?.fill(0xffffffff)
  assert.throws(() => endpoint.adoptSource(0, 0), { code: 'BAD_ARGUMENT' })
  endpoint.postReceives(0)
  endpoint.close()
})

test('misuse: the slab and the counters cannot be given away', () => {
  const endpoint = open()
  const self = endpoint.addDestination(endpoint.local(0))
  for (const buffer of [endpoint.slab, endpoint.counters.buffer as ArrayBuffer]) {
    try {
      structuredClone(buffer, { transfer: [buffer] }) // copies in Node 20, throws later
    } catch (thrown) {
      assert.equal((thrown as Error).name, 'DataCloneError')
    }
    assert.notEqual(buffer.byteLength, 0)
  }
  assert.equal(sendOne(endpoint, self), 1)
  endpoint.close()
})

test('misuse: native methods check whose they are', () => {
  const { Endpoint } = transportAddon()
  const rxBurst = Endpoint.prototype.rxBurst as (this: unknown, queue: number) => number
  for (const receiver of [{}, null, [], 1]) assert.throws(() => rxBurst.call(receiver, 0))
  for (const value of WRONG) assert.throws(() => new Endpoint(wrongly(value)))
  assert.throws(() => pathDatagramBytes(wrongly(5)), { code: 'BAD_ARGUMENT' })
})
