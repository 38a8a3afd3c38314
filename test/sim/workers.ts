/** Runs of many seeds, in this process or in children: one core each. Results come in the order in which runs end. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EVENTS, FAULT_KINDS, zeros } from './fault-kinds.js'
import { runSeed } from './run.js'
import type { RunResult } from './run.js'

export interface Seeds {
  first: number
  count: number
  workers: number
}

const CHILD = fileURLToPath(new URL('./worker.js', import.meta.url))

/** `done` may return true to stop early. */
export async function runSeeds(seeds: Seeds, done: (result: RunResult) => unknown): Promise<void> {
  const { first, count, workers } = seeds
  const work = { next: first, end: first + count }
  if (workers > 1) {
    await Promise.all(Array.from({ length: workers }, () => runChild(work, done)))
    return
  }
  while (work.next < work.end) {
    if (done(await runSeed(work.next++)) === true) return
    await new Promise((resolve) => setImmediate(resolve)) // timers of the progress line
  }
}

/** A child asks for a seed whenever it has none. */
function runChild(work: { next: number; end: number }, done: (result: RunResult) => unknown): Promise<void> {
  return new Promise((resolve) => {
    const child = fork(CHILD)
    let seed = -1
    const give = (): void => {
      seed = work.next < work.end ? work.next++ : -1
      if (seed < 0) child.disconnect()
      else child.send(seed)
    }
    child.on('message', (result: RunResult) => {
      seed = -1
      if (work.end > 0 && done(result) === true) work.end = 0
      give()
    })
    child.on('exit', (code, signal) => {
      if (seed >= 0) done(died(seed, `the process ended with ${code ?? signal}`))
      resolve()
    })
    give()
  })
}

function died(seed: number, failure: string): RunResult {
  const nothing = { operations: 0, answered: 0, applied: 0, epochs: 0, virtualSeconds: 0, settings: '', standing: [] }
  const counts = { faults: zeros(FAULT_KINDS), events: zeros(EVENTS) }
  return { seed, durability: 'memory', failure, gaveUp: false, ...counts, ...nothing }
}
