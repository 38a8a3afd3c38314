/** `zabkv doctor`. */
import type { CommandModule } from 'yargs'
import { examine, type Finding } from '../observe/doctor.js'
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
  const examination = await examine({
    registry: registryOf(given.registry),
    address: given.address,
    path: process.env['PATH'] ?? '',
    nodeVersion: process.version,
  })
  const isWell = examination.findings.every(({ verdict }) => verdict !== 'wrong')
  if (given.json) printJson({ ok: isWell, ...examination })
  else process.stdout.write(`${textOf(examination.findings)}\n`)
  if (!isWell) process.exitCode = EXIT.FAILED
}

function textOf(findings: readonly Finding[]): string {
  const marks = { ok: 'ok', note: '-', wrong: 'WRONG' } as const
  const widths = findings.map(({ subject }) => subject.length)
  const indent = ' '.repeat(9)
  return findings
    .map(({ subject, verdict, found, advice }) => {
      const line = `${marks[verdict].padEnd(7)}  ${subject.padEnd(Math.max(...widths))}  ${found}`
      return advice === '' ? line : `${line}\n${indent}${advice}`
    })
    .join('\n')
}
