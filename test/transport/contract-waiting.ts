/** Waiting and watching: blocking until a datagram or a signal is there, and being called back on an event loop. */

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { WOKEN } from '../../src/transport/endpoint.js'
import { openWaker } from '../../src/transport/waker.js'
import { beatTo } from './beats.js'
import { type Claim, fillRows } from './provider.js'
import { count, receive, sendOne } from './support.js'

const SCENARIO = fileURLToPath(new URL('scenario.js', import.meta.url))
const LONG_MICROS = 1_000_000
const SHORT_MICROS = 1_000
const ROUNDS_MAX = 20
/** An emulated machine may take so long to start a process. */
const START_MILLIS_MAX = 60_000

function claimWait(claim: Claim): void {
  claim('wait returns nothing when the time is over, and does not block when it is zero', ({ open }) => {
    const endpoint = open()
    assert.equal(endpoint.wait(0), 0)
    assert.equal(count(endpoint, 'wait-blocked'), 0)
    const start = performance.now()
    assert.equal(endpoint.wait(30_000), 0)
    assert.ok(performance.now() - start >= 29)
    assert.equal(count(endpoint, 'wait-calls'), 2)
    assert.equal(count(endpoint, 'wait-blocked'), 1)
  })

  claim('wait spins for its budget before it blocks', ({ open }) => {
    const endpoint = open()
    endpoint.setSpin(1_000_000)
    assert.equal(endpoint.wait(5_000), 0)
    assert.equal(count(endpoint, 'wait-blocked'), 0)
  })

  claim('wait is ready while something is there, and blocks again when it was read', ({ pair }) => {
    const [from, to, destination] = pair()
    for (let round = 0; round < 3; round++) {
      sendOne(from, destination)
      assert.equal(to.wait(LONG_MICROS), 1)
      assert.equal(to.wait(LONG_MICROS), 1, 'nothing was read')
      assert.equal(to.rxBurst(0), 1)
      assert.throws(() => to.rxBurst(0), /given back/)
      to.postReceives(0)
      assert.equal(to.wait(SHORT_MICROS), 0)
    }
  })

  claim('a datagram that comes while it blocks ends a wait', ({ pair }) => {
    const [from, to, destination] = pair()
    beatTo(from, [destination], { periodMicros: 50_000 })
    for (let round = 0; ; round++) {
      assert.ok(round < ROUNDS_MAX, 'a wait ends long before its time')
      to.rxBurst(0)
      to.postReceives(0)
      const before = count(to, 'wait-blocked')
      const start = performance.now()
      const ready = to.wait(LONG_MICROS)
      const early = performance.now() - start < LONG_MICROS / 2000
      if (ready === 1 && early && count(to, 'wait-blocked') > before) break
    }
  })

  claim('a datagram of another process ends a wait', async ({ provider, open }) => {
    const endpoint = open()
    const child = fork(SCENARIO, ['send', provider.name, JSON.stringify(endpoint.local(0))])
    const ended = once(child, 'exit')
    const deadline = Date.now() + START_MILLIS_MAX
    let ready = 0
    while (ready === 0 && Date.now() < deadline) ready = endpoint.wait(LONG_MICROS)
    assert.equal(ready, 1)
    assert.equal(receive(endpoint, 1).length, 1)
    assert.deepEqual(await ended, [0, null])
  })
}

function claimSignals(claim: Claim): void {
  claim('a signal before a wait ends it at once, and several are one', ({ open }) => {
    const endpoint = open()
    const waker = openWaker(endpoint.wakeHandle())
    waker.signal()
    waker.signal()
    assert.equal(endpoint.wait(LONG_MICROS), WOKEN)
    assert.equal(endpoint.wait(SHORT_MICROS), 0)
    waker.close()
  })

  claim('a signal wakes the watcher, once', async ({ open }) => {
    const endpoint = open()
    const waker = openWaker(endpoint.wakeHandle())
    let calls = 0
    const called = new Promise<void>((resolve) => {
      endpoint.watch(() => {
        calls++
        resolve()
      })
    })
    waker.signal()
    await called
    await after(20)
    assert.equal(calls, 1)
    waker.close()
    endpoint.unwatch()
  })
}

function claimWatch(claim: Claim): void {
  claim("watch calls back when a datagram comes, in the watcher's async context", async ({ pair }) => {
    const [from, to, destination] = pair()
    const storage = new AsyncLocalStorage<string>()
    const woken = new Promise<string | undefined>((resolve) => {
      storage.run('mine', () => {
        to.watch(() => {
          assert.equal(to.rxBurst(0), 1)
          to.postReceives(0)
          resolve(storage.getStore())
        })
      })
    })
    sendOne(from, destination)
    assert.equal(await woken, 'mine')
    to.unwatch()
  })

  claim('watch calls back until all is read, at most once a datagram, and not after unwatch', async ({ pair }) => {
    const [from, to, destination] = pair()
    let [received, calls, wanted] = [0, 0, 0]
    let enough = (): void => undefined
    to.watch(() => {
      calls++
      received += to.rxBurst(0)
      to.postReceives(0)
      if (received === wanted) enough()
    })
    for (let round = 0; round < 3; round++) {
      wanted += 10
      const all = new Promise<void>((resolve) => (enough = resolve))
      fillRows(from, destination, 10, 256)
      from.txBurst(0, 10)
      from.flush()
      await all
    }
    assert.equal(received, 30)
    assert.ok(calls >= 3 && calls <= 30, `${calls} calls`)
    to.unwatch()
    const before = calls
    sendOne(from, destination)
    await after(20)
    assert.equal(calls, before)
    assert.equal(receive(to, 1).length, 1)
  })

  claim('unwatch and close are possible inside the callback', async ({ pair }) => {
    for (const end of ['unwatch', 'close'] as const) {
      const [from, to, destination] = pair()
      await new Promise<void>((resolve) => {
        to.watch(() => {
          to[end]()
          resolve()
        })
        sendOne(from, destination)
      })
    }
  })

  claim('watching may be taken up again, but not twice at once', ({ open }) => {
    const endpoint = open()
    endpoint.watch(() => undefined)
    assert.throws(() => endpoint.watch(() => undefined), { code: 'BAD_ARGUMENT' })
    endpoint.unwatch()
    endpoint.unwatch()
    endpoint.watch(() => undefined)
    endpoint.unwatch()
  })
}

export function claimWaiting(claim: Claim): void {
  claimWait(claim)
  claimSignals(claim)
  claimWatch(claim)
}
