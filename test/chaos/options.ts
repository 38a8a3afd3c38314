/** What the chaos tool is told, and what may not go together. */

import { parseArgs } from 'node:util'
import type { Durability } from './adapter.js'
import { FAULT_KINDS } from './schedule.js'
import type { FaultKind } from './schedule.js'

export interface ChaosOptions {
  readonly seconds: number
  readonly seed: number
  readonly replicas: number
  readonly observers: number
  readonly durability: Durability
  readonly faults: readonly FaultKind[]
  /** Asked for by name: what cannot be done is then refused, not left out. */
  readonly isExplicit: boolean
  readonly targets: 'any' | 'followers'
  readonly restMillis: number
  /** Processes of clients, and what all of them issue together. */
  readonly clients: number
  readonly rate: number
  readonly keys: number
  readonly failureTimeoutMillis: number | null
  readonly diskMebibytes: number
  readonly loopback: boolean
  readonly folder: string | null
}

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `npm run chaos -- [options]
  --seconds N            how long faults go on (60)
  --seed N               of faults and operations (drawn, and printed)
  --replicas N           that vote (5)
  --observers N          (1)
  --durability D         memory, async or fsync (memory)
  --faults A,B           of ${FAULT_KINDS.join(', ')}; or none (all that can be done here)
  --targets T            any or followers: followers spares the leader (any)
  --rest-ms N            mean time between faults (1500)
  --clients N            processes of clients (2)
  --rate N               operations a second of all of them (1500)
  --keys N               (24)
  --failure-timeout-ms N given to the replicas
  --disk-mib N           size of each replica's disk (256)
  --loopback             no network namespaces, and so no cuts and no disks
  --folder DIR           where history and logs go (a new one; removed when all is well)
Exit codes: 0 all held, 1 something was violated or nothing was tested, 2 usage.`

const NUMBER = { type: 'string' } as const

export function readOptions(words: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seconds: NUMBER,
      seed: NUMBER,
      replicas: NUMBER,
      observers: NUMBER,
      durability: { type: 'string', default: 'memory' },
      faults: { type: 'string' },
      targets: { type: 'string', default: 'any' },
      'rest-ms': NUMBER,
      clients: NUMBER,
      rate: NUMBER,
      keys: NUMBER,
      'failure-timeout-ms': NUMBER,
      'disk-mib': NUMBER,
      loopback: { type: 'boolean', default: false },
      folder: { type: 'string' },
    },
  })
  const { targets } = values
  if (targets !== 'any' && targets !== 'followers') throw new UsageError('--targets is any or followers')
  const durability = durabilityOf(values.durability)
  const timeout = values['failure-timeout-ms']
  return {
    seconds: integer('--seconds', values.seconds ?? '60', 1, 86_400),
    seed: integer('--seed', values.seed ?? String(Math.floor(Math.random() * 1e9)), 0, 2 ** 32 - 1),
    replicas: integer('--replicas', values.replicas ?? '5', 1, 16),
    observers: integer('--observers', values.observers ?? '1', 0, 16),
    durability,
    faults: faultsOf(values.faults, durability),
    isExplicit: values.faults !== undefined,
    targets,
    restMillis: integer('--rest-ms', values['rest-ms'] ?? '1500', 10, 3_600_000),
    clients: integer('--clients', values.clients ?? '2', 1, 16),
    rate: integer('--rate', values.rate ?? '1500', 1, 100_000),
    keys: integer('--keys', values.keys ?? '24', 1, 10_000),
    failureTimeoutMillis: timeout === undefined ? null : integer('--failure-timeout-ms', timeout, 1, 600_000),
    diskMebibytes: integer('--disk-mib', values['disk-mib'] ?? '256', 1, 65_536),
    loopback: values.loopback,
    folder: values.folder ?? null,
  }
}

export function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UsageError(`${name} is a whole number from ${least} to ${most}, not ${text}`)
}

function durabilityOf(text: string): Durability {
  if (text === 'memory' || text === 'async' || text === 'fsync') return text
  throw new UsageError(`--durability is memory, async or fsync, not ${text}`)
}

function faultsOf(text: string | undefined, durability: Durability): FaultKind[] {
  const hasDisk = durability !== 'memory'
  if (text === undefined) return FAULT_KINDS.filter((kind) => hasDisk || kind !== 'disk-full')
  if (text === 'none') return []
  const kinds = text.split(',').map((word) => {
    const kind = FAULT_KINDS.find((each) => each === word)
    if (kind === undefined) throw new UsageError(`--faults knows ${FAULT_KINDS.join(', ')}, not ${word}`)
    return kind
  })
  if (kinds.includes('disk-full') && !hasDisk) throw new UsageError('disk-full needs --durability async or fsync')
  return [...new Set(kinds)]
}
