/**
 * npm run mutants -- [--seeds N] [--workers W] [--only TEXT]
 *
 * Runs the simulator on every mutant until a seed finds it, and prints which did. Exits with 1 if one survives.
 */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { MUTANTS } from './mutants.js'
import { runMutant } from './run-mutant.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3000' },
    workers: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', default: '' },
  },
})

let survivors = 0
for (const mutant of MUTANTS.filter(({ name }) => name.includes(values.only))) {
  const started = performance.now()
  const caught = await runMutant(mutant, Number(values.seeds), Number(values.workers))
  if (caught === null) survivors++
  const what = caught === null ? `SURVIVES ${values.seeds} seeds` : `seed ${caught.seed}: ${caught.failure}`
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`${mutant.name.padEnd(58)} ${seconds.padStart(4)} s  ${what}`)
}
console.log(survivors === 0 ? 'every mutant was found' : `${survivors} survive`)
process.exit(survivors === 0 ? 0 : 1)
