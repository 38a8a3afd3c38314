/** A live replica under a million mutated datagrams: counted by reason, nothing stored changes, clients are served. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { connectRegistry } from '../../src/registry/connection.js'
import { lookup } from '../../src/registry/directory.js'
import type { Endpoint } from '../../src/transport/endpoint.js'
import { TX_ROW, TX_SEAL } from '../../src/transport/endpoint.js'
import { openEndpoint } from '../../src/transport/open-endpoint.js'
import { clusterHash } from '../../src/zab/cluster-hash.js'
import { writeHeader } from '../../src/zab/header.js'
import { BODY_OFFSET, HEADER, KIND, OP, setWide, TAG_BYTES } from '../../src/zab/wire.js'
import { createPrng } from '../sim/prng.js'
import type { Prng } from '../sim/prng.js'
import { settled, startProcesses } from './processes.js'

const DATAGRAMS = 1_000_000
const BURST = 250
const SLOT_BYTES = 960
const KINDS = [...Object.values(KIND), 0, 7, 63, 255]

test('fuzz: a million mutated datagrams leave a live replica serving, and nothing changed', async () => {
  const processes = await startProcesses(3)
  try {
    await using kv = await processes.client(0)
    await kv.set('before', 'kept')
    const before = await settled(processes)
    const fuzzer = await openFuzzer(processes.registryPort, processes.cluster)
    let served = 0
    try {
      for (let sent = 0; sent < DATAGRAMS; sent += BURST) {
        burst(fuzzer)
        if (sent % 25_000 !== 0) continue
        const found = await kv.get('before')
        assert.equal(Buffer.from(found?.value ?? []).toString(), 'kept')
        served++
      }
    } finally {
      fuzzer.endpoint.close()
    }
    assert.equal(served, DATAGRAMS / 25_000)
    const after = await settled(processes)
    assert.equal(after[0]?.digest, before[0]?.digest, 'nothing that was stored changed')
    assert.equal(after[0]?.store.items, before[0]?.store.items)
    const drops = after[0]?.drops ?? {}
    for (const reason of ['bad-checksum', 'bad-magic', 'bad-length', 'wrong-cluster']) {
      assert.ok((drops[reason] ?? 0) > 1000, `${reason}: ${JSON.stringify(drops)}`)
    }
    const handled = Object.values(drops).reduce((sum, count) => sum + count, 0)
    assert.ok(handled > DATAGRAMS / 4, `${handled} of ${DATAGRAMS} were seen and dropped by reason`)
    await kv.set('after', 'works')
    assert.equal(Buffer.from((await kv.get('after'))?.value ?? []).toString(), 'works')
  } finally {
    await processes.stop()
  }
})

interface Fuzzer {
  endpoint: Endpoint
  /** The clients' queue and the peers' queue of replica 0. */
  targets: number[]
  prng: Prng
  cluster: number
}

async function openFuzzer(registryPort: number, cluster: string): Promise<Fuzzer> {
  const connection = connectRegistry({ host: '127.0.0.1', port: registryPort })
  const entry = await lookup(connection, cluster, 0)
  connection.close()
  assert.ok(entry !== null)
  const endpoint = openEndpoint({
    provider: 'udp',
    address: '127.0.0.1',
    queues: [{ port: 0, rxSlots: 64, socketBytes: 1 << 20 }],
    datagramBytes: SLOT_BYTES,
    cluster: clusterHash(cluster),
    txSlots: BURST,
    extraBytes: 0,
    txRows: BURST,
  })
  const [clients] = entry.clients
  assert.ok(clients !== undefined)
  const targets = [endpoint.addDestination(clients), endpoint.addDestination(entry.peers)]
  return { endpoint, targets, prng: createPrng(2026), cluster: clusterHash(cluster) }
}

/**
 * Half of them with a correct checksum over what was mutated, so that the later checks have something to refuse.
 * Those go to the clients' queue, or to the peers' queue from a life that is not registered: what a member says
 * with a correct checksum is believed, until datagrams are authenticated.
 */
function burst(fuzzer: Fuzzer): void {
  const { endpoint, targets, prng } = fuzzer
  const words = new Uint32Array(endpoint.slab)
  const bytes = new Uint8Array(endpoint.slab)
  for (let index = 0; index < BURST; index++) {
    const offset = endpoint.txOffset + index * SLOT_BYTES
    const length = 64 + 4 * prng.below((SLOT_BYTES - 64) / 4)
    fill(fuzzer, words, bytes, offset, length)
    const sealed = prng.chance(0.5)
    const flips = prng.below(4)
    for (let flip = 0; flip < flips; flip++) {
      bytes[offset + prng.below(length)] = prng.below(256)
    }
    if (sealed) words[(offset + HEADER.length) >>> 2] = length // what is sealed is as long as it says
    const shortened = !sealed && prng.chance(0.2)
    const row = index * TX_ROW.WORDS
    endpoint.txRows[row + TX_ROW.offset] = offset
    endpoint.txRows[row + TX_ROW.length] = shortened ? 64 + 4 * prng.below((length - 60) / 4) : length
    endpoint.txRows[row + TX_ROW.destination] = targets[prng.below(targets.length)] ?? 0
    endpoint.txRows[row + TX_ROW.flags] = sealed ? TX_SEAL : 0
  }
  endpoint.txBurst(0, BURST)
}

function fill(
  fuzzer: Fuzzer,
  words: Uint32Array,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  const { prng, cluster } = fuzzer
  for (let word = offset >>> 2; word < (offset + length) >>> 2; word++) {
    words[word] = prng.chance(0.5) ? prng.below(70) : prng.next()
  }
  const kind = KINDS[prng.below(KINDS.length)] ?? 0
  const sender = { cluster, sender: prng.below(4), incarnation: prng.below(100) }
  writeHeader(words, offset, sender, kind, length, prng.below(3), prng.below(50))
  setWide(words, (offset + 32) >>> 2, prng.below(10))
  // Something like a record with an operation, where a REQUEST has its body.
  const body = offset + BODY_OFFSET
  if (length < BODY_OFFSET + TAG_BYTES + 64) return
  words[body >>> 2] = 56
  words[(body >>> 2) + 1] = 1
  bytes[body + 40] = prng.chance(0.5) ? OP.SET : OP.GET
  bytes[body + 41] = 8
}
