/**
 * The memcached text protocol, incrementally and without sockets: bytes in, commands out.
 *
 * Called by server.ts, one parser a connection. The caller pulls commands one by one, so that it
 * can stop when its output backs up. Everything here comes from the network: malformed input
 * becomes a `refused` command with the reply of memcached 1.6, down to its habit of reading the
 * data of a refused store as commands.
 */
import { assert } from '../assert.js'

export const KEY_BYTES_MAX = 250
export const LINE_BYTES_MAX = 2048
/**
 * memcached counts key and header into its 1 MiB; a little stricter here, so that what fits here
 * fits there.
 */
export const ITEM_BYTES_MAX = 1024 * 1024
export const ITEM_OVERHEAD_BYTES = 64

export const REPLY = {
  error: 'ERROR',
  badFormat: 'CLIENT_ERROR bad command line format',
  badDelete: 'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]',
  badChunk: 'CLIENT_ERROR bad data chunk',
  badExptime: 'CLIENT_ERROR invalid exptime argument',
  lineTooLong: 'CLIENT_ERROR line too long',
  tooLarge: 'SERVER_ERROR object too large for cache',
} as const

export type StoreVerb = 'set' | 'add' | 'replace' | 'cas'

/** Keys are latin1 strings: one character a byte, whatever the bytes are. */
export type Command =
  | { kind: 'get'; keys: string[]; withCas: boolean }
  | {
      kind: 'store'
      verb: StoreVerb
      key: string
      flags: number
      exptime: number
      cas: string
      value: Buffer
      noreply: boolean
    }
  /** The value was skipped. memcached drops the old item, so that no stale one is served. */
  | { kind: 'tooLarge'; key: string; noreply: boolean }
  | { kind: 'delete'; key: string; noreply: boolean }
  | { kind: 'touch'; key: string; exptime: number; noreply: boolean }
  | { kind: 'flush'; delay: number; noreply: boolean }
  | { kind: 'verbosity'; noreply: boolean }
  | { kind: 'stats'; topic: string }
  | { kind: 'version' }
  | { kind: 'quit' }
  | { kind: 'refused'; reply: string; noreply: boolean; hangUp: boolean }

type Store = Extract<Command, { kind: 'store' }>

export interface Parser {
  /** Input not yet taken; `offset` into the first. */
  readonly chunks: Buffer[]
  offset: number
  readonly line: Buffer
  lineBytes: number
  /** The store whose value is being filled. */
  store: Store | null
  /** Of the value and its line end. */
  filledBytes: number
  lineEnd: Buffer
  /** The oversized value being skipped. */
  tooLarge: Extract<Command, { kind: 'tooLarge' }> | null
  skipBytes: number
  /** After an endless line nothing is understood any more. */
  dead: boolean
}

export function createParser(): Parser {
  return {
    chunks: [],
    offset: 0,
    line: Buffer.alloc(LINE_BYTES_MAX),
    lineBytes: 0,
    store: null,
    filledBytes: 0,
    lineEnd: Buffer.alloc(2),
    tooLarge: null,
    skipBytes: 0,
    dead: false,
  }
}

export function feed(parser: Parser, chunk: Buffer): void {
  if (chunk.length > 0 && !parser.dead) parser.chunks.push(chunk)
}

/** The next whole command, or null when more bytes are needed. */
export function nextCommand(parser: Parser): Command | null {
  for (;;) {
    const chunk = parser.chunks[0]
    if (chunk === undefined || parser.dead) return null
    let command: Command | null
    if (parser.store !== null) command = fillValue(parser, parser.store, chunk)
    else if (parser.tooLarge !== null) command = skipValue(parser, parser.tooLarge, chunk)
    else command = readLine(parser, chunk)
    if (parser.offset === chunk.length) {
      parser.chunks.shift()
      parser.offset = 0
    }
    if (command !== null) return command
  }
}

/** memcached takes exactly `length + 2` bytes, then looks whether the last two are a line end. */
function fillValue(parser: Parser, store: Store, chunk: Buffer): Command | null {
  const bytes = store.value.length
  if (parser.filledBytes < bytes) {
    const taken = Math.min(bytes - parser.filledBytes, chunk.length - parser.offset)
    chunk.copy(store.value, parser.filledBytes, parser.offset, parser.offset + taken)
    take(parser, taken)
  }
  if (parser.filledBytes < bytes) return null
  while (parser.filledBytes < bytes + 2) {
    if (parser.offset === chunk.length) return null
    parser.lineEnd[parser.filledBytes - bytes] = chunk[parser.offset] ?? 0
    take(parser, 1)
  }
  parser.store = null
  if (parser.lineEnd[0] !== 0x0d || parser.lineEnd[1] !== 0x0a) {
    return refuse(REPLY.badChunk, store.noreply)
  }
  return store
}

function take(parser: Parser, bytes: number): void {
  parser.filledBytes += bytes
  parser.offset += bytes
}

function skipValue(
  parser: Parser,
  tooLarge: Extract<Command, { kind: 'tooLarge' }>,
  chunk: Buffer,
): Command | null {
  const skipped = Math.min(parser.skipBytes, chunk.length - parser.offset)
  parser.skipBytes -= skipped
  parser.offset += skipped
  if (parser.skipBytes > 0) return null
  parser.tooLarge = null
  return tooLarge
}

