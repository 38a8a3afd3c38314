/** `zabkv recover`: an operator's decision, after a majority lost its memory. */
import type { CommandModule } from 'yargs'
import { ZabkvError } from '../errors.js'
import { askAdmin } from '../observe/admin.js'
import { listMembers } from '../observe/cluster.js'
import { connectRegistry } from '../registry/connection.js'
import { clusterOptions, registryOf, type ClusterArguments } from './options.js'

interface RecoverArguments extends ClusterArguments {
  from: number
}

export const recoverCommand: CommandModule<object, RecoverArguments> = {
  command: 'recover',
  describe: 'Go on from what one replica has, though a majority lost what it had acknowledged',
  builder: (parser) =>
    clusterOptions(parser).option('from', {
      type: 'number',
      requiresArg: true,
      demandOption: true,
      describe: 'The replica to go on from: the one that has most (zabkv stats: last applied)',
    }),
  handler: runRecover,
}

async function runRecover(given: RecoverArguments): Promise<void> {
  const registry = connectRegistry(registryOf(given.registry))
  try {
    const all = await listMembers(registry, given.cluster)
    const admin = all.find(({ replica }) => replica === given.from)?.admin ?? null
    if (admin === null) {
      throw new ZabkvError('UNKNOWN_REPLICA', `Replica ${given.from} is not in the registry: start it first.`)
    }
    const answer = (await askAdmin(admin, 'lead')).trim()
    if (!answer.startsWith('leading')) {
      throw new ZabkvError('BAD_ARGUMENT', `Replica ${given.from} goes on as it is: ${answer}.`)
    }
    process.stdout.write(`replica ${given.from}: ${answer}\n`)
  } finally {
    registry.close()
  }
}
