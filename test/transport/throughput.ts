/**
 * How fast loopback is: 1472-byte datagrams to one process by unicast, and to two by multicast. Not
 * a test.
 *
 *   node dist/test/transport/throughput.js [seconds]
 *
 * The sender paces itself by answers: a receiver tells how much it has received, and at most a
 * window may be under way, because on loopback nothing else keeps a sender from overrunning a
 * receiver.
 */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { at, item } from '../../src/assert.js'
import { type Endpoint, type QueueAddress, RX_ROW } from '../../src/transport/endpoint.js'
import { HEADER } from '../../src/zab/wire.js'
import {
  count,
  freePort,
  open,
  queueSettings,
  sendOne,
  writeDatagram,
  writeRow,
} from './support.js'

const GROUP = '239.195.7.2'
const BYTES = 1472
const BURST = 256
const WINDOW = 4096
const SPIN_MICROS = 50
const ANSWER_EVERY = 512
const SOCKET_BYTES = 8 << 20

interface Task {
  mode: 'unicast' | 'multicast'
  groupPort: number
  answerTo: QueueAddress
}

function openReceiver(task: Task): Endpoint {
  const queue = queueSettings({ rxSlots: 1024, socketBytes: SOCKET_BYTES })
  if (task.mode === 'multicast') queue.multicast = { port: task.groupPort, groups: [GROUP] }
  return open({ queues: [queue] })
}

/** Child: receives, and answers with the number received so far in the header's `count`. */
function receiveForEver(task: Task): void {
  const endpoint = openReceiver(task)
  const answerTo = endpoint.addDestination(task.answerTo)
  const words = new Uint32Array(endpoint.slab)
  endpoint.setSpin(SPIN_MICROS)
  process.send?.(endpoint.local(0))
  let received = 0
  let answered = 0
  for (;;) {
    const burst = endpoint.rxBurst(0)
    endpoint.postReceives(0)
    received += burst
    const idle = burst === 0
    if (received - answered >= ANSWER_EVERY || (idle && received > answered)) {
      answered = received
      words[(endpoint.txOffset + HEADER.count) / 4] = received
      sendOne(endpoint, answerTo)
    }
    if (idle && endpoint.wait(1_000_000) === 0) break
  }
  process.send?.({
    received,
    lost: count(endpoint, 'dropped-no-room'),
    calls: count(endpoint, 'rx-calls'),
  })
  endpoint.close()
}

interface Report {
  received: number
  lost: number
  calls: number
}

/** The least that every receiver has told. */
function readAnswers(endpoint: Endpoint, told: Map<number, number>, words: Uint32Array): number {
  const rows = item(endpoint.rxRows, 0)
  const burst = endpoint.rxBurst(0)
  for (let row = 0; row < burst; row++) {
    const source = endpoint.adoptSource(0, row)
    const offset = at(rows, row * RX_ROW.WORDS + RX_ROW.offset)
    told.set(source, at(words, (offset + HEADER.count) / 4))
  }
  endpoint.postReceives(0)
  return Math.min(...told.values())
}

function sendFor(
  endpoint: Endpoint,
  destination: number,
  receivers: number,
  seconds: number,
): number {
  for (let row = 0; row < BURST; row++) {
    const offset = endpoint.txOffset + row * BYTES
    writeDatagram(endpoint, offset, { length: BYTES })
    writeRow(endpoint, row, offset, BYTES, destination)
  }
  const told = new Map<number, number>()
  const words = new Uint32Array(endpoint.slab)
  endpoint.setSpin(SPIN_MICROS)
  let sent = 0
  const start = performance.now()
  while (performance.now() - start < seconds * 1000) {
    const least = readAnswers(endpoint, told, words)
    const known = told.size === receivers ? least : 0
    if (sent + BURST - known <= WINDOW) sent += endpoint.txBurst(0, BURST)
    else if (endpoint.wait(20_000) === 0) sent = known // what was lost is not under way
  }
  return sent
}

async function run(mode: Task['mode'], receivers: number, seconds: number): Promise<void> {
  const endpoint = open({ queues: [queueSettings({ socketBytes: SOCKET_BYTES })] })
  const task: Task = { mode, groupPort: await freePort(), answerTo: endpoint.local(0) }
  const children = Array.from({ length: receivers }, () => {
    return fork(fileURLToPath(import.meta.url), [JSON.stringify(task)])
  })
  const addresses = await Promise.all(
    children.map(
      async (child) => new Promise<QueueAddress>((resolve) => child.once('message', resolve)),
    ),
  )
  const reports = children.map(
    async (child) => new Promise<Report>((resolve) => child.once('message', resolve)),
  )
  const unicast = endpoint.addDestination(item(addresses, 0))
  const destination = mode === 'multicast' ? endpoint.addGroup(GROUP, task.groupPort) : unicast
  const start = process.cpuUsage()
  sendFor(endpoint, destination, receivers, seconds)
  const cpu = process.cpuUsage(start)
  const datagrams = count(endpoint, 'tx-datagrams')
  process.stdout.write(
    `${mode} to ${receivers}: sent ${(datagrams / seconds / 1e6).toFixed(2)} M/s, ` +
      `${(datagrams / count(endpoint, 'tx-calls')).toFixed(0)} a call, ` +
      `refused ${count(endpoint, 'tx-refused')}, ` +
      `cpu ${((cpu.user + cpu.system) / seconds / 1e6).toFixed(2)}\n`,
  )
  for (const report of await Promise.all(reports)) {
    const rate = (report.received / seconds / 1e6).toFixed(2)
    const perCall = (report.received / report.calls).toFixed(0)
    process.stdout.write(`  received ${rate} M/s, ${perCall} a call, no room for ${report.lost}\n`)
  }
  endpoint.close()
}

const [argument] = process.argv.slice(2)
if (argument?.startsWith('{') === true) {
  receiveForEver(JSON.parse(argument) as Task)
} else {
  const seconds = Number(argument ?? 3)
  await run('unicast', 1, seconds)
  await run('multicast', 2, seconds)
}
