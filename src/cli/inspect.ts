/** `zabkv inspect`. */
import type { CommandModule } from 'yargs'
import {
  type DirectoryReport, inspectDirectory, type RecordReport, type SegmentReport,
} from '../observe/data-directory.js'
import { type Row, table } from '../observe/numbers.js'
import { EXIT } from './fail.js'
import { jsonOption, printJson } from './options.js'

interface InspectArguments {
  directory: string
  json: boolean
  records: boolean
}

export const inspectCommand: CommandModule<object, InspectArguments> = {
  command: 'inspect <directory>',
  describe: 'Read a data directory, also beside its replica (exit code 1 when it is damaged)',
  builder: (parser) =>
    jsonOption(
      parser
        .positional('directory', { type: 'string', demandOption: true, describe: 'Data directory of a replica' })
        .option('records', { type: 'boolean', default: false, describe: 'Print every record of the log' }),
    ),
  handler: runInspect,
}

function runInspect(given: InspectArguments): void {
  const records: RecordReport[] = []
  const keep = (record: RecordReport): void => void records.push(record)
  const report = inspectDirectory(given.directory, given.records ? keep : null)
  const isClean = report.damage.length === 0
  if (given.json) printJson({ clean: isClean, ...report, ...(given.records ? { log: records } : {}) })
  else process.stdout.write([...records.map(lineOf), textOf(report)].join('\n') + '\n')
  if (!isClean) process.exitCode = EXIT.FAILED
}

function lineOf({ ordinal, kind, file, offset, ...rest }: RecordReport): string {
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
  return `${String(ordinal).padStart(10)}  ${file}+${offset}  ${kind.padEnd(8)}  ${fields.join('  ')}`
}

function textOf(report: DirectoryReport): string {
  const segments: Row[] = [['segment', 'state', 'records', 'entries', 'bytes', 'first counter', 'last counter']]
  segments.push(...report.segments.map(rowOf))
  const snapshots: Row[] = [['snapshot', 'state', 'counter', 'epoch', 'bytes']]
  for (const { file, problem, counter, epoch, bytes } of report.snapshots)
    snapshots.push([file, problem === null ? 'good' : 'damaged', String(counter), String(epoch), String(bytes)])
  const lines = [
    `replica ${report.replica} of cluster ${report.cluster}, in ${report.directory}`,
    `accepted epoch ${report.acceptedEpoch}, current epoch ${report.currentEpoch}, ` +
      `last counter ${report.lastCounter}, ${report.records} records`,
  ]
  if (report.segments.length > 0) lines.push('', table(segments))
  if (report.snapshots.length > 0) lines.push('', table(snapshots))
  lines.push('')
  for (const file of report.setAside) lines.push(`set aside: ${file}`)
  if (report.tornBytes > 0)
    lines.push(`torn end: ${report.tornBytes} bytes, which the next start cuts (or they are being written now)`)
  for (const sentence of report.damage) lines.push(`DAMAGED: ${sentence}`)
  if (report.damage.length === 0) lines.push('clean')
  return lines.join('\n')
}

function rowOf({ file, state, records, entries, bytes, firstCounter, lastCounter }: SegmentReport): Row {
  return [file, state, ...[records, entries, bytes, firstCounter ?? '-', lastCounter ?? '-'].map(String)]
}
