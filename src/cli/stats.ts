/** `zabkv stats`. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommandModule } from 'yargs'
import { answered, listMembers, statsOf, type Answer } from '../observe/cluster.js'
import { csvColumns, statsCsv, statsTable, summaryLine } from '../observe/stats-table.js'
import { connectRegistry, type RegistryConnection } from '../registry/connection.js'
import type { ReplicaStats } from '../runtime/options.js'
import { EXIT } from './fail.js'
import {
  clusterOptions,
  integerOf,
  interruption,
  jsonOption,
  printJson,
  registryOf,
  type ClusterArguments,
} from './options.js'

interface StatsArguments extends ClusterArguments {
  json: boolean
  csv: boolean
  line: boolean
  watch: number | undefined
}

type Answers = readonly Answer<ReplicaStats>[]
type Print = (answers: Answers, previous: readonly ReplicaStats[]) => void

const WATCH_SECONDS_DEFAULT = 2
const WATCH_SECONDS_MAX = 86400
const CLEAR_LINE = '\x1b[K'
const CLEAR_SCREEN = '\x1b[H\x1b[2J'

export const statsCommand: CommandModule<object, StatsArguments> = {
  command: 'stats',
  describe: 'Show what every replica counts: operations, batching, messages, stalls, latency',
  builder: (parser) =>
    jsonOption(clusterOptions(parser))
      .option('csv', {
        type: 'boolean',
        default: false,
        describe: 'Print a heading and one line a replica',
      })
      .option('line', {
        type: 'boolean',
        default: false,
        describe: 'Print one line on the whole cluster',
      })
      .option('watch', {
        type: 'number',
        describe: `Again every so many seconds (${WATCH_SECONDS_DEFAULT} when none are given)`,
      })
      .check(({ json, csv, line }) => {
        if ([json, csv, line].filter(Boolean).length <= 1) return true
        throw new Error('--json, --csv and --line exclude each other')
      }),
  handler: runStats,
}

async function runStats(given: StatsArguments): Promise<void> {
  const seconds = watchSeconds(given.watch)
  const print = printer(given, seconds !== null)
  const registry = connectRegistry(registryOf(given.registry))
  try {
    if (seconds === null) await once(registry, given, print)
    else await watch(registry, given, seconds, print)
  } finally {
    registry.close()
  }
}

/** Null when not watching. `--watch` alone is parsed as undefined or NaN. */
function watchSeconds(given: number | undefined): number | null {
  if (!process.argv.some((word) => word === '--watch' || word.startsWith('--watch='))) return null
  if (given === undefined || Number.isNaN(given)) return WATCH_SECONDS_DEFAULT
  return integerOf('watch', given, 1, WATCH_SECONDS_MAX)
}

async function once(registry: RegistryConnection, given: StatsArguments, print: Print): Promise<void> {
  const cluster = await listMembers(registry, given.cluster)
  const answers = await statsOf(cluster)
  let previous: ReplicaStats[] = []
  if (given.line) {
    previous = answered(answers)
    await sleep(1000)
    print(await statsOf(cluster), previous)
  } else {
    print(answers, previous)
  }
  const count = answered(answers).length
  if (count === 0) process.exitCode = EXIT.UNAVAILABLE
  else if (count < answers.length) process.exitCode = EXIT.FAILED
}

/** Until Ctrl-C. Members are looked up each time; without the registry, those known stay. */
async function watch(
  registry: RegistryConnection,
  given: StatsArguments,
  seconds: number,
  print: Print,
): Promise<void> {
  const signal = interruption()
  let cluster = await listMembers(registry, given.cluster)
  let previous: ReplicaStats[] = []
  while (!signal.aborted) {
    cluster = await listMembers(registry, given.cluster).catch(() => cluster)
    const answers = await statsOf(cluster)
    print(answers, previous)
    previous = answered(answers)
    await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined)
  }
}

function printer(given: StatsArguments, isWatch: boolean): Print {
  if (given.json) return (answers) => printJson(jsonOf(answers))
  if (given.csv) return csvPrinter()
  if (given.line) {
    return (answers, previous) => {
      const line = summaryLine(answered(answers), previous, answers.length)
      process.stdout.write(isWatch && process.stdout.isTTY ? `\r${CLEAR_LINE}${line}` : `${line}\n`)
    }
  }
  const clear = isWatch && process.stdout.isTTY ? CLEAR_SCREEN : ''
  return (answers, previous) => {
    const stats = answered(answers)
    if (stats.length > 0) process.stdout.write(`${clear}${statsTable(stats, previous)}\n`)
    sayProblems(answers)
  }
}

function jsonOf(answers: Answers): unknown {
  const problems = answers.flatMap(({ replica, problem }) =>
    problem === null ? [] : [{ replica, problem }],
  )
  return { replicas: answered(answers), problems }
}

/** The heading once; columns stay as they were at first. */
function csvPrinter(): Print {
  let columns: string[] | null = null
  return (answers) => {
    const stats = answered(answers)
    if (columns === null && stats.length > 0) {
      columns = csvColumns(stats)
      process.stdout.write(`${columns.join(',')}\n`)
    }
    if (columns !== null && stats.length > 0) process.stdout.write(`${statsCsv(stats, columns)}\n`)
    sayProblems(answers)
  }
}

function sayProblems(answers: Answers): void {
  for (const { replica, problem } of answers) {
    if (problem !== null) process.stderr.write(`zabkv: replica ${replica}: ${problem}\n`)
  }
}
