/** The life of the fronts' threads: they start with the replica or not at all, and none dies unseen. */

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'

import { at, item } from '../../src/assert.js'
import { ZabkvError } from '../../src/errors.js'
import { boardPublish } from '../../src/runtime/board.js'
import { openNode } from '../../src/runtime/node.js'
import type { Node } from '../../src/runtime/node.js'
import type { ReplicaOptions } from '../../src/runtime/options.js'
import { checkOptions } from '../../src/runtime/settings.js'
import { startFronts } from '../../src/runtime/start-fronts.js'

function optionsOf(workers: number, changes: Partial<ReplicaOptions> = {}): ReplicaOptions {
  return {
    replica: 0,
    addresses: ['127.0.0.1'],
    cluster: 'fronts',
    registry: { host: '127.0.0.1', port: 1 },
    transport: 'udp',
    device: null,
    gidIndex: null,
    multicast: false,
    quorum: 'majority',
    datagramBytes: 1408,
    storeBytes: 1 << 20,
    memory: 'store',
    sessionsMax: 16,
    sessionWindow: 64,
    observer: null,
    sessionSeconds: 60,
    catchUpBytes: 0,
    ackCopies: 0,
    durability: 'memory',
    dataDir: null,
    snapshotBytes: 1 << 30,
    failureMillis: 100,
    stuckMillis: 1000,
    historyBytes: 1 << 20,
    workers,
    dropRatio: 0,
    dropSeed: 0,
    peerPort: 0,
    clientPort: 0,
    adminPort: 0,
    spinMicros: 0,
    log: () => undefined,
    ...changes,
  }
}

async function withFronts(
  workers: number,
  use: (node: Node, fronts: Awaited<ReturnType<typeof startFronts>>) => Promise<void>,
): Promise<void> {
  const node = openNode(optionsOf(workers), 1)
  try {
    const fronts = await startFronts(node.core, node.endpointSettings, 0)
    try {
      await use(node, fronts)
    } finally {
      await fronts.close()
    }
  } finally {
    node.close()
  }
}

/** A port that can be bound, and the one after it. */
async function twoFreePorts(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = createSocket('udp4')
    const second = createSocket('udp4')
    try {
      first.bind(0, '127.0.0.1')
      await once(first, 'listening')
      const { port } = first.address()
      second.bind(port + 1, '127.0.0.1')
      await once(second, 'listening')
      return port
    } catch {
      // the next one was taken
    } finally {
      first.close()
      second.close()
    }
  }
  assert.fail('no two free ports')
}

test('start-fronts: one worker starts no thread', async () => {
  await withFronts(1, (_, fronts) => {
    assert.deepEqual(fronts.addresses, [])
    return Promise.resolve()
  })
})

test('start-fronts: every front has a port of its own, and closes twice without harm', async () => {
  await withFronts(4, async (node, fronts) => {
    const ports = [node.core.endpoint.local(1), ...fronts.addresses].map(({ port }) => port)
    assert.equal(new Set(ports).size, 4)
    await fronts.close()
    await fronts.close()
  })
})

test('start-fronts: ports follow the clients\' port, and one that is held refuses the start', async () => {
  const clientPort = await twoFreePorts()
  const held = createSocket('udp4')
  held.bind(clientPort + 1, '127.0.0.1')
  await once(held, 'listening')
  const node = openNode(optionsOf(2, { clientPort }), 1)
  try {
    const start = (): Promise<unknown> => startFronts(node.core, node.endpointSettings, 0)
    await assert.rejects(start, (error) => error instanceof ZabkvError && error.code === 'ADDRESS_IN_USE')
  } finally {
    node.close()
    held.close()
  }
})

test('start-fronts: a front that dies says why, and the others still close', async () => {
  await withFronts(3, async (node, fronts) => {
    const list = node.core.fronts?.list ?? []
    const { replies } = item(list, 0)
    replies.words[0] = 0xffff_ffff // a skip with nothing behind it: the ring contradicts itself
    Atomics.store(replies.positions, 0, replies.size)
    await assert.rejects(fronts.died, /zabkv worker 1 died, and with it the replica: .*a record follows a skip/)
  })
})

test('start-fronts: an idle front sleeps, and posts its figures nevertheless', async () => {
  await withFronts(2, async (node) => {
    const fronts = node.core.fronts
    assert.ok(fronts !== null)
    boardPublish(fronts.board, 1, true)
    const { figures } = item(fronts.list, 0)
    const posted = figures.slice()
    for (let tries = 0; tries < 100 && posted.every((value, index) => at(figures, index) === value); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.ok(figures.some((value, index) => value > at(posted, index)), 'waits were counted')
  })
})

test('start-fronts: workers that cannot be meant are refused', () => {
  for (const changes of [{ workers: 0 }, { workers: 1.5 }, { workers: 65 }, { workers: 3, clientPort: 65_534 }]) {
    const refused = (error: unknown): boolean => error instanceof ZabkvError && error.code === 'BAD_ARGUMENT'
    assert.throws(() => checkOptions(optionsOf(1, changes)), refused, JSON.stringify(changes))
  }
})
