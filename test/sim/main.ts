/**
 * npm run sim -- SEED                        one seed, with what it drew
 * npm run sim -- --seeds N [--first-seed F]  many, with a line of progress
 */

import { parseArgs } from 'node:util'
import { runSeed, sumFaults } from './run.js'
import type { RunResult } from './run.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string' }, 'first-seed': { type: 'string', default: '1' } },
})

const first = Number(positionals[0] ?? values['first-seed'])
const count = positionals[0] === undefined ? Number(values.seeds ?? '100') : 1
if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1) {
  console.error('sim: seeds are integers')
  process.exit(2)
}

const started = performance.now()
const results: RunResult[] = []
let failures = 0
for (let seed = first; seed < first + count; seed++) {
  const result = await runSeed(seed)
  results.push(result)
  if (result.failure !== null) {
    failures++
    console.log(`seed ${seed}: ${result.failure}\n  ${result.settings}`)
  }
  if (count === 1) console.log(JSON.stringify(result, null, 2))
  if (process.stderr.isTTY && seed % 10 === 0) process.stderr.write(`\rseed ${seed}, ${failures} failed `)
}
const seconds = (performance.now() - started) / 1000
const operations = results.reduce((sum, result) => sum + result.operations, 0)
console.log(
  `${count} seeds, ${failures} failed, ${(count / seconds).toFixed(1)} seeds/s, ${operations} operations`,
)
console.log(`faults delivered: ${JSON.stringify(sumFaults(results))}`)
process.exit(failures === 0 ? 0 : 1)
