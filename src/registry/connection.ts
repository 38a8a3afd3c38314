/**
 * A connection to the registry: five commands with a timeout each, and errors that say what to do.
 *
 * The connection opens on the first call and again after a failure: a call either succeeds, or
 * fails within `timeoutMillis`; nothing retries behind the caller's back.
 */
import type Memcached from 'memcached'
import { ZabkvError } from '../errors.js'
import { formatHostPort } from './host-port.js'
import { failLink, openLink, UnreadableReply, type Link } from './memcached-link.js'
import { startPatience } from './patience.js'

/** memcached's own limit of 1 MiB counts the key and an item header too. */
export const REGISTRY_VALUE_BYTES_MAX = 1_000_000
/** Longer times are taken by memcached as absolute ones. */
export const REGISTRY_TTL_SECONDS_MAX = 30 * 24 * 3600
export const REGISTRY_KEY_BYTES_MAX = 250
const TIMEOUT_MILLIS_DEFAULT = 2000

export interface RegistryConnection {
  /** HOST:PORT, for messages. */
  readonly where: string
  get(key: string): Promise<{ value: string; cas: string } | null>
  set(key: string, value: string, ttlSeconds: number): Promise<void>
  /** False when the key is there already. */
  add(key: string, value: string, ttlSeconds: number): Promise<boolean>
  /** False when the item changed or went since `cas` was read. */
  cas(key: string, value: string, cas: string, ttlSeconds: number): Promise<boolean>
  /** False when there was nothing to delete. */
  delete(key: string): Promise<boolean>
  /** Deletes only what `cas` was read from; false when it changed or went since. */
  deleteIf(key: string, cas: string): Promise<boolean>
  /** Idempotent; pending calls fail with CLOSED. */
  close(): void
}

export interface RegistryConnectionOptions {
  host: string
  port: number
  timeoutMillis?: number
}

interface State {
  readonly where: string
  readonly host: string
  readonly port: number
  readonly timeoutMillis: number
  link: Link | null
  closed: boolean
}

type Reply = (error: unknown, result: unknown) => void
type Run = (client: Memcached, reply: Reply) => void

export function connectRegistry(options: RegistryConnectionOptions): RegistryConnection {
  const { host, port, timeoutMillis = TIMEOUT_MILLIS_DEFAULT } = options
  const where = formatHostPort(host, port)
  const state: State = { where, host, port, timeoutMillis, link: null, closed: false }
  return {
    where,
    get: (key) => getItem(state, key),
    set: (key, value, ttlSeconds) => setItem(state, key, value, ttlSeconds),
    add: (key, value, ttlSeconds) => addItem(state, key, value, ttlSeconds),
    cas: (key, value, id, ttlSeconds) => casItem(state, key, value, id, ttlSeconds),
    delete: (key) => deleteItem(state, key),
    deleteIf: (key, id) => deleteItemIf(state, key, id),
    close: () => closeConnection(state),
  }
}

async function getItem(
  state: State,
  key: string,
): Promise<{ value: string; cas: string } | null> {
  checkKey(key)
  const found = await call(state, true, (client, reply) => client.gets(key, reply))
  if (found === undefined || found === false) return null
  if (typeof found !== 'object' || found === null) {
    throw refused(state, 'a reply to gets without item')
  }
  const fields = new Map<string, unknown>(Object.entries(found))
  const cas = fields.get('cas')
  if (!fields.has(key) || typeof cas !== 'string') {
    throw refused(state, 'a reply to gets without the key or its version')
  }
  const value = fields.get(key)
  // The package turns values with other clients' flags into other types. None is ours; the text
  // decodes as nothing.
  return { value: typeof value === 'string' ? value : '(not stored as text)', cas }
}

async function setItem(state: State, key: string, value: string, ttl: number): Promise<void> {
  checkItem(key, value, ttl)
  const stored = await call(state, false, (client, reply) => client.set(key, value, ttl, reply))
  if (stored !== true) throw refused(state, 'it did not store the value')
}

async function addItem(state: State, key: string, value: string, ttl: number): Promise<boolean> {
  checkItem(key, value, ttl)
  return (await call(state, false, (client, reply) => client.add(key, value, ttl, reply))) === true
}

async function casItem(
  state: State,
  key: string,
  value: string,
  cas: string,
  ttl: number,
): Promise<boolean> {
  checkItem(key, value, ttl)
  checkCas(cas)
  const run: Run = (client, reply) => client.cas(key, value, cas, ttl, reply)
  return (await call(state, false, run)) === true
}

