/**
 * A process that appends until it is killed, and says what is durable: `log-writer.js DIRECTORY [MODE [REST]]`. Prints
 * the counters that were there, then each durable counter as a line. REST: milliseconds between its turns.
 */

import { writeSync } from 'node:fs'

import { append, open, replay } from './log-world.js'

/** Who started it should have killed it by then. */
const SECONDS_MAX = 120

const [directory = '', mode = 'fsync', rest = '0'] = process.argv.slice(2)
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const end = Date.now() + SECONDS_MAX * 1000
const world = open(directory, { mode: mode === 'async' ? 'async' : 'fsync' })
const { counters } = replay(world)
const before = counters.length
writeSync(1, `${before}\n`)

let counter = before
let told = 0
while (Date.now() < end) {
  if (rest !== '0') Atomics.wait(sleeper, 0, 0, Number(rest))
  for (let i = 0; i < 20; i++) {
    if (!append(world, counter + 1, 500 + ((counter * 97) % 7000))) break
    counter++
  }
  world.log.flush()
  const durable = world.log.durable()
  if (durable === told) continue
  told = durable
  writeSync(1, `${before + durable}\n`)
}
