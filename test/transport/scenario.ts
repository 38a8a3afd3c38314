/**
 * What child processes of the transport's tests do: `node scenario.js NAME PROVIDER [ARGUMENT]`. Each must end by
 * itself.
 */

import { setTimeout as after } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'

import { transportAddon } from '../../src/transport/addon.js'
import type { Endpoint, EndpointSettings, QueueAddress } from '../../src/transport/endpoint.js'
import { monotonicMillis } from '../monotonic-clock.js'
import { type BeatReport, beatTo, busy } from './beats.js'
import { openAt, providerNamed } from './provider.js'
import { queueSettings, receive, sendOne } from './support.js'

const here = fileURLToPath(import.meta.url)
const told = isMainThread ? process.argv.slice(2) : (workerData as string[])
const [scenarioName = '', providerName = '', argument = ''] = told
const provider = providerNamed(providerName)

function open(changes?: Partial<EndpointSettings>): Endpoint {
  return openAt(provider, changes)
}

function worker(name: string): Worker {
  return new Worker(here, { workerData: [name, provider.name] })
}

async function said(thread: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
  })
}

async function exited(thread: Worker): Promise<number> {
  return new Promise((resolve) => thread.once('exit', resolve))
}

/** An emulated host takes seconds for each. */
const TERMINATED = provider.name === 'udp' ? 10 : 2

async function terminated(name: string): Promise<void> {
  for (let round = 0; round < TERMINATED; round++) {
    const thread = worker(name)
    await said(thread)
    await after(5)
    await thread.terminate()
  }
}

/** An endpoint that hears itself as long as somebody reads. */
function endless(): void {
  const endpoint = open({ queues: [queueSettings({ rxSlots: 4 })] })
  const self = endpoint.addDestination(endpoint.local(0))
  for (let round = 0; round < 50; round++) sendOne(endpoint, self)
  endpoint.watch(() => {
    endpoint.rxBurst(0)
    endpoint.postReceives(0)
    sendOne(endpoint, self)
  })
}

/** An endpoint that beats to itself, as often as it may. */
function beating(): void {
  const endpoint = open()
  beatTo(endpoint, [endpoint.addDestination(endpoint.local(0))], { periodMicros: 100 })
}

const SCENARIOS: Record<string, () => void | Promise<void>> = {
  loaded: () => void transportAddon(),
  opened: () => void open(),
  closed: () => open().close(),
  lent: () => {
    const endpoint = open()
    sendOne(endpoint, endpoint.addDestination(endpoint.local(0)))
    endpoint.wait(1_000_000)
    if (endpoint.rxBurst(0) !== 1) throw new Error('one datagram')
  },
  'watching-exits': () => {
    open().watch(() => undefined)
    process.exit(0)
  },
  'watching-busy-exits': async () => {
    endless()
    await after(50)
    process.exit(0)
  },
  'watching-holds': async () => {
    const endpoint = open()
    endpoint.watch(() => endpoint.close()) // the loop lives until this, and no longer
    const from = open()
    const destination = from.addDestination(endpoint.local(0))
    void after(50, undefined, { ref: true }).then(() => sendOne(from, destination))
  },
  unwatched: () => {
    const endpoint = open()
    endpoint.watch(() => undefined)
    endpoint.unwatch()
  },
  'callback-throws': () => {
    const endpoint = open()
    process.once('uncaughtException', (thrown) => {
      if (thrown.message !== 'from the callback') process.exit(3)
      endpoint.close()
    })
    endpoint.watch(() => {
      throw new Error('from the callback')
    })
    sendOne(endpoint, endpoint.addDestination(endpoint.local(0)))
  },
  'garbage-collected': async () => {
    for (let round = 0; round < 50; round++) {
      const view = new Uint8Array(open().slab)
      view[0] = round
      globalThis.gc?.()
      await after(1)
      if (view[0] !== round) throw new Error('a view outlives its endpoint')
    }
  },
  'beating-ends': () => beating(), // beats alone keep no process
  'beating-exits': async () => {
    beating()
    await after(20)
    process.exit(0)
  },
  'beating-garbage-collected': async () => {
    for (let round = 0; round < 50; round++) {
      beating()
      globalThis.gc?.()
      await after(1)
    }
  },
  send: () => {
    const endpoint = open()
    sendOne(endpoint, endpoint.addDestination(JSON.parse(argument) as QueueAddress))
    endpoint.close()
  },
  'worker-opened-exits': async () => void (await exited(worker('thread-opened'))),
  'worker-watching-terminated': async () => terminated('thread-watching'),
  'worker-busy-terminated': async () => terminated('thread-busy'),
  'worker-waiting-terminated': async () => terminated('thread-waiting'),
  'worker-beating-exits': async () => void (await exited(worker('thread-beats'))),
  'worker-beating-terminated': async () => terminated('thread-beats-on'),
  'worker-beating-left-at-exit': async () => {
    await said(worker('thread-beats-on'))
    process.exit(0)
  },
  'worker-left-at-exit': async () => {
    await said(worker('thread-busy'))
    process.exit(0)
  },
  'workers-exchange': async () => {
    const [first, second] = [worker('thread-exchange'), worker('thread-exchange')]
    const [one, other] = (await Promise.all([said(first), said(second)])) as [
      QueueAddress,
      QueueAddress,
    ]
    first.postMessage(other)
    second.postMessage(one)
    const codes = await Promise.all([exited(first), exited(second)])
    if (codes.some((code) => code !== 0)) process.exit(4)
  },
}

