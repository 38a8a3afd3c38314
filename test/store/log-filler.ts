/**
 * Fills the disk under a log and makes room again: `log-filler.js DIRECTORY`, on a small file system of its own. Prints
 * what happened as JSON. The file `ballast` is there already and makes the room.
 */

import { statfsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'

import { LOG_STATUS } from '../../src/store/log.js'
import { append, count, open, replay, settle, until } from './log-world.js'

const [directory = ''] = process.argv.slice(2)
const world = open(directory)
const { log } = world
replay(world)

const seen: number[] = []
let counter = 0
const deadline = Date.now() + 20_000
while (log.status() !== LOG_STATUS.FULL && Date.now() < deadline) {
  if (seen.at(-1) !== log.status()) seen.push(log.status())
  if (append(world, counter + 1, 8192)) counter++
  log.flush()
  await after(1)
}
seen.push(log.status())
const error = log.error()
const durableWhenFull = log.durable()
const freeWhenFull = statfsSync(directory).bavail * statfsSync(directory).bsize
while (append(world, counter + 1, 8192)) counter++
await after(300)
const durableStill = log.durable()
const waits = count(log, 'waits-for-space')

unlinkSync(join(directory, 'ballast'))
await until(() => log.durable() > durableStill, 'it goes on by itself')
await settle(log)
await until(() => log.status() === LOG_STATUS.FINE, 'it is fine again')
const errorAfter = log.error()
log.close()

const again = open(directory)
const replayed = replay(again).counters
again.log.close()
const isComplete = replayed.length === counter && replayed.at(-1) === counter
const outcome = { seen, error, durableWhenFull, durableStill, freeWhenFull, waits, counter, errorAfter, isComplete }
process.stdout.write(JSON.stringify(outcome))
