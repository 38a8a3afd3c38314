/** Runs in a namespace of hosts.test.ts: says its name to the given addresses all the time, and whom it hears. */

import { createSocket } from 'node:dgram'

const [name = '', address = '', ...others] = process.argv.slice(2)
const PORT = 9100
const GROUP = '239.77.7.7'
const EVERY_MILLIS = 20
const TELL_MILLIS = 250

const heard = new Set<string>()
const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.on('message', (said) => heard.add(said.toString()))
socket.on('error', () => undefined)
socket.bind(PORT, () => {
  socket.addMembership(GROUP, address)
  socket.setMulticastInterface(address)
  socket.setMulticastLoopback(false)
  setInterval(() => {
    for (const other of others) socket.send(name, PORT, other, () => undefined)
    socket.send(`${name}*`, PORT, GROUP, () => undefined)
  }, EVERY_MILLIS)
})
setInterval(() => {
  console.log([...heard].sort().join(' '))
  heard.clear()
}, TELL_MILLIS)
