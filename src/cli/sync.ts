/** `zabkv sync`. */
import type { CommandModule } from 'yargs'
import { withClient } from './client.js'
import { clientOptions, printJson, type ClientArguments } from './options.js'

export const syncCommand: CommandModule<object, ClientArguments> = {
  command: 'sync',
  describe: 'Return when a replica shows everything that was committed before',
  builder: clientOptions,
  handler: runSync,
}

async function runSync(given: ClientArguments): Promise<void> {
  const started = performance.now()
  await withClient(given, (client) => client.sync())
  const millis = Math.round((performance.now() - started) * 100) / 100
  if (given.json) printJson({ synchronized: true, millis })
  else process.stdout.write('ok\n')
}
