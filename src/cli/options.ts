/**
 * Options that several commands share, and how their texts become values.
 */
import type { Argv } from 'yargs'
import { ZabkvError } from '../errors.js'
import { formatHostPort, parseHostPort, REGISTRY_PORT_DEFAULT } from '../registry/host-port.js'
import type { HostPort } from '../registry/host-port.js'

export interface ClusterArguments {
  cluster: string
  registry: string
}

export interface ClientArguments extends ClusterArguments {
  timeout: number
  json: boolean
}

const CLUSTER_DEFAULT = 'zabkv'
const TIMEOUT_MILLIS_DEFAULT = 5000
const TIMEOUT_MILLIS_MAX = 24 * 3600 * 1000

export function clusterOptions<T>(parser: Argv<T>): Argv<T & ClusterArguments> {
  return parser
    .option('cluster', {
      type: 'string',
      requiresArg: true,
      default: process.env['ZABKV_CLUSTER'] ?? CLUSTER_DEFAULT,
      describe: 'Name of the cluster (or ZABKV_CLUSTER)',
    })
    .option('registry', {
      type: 'string',
      requiresArg: true,
      default:
        process.env['ZABKV_REGISTRY'] ?? formatHostPort('127.0.0.1', REGISTRY_PORT_DEFAULT),
      describe: 'HOST:PORT of the registry (or ZABKV_REGISTRY)',
    })
}

export function jsonOption<T>(parser: Argv<T>): Argv<T & { json: boolean }> {
  return parser.option('json', {
    type: 'boolean',
    default: false,
    describe: 'Print JSON on standard output',
  })
}

export function clientOptions<T>(parser: Argv<T>): Argv<T & ClientArguments> {
  return jsonOption(clusterOptions(parser)).option('timeout', {
    type: 'number',
    requiresArg: true,
    default: TIMEOUT_MILLIS_DEFAULT,
    describe: 'Milliseconds that an operation may take',
  })
}

export function registryOf(text: string): HostPort {
  return parseHostPort(text)
}

export function timeoutOf(millis: number): number {
  return integerOf('timeout', millis, 1, TIMEOUT_MILLIS_MAX)
}

export function integerOf(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const sentence = `--${name} is an integer from ${min} to ${max}, not ${String(value)}.`
  throw new ZabkvError('BAD_ARGUMENT', sentence)
}

/** What may be given several times: the positional words of compare. */
const REPEATABLE = ['_', 'files']

/** An option given twice is a mistake, and yargs makes it an array. */
export function refuseRepeated(values: Record<string, unknown>): true {
  for (const [name, value] of Object.entries(values)) {
    if (Array.isArray(value) && !REPEATABLE.includes(name)) throw new Error(`--${name} is given more than once`)
  }
  return true
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Ends a wait on Ctrl-C or SIGTERM. */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  return controller.signal
}
