/**
 * Two emulated hosts over Soft-RoCE: each tells the other where it is through the shared folder,
 * then they exchange datagrams by unicast and by multicast. Not a test by itself:
 *
 *   scripts/rdma-rig.sh --hosts 2 -- node dist/test/transport/verbs-hosts.js
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'

import type { Endpoint, QueueAddress } from '../../src/transport/endpoint.js'
import { count, open, queueSettings, receive, sendOne, writeDatagram, writeRow } from './support.js'

const BYTES = 1024
const PORT = 4000
const ROUNDS = 200
const BURST = 64
const host = Number(process.env['HOST_ID'])
const peer = 3 - host

function groupOf(id: number): string {
  return `239.195.9.${id}`
}

async function meet(name: string, told: unknown): Promise<unknown> {
  writeFileSync(`/out/${name}.${host}.part`, JSON.stringify(told))
  renameSync(`/out/${name}.${host}.part`, `/out/${name}.${host}`)
  while (!existsSync(`/out/${name}.${peer}`)) await after(50)
  return JSON.parse(readFileSync(`/out/${name}.${peer}`, 'utf8')) as unknown
}

function bursts(endpoint: Endpoint, destination: number): number {
  for (let row = 0; row < BURST; row++) {
    const offset = endpoint.txOffset + row * BYTES
    writeDatagram(endpoint, offset, { length: BYTES, kind: row })
    writeRow(endpoint, row, offset, BYTES, destination)
  }
  const taken = endpoint.txBurst(0, BURST)
  endpoint.flush()
  return taken
}

const endpoint = open({
  provider: 'verbs',
  address: process.env['HOST_IP'] ?? '',
  datagramBytes: BYTES,
  queues: [queueSettings({ rxSlots: 512, multicast: { port: PORT, groups: [groupOf(peer)] } })],
})
const destination = endpoint.addDestination(
  (await meet('address', endpoint.local(0))) as QueueAddress,
)
const group = endpoint.addGroup(groupOf(host), PORT)
await meet('joined', true)

const start = performance.now()
for (let round = 0; round < ROUNDS; round++) {
  if (host === 1) sendOne(endpoint, destination, { kind: round % 200 })
  if (receive(endpoint, 1)[0]?.kind !== round % 200) throw new Error('answers come in order')
  if (host === 2) sendOne(endpoint, destination, { kind: round % 200 })
}
console.log(
  `host ${host}: ${ROUNDS} round trips in ${Math.round(performance.now() - start)} ms`,
)
await meet('unicast', true)
for (const [name, to] of [
  ['unicast', destination],
  ['multicast', group],
] as const) {
  bursts(endpoint, to)
  const kinds = receive(endpoint, BURST).map((each) => each.kind)
  if (kinds.some((kind, row) => kind !== row)) throw new Error(`${name}: in order`)
  console.log(`host ${host}: ${BURST} by ${name}, whole and in order`)
  await meet(`burst-${name}`, true)
}
const errors = count(endpoint, 'completion-errors')
console.log(`host ${host}: inline ${count(endpoint, 'tx-inline')}, completion errors ${errors}`)
endpoint.close()
process.exitCode = errors === 0 ? 0 : 1