async function deleteItem(state: State, key: string): Promise<boolean> {
  checkKey(key)
  return (await call(state, false, (client, reply) => client.del(key, reply))) === true
}

/**
 * memcached has no conditional delete; a conditional store with a negative time expires in the same
 * step.
 */
async function deleteItemIf(state: State, key: string, cas: string): Promise<boolean> {
  checkKey(key)
  checkCas(cas)
  return (await call(state, false, (client, reply) => client.cas(key, '', cas, -1, reply))) === true
}

function closeConnection(state: State): void {
  if (state.closed) return
  state.closed = true
  if (state.link !== null) failLink(state.link, new Error('closed'))
}

function call(state: State, reads: boolean, run: Run): Promise<unknown> {
  if (state.closed) return Promise.reject(closedError(state))
  const link = linkOf(state)
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      patience.end()
      link.onFailure.delete(onFailure)
    }
    const onFailure = (failure: Error): void => {
      settle()
      reject(failureError(state, failure, reads || !link.connected))
    }
    const patience = startPatience(state.timeoutMillis, () => failLink(link, silence(state)))
    link.onFailure.add(onFailure)
    run(link.client, (error, result) => {
      if (link.failure !== null) return // onFailure has answered
      settle()
      const why = takeRefusal(link, error)
      if (why === null) {
        resolve(result)
        return
      }
      reject(refused(state, why))
      // After an error reply it is uncertain whether the server took our data for commands: start
      // afresh.
      failLink(link, new Error('an earlier command was refused'))
    })
  })
}

function linkOf(state: State): Link {
  if (state.link === null || state.link.failure !== null) {
    state.link = openLink(state.host, state.port)
  }
  return state.link
}

/** Null when the server did what was asked or answered a plain no. */
function takeRefusal(link: Link, error: unknown): string | null {
  const serverError = link.serverError
  link.serverError = null
  if (serverError !== null) return serverError
  const first: unknown = Array.isArray(error) ? error[0] : error
  if (first === undefined || first === null) return null
  if (!(first instanceof Error)) return String(first)
  return 'notStored' in first && first.notStored === true ? null : first.message
}

function silence(state: State): Error {
  return new Error(`no answer within ${state.timeoutMillis} ms`)
}

function failureError(state: State, failure: Error, definite: boolean): ZabkvError {
  if (state.closed) return closedError(state)
  if (failure instanceof UnreadableReply) {
    return refused(state, 'its reply is not memcached text', failure)
  }
  return new ZabkvError(
    'REGISTRY_UNREACHABLE',
    `The registry at ${state.where} does not answer (${failureText(failure)}): ` +
      `start it there, or give the HOST:PORT where it runs.`,
    { definite, cause: failure },
  )
}

/** Node gives an empty message when all of several addresses of a name failed. */
function failureText(failure: Error): string {
  if (failure.message !== '') return failure.message
  return 'code' in failure ? String(failure.code) : failure.name
}

function refused(state: State, why: string, cause?: unknown): ZabkvError {
  return new ZabkvError(
    'REGISTRY_REFUSED',
    `The registry at ${state.where} refused (${why}): ` +
      `check that it is the cluster's registry and has memory left.`,
    { definite: cause === undefined, cause },
  )
}

function closedError(state: State): ZabkvError {
  return new ZabkvError('CLOSED', `The connection to the registry at ${state.where} is closed.`)
}

function checkItem(key: string, value: string, ttlSeconds: number): void {
  checkKey(key)
  const bytes = Buffer.byteLength(value)
  if (bytes > REGISTRY_VALUE_BYTES_MAX) {
    const sentence = `A registry value has at most ${REGISTRY_VALUE_BYTES_MAX} bytes, not ${bytes}.`
    throw badArgument(sentence)
  }
  const whole = Number.isInteger(ttlSeconds)
  if (whole && ttlSeconds >= 0 && ttlSeconds <= REGISTRY_TTL_SECONDS_MAX) return
  throw badArgument(`A registry time to live is 0 to ${REGISTRY_TTL_SECONDS_MAX} seconds.`)
}

function checkKey(key: string): void {
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= REGISTRY_KEY_BYTES_MAX) return
  throw badArgument('A registry key is 1 to 250 printable ASCII characters without spaces.')
}

function checkCas(cas: string): void {
  if (/^[0-9]{1,20}$/.test(cas)) return
  throw badArgument('A cas id is what get returned: decimal digits.')
}

function badArgument(sentence: string): ZabkvError {
  return new ZabkvError('BAD_ARGUMENT', sentence)
}
