/** Does the process that published an entry still run? Asked over its admin port. */

import { connect } from 'node:net'
import type { ReplicaEntry } from '../registry/entry.js'

const ANSWER_MILLIS_MAX = 700

/** True only when the port answers the word: the kernel accepts connections for a stopped process too. */
export function isAlive(entry: ReplicaEntry): Promise<boolean> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: entry.admin.host, port: entry.admin.port })
    const end = (alive: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(alive)
    }
    const expected = `imok ${entry.replica} ${entry.incarnation}`
    const timer = setTimeout(() => end(false), ANSWER_MILLIS_MAX)
    socket.setEncoding('utf8')
    socket.once('error', () => end(false))
    socket.once('connect', () => socket.write('whoami\n'))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > 200) end(false)
    })
    socket.once('end', () => end(text.trim() === expected))
  })
}
