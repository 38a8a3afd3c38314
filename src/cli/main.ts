#!/usr/bin/env node
/**
 * The `zabkv` command: arguments in, text out. Every command has its own file here.
 */
import yargs, { type Argv } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { ZabkvError } from '../errors.js'
import { benchCommand } from './bench.js'
import { compareCommand } from './compare.js'
import { deleteCommand } from './delete.js'
import { digestCommand } from './digest.js'
import { doctorCommand } from './doctor.js'
import { EXIT, fail } from './fail.js'
import { getCommand } from './get.js'
import { recoverCommand } from './recover.js'
import { inspectCommand } from './inspect.js'
import { registryCommand } from './registry.js'
import { serveCommand } from './serve.js'
import { setCommand } from './set.js'
import { statsCommand } from './stats.js'
import { syncCommand } from './sync.js'
import { refuseRepeated } from './options.js'

const EPILOGUE = `Exit codes: ${EXIT.OK} ok, ${EXIT.FAILED} failed, ${EXIT.USAGE} usage, \
${EXIT.UNAVAILABLE} unavailable (no replica or no registry answers).
ZABKV_REGISTRY and ZABKV_CLUSTER in the environment stand for --registry and --cluster.`

function createParser(words: readonly string[]): Argv {
  return yargs(words)
    .scriptName('zabkv')
    .usage('$0 <command>\n\nA replicated in-memory key-value store with the consistency of ZooKeeper.')
    .command(serveCommand)
    .command(registryCommand)
    .command(getCommand)
    .command(setCommand)
    .command(deleteCommand)
    .command(syncCommand)
    .command(digestCommand)
    .command(statsCommand)
    .command(benchCommand)
    .command(compareCommand)
    .command(recoverCommand)
    .command(doctorCommand)
    .command(inspectCommand)
    .demandCommand(1, 'Say which command: zabkv --help lists them.')
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
  await createParser(words).parseAsync()
} catch (error) {
  fail(error, words.includes('--json'))
}
