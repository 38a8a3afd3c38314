/**
 * What a replica tells about itself: where its queue pairs are, and under which settings it runs.
 */
import { isIP } from 'node:net'
import { ZabkvError } from '../errors.js'
import { REGISTRY_VALUE_BYTES_MAX } from './connection.js'
import {
  asInteger,
  asObject,
  decode,
  demand,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readOptional,
  readText,
  type Decoded,
  type Fields,
} from './decode.js'

export interface QueueAddress {
  provider: 'udp' | 'verbs'
  /** An IP address. */
  address: string
  /** Of UDP; 0 for verbs. */
  port: number
  qpNumber: number
  qkey: number
  lid: number
  gid: string
  /** The largest datagram payload. */
  mtuBytes: number
}

export interface ReplicaEntry {
  replica: number
  /** u32, larger after every restart. */
  incarnation: number
  peers: QueueAddress
  /** One a worker. */
  clients: readonly QueueAddress[]
  multicast: { group: string; port: number } | null
  /** Receive room obtained. */
  rxBytes: number
  admin: { host: string; port: number }
  /** Canonical JSON of the cluster-wide settings. */
  settings: string
  role: 'voter' | 'observer'
  /** Milliseconds since 1970 on the replica's clock: for people to read, not to compare. */
  publishedAt: number
  version: string
}

export interface ClusterDocument {
  /** Sorted ids. */
  members: readonly number[]
  /** Canonical JSON of the cluster-wide settings. */
  settings: string
}

export const REPLICA_ID_MAX = 65535
export const CLUSTER_NAME_CHARACTERS_MAX = 64
const MEMBERS_MAX = 1024
const WORKERS_MAX = 1024
const SETTINGS_CHARACTERS_MAX = 100_000
const SETTINGS_NESTING_MAX = 32
const U32_MAX = 0xffffffff
const U16_MAX = 0xffff
const ANY = /^/
const NO_SPACES = /^\S+$/
const PRINTABLE = /^[ -~]*$/
const GID = /^[0-9A-Fa-f:.]*$/

export function encodeEntry(entry: ReplicaEntry): string {
  return encode(entry, 'entry', decodeEntry(JSON.stringify(entry), entry.replica))
}

export function encodeCluster(document: ClusterDocument): string {
  return encode(document, 'cluster document', decodeCluster(JSON.stringify(document)))
}

/** What we could not read back ourselves is not published. */
function encode(value: unknown, what: string, readBack: Decoded<unknown>): string {
  if (!readBack.ok) {
    const sentence = `The ${what} cannot be published: ${readBack.reason}.`
    throw new ZabkvError('BAD_ARGUMENT', sentence)
  }
  const text = JSON.stringify(value)
  const bytes = Buffer.byteLength(text)
  if (bytes <= REGISTRY_VALUE_BYTES_MAX) return text
  const sentence = `The ${what} has ${bytes} bytes; the registry takes ${REGISTRY_VALUE_BYTES_MAX}.`
  throw new ZabkvError('BAD_ARGUMENT', sentence)
}

/** `replica`: whose entry was asked for; another's under its key is foreign. */
export function decodeEntry(text: string, replica: number): Decoded<ReplicaEntry> {
  return decode(text, (fields) => {
    const entry = readEntry(fields)
    demand(entry.replica === replica, `it is of replica ${entry.replica}, not ${replica}`)
    return entry
  })
}

export function decodeCluster(text: string): Decoded<ClusterDocument> {
  return decode(text, (fields) => {
    const members = readList(fields, 'members', MEMBERS_MAX, (value) =>
      asInteger(value, 'a member', 0, REPLICA_ID_MAX),
    )
    demand(members.length > 0, 'members is empty')
    const sorted = members.every((member, index) => member > (members[index - 1] ?? -1))
    demand(sorted, 'members is not sorted without repetition')
    return { members, settings: readSettings(fields) }
  })
}

function readEntry(fields: Fields): ReplicaEntry {
  return {
    replica: readInteger(fields, 'replica', 0, REPLICA_ID_MAX),
    incarnation: readInteger(fields, 'incarnation', 0, U32_MAX),
    peers: readQueueAddress(readObject(fields, 'peers')),
    clients: readList(fields, 'clients', WORKERS_MAX, (value) =>
      readQueueAddress(asObject(value, 'a client queue')),
    ),
    multicast: readOptional(fields, 'multicast', (inner) => ({
      group: readIp(inner, 'group'),
      port: readInteger(inner, 'port', 0, U16_MAX),
    })),
    rxBytes: readInteger(fields, 'rxBytes', 0, Number.MAX_SAFE_INTEGER),
    admin: readAdmin(readObject(fields, 'admin')),
    settings: readSettings(fields),
    role: readOneOf(fields, 'role', ['voter', 'observer']),
    publishedAt: readInteger(fields, 'publishedAt', 0, Number.MAX_SAFE_INTEGER),
    version: readText(fields, 'version', PRINTABLE, 64),
  }
}

function readQueueAddress(fields: Fields): QueueAddress {
  const provider = readOneOf(fields, 'provider', ['udp', 'verbs'])
  const port = readInteger(fields, 'port', 0, U16_MAX)
  demand((provider === 'udp') === (port !== 0), `port ${port} does not fit provider ${provider}`)
  return {
    provider,
    address: readIp(fields, 'address'),
    port,
    qpNumber: readInteger(fields, 'qpNumber', 0, U32_MAX),
    qkey: readInteger(fields, 'qkey', 0, U32_MAX),
    lid: readInteger(fields, 'lid', 0, U16_MAX),
    gid: readText(fields, 'gid', GID, 64),
    mtuBytes: readInteger(fields, 'mtuBytes', 1, U16_MAX),
  }
}

function readAdmin(fields: Fields): { host: string; port: number } {
  const host = readText(fields, 'host', NO_SPACES, 253)
  return { host, port: readInteger(fields, 'port', 1, U16_MAX) }
}

function readIp(fields: Fields, name: string): string {
  const text = readText(fields, name, ANY, 64)
  demand(isIP(text) !== 0, `${name} is not an IP address`)
  return text
}

function readSettings(fields: Fields): string {
  const settings = readText(fields, 'settings', ANY, SETTINGS_CHARACTERS_MAX)
  demand(decode(settings, () => true).ok, 'settings is not a JSON object')
  demand(nestingOf(settings) <= SETTINGS_NESTING_MAX, 'settings is nested too deeply')
  return settings
}

/** An upper bound (brackets in texts count too): comparing settings recurses. */
function nestingOf(json: string): number {
  let depth = 0
  let depthMax = 0
  for (const character of json) {
    if (character === '{' || character === '[') depthMax = Math.max(depthMax, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return depthMax
}
