/** What a replica asks another over its admin port while the cluster forms. */

import { connect } from 'node:net'
import type { LiveProbe } from '../registry/directory.js'
import type { ReplicaEntry } from '../registry/entry.js'

/** A process that starts may be busy for so long. */
const ANSWER_MILLIS_LEAST = 700
const ANSWER_CHARACTERS_MAX = 1000

/**
 * Does the process that published an entry still run? True only when the port answers the word: the kernel accepts
 * connections for a stopped process too. It may take as long as a replica may be busy before it counts as stuck.
 */
export function livenessProbe(stuckMillis: number): LiveProbe {
  const millisMax = Math.max(stuckMillis, ANSWER_MILLIS_LEAST)
  return async (entry) => (await ask(entry, 'whoami', millisMax)) === `imok ${entry.replica} ${entry.incarnation}`
}

/** The answer to a word, or null when there is none in time. */
function ask(entry: ReplicaEntry, word: string, millisMax: number): Promise<string | null> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: entry.admin.host, port: entry.admin.port })
    const end = (answer: string | null): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => end(null), millisMax)
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
