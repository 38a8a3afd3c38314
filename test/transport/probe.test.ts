/**
 * The probe: facts with a verdict and advice, whatever the machine.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { probe } from '../../src/transport/probe.js'

test('probe: every fact has a name of its own, a verdict and a sentence', () => {
  const facts = probe()
  assert.equal(new Set(facts.map((each) => each.name)).size, facts.length)
  for (const each of facts) {
    assert.ok(['ok', 'warn', 'fail'].includes(each.verdict), each.name)
    assert.ok(each.value.length > 0, each.name)
    assert.ok(each.advice.length > 5, each.name)
  }
})

test('probe: loopback carries datagrams and multicast', () => {
  const facts = new Map(probe({ address: '127.0.0.1' }).map((each) => [each.name, each]))
  for (const name of [
    'addon',
    'udp-segmentation',
    'udp-coalescing',
    'datagram-bytes',
    'multicast',
  ]) {
    assert.equal(facts.get(name)?.verdict, 'ok', name)
  }
  assert.equal(facts.get('address')?.verdict, 'warn')
})

test('probe: an address of another machine fails with advice', () => {
  const facts = new Map(probe({ address: '192.0.2.77' }).map((each) => [each.name, each]))
  assert.equal(facts.get('address')?.verdict, 'fail')
  assert.equal(facts.get('datagram-bytes')?.verdict, 'fail')
  assert.equal(facts.get('multicast')?.verdict, 'warn')
  assert.ok(
    new Map(probe({ address: 'nonsense' }).map((each) => [each.name, each])).has('multicast'),
  )
})

test('probe: a buffer below what was wanted is said to be too small', () => {
  const buffer = probe({ socketBytes: 2 ** 30 }).find((each) => each.name === 'receive-buffer')
  assert.ok(buffer !== undefined)
  assert.match(buffer.value, /of 1024\.0 MiB/)
})
