/** What a replica asks another over its admin port while the cluster forms. */

import { connect } from 'node:net'
import { ZabkvError } from '../errors.js'
import type { ReplicaEntry } from '../registry/entry.js'
import type { State } from '../zab/state.js'
import { PHASE } from '../zab/state.js'

const ANSWER_MILLIS_MAX = 700
const ANSWER_CHARACTERS_MAX = 1000

/**
 * Does the process that published an entry still run? True only when the port answers the word: the kernel accepts
 * connections for a stopped process too.
 */
export async function isAlive(entry: ReplicaEntry): Promise<boolean> {
  return (await ask(entry, 'whoami')) === `imok ${entry.replica} ${entry.incarnation}`
}

/** The incarnations that a broadcasting replica formed its cluster with, as the admin word `formation` says them. */
export function formationOf(state: State): string {
  if (state.phase !== PHASE.BROADCAST) return 'forming'
  const { replica, members, incarnation } = state.config
  const known = Array.from({ length: members }, (_, id) =>
    id === replica ? incarnation : (state.incarnations[id] ?? -1),
  )
  return known.join(' ')
}

/**
 * Refuses to join a cluster that formed without this life of the replica: its history may have moved on, and a replica
 * that lost its own must not be counted in a quorum (an acknowledged write could be lost with a majority alive).
 */
export async function refuseLateJoin(
  entries: ReadonlyMap<number, ReplicaEntry>,
  replica: number,
  incarnation: number,
): Promise<void> {
  for (const [other, entry] of entries) {
    const formation = await ask(entry, 'formation')
    if (formation === null || formation === 'forming') continue
    if (formation.split(' ')[replica] === String(incarnation)) continue
    throw new ZabkvError(
      'NEEDS_SYNC',
      `Replica ${replica} has no history, but replica ${other} runs in a cluster that formed before: ` +
        'the others go on without it; to have it back, stop all replicas and start the cluster anew.',
    )
  }
}

/** The answer to a word, or null when there is none in time. */
function ask(entry: ReplicaEntry, word: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: entry.admin.host, port: entry.admin.port })
    const end = (answer: string | null): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => end(null), ANSWER_MILLIS_MAX)
    socket.setEncoding('utf8')
    socket.once('error', () => end(null))
    socket.once('connect', () => socket.write(`${word}\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > ANSWER_CHARACTERS_MAX) end(null)
    })
    socket.once('end', () => end(text.trim()))
  })
}
