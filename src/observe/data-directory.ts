/** What lies in a replica's data directory, segment by segment: for zabkv inspect. */

import { at } from '../assert.js'
import { type Inspection, openInspection, PLACE, type SnapshotFile } from '../store/inspect-log.js'
import { LOG_FIELD, RECORD_KIND } from '../store/log.js'

export interface SegmentReport {
  file: string
  /** 'unread' is behind damage. 'torn': the records before the torn end are good. */
  state: 'good' | 'torn' | 'damaged' | 'unread'
  records: number
  entries: number
  /** Up to the end of its records. */
  bytes: number
  /** Of its entries; null when it has none. */
  firstCounter: number | null
  lastCounter: number | null
}

/** A record, as far as its kind has these. */
export interface RecordReport {
  ordinal: number
  kind: string
  file: string
  offset: number
  counter?: number
  count?: number
  epoch?: number
  previous?: number
  time?: number
  committed?: number
  bytes?: number
  accepted?: number
  current?: number
}

export interface DirectoryReport {
  directory: string
  cluster: string
  replica: number
  segments: SegmentReport[]
  snapshots: readonly SnapshotFile[]
  acceptedEpoch: number
  currentEpoch: number
  lastCounter: number
  records: number
  /** What a crash left (or what is being written right now): the next start cuts it. */
  tornBytes: number
  /** What is damaged, as sentences; none: clean. */
  damage: string[]
  setAside: readonly string[]
}

/** How often reading begins anew because a running replica has deleted what was to be read. */
const ATTEMPTS_MAX = 5

/** Reads all of it; `onRecord` sees each record, which costs time. */
export function inspectDirectory(
  directory: string, onRecord: ((record: RecordReport) => void) | null,
): DirectoryReport {
  for (let attempt = 1; ; attempt++) {
    const inspection = openInspection(directory)
    const records: RecordReport[] = []
    const report = read(directory, inspection, onRecord === null ? null : (record) => records.push(record))
    const isMoved = report.damage.length > 0 && hasMoved(directory, inspection)
    if (isMoved && attempt < ATTEMPTS_MAX) continue
    if (onRecord !== null) records.forEach(onRecord)
    return report
  }
}

/** Whether files that were there when reading began have been deleted since. */
function hasMoved(directory: string, inspection: Inspection): boolean {
  const now = openInspection(directory)
  return (
    now.segments[0] !== inspection.segments[0] || now.snapshots[0]?.file !== inspection.snapshots[0]?.file
  )
}

function read(
  directory: string, inspection: Inspection, onRecord: ((record: RecordReport) => void) | null,
): DirectoryReport {
  const { fields, place, snapshots } = inspection
  const byNumber = new Map(inspection.segments.map((number) => [number, unread(number)]))
  let records = 0
  let kind = inspection.next()
  for (; kind !== RECORD_KIND.END && kind !== RECORD_KIND.DAMAGE; kind = inspection.next()) {
    const number = at(place, PLACE.segment)
    const report = byNumber.get(number) ?? unread(number) // made since the directory was listed
    byNumber.set(number, report)
    records++
    tally(report, kind, fields, at(place, PLACE.end))
    if (onRecord !== null) onRecord(recordOf(kind, fields, report.file, at(place, PLACE.offset)))
  }
  const last = at(place, PLACE.segment)
  const tornBytes = at(place, PLACE.tornBytes)
  for (const [number, report] of byNumber) {
    if (number > last) continue
    report.state = 'good'
    if (number === last && kind === RECORD_KIND.DAMAGE) report.state = 'damaged'
    if (number === last && tornBytes > 0) report.state = 'torn'
  }
  const damage = kind === RECORD_KIND.DAMAGE ? [inspection.problem()] : []
  for (const { problem } of snapshots) if (problem !== null) damage.push(problem)
  const reports = [...byNumber].sort(([a], [b]) => a - b).map(([, report]) => report)
  return {
    directory, cluster: inspection.cluster, replica: inspection.replica, segments: reports, snapshots, records,
    acceptedEpoch: at(fields, LOG_FIELD.accepted), currentEpoch: at(fields, LOG_FIELD.current),
    lastCounter: at(fields, LOG_FIELD.lastCounter), tornBytes, damage, setAside: inspection.setAside,
  }
}

function unread(number: number): SegmentReport {
  const file = `log-${String(number).padStart(10, '0')}`
  return { file, state: 'unread', records: 0, entries: 0, bytes: 0, firstCounter: null, lastCounter: null }
}

function tally(report: SegmentReport, kind: number, fields: Float64Array, end: number): void {
  report.records++
  report.bytes = end
  if (kind !== RECORD_KIND.ENTRY) return
  const counter = at(fields, LOG_FIELD.counter)
  report.entries++
  report.firstCounter ??= counter
  report.lastCounter = counter + at(fields, LOG_FIELD.count) - 1
}

function recordOf(kind: number, fields: Float64Array, file: string, offset: number): RecordReport {
  const field = (name: keyof typeof LOG_FIELD): number => at(fields, LOG_FIELD[name])
  const place = { ordinal: field('ordinal'), file, offset }
  if (kind === RECORD_KIND.EPOCHS)
    return { ...place, kind: 'EPOCHS', accepted: field('accepted'), current: field('current') }
  if (kind === RECORD_KIND.TRUNCATE) return { ...place, kind: 'TRUNCATE', counter: field('counter') }
  if (kind === RECORD_KIND.BASE)
    return { ...place, kind: 'BASE', counter: field('counter'), epoch: field('epoch') }
  return {
    ...place, kind: 'ENTRY', counter: field('counter'), count: field('count'), epoch: field('epoch'),
    previous: field('previous'), time: field('time'), committed: field('committed'), bytes: field('bytes'),
  }
}
