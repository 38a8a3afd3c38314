/** What a replica asks another over its admin port while the cluster forms. */

import { connect } from 'node:net'
import type { ReplicaEntry } from '../registry/entry.js'

const ANSWER_MILLIS_MAX = 700
const ANSWER_CHARACTERS_MAX = 1000

/**
 * Does the process that published an entry still run? True only when the port answers the word: the kernel accepts
 * connections for a stopped process too.
 */
export async function isAlive(entry: ReplicaEntry): Promise<boolean> {
  return (await ask(entry, 'whoami')) === `imok ${entry.replica} ${entry.incarnation}`
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
