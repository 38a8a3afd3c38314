/** npm run bench: zabkv beside its peers and beside what the machine can do. See docs/benchmarks.md. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isChosen, readOptions, USAGE, UsageError, type BenchOptions } from './options.js'
import { writePlots } from './plot/plots.js'
import { compare, ratiosOf, readRecorded, record } from './ratios.js'
import { environmentOf, markdownOf, peerTable, ratioTable, resultsOf } from './results.js'
import { appendSample, readSamples, type Sample } from './samples.js'
import { Sandbox } from './sandbox.js'
import { buildProgram, type Subject } from './subject.js'
import { PROGRAMS, QUICK_SUBJECTS, SUBJECTS } from './subjects.js'

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** What runs, after a word on what cannot. */
function chooseSubjects(options: BenchOptions): Subject[] {
  const names = options.quick ? QUICK_SUBJECTS : options.only
  const chosen = options.quick
    ? SUBJECTS.filter(({ name }) => (QUICK_SUBJECTS as readonly string[]).includes(name))
    : SUBJECTS.filter(({ name }) => isChosen(options, name))
  const unknown = (names ?? []).find((name) => !SUBJECTS.some((subject) => isChosen({ only: [name] }, subject.name)))
  if (unknown !== undefined) throw new UsageError(`There is nothing to measure that is called ${unknown}: see --list.`)
  const lacking = chosen.filter((subject) => subject.missing().length > 0)
  if (lacking.length > 0) say(sayMissing(lacking))
  return chosen.filter((subject) => !lacking.includes(subject))
}

function sayMissing(lacking: readonly Subject[]): string {
  const packages = [...new Set(lacking.flatMap((subject) => subject.missing()))]
  return [
    `Left out, because packages are missing: ${lacking.map(({ name }) => name).join(', ')}. As root:`,
    `  apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    'Debian starts some of them as services: stop those, they would take the cores.',
  ].join('\n')
}

/** Each program once, before anything is measured: a compiler beside a measurement would spoil it. */
function buildPrograms(subjects: readonly Subject[]): void {
  for (const program of new Set(subjects.flatMap(({ name }) => PROGRAMS[name] ?? []))) {
    say(`building ${program}`)
    const problem = buildProgram(program)
    if (problem !== null) throw new Error(problem)
  }
}

async function measureAll(options: BenchOptions, subjects: readonly Subject[], file: string): Promise<number> {
  let failures = 0
  const begin = Date.now()
  for (let round = 1; round <= options.repeat; round++) {
    for (const [index, subject] of subjects.entries()) {
      const place = `${round}/${options.repeat} ${index + 1}/${subjects.length}`
      const progress = (what: string): void => {
        say(`[${Math.round((Date.now() - begin) / 1000)} s] ${place} ${subject.name}: ${what}`)
      }
      const sandbox = new Sandbox(options.scratch)
      try {
        progress('starting')
        await subject.measure({
          sandbox,
          seconds: options.seconds,
          quick: options.quick,
          say: progress,
          keep: (point, values) => appendSample(file, { subject: subject.name, point, values }),
        })
      } catch (error) {
        // The others can still be measured.
        failures++
        say(`${subject.name} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
      } finally {
        await sandbox.close()
      }
    }
  }
  return failures
}

/** Writes what there is, and prints the tables. True when a ratio is worse than the recorded one. */
function report(options: BenchOptions, samples: readonly Sample[]): boolean {
  const recorded = readRecorded()
  const ratios = ratiosOf(samples)
  const results = resultsOf(samples, ratios, environmentOf(options.scratch))
  writeFileSync(join(options.out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(options.out, 'results.md'), markdownOf(results, samples, recorded))
  writePlots(options.out, samples, markdownOf(results, samples, recorded))
  const comparisons = compare(recorded, ratios)
  print(peerTable(samples))
  if (comparisons.length > 0) print(`\n${ratioTable(comparisons)}`)
  print(`\nIn ${options.out}: results.md, report.html, results.json, samples.jsonl and the plots as SVG.`)
  if (options.record) record(ratios)
  return comparisons.some(({ change }) => change === 'worse')
}

async function run(options: BenchOptions): Promise<number> {
  const subjects = chooseSubjects(options)
  if (subjects.length === 0) throw new UsageError('Nothing is left to measure.')
  if (options.repeat > 0) buildPrograms(subjects)
  mkdirSync(options.out, { recursive: true })
  const file = join(options.out, 'samples.jsonl')
  if (options.repeat === 0 && !options.add) throw new UsageError('--repeat 0 measures nothing: it goes with --add.')
  if (!options.add) rmSync(file, { force: true })
  const failures = await measureAll(options, subjects, file)
  const isWorse = report(options, readSamples(file))
  return failures > 0 || (options.quick && isWorse && !options.record) ? 1 : 0
}

function list(): void {
  for (const subject of SUBJECTS) {
    const missing = subject.missing()
    print(`${subject.name.padEnd(16)} ${subject.about}${missing.length === 0 ? '' : ` [needs ${missing.join(' ')}]`}`)
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) print(USAGE)
  else if (options.list) list()
  else process.exitCode = await run(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  say(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
