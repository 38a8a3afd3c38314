/**
 * TLS before the memcached front: Node's own server in the event loop, which hands the plain bytes on over a Unix
 * socket in a folder of this process. Slower than plain connections, and no load for them.
 */

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ZabkvError } from '../errors.js'
import type { MemcachedOptions } from './options.js'

export interface TlsFace {
  readonly port: Promise<number>
  close(): void
}

export function startTls(options: MemcachedOptions, host: string, path: string): TlsFace {
  const { tlsCert, tlsKey } = options
  if (tlsCert === null || tlsKey === null) {
    throw new ZabkvError('BAD_ARGUMENT', 'TLS needs both: give --memcached-tls-cert and --memcached-tls-key.')
  }
  const open = new Set<TLSSocket>()
  const server = createServer({ cert: fileOf(tlsCert), key: fileOf(tlsKey), noDelay: true }, (secure) => {
    const plain = connect({ path, allowHalfOpen: true })
    open.add(secure)
    secure.pipe(plain).pipe(secure)
    const end = (): void => {
      open.delete(secure)
      secure.destroy()
      plain.destroy()
    }
    for (const socket of [secure, plain]) socket.once('error', end)
    secure.once('close', end)
    plain.once('close', () => secure.end())
  })
  const port = new Promise<number>((resolve, reject) => {
    server.once('error', (error) => {
      const where = `${host}:${options.port}`
      const sentence = `TLS cannot be listened for at ${where} (${error.message}): choose another with --memcached.`
      reject(new ZabkvError('BAD_ARGUMENT', sentence))
    })
    server.listen(options.port, host, () => resolve((server.address() as AddressInfo).port))
  })
  port.catch(() => undefined) // told where it is asked for
  return {
    port,
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

function fileOf(name: string): Buffer {
  try {
    return readFileSync(name)
  } catch {
    throw new ZabkvError('BAD_ARGUMENT', `The file ${name} for TLS cannot be read.`)
  }
}
