/**
 * One socket to the registry, spoken to through the npm package `memcached` 2.2.2.
 *
 * Used only by connection.ts. From the package we take its commands and its reply parser. Its
 * connection pool and its failure log are bypassed, because of what they do (the version is pinned
 * exactly, so this stays true):
 * - the pool retries with a backoff of up to minutes and leaves a connecting socket behind that
 *   keeps the process alive; a socket that closes never calls back;
 * - the failure log locks a server out for 30 s, keeps timers that cannot be cancelled, and runs
 *   `ping` in a child;
 * - a SERVER_ERROR is reported as `false` without an error;
 * - a value stored by somebody else with the package's JSON flag makes its parser throw inside a
 *   socket handler.
 */
import { connect, type Socket } from 'node:net'
import Memcached from 'memcached'

/**
 * The name under which the package knows our one socket. It never opens one itself, so any name
 * does.
 */
const SERVER = 'registry:1'

/**
 * More than the largest value with its line ends: who sends more without ending a reply is no
 * registry.
 */
const REPLY_CHARACTERS_MAX = 4 * 1024 * 1024

type Pulled = (error: Error | undefined, socket: PackageSocket) => void

/** What the package expects to find on a socket. */
type PackageSocket = Socket & {
  metaData: unknown[]
  responseBuffer: string
  bufferArray: string[]
  serverAddress: string
  tokens: string[]
  streamID: number
  memcached: Memcached
}

/** The parts of the package that its types leave out. */
interface PackageInternals {
  connections: Record<string, { pull(pulled: Pulled): void; free(): void }>
  connectionIssue(issue: unknown): void
  buffer(socket: PackageSocket, chunk: string): void
}

export interface Link {
  readonly client: Memcached
  /** Why this link cannot be used any more. */
  failure: Error | null
  connected: boolean
  /** A SERVER_ERROR, set by the package just before it calls back; the callback takes it. */
  serverError: string | null
  /** Called once each when the link fails. */
  readonly onFailure: Set<(failure: Error) => void>
  readonly socket: Socket
}

export function openLink(host: string, port: number): Link {
  const client = new Memcached(SERVER) as Memcached & PackageInternals
  const socket: PackageSocket = Object.assign(connect({ host, port, noDelay: true }), {
    metaData: [],
    responseBuffer: '',
    bufferArray: [],
    serverAddress: SERVER,
    tokens: [],
    streamID: 0,
    memcached: client,
  })
  const link: Link = {
    client,
    failure: null,
    connected: false,
    serverError: null,
    onFailure: new Set(),
    socket,
  }
  socket.setEncoding('utf8')
  socket.setMaxListeners(0) // one per call that waits for the connection
  socket.on('connect', () => (link.connected = true))
  socket.on('error', (error) => failLink(link, error))
  socket.on('close', () => failLink(link, new Error('the connection was closed')))
  socket.on('data', (chunk: string) => onChunk(link, client, socket, chunk))
  client.connections[SERVER] = { pull: (pulled) => pull(socket, pulled), free: () => undefined }
  client.connectionIssue = (issue) => (link.serverError = String(issue))
  return link
}

function pull(socket: PackageSocket, pulled: Pulled): void {
  if (socket.connecting) socket.once('connect', () => pulled(undefined, socket))
  else pulled(undefined, socket)
}

/** Everything in the reply is foreign: what cannot be read ends the link, never the process. */
function onChunk(
  link: Link,
  client: PackageInternals,
  socket: PackageSocket,
  chunk: string,
): void {
  if (link.failure !== null) return
  try {
    client.buffer(socket, chunk)
  } catch (cause) {
    failLink(link, new UnreadableReply({ cause }))
    return
  }
  // The parser stops at a line that starts no reply and would wait there for ever.
  const stuck = socket.bufferArray[0]
  if (stuck !== undefined && !stuck.startsWith('VALUE ')) failLink(link, new UnreadableReply())
  if (socket.responseBuffer.length > REPLY_CHARACTERS_MAX) failLink(link, new UnreadableReply())
}

/** The peer speaks, but not as a registry does. */
export class UnreadableReply extends Error {
  constructor(options?: { cause: unknown }) {
    super('the reply cannot be read', options)
  }
}

/**
 * Idempotent. The socket is destroyed, so that neither it nor a timer of ours keeps the process
 * alive.
 */
export function failLink(link: Link, failure: Error): void {
  if (link.failure !== null) return
  link.failure = failure
  link.socket.destroy()
  const listeners = [...link.onFailure]
  link.onFailure.clear()
  for (const listener of listeners) listener(failure)
}
