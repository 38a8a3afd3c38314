/**
 * A process ends cleanly at every stage of an endpoint's life, and a closed endpoint says so.
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { AssertionError } from '../../src/assert.js'
import { count, open, queueSettings, sendOne } from './support.js'

const SCENARIO = fileURLToPath(new URL('scenario.js', import.meta.url))
const LIMIT_MILLIS = 60_000

const STAGES = [
  'loaded',
  'opened',
  'closed',
  'lent',
  'watching-exits',
  'watching-busy-exits',
  'watching-holds',
  'unwatched',
  'callback-throws',
  'garbage-collected',
  'beating-ends',
  'beating-exits',
  'beating-garbage-collected',
  'worker-opened-exits',
  'worker-watching-terminated',
  'worker-busy-terminated',
  'worker-waiting-terminated',
  'worker-left-at-exit',
  'worker-beating-exits',
  'worker-beating-terminated',
  'worker-beating-left-at-exit',
  'workers-exchange',
]

for (const stage of STAGES) {
  test(`exit: clean when ${stage}`, () => {
    const options = { timeout: LIMIT_MILLIS, encoding: 'utf8' } as const
    const ended = spawnSync(process.execPath, ['--expose-gc', SCENARIO, stage], options)
    assert.equal(ended.signal, null, ended.stderr)
    assert.equal(ended.status, 0, ended.stderr)
    assert.equal(ended.stderr, '')
  })
}

test('close: idempotent, detaches the slab and every view', () => {
  const endpoint = open()
  const view = new Uint8Array(endpoint.slab)
  sendOne(endpoint, endpoint.addDestination(endpoint.local(0)))
  endpoint.close()
  endpoint.close()
  assert.equal(endpoint.slab.byteLength, 0)
  assert.equal(view.length, 0)
  assert.equal(endpoint.txRows.length, 0)
  assert.equal(endpoint.rxRows[0]?.length, 0)
  assert.equal(count(endpoint, 'tx-datagrams'), 1, 'counters stay readable')
})

test('close: with slots lent, while watched, with leftovers', () => {
  const lent = open({ queues: [queueSettings({ rxSlots: 1 })] })
  const self = lent.addDestination(lent.local(0))
  lent.watch(() => undefined)
  for (let round = 0; round < 3; round++) sendOne(lent, self)
  lent.wait(1_000_000)
  assert.equal(lent.rxBurst(0), 1)
  lent.close()
  lent.close()
})

test('close: the port is free at once', () => {
  const first = open()
  const { port } = first.local(0)
  first.close()
  open({ queues: [queueSettings({ port })] }).close()
})

test('closed: every call says so and none crashes', () => {
  const endpoint = open()
  const address = endpoint.local(0)
  endpoint.close()
  const closed = { code: 'CLOSED' }
  assert.throws(() => endpoint.local(0), closed)
  assert.throws(() => endpoint.addDestination(address), closed)
  assert.throws(() => endpoint.adoptSource(0, 0), closed)
  assert.throws(() => endpoint.removeDestination(0), closed)
  assert.throws(() => endpoint.addGroup('239.1.1.1', 9), closed)
  assert.throws(() => endpoint.watch(() => undefined), closed)
  const message = /only while it is open/
  assert.throws(() => endpoint.rxBurst(0), message)
  assert.throws(() => endpoint.postReceives(0), message)
  assert.throws(() => endpoint.txBurst(0, 0), message)
  assert.throws(() => endpoint.flush(), message)
  assert.throws(() => endpoint.wait(0), AssertionError)
  assert.throws(() => endpoint.beat(0, 0, 0, new Uint32Array(0), 0, 0, 0), message)
  endpoint.setSpin(1)
  endpoint.unwatch()
})

test('open and close: a hundred times leaves nothing behind', async () => {
  await after(20) // what the tests before watched is closed by the loop
  const before = readdirSync('/proc/self/fd').length
  for (let round = 0; round < 100; round++) {
    const endpoint = open()
    endpoint.watch(() => undefined)
    endpoint.close()
  }
  await after(20)
  assert.equal(readdirSync('/proc/self/fd').length, before)
})
