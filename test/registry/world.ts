/**
 * What the registry's tests share: registries on ephemeral ports, entries, raw sockets. Everything
 * started for a test ends with it.
 */
import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter } from 'node:path'
import { after, type TestContext } from 'node:test'
import { connectRegistry, type RegistryConnection } from '../../src/registry/connection.js'
import type { ReplicaEntry } from '../../src/registry/entry.js'
import { findMemcached, startRegistry, type RegistryHandle } from '../../src/registry/locate.js'
import { startRegistryServer } from '../../src/registry/server.js'

export const HOST = '127.0.0.1'

export type Kind = 'embedded' | 'memcached'

export const MEMCACHED = await findMemcached(process.env['PATH'] ?? '')

/** Both registries must pass the same suite. `skip` says why not. */
export const KINDS: readonly { kind: Kind; skip: string | false }[] = [
  { kind: 'embedded', skip: false },
  { kind: 'memcached', skip: MEMCACHED === null ? 'no memcached on PATH' : false },
]

// The runner ends a slow file by SIGTERM; exiting in order takes the memcached along.
process.once('SIGTERM', () => process.exit(143))

const shared = new Map<Kind, RegistryHandle>()
after(() => Promise.all([...shared.values()].map((registry) => registry.close())))

/** An empty registry, one process a kind and test file: memcached takes a second to end. */
export async function serve(kind: Kind): Promise<number> {
  const path = kind === 'embedded' ? delimiter : (process.env['PATH'] ?? '')
  const registry = shared.get(kind) ?? (await startRegistry({ host: HOST, port: 0, path }))
  assert.equal(registry.kind, kind)
  shared.set(kind, registry)
  assert.equal(await talk(registry.port, ['flush_all\r\nquit\r\n']), 'OK\r\n')
  return registry.port
}

export function dial(t: TestContext, port: number, timeoutMillis = 2000): RegistryConnection {
  const connection = connectRegistry({ host: HOST, port, timeoutMillis })
  t.after(() => connection.close())
  return connection
}

/** An embedded registry and a connection to it. */
export async function world(t: TestContext): Promise<RegistryConnection> {
  const server = await startRegistryServer({ host: HOST, port: 0 })
  t.after(() => server.close())
  return dial(t, server.port)
}

/** A server that answers as it is told: for what no registry says. */
export async function serveRaw(t: TestContext, onSocket: (s: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Sends `pieces` one after the other and returns all that came back until the server hung up. */
export function talk(port: number, pieces: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: HOST, port, noDelay: true })
    socket.setEncoding('latin1')
    socket.setTimeout(5000, () => socket.destroy(new Error(`no end after ${text.slice(0, 200)}`)))
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    for (const piece of pieces) socket.write(piece, 'latin1')
  })
}

export function entryOf(replica: number, changes: Partial<ReplicaEntry> = {}): ReplicaEntry {
  const queue = {
    provider: 'udp',
    address: HOST,
    port: 20000 + replica,
    qpNumber: 100 + replica,
    qkey: 0x11111111,
    lid: 0,
    gid: '',
    mtuBytes: 1472,
  } as const
  return {
    replica,
    incarnation: 1,
    peers: queue,
    clients: [
      { ...queue, port: 21000 + replica },
      { ...queue, port: 22000 + replica },
    ],
    multicast: { group: '239.1.2.3', port: 23000 },
    rxBytes: 212992,
    admin: { host: HOST, port: 24000 + replica },
    settings: '{"durability":"memory","log":{"mode":"a"}}',
    role: 'voter',
    publishedAt: 1000,
    version: '0.1.0',
    ...changes,
  }
}

export const ALIVE = (): Promise<boolean> => Promise.resolve(true)
export const DEAD = (): Promise<boolean> => Promise.resolve(false)

/** For assert.rejects: that code, and a sentence with all those words. */
export function refusal(code: string, ...words: string[]): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== code) throw error
    const missing = words.filter((word) => !error.message.includes(word))
    if (missing.length > 0) throw new Error(`no "${missing.join()}" in: ${error.message}`)
    return true
  }
}
