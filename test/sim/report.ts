/** What many runs came to, for a person. */

import { addCounts, EVENTS, FAULT_KINDS, zeros } from './fault-kinds.js'
import type { EventCounts, FaultCounts } from './fault-kinds.js'
import type { RunResult } from './run.js'

export interface Summary {
  seeds: number
  failures: number
  gaveUp: number
  /** Seeds by durability. */
  readonly durable: Map<string, number>
  operations: number
  answered: number
  applied: number
  epochs: number
  virtualSeconds: number
  readonly faults: FaultCounts
  readonly events: EventCounts
}

/** From so many seeds on every kind of fault must have been delivered. */
const VACUOUS_SEEDS_MIN = 200

export function createSummary(): Summary {
  const nothing = { operations: 0, answered: 0, applied: 0, epochs: 0, virtualSeconds: 0 }
  const counts = { faults: zeros(FAULT_KINDS), events: zeros(EVENTS) }
  return { seeds: 0, failures: 0, gaveUp: 0, durable: new Map(), ...nothing, ...counts }
}

export function summarize(summary: Summary, result: RunResult): void {
  summary.seeds++
  summary.durable.set(result.durability, (summary.durable.get(result.durability) ?? 0) + 1)
  if (result.failure !== null) summary.failures++
  if (result.gaveUp) summary.gaveUp++
  summary.operations += result.operations
  summary.answered += result.answered
  summary.applied += result.applied
  summary.epochs += result.epochs
  summary.virtualSeconds += result.virtualSeconds
  addCounts(summary.faults, result.faults)
  addCounts(summary.events, result.events)
}

/** Kinds of fault that so many runs should have delivered, and of event that they should have seen, and did not. */
export function vacuousKinds({ seeds, faults, events }: Summary): string[] {
  if (seeds < VACUOUS_SEEDS_MIN) return []
  const missed: string[] = FAULT_KINDS.filter((kind) => faults[kind] === 0)
  return [...missed, ...EVENTS.filter((event) => events[event] === 0)]
}

export function printSummary(summary: Summary, print: (line: string) => void): void {
  const { operations, answered, applied, epochs, virtualSeconds, faults, events } = summary
  print(`${operations} operations issued, ${answered} answered, ${applied} writes applied, ${epochs} epochs`)
  print([...summary.durable].map(([durability, seeds]) => `${seeds} seeds with ${durability}`).join(', '))
  print(`${summary.gaveUp} runs went on by an operator's word from what was left`)
  print(`${virtualSeconds.toFixed(1)} virtual seconds; faults delivered:`)
  for (const kind of FAULT_KINDS) print(`  ${kind.padEnd(24)} ${faults[kind]}`)
  print('what the protocol went through:')
  for (const event of EVENTS) print(`  ${event.padEnd(24)} ${events[event]}`)
}

export function describeFailure({ seed, failure, settings, standing }: RunResult): string {
  return [`seed ${seed}: ${failure}`, settings, ...standing].join('\n  ')
}
