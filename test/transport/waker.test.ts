import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { WOKEN } from '../../src/transport/endpoint.js'
import { openWaker } from '../../src/transport/waker.js'
import { ZabkvError } from '../../src/errors.js'
import { open } from './support.js'

const LONG_MICROS = 1_000_000
const SHORT_MICROS = 1000

function waited(wait: () => number): { ended: number; millis: number } {
  const start = performance.now()
  const ended = wait()
  return { ended, millis: performance.now() - start }
}

test('waker: a signal of another thread ends a wait that blocks', async () => {
  const endpoint = open()
  const handle = endpoint.wakeHandle()
  const url = new URL('../../src/transport/waker.js', import.meta.url).href
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.url).then(({ openWaker }) => {
      const waker = openWaker(workerData.handle)
      parentPort.postMessage('ready')
      const until = performance.now() + 100
      while (performance.now() < until) {}
      waker.signal()
      waker.close()
    })`
  const thread = new Worker(code, { eval: true, workerData: { url, handle } })
  await new Promise((resolve) => thread.once('message', resolve))
  const { ended, millis } = waited(() => endpoint.wait(LONG_MICROS))
  assert.equal(ended, WOKEN)
  assert.ok(millis < 900, `the wait took ${millis} ms`)
  await new Promise((resolve) => thread.once('exit', resolve))
  endpoint.close()
})

test('waker: it outlives its endpoint, and does nothing then', () => {
  const endpoint = open()
  const waker = openWaker(endpoint.wakeHandle())
  endpoint.close()
  const other = open() // may have got the same number from the kernel
  const otherHandle = other.wakeHandle()
  waker.signal()
  assert.equal(other.wait(SHORT_MICROS), 0, `handle ${otherHandle} was not signalled`)
  waker.close()
  waker.close()
  waker.signal()
  other.close()
})

test('waker: the handle is to be asked for before the watch, and of an open endpoint', () => {
  const endpoint = open()
  endpoint.watch(() => undefined)
  assert.throws(
    () => endpoint.wakeHandle(),
    (error) => error instanceof ZabkvError && error.code === 'BAD_ARGUMENT',
  )
  endpoint.close()
  assert.throws(
    () => endpoint.wakeHandle(),
    (error) => error instanceof ZabkvError && error.code === 'CLOSED',
  )
  assert.throws(
    () => openWaker(-1),
    (error) => error instanceof ZabkvError && error.code === 'BAD_ARGUMENT',
  )
})
