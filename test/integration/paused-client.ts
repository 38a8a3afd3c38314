/**
 * A client as a process of its own that can be made to stand still. Each line on standard input is a key to write; with
 * a file after it nothing at all happens before that file is there, and then the write is the first that does.
 */

import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { connect, ZabkvError } from '../../src/client/connect.js'

const POLL_MILLIS = 20

const [registry = '', cluster = ''] = process.argv.slice(2)
const clock = new Int32Array(new SharedArrayBuffer(4))
const kv = await connect({ registry, cluster })
process.stdout.write('connected\n')
for await (const line of createInterface({ input: process.stdin })) {
  const [key = '', file] = line.split(' ')
  while (file !== undefined && !existsSync(file)) Atomics.wait(clock, 0, 0, POLL_MILLIS)
  const said = await kv.set(key, 'value').then(
    () => 'OK',
    (error: unknown) => (error instanceof ZabkvError ? error.code : String(error)),
  )
  process.stdout.write(`${key}: ${said}\n`)
}
await kv.close()
