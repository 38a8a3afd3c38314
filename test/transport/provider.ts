/** The providers as the endpoint's contract sees them: how an endpoint is opened here, and why not, where not. */

import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { transportAddon } from '../../src/transport/addon.js'
import type { Endpoint, EndpointSettings } from '../../src/transport/endpoint.js'
import { open, queueSettings, writeDatagram, writeRow } from './support.js'

export interface Provider {
  readonly name: 'udp' | 'verbs'
  /** False to test it, else why not. */
  readonly skip: string | false
  readonly address: string
  /** The largest datagram of the tests. */
  readonly bytes: number
}

/** What a claim opens is closed when it ends. */
export interface Bench {
  readonly provider: Provider
  open(changes?: Partial<EndpointSettings>): Endpoint
  /** Two endpoints, the second with the changes, and the second's destination at the first. */
  pair(changes?: Partial<EndpointSettings>): [from: Endpoint, to: Endpoint, destination: number]
}

/** States what holds for endpoints of one provider. */
export type Claim = (title: string, run: (bench: Bench, context: TestContext) => void | Promise<void>) => void

export const UDP: Provider = { name: 'udp', skip: false, address: '127.0.0.1', bytes: 1472 }

/** An IPv4 address on an interface under an active RDMA port. */
function verbsAddress(): string | undefined {
  const ports = transportAddon().rdmaPorts()
  const active = ports.find(({ state }) => state === 'ACTIVE')
  const addresses = networkInterfaces()[active?.interface ?? ''] ?? []
  return addresses.find(({ family }) => family === 'IPv4')?.address
}

function findVerbs(): Provider {
  const address = verbsAddress()
  const skip = address === undefined ? 'no RDMA device with an active port and an IPv4 address' : false
  return { name: 'verbs', skip, address: address ?? '', bytes: 1024 }
}

/** By name, so that a thread or a process can be told. Verbs are looked for only when asked for. */
export function providerNamed(name: string): Provider {
  return name === 'verbs' ? findVerbs() : UDP
}

export function openAt(provider: Provider, changes: Partial<EndpointSettings> = {}): Endpoint {
  const { name, address, bytes } = provider
  return open({ provider: name, address, datagramBytes: bytes, ...changes })
}

/** The claims of a provider: skipped, with the reason, where it is not. */
export function claims(provider: Provider): Claim {
  return (title, run) => {
    test(`${provider.name}: ${title}`, { skip: provider.skip }, async (context) => {
      const opened: Endpoint[] = []
      const openHere = (changes?: Partial<EndpointSettings>): Endpoint => {
        const endpoint = openAt(provider, changes)
        opened.push(endpoint)
        return endpoint
      }
      const pair = (changes?: Partial<EndpointSettings>): [Endpoint, Endpoint, number] => {
        const [from, to] = [openHere(), openHere(changes)]
        return [from, to, from.addDestination(to.local(0))]
      }
      try {
        await run({ provider, open: openHere, pair }, context)
      } finally {
        for (const each of opened) each.close()
      }
    })
  }
}

/** Settings of a member of groups. */
export function memberOf(port: number, ...groups: string[]): Partial<EndpointSettings> {
  return { queues: [queueSettings({ multicast: { port, groups } })] }
}

/** Fills rows [0, count) from consecutive slots, numbered by their kind. */
export function fillRows(endpoint: Endpoint, destination: number, count: number, length: number): void {
  for (let row = 0; row < count; row++) {
    const offset = endpoint.txOffset + row * length
    writeDatagram(endpoint, offset, { length, kind: row % 251, fill: row % 256 })
    writeRow(endpoint, row, offset, length, destination)
  }
}

/** What fillRows numbered. */
export function kindsTo(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row % 251)
}
