/** `zabkv set KEY VALUE`. */
import { buffer } from 'node:stream/consumers'
import type { CommandModule } from 'yargs'
import { ZabkvError } from '../errors.js'
import { withClient } from './client.js'
import { clientOptions, integerOf, printJson, type ClientArguments } from './options.js'

interface SetArguments extends ClientArguments {
  key: string
  value: string
  create: boolean | undefined
  'if-version': number | undefined
}

export const setCommand: CommandModule<object, SetArguments> = {
  command: 'set <key> <value>',
  describe: 'Write a value; prints its version',
  builder: (parser) =>
    clientOptions(parser)
      .positional('key', { type: 'string', demandOption: true, describe: '1 to 250 bytes' })
      .positional('value', {
        type: 'string',
        demandOption: true,
        describe: 'At most 1 MiB; - reads it from standard input',
      })
      .option('create', {
        type: 'boolean',
        describe: 'Only if the key is not there',
      })
      .option('if-version', {
        type: 'number',
        requiresArg: true,
        describe: 'Only if the key has this version',
        conflicts: 'create',
      }),
  handler: runSet,
}

async function runSet(given: SetArguments): Promise<void> {
  const ifVersion = ifVersionOf(given['if-version'])
  const value = isStandardInput(given.value) ? await buffer(process.stdin) : Buffer.from(given.value)
  const { version } = await withClient(given, (client) => {
    if (given.create === true) return client.create(given.key, value)
    return client.set(given.key, value, ifVersion === undefined ? {} : { ifVersion })
  })
  if (given.json) printJson({ key: given.key, bytes: value.length, version })
  else process.stdout.write(`ok, version ${version}\n`)
}

/** yargs hands on a lone - as an empty text. */
function isStandardInput(value: string): boolean {
  return value === '-' || (value === '' && process.argv.includes('-'))
}

export function ifVersionOf(version: number | undefined): number | undefined {
  if (version === undefined) return undefined
  if (Array.isArray(version)) throw new ZabkvError('BAD_ARGUMENT', '--if-version is given more than once.')
  return integerOf('if-version', version, 0, Number.MAX_SAFE_INTEGER)
}
