/** The own address that routes to a remote one. */

import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { ZabkvError } from '../errors.js'

/** Any port will do: connecting a datagram socket sends nothing. */
const DISCARD_PORT = 9

export function ownAddress(remote: string): Promise<string> {
  if (remote.startsWith('127.')) return Promise.resolve('127.0.0.1')
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(remote) ? 'udp6' : 'udp4')
    const fail = (cause: unknown): void => {
      socket.close()
      const sentence = `There is no route to ${remote}: check the network, or give an address.`
      reject(new ZabkvError('UNAVAILABLE', sentence, { cause }))
    }
    socket.once('error', fail)
    socket.connect(DISCARD_PORT, remote, () => {
      const { address } = socket.address()
      socket.close()
      resolve(address)
    })
  })
}
