/**
 * The admin port: one word and a newline, an answer, the end of the stream; as ZooKeeper's four-letter words.
 *
 * TCP on purpose: it is for people and scripts, and answers when the datagram side is in trouble.
 */

import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { ZabkvError } from '../errors.js'

const WORD_BYTES_MAX = 64
const SOCKETS_MAX = 64
const IDLE_MILLIS = 5000

export type AdminAnswers = Readonly<Record<string, () => string>>

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** Answers each word with its function's text. Fails with ADDRESS_IN_USE or NOT_MY_ADDRESS. */
export async function startAdminServer(
  host: string,
  port: number,
  answers: AdminAnswers,
): Promise<AdminServer> {
  const server = createServer((socket) => onSocket(socket, answers))
  server.maxConnections = SOCKETS_MAX
  await listen(server, host, port)
  const { port: bound } = server.address() as AddressInfo
  return { port: bound, close: () => close(server) }
}

function onSocket(socket: Socket, answers: AdminAnswers): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.setTimeout(IDLE_MILLIS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\n')
    if (end < 0 && text.length <= WORD_BYTES_MAX) return
    const word = text.slice(0, Math.max(end, 0)).trim()
    const answer = Object.hasOwn(answers, word) ? answers[word] : undefined
    const known = Object.keys(answers).join(', ')
    socket.end(answer === undefined ? `unknown word; one of: ${known}\n` : `${answer()}\n`)
    socket.removeAllListeners('data')
    socket.resume()
  })
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`
      if (error.code === 'EADDRINUSE') {
        reject(
          new ZabkvError('ADDRESS_IN_USE', `Another process holds the admin port ${where}: choose another.`),
        )
      } else {
        reject(
          new ZabkvError('NOT_MY_ADDRESS', `Cannot listen on ${where}: ${error.message}.`, { cause: error }),
        )
      }
    })
    server.listen(port, host, () => resolve())
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
