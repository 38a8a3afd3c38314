/**
 * npm run sim -- SEED [--verbose]                            one seed, told as it goes; with every message
 * npm run sim -- --seeds N [--first-seed F] [--workers W]    many, with a line of progress
 *   --until-failure                                          as many as it takes
 */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { createSummary, describeFailure, printSummary, summarize, vacuousKinds } from './report.js'
import { runSeed } from './run.js'
import { createTrace } from './trace.js'
import { runSeeds } from './workers.js'

const PROGRESS_MILLIS = 10_000
const PROGRESS_MILLIS_TTY = 500

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '100' },
    'first-seed': { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    verbose: { type: 'boolean', default: false },
    'until-failure': { type: 'boolean', default: false },
  },
})

function number(text: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least) return value
  console.error(`sim: ${text} is no integer of ${least} or more`)
  process.exit(2)
}

async function one(seed: number): Promise<boolean> {
  const result = await runSeed(seed, createTrace(values.verbose, console.log))
  const summary = createSummary()
  summarize(summary, result)
  for (const line of result.standing) console.log(line)
  printSummary(summary, console.log)
  console.log(result.failure === null ? `seed ${seed} passed` : describeFailure(result))
  return result.failure === null
}

async function many(): Promise<boolean> {
  const first = number(values['first-seed'], 0)
  const count = number(values.seeds, 1)
  const summary = createSummary()
  const isTty = process.stderr.isTTY === true
  const tell = (): void => {
    const line = `${summary.seeds} of ${count} seeds, ${summary.failures} failed, ${rate(summary.seeds)} seeds/s`
    if (isTty) process.stderr.write(`\r${line} `)
    else console.log(line)
  }
  const timer = setInterval(tell, isTty ? PROGRESS_MILLIS_TTY : PROGRESS_MILLIS)
  const started = performance.now()
  const rate = (seeds: number): string => ((seeds / (performance.now() - started)) * 1000).toFixed(1)
  await runSeeds({ first, count, workers: number(values.workers, 1) }, (result) => {
    summarize(summary, result)
    if (result.failure !== null) console.log(describeFailure(result))
    return values['until-failure'] && result.failure !== null
  })
  clearInterval(timer)
  tell()
  if (isTty) process.stderr.write('\n')
  printSummary(summary, console.log)
  const vacuous = vacuousKinds(summary)
  if (vacuous.length > 0) console.log(`vacuous: so many seeds, and no fault of kind ${vacuous.join(', ')}`)
  return summary.failures === 0 && vacuous.length === 0
}

const [seed] = positionals
const passed = seed === undefined ? await many() : await one(number(seed, 0))
process.exit(passed ? 0 : 1)
