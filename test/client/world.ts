/**
 * A cluster of fake replicas and clients on it, in virtual time: every run of a seed is the same.
 */

import { strict as assert } from 'node:assert'
import type { Client } from '../../src/client/client.js'
import type { CoreSettings } from '../../src/client/core.js'
import { openClient } from '../../src/client/open-client.js'
import type { ClientWorld, Member } from '../../src/client/world.js'
import type { ZabkvError } from '../../src/errors.js'
import { openPlainCodec } from './codec.js'
import { startReplica } from './fake-replica.js'
import type { FakeReplica } from './fake-replica.js'
import { addressOf, createNetwork, DATAGRAM_BYTES, openSimEndpoint, schedule, step } from './network.js'
import type { Faults, Network } from './network.js'
import { createStore } from './store.js'
import type { Store } from './store.js'

export interface World {
  readonly network: Network
  readonly store: Store
  readonly replicas: FakeReplica[]
  sessionWindow: number
  registryIsDown: boolean
  readonly endpoints: { closed: boolean }[]
}

export function createWorld(seed: number, replicas = 3, faults: Partial<Faults> = {}): World {
  const network = createNetwork(seed, faults)
  const store = createStore()
  const started = Array.from({ length: replicas }, (_, id) => startReplica(network, store, id, 5000 + id))
  return { network, store, replicas: started, sessionWindow: 1024, registryIsDown: false, endpoints: [] }
}

export function membersOf(world: World): Member[] {
  return world.replicas.map((replica) => ({
    replica: replica.id,
    incarnation: replica.incarnation,
    clients: [addressOf(replica.endpoint.port)],
    settings: {
      cluster: 'test',
      replicas: world.replicas.length,
      transport: 'udp',
      multicast: false,
      quorum: 'majority',
      datagramBytes: DATAGRAM_BYTES,
      storeBytes: 1 << 30,
      memory: 'store' as const,
      sessionsMax: 1000,
      sessionWindow: world.sessionWindow,
      sessionSeconds: 60,
      ackCopies: 0,
      durability: 'memory' as const,
    },
  }))
}

export function clientWorld(world: World): ClientWorld {
  const { network } = world
  return {
    directory: {
      read: () =>
        world.registryIsDown ? Promise.reject(new Error('down')) : Promise.resolve(membersOf(world)),
      close: () => undefined,
    },
    openEndpoint: (settings) => {
      const endpoint = openSimEndpoint(network, settings, 9000 + world.endpoints.length)
      world.endpoints.push(endpoint)
      return endpoint
    },
    openCodec: (slab) => openPlainCodec(slab),
    ownAddress: () => Promise.resolve('127.0.0.1'),
    millis: () => network.now,
    random: () => Math.floor(network.random() * 4294967296),
    setTimer: (callback, millis) => schedule(network, millis, callback),
  }
}

export function openInWorld(
  world: World,
  settings: Partial<CoreSettings> = {},
  signal?: AbortSignal,
): Promise<Client> {
  const all: CoreSettings = {
    cluster: 'test',
    provider: 'udp',
    address: '127.0.0.1',
    device: undefined,
    gidIndex: undefined,
    timeoutMillis: 5000,
    failoverMillis: 200,
    preferred: 0,
    latency: false,
    dropRatio: 0,
    dropSeed: 0,
    ...settings,
  }
  return run(world, openClient(clientWorld(world), all, membersOf(world), signal))
}

const TURNS_MAX = 200_000

/** Runs the world until the promise settles; fails when it never does. */
export async function run<T>(world: World, promise: Promise<T>): Promise<T> {
  let settled = false
  const mark = (): void => {
    settled = true
  }
  promise.then(mark, mark)
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    await settle()
    if (settled) return promise
    if (!step(world.network)) break
  }
  return assert.fail('the promise settles')
}

/** Lets virtual time pass. */
export async function pass(world: World, millis: number): Promise<void> {
  let over = false
  schedule(world.network, millis, () => {
    over = true
  })
  while (!over) {
    await settle()
    step(world.network)
  }
  await settle()
}

/** The error that the promise rejects with. */
export async function failureOf(world: World, promise: Promise<unknown>): Promise<ZabkvError> {
  try {
    await run(world, promise)
  } catch (error) {
    return error as ZabkvError
  }
  return assert.fail('the promise rejects')
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
