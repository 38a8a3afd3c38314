/** `zabkv doctor`. */
import type { CommandModule } from 'yargs'
import { examine } from '../observe/doctor.js'
import type { Fact } from '../transport/probe.js'
import { EXIT } from './fail.js'
import { clusterOptions, jsonOption, printJson, registryOf, type ClusterArguments } from './options.js'

interface DoctorArguments extends ClusterArguments {
  json: boolean
  address: string
}

export const doctorCommand: CommandModule<object, DoctorArguments> = {
  command: 'doctor',
  describe: 'Examine this machine: devices, limits, multicast, registry; says what to do',
  builder: (parser) =>
    jsonOption(clusterOptions(parser)).option('address', {
      type: 'string',
      requiresArg: true,
      default: '127.0.0.1',
      describe: 'Address of the interface to examine',
    }),
  handler: runDoctor,
}

async function runDoctor(given: DoctorArguments): Promise<void> {
  const facts = await examine({
    registry: registryOf(given.registry),
    address: given.address,
    path: process.env['PATH'] ?? '',
    nodeVersion: process.version,
  })
  const isWell = facts.every(({ verdict }) => verdict !== 'fail')
  if (given.json) printJson({ ok: isWell, facts })
  else process.stdout.write(`${textOf(facts)}\n`)
  if (!isWell) process.exitCode = EXIT.FAILED
}

/** What to do stands under what is not well. */
function textOf(facts: readonly Fact[]): string {
  const width = Math.max(...facts.map(({ name }) => name.length))
  const indent = ' '.repeat(6)
  return facts
    .map(({ name, verdict, value, advice }) => {
      const line = `${verdict.padEnd(4)}  ${name.padEnd(width)}  ${value}`
      return verdict === 'ok' ? line : `${line}\n${indent}${advice}`
    })
    .join('\n')
}
