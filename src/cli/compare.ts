/** `zabkv compare`. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { CommandModule } from 'yargs'
import { allPassed, comparisonTable, parseReport, type NamedReport } from '../bench/compare-runs.js'
import { ZabkvError } from '../errors.js'
import { EXIT } from './fail.js'

interface CompareArguments {
  files: string[]
}

export const compareCommand: CommandModule<object, CompareArguments> = {
  command: 'compare <files..>',
  describe: 'Show reports of bench --json beside each other (exit code 1 when one had errors or unequal digests)',
  builder: (parser) =>
    parser.positional('files', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Reports; a column is named for its file',
    }),
  handler: runCompare,
}

async function runCompare(given: CompareArguments): Promise<void> {
  const runs: NamedReport[] = []
  for (const file of given.files) {
    runs.push({ name: basename(file, '.json'), report: parseReport(await textOf(file), file) })
  }
  process.stdout.write(`${comparisonTable(runs)}\n`)
  if (!allPassed(runs)) process.exitCode = EXIT.FAILED
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new ZabkvError('BAD_ARGUMENT', `${file} cannot be read: ${(cause as Error).message}.`, { cause })
  }
}
