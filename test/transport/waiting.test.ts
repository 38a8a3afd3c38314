/**
 * Waiting and watching: blocking until a datagram is there, and being called back on an event loop.
 */

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { count, open, queueSettings, receive, sendOne, writeDatagram, writeRow } from './support.js'

test('wait: returns nothing when the time is over, at once when it is zero', () => {
  const endpoint = open()
  const start = performance.now()
  assert.equal(endpoint.wait(0), 0)
  assert.ok(performance.now() - start < 500)
  assert.equal(endpoint.wait(30_000), 0)
  assert.ok(performance.now() - start >= 29)
  assert.equal(count(endpoint, 'wait-calls'), 2)
  assert.equal(count(endpoint, 'wait-blocked'), 1)
  endpoint.close()
})

test('wait: spins for its budget before it blocks', () => {
  const endpoint = open()
  endpoint.setSpin(1_000_000)
  assert.equal(endpoint.wait(5_000), 0)
  assert.equal(count(endpoint, 'wait-blocked'), 0)
  endpoint.close()
})

test('wait: a datagram from another process wakes a blocked one', async () => {
  const endpoint = open()
  const child = fork(fileURLToPath(new URL('scenario.js', import.meta.url)), [
    'send-later',
    JSON.stringify(endpoint.local(0)),
  ])
  await once(child, 'spawn')
  const start = performance.now()
  assert.equal(receive(endpoint, 1).length, 1)
  assert.ok(performance.now() - start < 9_000)
  assert.ok(count(endpoint, 'wait-blocked') > 0)
  await once(child, 'exit')
  endpoint.close()
})

test('wait: leftovers of a train count as ready', () => {
  const from = open()
  const to = open({ queues: [queueSettings({ rxSlots: 4 })] })
  const destination = from.addDestination(to.local(0))
  for (let row = 0; row < 6; row++) {
    writeDatagram(from, from.txOffset + row * 64, {})
    writeRow(from, row, from.txOffset + row * 64, 64, destination)
  }
  from.txBurst(0, 6)
  assert.equal(to.wait(1_000_000), 1)
  assert.equal(to.rxBurst(0), 4)
  to.postReceives(0)
  assert.equal(to.wait(0), 1, 'the kernel has nothing more, the endpoint has')
  assert.equal(to.rxBurst(0), 2)
  to.close()
  from.close()
})

test("watch: calls back when a datagram comes, in the watcher's async context", async () => {
  const endpoint = open()
  const from = open()
  const destination = from.addDestination(endpoint.local(0))
  const storage = new AsyncLocalStorage<string>()
  const woken = new Promise<string | undefined>((resolve) => {
    storage.run('mine', () => {
      endpoint.watch(() => {
        assert.equal(endpoint.rxBurst(0), 1)
        endpoint.postReceives(0)
        resolve(storage.getStore())
      })
    })
  })
  sendOne(from, destination)
  assert.equal(await woken, 'mine')
  endpoint.unwatch()
  endpoint.close()
  from.close()
})

test('watch: calls again until everything is read, leftovers included', async () => {
  const endpoint = open({ queues: [queueSettings({ rxSlots: 5 })] })
  const from = open()
  const destination = from.addDestination(endpoint.local(0))
  for (let row = 0; row < 50; row++) {
    writeDatagram(from, from.txOffset + row * 64, {})
    writeRow(from, row, from.txOffset + row * 64, 64, destination)
  }
  let received = 0
  let calls = 0
  const all = new Promise<void>((resolve) => {
    endpoint.watch(() => {
      calls++
      received += endpoint.rxBurst(0)
      endpoint.postReceives(0)
      if (received === 50) resolve()
    })
  })
  from.txBurst(0, 50)
  await all
  assert.equal(calls, 10, 'once per wake-up, five at a time')
  await after(20)
  assert.equal(calls, 10, 'and not when nothing waits')
  endpoint.unwatch()
  sendOne(from, destination)
  await after(20)
  assert.equal(calls, 10, 'and not after unwatch')
  endpoint.close()
  from.close()
})

test('watch: leftovers of a burst outside the callback wake the loop', async () => {
  const endpoint = open({ queues: [queueSettings({ rxSlots: 3 })] })
  const from = open()
  const destination = from.addDestination(endpoint.local(0))
  for (let row = 0; row < 5; row++) {
    writeDatagram(from, from.txOffset + row * 64, {})
    writeRow(from, row, from.txOffset + row * 64, 64, destination)
  }
  let calls = 0
  const rest = new Promise<number>((resolve) => {
    endpoint.watch(() => {
      calls++
      resolve(endpoint.rxBurst(0))
      endpoint.postReceives(0)
    })
  })
  from.txBurst(0, 5)
  assert.equal(endpoint.wait(1_000_000), 1)
  assert.equal(endpoint.rxBurst(0), 3)
  endpoint.postReceives(0)
  assert.equal(await rest, 2)
  assert.equal(calls, 1)
  endpoint.close()
  from.close()
})

test('watch: unwatch and close inside the callback', async () => {
  for (const end of ['unwatch', 'close'] as const) {
    const endpoint = open()
    const from = open()
    await new Promise<void>((resolve) => {
      endpoint.watch(() => {
        endpoint[end]()
        resolve()
      })
      sendOne(from, from.addDestination(endpoint.local(0)))
    })
    endpoint.close()
    from.close()
  }
})

test('watch: may be taken up again, but not twice at once', () => {
  const endpoint = open()
  endpoint.watch(() => undefined)
  assert.throws(() => endpoint.watch(() => undefined), { code: 'BAD_ARGUMENT' })
  endpoint.unwatch()
  endpoint.unwatch()
  endpoint.watch(() => undefined)
  endpoint.close()
})