const EXCHANGED = provider.name === 'udp' ? 500 : 100

async function exchange(): Promise<void> {
  const endpoint = open()
  const peer = new Promise<QueueAddress>((resolve) => parentPort?.once('message', resolve))
  parentPort?.postMessage(endpoint.local(0))
  const destination = endpoint.addDestination(await peer)
  // Each answers what it hears, so that at most two are under way; they may come in one burst.
  let heard = 0
  for (let round = 0; round < EXCHANGED; round++) {
    sendOne(endpoint, destination, { kind: round % 200 })
    while (heard <= round) {
      for (const received of receive(endpoint, 1)) {
        if (received.kind !== heard++ % 200) throw new Error('datagrams come in order')
      }
    }
  }
  endpoint.close()
}

/** Polls, is stuck, waits; beats all the time to the address that it is told. */
async function beatThrough(): Promise<void> {
  const endpoint = open()
  const address = await new Promise<QueueAddress>((resolve) => parentPort?.once('message', resolve))
  beatTo(endpoint, [endpoint.addDestination(address)])
  const polledTo = monotonicMillis() + 100
  while (monotonicMillis() < polledTo) endpoint.rxBurst(0)
  const busyFrom = monotonicMillis()
  busy(300)
  const busyTo = monotonicMillis()
  endpoint.wait(100_000)
  const report: BeatReport = { busyFrom, busyTo, waitTo: monotonicMillis() }
  parentPort?.postMessage(report)
  endpoint.close()
}

const THREADS: Record<string, () => void | Promise<void>> = {
  'thread-opened': () => void open(),
  'thread-watching': () => {
    open().watch(() => undefined)
    parentPort?.postMessage('ready')
  },
  'thread-busy': () => {
    endless()
    parentPort?.postMessage('ready')
  },
  'thread-waiting': () => {
    const endpoint = open()
    parentPort?.postMessage('ready')
    for (;;) endpoint.wait(2_000)
  },
  'thread-exchange': exchange,
  'thread-beating': beatThrough,
  'thread-beats': beating,
  'thread-beats-on': () => {
    beating()
    parentPort?.postMessage('ready')
    parentPort?.on('message', () => undefined) // lives until it is ended
  },
}

const scenario = (isMainThread ? SCENARIOS : THREADS)[scenarioName]
if (scenario === undefined) throw new Error(`no scenario ${scenarioName}`)
await scenario()
