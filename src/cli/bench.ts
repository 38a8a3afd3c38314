/** `zabkv bench`. */
import type { Argv, CommandModule } from 'yargs'
import { runBench } from '../bench/bench.js'
import { passed, reportForPeople } from '../bench/report.js'
import { WORKLOAD_DEFAULTS, type WorkloadOptions } from '../bench/workload-options.js'
import { EXIT } from './fail.js'
import {
  clusterOptions,
  interruption,
  jsonOption,
  printJson,
  registryOf,
  type ClusterArguments,
} from './options.js'

interface BenchArguments extends ClusterArguments {
  json: boolean
  'write-ratio': number
  keys: number
  'key-bytes': number
  'value-bytes': number
  zipf: number | undefined
  'single-key': boolean | undefined
  trace: string | undefined
  sessions: number
  outstanding: number
  batch: number
  rate: number
  seconds: number
  'warm-up': number
  seed: number
  preload: boolean
  'failover-millis': number
}

export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench',
  describe: 'Drive a workload and report throughput, latency and batching',
  builder: (parser) => loadOptions(keyOptions(jsonOption(clusterOptions(parser)))),
  handler: runCommand,
}

function number(value: number, describe: string) {
  return { type: 'number', requiresArg: true, default: value, describe } as const
}

function keyOptions<T>(parser: Argv<T>) {
  return parser
    .option('keys', number(WORKLOAD_DEFAULTS.keys, 'Number of keys'))
    .option('key-bytes', number(WORKLOAD_DEFAULTS.keyBytes, 'Bytes of a key, 8 to 250'))
    .option('value-bytes', number(WORKLOAD_DEFAULTS.valueBytes, 'Bytes of a value, up to 1 MiB'))
    .option('zipf', {
      type: 'number',
      describe: `Keys by Zipf's distribution with this exponent, as in ${WORKLOAD_DEFAULTS.zipfExponent}`,
      requiresArg: true,
      conflicts: ['single-key', 'trace'],
    })
    .option('single-key', { type: 'boolean', describe: 'One key for all operations' })
    .option('trace', {
      type: 'string',
      requiresArg: true,
      describe: 'File with one key a line, used in that order again and again',
      conflicts: 'single-key',
    })
    .option('preload', {
      type: 'boolean',
      default: true,
      describe: 'Write every key once before; --no-preload reads what is there',
    })
}

const FAILOVER_HELP = 'Silence of a replica after which clients move to another'
const RATE_HELP = 'Operations offered a second, latency from when they were due; 0: as many as are answered'
const OUTSTANDING_HELP = 'Operations that a session has in flight; 1 for the latency of one'

function loadOptions<T>(parser: Argv<T>) {
  return parser
    .option('write-ratio', number(WORKLOAD_DEFAULTS.writeRatio, 'Share of writes, 0 to 1'))
    .option('sessions', number(WORKLOAD_DEFAULTS.sessions, 'Sessions, spread over the replicas'))
    .option('outstanding', number(WORKLOAD_DEFAULTS.outstanding, OUTSTANDING_HELP))
    .option('batch', number(WORKLOAD_DEFAULTS.batch, 'Operations submitted together; 0 to choose'))
    .option('rate', number(WORKLOAD_DEFAULTS.rate, RATE_HELP))
    .option('seconds', number(WORKLOAD_DEFAULTS.seconds, 'Measured time'))
    .option('warm-up', number(WORKLOAD_DEFAULTS.warmupSeconds, 'Seconds before it'))
    .option('seed', number(WORKLOAD_DEFAULTS.seed, 'Seed of keys and kinds'))
    .option('failover-millis', number(WORKLOAD_DEFAULTS.failoverMillis, FAILOVER_HELP))
}

async function runCommand(given: BenchArguments): Promise<void> {
  const signal = interruption()
  const report = await runBench(workloadOf(given), {
    log: (line) => process.stderr.write(`${line}\n`),
    stopped: () => signal.aborted,
  })
  if (given.json) printJson(report)
  else process.stdout.write(`${reportForPeople(report)}\n`)
  if (!passed(report)) process.exitCode = EXIT.FAILED
}

function workloadOf(given: BenchArguments): WorkloadOptions {
  return {
    cluster: given.cluster,
    registry: registryOf(given.registry),
    writeRatio: given['write-ratio'],
    keys: given.keys,
    keyBytes: given['key-bytes'],
    valueBytes: given['value-bytes'],
    distribution: distributionOf(given),
    zipfExponent: given.zipf ?? WORKLOAD_DEFAULTS.zipfExponent,
    traceFile: given.trace ?? null,
    sessions: given.sessions,
    outstanding: given.outstanding,
    batch: given.batch,
    rate: given.rate,
    seconds: given.seconds,
    warmupSeconds: given['warm-up'],
    seed: given.seed,
    preload: given.preload,
    failoverMillis: given['failover-millis'],
  }
}

function distributionOf(given: BenchArguments): WorkloadOptions['distribution'] {
  if (given['single-key'] === true) return 'single'
  if (given.trace !== undefined) return 'trace'
  return given.zipf === undefined ? 'uniform' : 'zipf'
}
