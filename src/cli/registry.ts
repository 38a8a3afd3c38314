/** `zabkv registry`. */
import type { CommandModule } from 'yargs'
import { formatHostPort, REGISTRY_PORT_DEFAULT } from '../registry/host-port.js'
import { startRegistry } from '../registry/locate.js'
import { ZabkvError } from '../errors.js'
import { integerOf, interruption } from './options.js'
import { writeReady } from './ready-file.js'

interface RegistryArguments {
  host: string
  port: number
  embedded: boolean
  'ready-file': string | undefined
}

export const registryCommand: CommandModule<object, RegistryArguments> = {
  command: 'registry',
  describe: 'Run a registry: the memcached on the path, or an embedded server when there is none',
  builder: (parser) =>
    parser
      .option('host', {
        type: 'string',
        requiresArg: true,
        default: '127.0.0.1',
        describe: 'Address to listen on',
      })
      .option('port', {
        type: 'number',
        requiresArg: true,
        default: REGISTRY_PORT_DEFAULT,
        describe: 'TCP port; 0 for any free one',
      })
      .option('embedded', {
        type: 'boolean',
        default: false,
        describe: 'The embedded server even if there is a memcached',
      })
      .option('ready-file', {
        type: 'string',
        requiresArg: true,
        describe: 'File to write HOST:PORT into when it listens',
      }),
  handler: runRegistry,
}

async function runRegistry(given: RegistryArguments): Promise<void> {
  const port = integerOf('port', given.port, 0, 65535)
  const registry = await startRegistry({
    host: given.host,
    port,
    ...(given.embedded ? { path: '' } : {}),
  })
  const signal = interruption()
  const where = formatHostPort(registry.host, registry.port)
  process.stdout.write(`registry (${registry.kind}) on ${where}\n`)
  await writeReady(given['ready-file'], where)
  const told = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  await Promise.race([told, registry.ended])
  await registry.close()
  if (!signal.aborted) {
    throw new ZabkvError('REGISTRY_UNREACHABLE', `The registry on ${where} ended by itself.`)
  }
}
