/** A child of workers.ts: runs the seeds that it is told, one after the other. */

import { runSeed } from './run.js'

process.on('message', (seed: number) => {
  void runSeed(seed).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
