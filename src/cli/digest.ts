/** `zabkv digest`. */
import type { CommandModule } from 'yargs'
import { digestsOf, listMembers, type DigestReport } from '../observe/cluster.js'
import { table, type Row } from '../observe/numbers.js'
import { connectRegistry } from '../registry/connection.js'
import { EXIT } from './fail.js'
import {
  clusterOptions,
  integerOf,
  jsonOption,
  printJson,
  registryOf,
  type ClusterArguments,
} from './options.js'

interface DigestArguments extends ClusterArguments {
  json: boolean
  wait: number
}

const WAIT_MILLIS_MAX = 3600 * 1000

export const digestCommand: CommandModule<object, DigestArguments> = {
  command: 'digest',
  describe: 'Compare the whole content of all replicas (exit code 1 when it is not equal)',
  builder: (parser) =>
    jsonOption(clusterOptions(parser)).option('wait', {
      type: 'number',
      requiresArg: true,
      default: 5000,
      describe: 'Milliseconds to wait until all replicas have applied the same writes',
    }),
  handler: runDigest,
}

async function runDigest(given: DigestArguments): Promise<void> {
  const wait = integerOf('wait', given.wait, 0, WAIT_MILLIS_MAX)
  const registry = connectRegistry(registryOf(given.registry))
  let report: DigestReport
  try {
    report = await digestsOf(await listMembers(registry, given.cluster), wait)
  } finally {
    registry.close()
  }
  if (given.json) printJson(jsonOf(report))
  else process.stdout.write(`${tableOf(report)}\n${verdictOf(report)}\n`)
  if (report.replicas.every(({ value }) => value === null)) process.exitCode = EXIT.UNAVAILABLE
  else if (!report.equal) process.exitCode = EXIT.FAILED
}

function jsonOf(report: DigestReport): unknown {
  return {
    equal: report.equal,
    comparable: report.comparable,
    replicas: report.replicas.map(({ replica, value, problem }) =>
      value === null ? { replica, problem } : value,
    ),
  }
}

function tableOf(report: DigestReport): string {
  const rows: Row[] = [['replica', 'digest', 'sessions', 'applied']]
  for (const { replica, value, problem } of report.replicas) {
    if (value === null) rows.push([String(replica), problem ?? '-', '-', '-'])
    else rows.push([String(replica), value.digest, value.sessionsDigest, String(value.lastApplied)])
  }
  return table(rows)
}

function verdictOf(report: DigestReport): string {
  if (report.equal) return 'equal'
  if (report.comparable) return 'NOT EQUAL: the replicas applied the same writes and hold different content'
  if (report.replicas.some(({ value }) => value === null)) return 'not equal: not every replica answers'
  return 'not comparable: the replicas have not applied the same writes; is there load? (see --wait)'
}
