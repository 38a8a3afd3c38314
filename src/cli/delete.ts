/** `zabkv delete KEY`. */
import type { CommandModule } from 'yargs'
import { withClient } from './client.js'
import { clientOptions, printJson, type ClientArguments } from './options.js'
import { ifVersionOf } from './set.js'

interface DeleteArguments extends ClientArguments {
  key: string
  'if-version': number | undefined
}

export const deleteCommand: CommandModule<object, DeleteArguments> = {
  command: 'delete <key>',
  describe: 'Delete a key; says whether it was there',
  builder: (parser) =>
    clientOptions(parser)
      .positional('key', { type: 'string', demandOption: true, describe: '1 to 250 bytes' })
      .option('if-version', {
        type: 'number',
        requiresArg: true,
        describe: 'Only if the key has this version',
      }),
  handler: runDelete,
}

async function runDelete(given: DeleteArguments): Promise<void> {
  const ifVersion = ifVersionOf(given['if-version'])
  const deleted = await withClient(given, (client) =>
    client.delete(given.key, ifVersion === undefined ? {} : { ifVersion }),
  )
  if (given.json) printJson({ key: given.key, deleted })
  else process.stdout.write(deleted ? 'deleted\n' : 'was not there\n')
}