function readLine(parser: Parser, chunk: Buffer): Command | null {
  const newline = chunk.indexOf(0x0a, parser.offset)
  const end = newline === -1 ? chunk.length : newline
  if (parser.lineBytes + end - parser.offset > LINE_BYTES_MAX) {
    parser.dead = true
    parser.chunks.length = 0
    return { kind: 'refused', reply: REPLY.lineTooLong, noreply: false, hangUp: true }
  }
  chunk.copy(parser.line, parser.lineBytes, parser.offset, end)
  parser.lineBytes += end - parser.offset
  parser.offset = newline === -1 ? end : end + 1
  if (newline === -1) return null
  let bytes = parser.lineBytes
  if (bytes > 0 && parser.line[bytes - 1] === 0x0d) bytes--
  parser.lineBytes = 0
  return onLine(parser, parser.line.toString('latin1', 0, bytes))
}

/** Null when a value must follow. */
function onLine(parser: Parser, line: string): Command | null {
  const words = line.split(' ').filter((word) => word !== '')
  const noreply = words.length > 1 && words[words.length - 1] === 'noreply'
  const [verb, ...rest] = words
  switch (verb) {
    case 'get':
    case 'gets':
      return onGet(rest, verb === 'gets')
    case 'set':
    case 'add':
    case 'replace':
    case 'cas':
      return onStore(parser, verb, rest, noreply)
    case 'delete':
      return onDelete(rest, noreply)
    case 'touch':
      return onTouch(rest, noreply)
    case 'flush_all':
      return onFlush(rest, noreply)
    case 'verbosity':
      return onVerbosity(rest, noreply)
    case 'stats':
      return { kind: 'stats', topic: rest.join(' ') }
    case 'version':
      return { kind: 'version' }
    case 'quit':
      return { kind: 'quit' }
    default:
      return refuse(REPLY.error, false)
  }
}

function onGet(keys: string[], withCas: boolean): Command {
  if (keys.length === 0) return refuse(REPLY.error, false)
  if (keys.some((key) => key.length > KEY_BYTES_MAX)) return refuse(REPLY.badFormat, false)
  return { kind: 'get', keys, withCas }
}

function onStore(
  parser: Parser,
  verb: StoreVerb,
  words: string[],
  noreply: boolean,
): Command | null {
  const wanted = verb === 'cas' ? 5 : 4
  if (words.length < wanted || words.length > wanted + 1) return refuse(REPLY.error, noreply)
  const [key = '', flagsText = '', exptimeText = '', bytesText = '', cas = '0'] = words
  const flags = unsigned(flagsText)
  const exptime = integer(exptimeText)
  const bytes = unsigned(bytesText)
  if (key.length > KEY_BYTES_MAX || flags === null || exptime === null || bytes === null) {
    return refuse(REPLY.badFormat, noreply)
  }
  if (verb === 'cas' && unsigned(cas) === null) return refuse(REPLY.badFormat, noreply)
  if (key.length + bytes + ITEM_OVERHEAD_BYTES > ITEM_BYTES_MAX) {
    parser.tooLarge = { kind: 'tooLarge', key, noreply }
    parser.skipBytes = bytes + 2
    return null
  }
  assert(parser.store === null, 'codec: one value is filled at a time')
  const value = Buffer.allocUnsafeSlow(bytes) // not pooled: the value may live long
  parser.store = { kind: 'store', verb, key, flags, exptime, cas, value, noreply }
  parser.filledBytes = 0
  return null
}

function onDelete(words: string[], noreply: boolean): Command {
  const [key, second] = words
  if (key === undefined || words.length > 3) return refuse(REPLY.error, noreply)
  if (key.length > KEY_BYTES_MAX) return refuse(REPLY.badFormat, noreply)
  // Old clients send a time of 0; no other time was ever honoured.
  if (words.length > 1 && second !== '0' && !(words.length === 2 && noreply)) {
    return refuse(REPLY.badDelete, noreply)
  }
  return { kind: 'delete', key, noreply }
}

function onTouch(words: string[], noreply: boolean): Command {
  const [key, exptimeText] = words
  if (key === undefined || exptimeText === undefined || words.length > 3) {
    return refuse(REPLY.error, noreply)
  }
  if (key.length > KEY_BYTES_MAX) return refuse(REPLY.badFormat, noreply)
  const exptime = integer(exptimeText)
  if (exptime === null) return refuse(REPLY.badExptime, noreply)
  return { kind: 'touch', key, exptime, noreply }
}

function onFlush(words: string[], noreply: boolean): Command {
  if (words.length > 2) return refuse(REPLY.error, noreply)
  const delayText = words[0]
  if (delayText === undefined || (words.length === 1 && noreply)) {
    return { kind: 'flush', delay: 0, noreply }
  }
  const delay = integer(delayText)
  if (delay === null) return refuse(REPLY.badExptime, noreply)
  return { kind: 'flush', delay, noreply }
}

function onVerbosity(words: string[], noreply: boolean): Command {
  if (words.length === 0 || words.length > 3) return refuse(REPLY.error, noreply)
  if (unsigned(words[0] ?? '') === null) return refuse(REPLY.badFormat, noreply)
  return { kind: 'verbosity', noreply }
}

function refuse(reply: string, noreply: boolean): Command {
  return { kind: 'refused', reply, noreply, hangUp: false }
}

function unsigned(text: string): number | null {
  return /^\+?[0-9]{1,15}$/.test(text) ? Number(text) : null
}

function integer(text: string): number | null {
  return /^[+-]?[0-9]{1,15}$/.test(text) ? Number(text) : null
}
