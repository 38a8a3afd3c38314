/** A client for tests that sends lines and waits for each answer; it says whether it knows what became of a command. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const ANSWER_MILLIS_MAX = 20_000

export interface TextClient {
  /** The answer up to `until`; null: the connection is gone, and nobody knows. */
  ask(text: string, until: RegExp): Promise<string | null>
  close(): void
}

export function connectText(port: number): TextClient {
  const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true })
  let heard = ''
  let gone = false
  let look: () => void = () => undefined
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1')
    look()
  })
  const end = (): void => {
    gone = true
    look()
  }
  socket.on('error', end)
  socket.on('close', end)
  return {
    ask: (text, until) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no answer to ${text}`)), ANSWER_MILLIS_MAX)
        const settle = (answer: string | null): void => {
          clearTimeout(timer)
          look = () => undefined
          heard = ''
          resolve(answer)
        }
        look = () => {
          if (until.test(heard)) settle(heard)
          else if (gone) settle(null)
        }
        if (gone) return settle(null)
        socket.write(text)
      }),
    close: () => socket.destroy(),
  }
}
