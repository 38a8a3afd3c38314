/**
 * The embedded registry server: enough of memcached for a cluster on machines without memcached.
 *
 * Bounded in everything: connections, a line, an item, all items, and output not yet read by a slow
 * client (then its input waits). Memory is at most `itemBytesMax` + connections x (1 MiB + what one
 * read brings).
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { createParser, feed, nextCommand, REPLY, type Command, type Parser } from './codec.js'
import { formatHostPort } from './host-port.js'
import { createItems, flushItems, getItem, removeItem, storeItem, touchItem } from './items.js'
import type { Items } from './items.js'

export const REGISTRY_SERVER_VERSION = '1.6.0-zabkv'
const CONNECTIONS_MAX_DEFAULT = 256
const ITEM_BYTES_MAX_DEFAULT = 64 * 1024 * 1024
const OUTPUT_BYTES_MAX = 1024 * 1024
const CRLF = '\r\n'

export interface RegistryServerOptions {
  host: string
  /** 0: any free port. */
  port: number
  connectionsMax?: number
  /** Of all keys and values together. */
  itemBytesMax?: number
  /** Milliseconds since 1970; tests bring their own. */
  now?: () => number
}

export interface RegistryServer {
  readonly port: number
  /** Idempotent; drops all connections. */
  close(): Promise<void>
}

interface State {
  readonly items: Items
  readonly sockets: Set<Socket>
  readonly connectionsMax: number
  readonly now: () => number
  readonly startedAt: number
}

export async function startRegistryServer(options: RegistryServerOptions): Promise<RegistryServer> {
  const now = options.now ?? Date.now
  const state: State = {
    items: createItems(options.itemBytesMax ?? ITEM_BYTES_MAX_DEFAULT),
    sockets: new Set(),
    connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX_DEFAULT,
    now,
    startedAt: now(),
  }
  const server = createServer({ noDelay: true }, (socket) => onConnection(state, socket))
  await listen(server, options.host, options.port)
  let closing: Promise<void> | null = null
  return {
    port: listeningPort(server),
    close: () => (closing ??= closeServer(server, state)),
  }
}

/** Fails with ADDRESS_IN_USE, NOT_MY_ADDRESS or BAD_ARGUMENT. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port))
    server.once('error', onError)
    server.listen({ host, port }, () => {
      server.off('error', onError)
      // A failing accept (out of descriptors) must not stop the process; the client sees a closed
      // connection.
      server.on('error', () => undefined)
      resolve()
    })
  })
}

export function listeningPort(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  assert(address !== null && typeof address === 'object', 'server: it listens on a TCP port')
  return address.port
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): ZabkvError {
  const where = formatHostPort(host, port)
  const details = { errno: error.code ?? '', syscall: error.syscall ?? '', cause: error }
  if (error.code === 'EADDRINUSE') return addressInUse(where, details)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    const sentence = `The registry cannot listen on ${where}: that address is not this machine's.`
    return new ZabkvError('NOT_MY_ADDRESS', sentence, details)
  }
  const why = error.message
  const sentence = `The registry cannot listen on ${where} (${why}): choose another HOST:PORT.`
  return new ZabkvError('BAD_ARGUMENT', sentence, details)
}

export function addressInUse(where: string, details: { cause?: unknown }): ZabkvError {
  const sentence =
    `The registry cannot listen on ${where}: another process holds that port; ` +
    `stop it, use it as the registry, or choose another port.`
  return new ZabkvError('ADDRESS_IN_USE', sentence, details)
}

function closeServer(server: Server, state: State): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const socket of state.sockets) socket.destroy()
  })
}

function onConnection(state: State, socket: Socket): void {
  socket.on('error', () => socket.destroy()) // a client that vanishes is weather
  if (state.sockets.size >= state.connectionsMax) {
    socket.end(`ERROR Too many open connections${CRLF}`, () => socket.destroy())
    return
  }
  const parser = createParser()
  state.sockets.add(socket)
  socket.on('close', () => state.sockets.delete(socket))
  socket.on('data', (chunk: Buffer) => {
    feed(parser, chunk)
    pump(state, socket, parser)
  })
  socket.on('drain', () => pump(state, socket, parser))
}

/** Runs what has arrived, until output backs up; then neither parses nor reads until it drained. */
function pump(state: State, socket: Socket, parser: Parser): void {
  socket.cork()
  while (!socket.destroyed && !socket.writableEnded) {
    if (socket.writableLength > OUTPUT_BYTES_MAX) {
      socket.pause()
      break
    }
    const command = nextCommand(parser)
    if (command === null) {
      socket.resume()
      break
    }
    onCommand(state, socket, command)
  }
  socket.uncork()
}

function onCommand(state: State, socket: Socket, command: Command): void {
  switch (command.kind) {
    case 'get':
      onGet(state, socket, command.keys, command.withCas)
      return
    case 'stats':
      onStats(state, socket, command.topic)
      return
    case 'quit':
      socket.end()
      return
    case 'version':
      socket.write(`VERSION ${REGISTRY_SERVER_VERSION}${CRLF}`)
      return
    default: {
      const reply = onUpdate(state, command)
      if (!command.noreply) socket.write(reply + CRLF)
      if (command.kind === 'refused' && command.hangUp) socket.end()
    }
  }
}

/** Commands of one reply line, which `noreply` leaves out. */
type Update = Extract<Command, { noreply: boolean }>

function onUpdate(state: State, command: Update): string {
  const now = state.now()
  switch (command.kind) {
    case 'store':
      return storeItem(state.items, command, now)
    case 'tooLarge':
      removeItem(state.items, command.key)
      return REPLY.tooLarge
    case 'delete': {
      const live = getItem(state.items, command.key, now) !== null
      removeItem(state.items, command.key)
      return live ? 'DELETED' : 'NOT_FOUND'
    }
    case 'touch':
      return touchItem(state.items, command.key, command.exptime, now) ? 'TOUCHED' : 'NOT_FOUND'
    case 'flush':
      flushItems(state.items, command.delay, now)
      return 'OK'
    case 'verbosity':
      return 'OK'
    case 'refused':
      return command.reply
  }
}

function onGet(state: State, socket: Socket, keys: string[], withCas: boolean): void {
  const now = state.now()
  for (const key of keys) {
    const item = getItem(state.items, key, now)
    if (item === null) continue
    const cas = withCas ? ` ${item.cas}` : ''
    socket.write(`VALUE ${key} ${item.flags} ${item.value.length}${cas}${CRLF}`, 'latin1')
    socket.write(item.value)
    socket.write(CRLF)
  }
  socket.write(`END${CRLF}`)
}

function onStats(state: State, socket: Socket, topic: string): void {
  if (topic === 'reset') {
    socket.write(`RESET${CRLF}`)
    return
  }
  if (topic !== '' && topic !== 'settings') {
    socket.write(REPLY.error + CRLF)
    return
  }
  const now = state.now()
  const stats: readonly (readonly [string, string | number])[] =
    topic === 'settings'
      ? [
          ['maxbytes', state.items.bytesMax],
          ['maxconns', state.connectionsMax],
        ]
      : [
          ['pid', process.pid],
          ['uptime', Math.floor((now - state.startedAt) / 1000)],
          ['time', Math.floor(now / 1000)],
          ['version', REGISTRY_SERVER_VERSION],
          ['curr_connections', state.sockets.size],
          ['curr_items', state.items.byKey.size],
          ['bytes', state.items.bytes],
          ['limit_maxbytes', state.items.bytesMax],
        ]
  for (const [name, value] of stats) socket.write(`STAT ${name} ${value}${CRLF}`)
  socket.write(`END${CRLF}`)
}
