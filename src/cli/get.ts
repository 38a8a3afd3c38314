/** `zabkv get KEY`. */
import { isUtf8 } from 'node:buffer'
import type { CommandModule } from 'yargs'
import { ZabkvError } from '../errors.js'
import { withClient } from './client.js'
import { clientOptions, printJson, type ClientArguments } from './options.js'

interface GetArguments extends ClientArguments {
  key: string
  sync: boolean
  raw: boolean
}

export const getCommand: CommandModule<object, GetArguments> = {
  command: 'get <key>',
  describe: 'Print the value of a key (exit code 1 when there is none)',
  builder: (parser) =>
    clientOptions(parser)
      .positional('key', { type: 'string', demandOption: true, describe: '1 to 250 bytes' })
      .option('sync', {
        type: 'boolean',
        default: false,
        describe: 'Read what was committed before this call, wherever (linearizable)',
      })
      .option('raw', {
        type: 'boolean',
        default: false,
        describe: 'Print the bytes alone, without a newline behind them',
      }),
  handler: runGet,
}

async function runGet(given: GetArguments): Promise<void> {
  const found = await withClient(given, async (client) => {
    if (given.sync) await client.sync()
    return client.get(given.key)
  })
  if (found === null) throw new ZabkvError('NOT_FOUND', `There is no key ${JSON.stringify(given.key)}.`)
  const value = Buffer.from(found.value)
  if (given.json) {
    const shown = isUtf8(value)
      ? { value: value.toString('utf8') }
      : { valueBase64: value.toString('base64') }
    printJson({ key: given.key, ...shown, bytes: value.length, version: found.version })
    return
  }
  process.stdout.write(given.raw ? value : Buffer.concat([value, Buffer.from('\n')]))
}
