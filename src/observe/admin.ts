/**
 * Asks a replica's admin port: one word and a newline, then the answer until the end of the stream.
 *
 * Used by the command line and by the workload. An answer is foreign data: it is bounded and checked before use.
 */
import { connect } from 'node:net'
import { ZabkvError } from '../errors.js'
import type { ReplicaStats } from '../runtime/options.js'
import { formatHostPort } from '../registry/host-port.js'

export type AdminWord = 'ruok' | 'stats' | 'digest' | 'settings' | 'stop' | 'lead'

export interface AdminAddress {
  host: string
  port: number
}

export interface ReplicaDigest {
  replica: number
  digest: string
  sessionsDigest: string
  lastApplied: number
}

export const ADMIN_MILLIS_MAX = 5000
const ANSWER_CHARACTERS_MAX = 4_000_000

export function askAdmin(
  address: AdminAddress,
  word: AdminWord,
  millisMax: number = ADMIN_MILLIS_MAX,
): Promise<string> {
  const where = formatHostPort(address.host, address.port)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: address.host, port: address.port })
    const fail = (why: string): void => {
      socket.destroy()
      const sentence = `The replica's admin port ${where} ${why}: is that replica running?`
      reject(new ZabkvError('UNAVAILABLE', sentence))
    }
    const timer = setTimeout(() => fail(`gave no answer within ${millisMax} ms`), millisMax)
    socket.setEncoding('utf8')
    socket.once('connect', () => socket.write(`${word}\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > ANSWER_CHARACTERS_MAX) fail('said too much')
    })
    socket.on('error', (error) => fail(`cannot be asked (${error.message})`))
    socket.once('end', () => resolve(text))
    socket.once('close', () => {
      clearTimeout(timer)
      fail('closed without an answer') // Does nothing when 'end' came first.
    })
  })
}

export async function askStats(address: AdminAddress): Promise<ReplicaStats> {
  const stats = parse(address, await askAdmin(address, 'stats'))
  const wanted = ['operations', 'batching', 'sent', 'received', 'transport', 'store', 'settings']
  for (const part of wanted) demandObject(address, stats, part)
  // Checked in its parts; the fields inside are numbers of the same version's replica.
  return stats as unknown as ReplicaStats
}

export async function askDigest(address: AdminAddress): Promise<ReplicaDigest> {
  const { replica, digest, sessionsDigest, lastApplied } = parse(
    address,
    await askAdmin(address, 'digest'),
  )
  if (
    typeof replica !== 'number' ||
    typeof digest !== 'string' ||
    typeof sessionsDigest !== 'string' ||
    typeof lastApplied !== 'number'
  ) {
    throw unreadable(address)
  }
  return { replica, digest, sessionsDigest, lastApplied }
}

function parse(address: AdminAddress, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Said below.
  }
  throw unreadable(address)
}

function demandObject(address: AdminAddress, from: Record<string, unknown>, part: string): void {
  if (!isObject(from[part])) throw unreadable(address)
}

/** An object with names, as foreign data may be one. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(address: AdminAddress): ZabkvError {
  const where = formatHostPort(address.host, address.port)
  const sentence = `The admin port ${where} gave an answer that this version of zabkv does not know.`
  return new ZabkvError('UNAVAILABLE', sentence)
}
