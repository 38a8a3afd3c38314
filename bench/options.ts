/** What `npm run bench` is told. */

import { parseArgs } from 'node:util'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'

export interface BenchOptions {
  /** Names of subjects, or of groups of them; null: all. */
  readonly only: readonly string[] | null
  readonly repeat: number
  readonly seconds: number
  readonly out: string
  readonly scratch: string
  readonly quick: boolean
  readonly record: boolean
  readonly list: boolean
  /** Keep the samples that `out` has, and add to them. */
  readonly add: boolean
  readonly help: boolean
}

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `npm run bench -- [options]
  --only A,B       subjects, or groups of them, as in --only zookeeper,redis; --list names them (all that can run).
                   =redis is redis alone, without redis-wait
  --repeat N       repetitions, interleaved: all subjects once, then all again (3). 0 with --add: only the report
  --seconds N      measured time of each point (3)
  --out DIR        where results.json, samples.jsonl, results.md, report.html and the plots go (build/bench/results)
  --add            keep the samples that are there already, and add to them
  --scratch DIR    where peers keep their data, in a new folder that is removed at the end (the temporary folder).
                   /dev/shm keeps them in memory: an fsync then costs nothing
  --quick          zabkv and the limit only, under two minutes, and what moved since the ratios were recorded
  --record         write the ratios into bench/recorded.json, to be compared with later
  --list           the subjects, and what is missing here for them
Exit codes: 0 ok, 1 something failed, or --quick found a ratio worse beyond the noise, 2 usage.`

const NUMBER = { type: 'string' } as const
const FLAG = { type: 'boolean', default: false } as const
const QUICK_SECONDS = 1.5
const FULL_SECONDS = 3
const REPEAT = 3

export function readOptions(words: readonly string[]): BenchOptions {
  const values = parse(words)
  if (values.quick && values.only !== undefined) throw new UsageError('--quick has its own subjects: leave --only out.')
  return {
    only: values.only === undefined ? null : namesOf(values.only),
    repeat: within('repeat', values.repeat, REPEAT, 0, 100, true),
    seconds: within('seconds', values.seconds, values.quick ? QUICK_SECONDS : FULL_SECONDS, 0.5, 600, false),
    out: resolve(values.out),
    scratch: resolve(values.scratch ?? tmpdir()),
    quick: values.quick,
    record: values.record,
    list: values.list,
    add: values.add,
    help: values.help,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: { type: 'string' },
        repeat: NUMBER,
        seconds: NUMBER,
        out: { type: 'string', default: 'build/bench/results' },
        scratch: { type: 'string' },
        quick: FLAG,
        record: FLAG,
        list: FLAG,
        add: FLAG,
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function namesOf(list: string): string[] {
  const names = list.split(',').map((name) => name.trim())
  if (names.some((name) => name === '')) throw new UsageError(`--only is names with commas between, not "${list}".`)
  return names
}

function within(
  name: string, text: string | undefined, otherwise: number, least: number, most: number, whole: boolean,
): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value
  throw new UsageError(`--${name} is a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not "${text}".`)
}

/** A name stands for a subject and all whose name begins with it and a dash; with = before it, for the one alone. */
export function isChosen(options: Pick<BenchOptions, 'only'>, subject: string): boolean {
  if (options.only === null) return true
  return options.only.some((name) => `=${subject}` === name || subject === name || subject.startsWith(`${name}-`))
}
