#!/usr/bin/env node
/**
 * The `zabkv` command: arguments in, text out. Every command has its own file here.
 */
import yargs, { type Argv, type CommandModule } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import { EXIT, fail } from './fail.js'
import { refuseRepeated } from './options.js'

const EPILOGUE = `Exit codes: ${EXIT.OK} ok, ${EXIT.FAILED} failed, ${EXIT.USAGE} usage, \
${EXIT.UNAVAILABLE} unavailable (no replica or no registry answers).
ZABKV_REGISTRY and ZABKV_CLUSTER in the environment stand for --registry and --cluster.`

/** In the order of the help. A command costs what it imports only when it, or the help of all, is asked for. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  serve: () => import('./serve.js').then((module) => module.serveCommand as CommandModule),
  registry: () => import('./registry.js').then((module) => module.registryCommand as CommandModule),
  get: () => import('./get.js').then((module) => module.getCommand as CommandModule),
  set: () => import('./set.js').then((module) => module.setCommand as CommandModule),
  delete: () => import('./delete.js').then((module) => module.deleteCommand as CommandModule),
  sync: () => import('./sync.js').then((module) => module.syncCommand as CommandModule),
  digest: () => import('./digest.js').then((module) => module.digestCommand as CommandModule),
  stats: () => import('./stats.js').then((module) => module.statsCommand as CommandModule),
  bench: () => import('./bench.js').then((module) => module.benchCommand as CommandModule),
  compare: () => import('./compare.js').then((module) => module.compareCommand as CommandModule),
  recover: () => import('./recover.js').then((module) => module.recoverCommand as CommandModule),
  doctor: () => import('./doctor.js').then((module) => module.doctorCommand as CommandModule),
  inspect: () => import('./inspect.js').then((module) => module.inspectCommand as CommandModule),
}

async function parserOf(words: readonly string[]): Promise<Argv> {
  const name = words[0] ?? ''
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return load === undefined ? parserOfAll(words) : parserOfOne(name, await load(), words.slice(1))
}

/** For help, and for who did not name a command. */
async function parserOfAll(words: readonly string[]): Promise<Argv> {
  return withManners(yargs(words).scriptName('zabkv'))
    .usage('$0 <command>\n\nA replicated in-memory key-value store with the consistency of ZooKeeper.')
    .command(await Promise.all(Object.values(COMMANDS).map((each) => each())))
    .demandCommand(1, 'Say which command: zabkv --help lists them.')
}

/**
 * A command as the only thing there is: of any other, yargs lays out the whole help whenever it runs, and that takes a
 * fifth of the time that a command needs to start.
 */
function parserOfOne(name: string, command: CommandModule, words: readonly string[]): Argv {
  const { command: synopsis } = command
  assert(typeof synopsis === 'string' && synopsis.startsWith(name), 'main: a command is found by its name')
  return withManners(yargs(words).scriptName(`zabkv ${name}`))
    .command({ ...command, command: `$0${synopsis.slice(name.length)}` })
}

function withManners(parser: Argv): Argv {
  return parser
    .strict()
    .check(refuseRepeated)
    .parserConfiguration({ 'parse-positional-numbers': false, 'parse-numbers': true })
    .wrap(Math.min(100, process.stdout.columns || 100))
    .epilogue(EPILOGUE)
    .alias('h', 'help')
    .exitProcess(false)
    .fail(onParseFailure)
}

/** yargs says what is wrong with the arguments by a message, and hands on what a command threw as an error. */
function onParseFailure(message: string | null, error: unknown): never {
  if (error instanceof ZabkvError) throw error
  const said = message ?? (error instanceof Error ? error.message : String(error))
  const sentence = said.replaceAll(/\s*\n\s*/g, ' ').replace(/\.?$/, '')
  throw new ZabkvError('BAD_ARGUMENT', `${sentence}: see zabkv --help.`)
}

/** Output into a closed pipe (as of `| head`) is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(process.exitCode ?? EXIT.OK)
})

const words = hideBin(process.argv)
try {
  const parser = await parserOf(words)
  await parser.parseAsync()
} catch (error) {
  fail(error, words.includes('--json'))
}
