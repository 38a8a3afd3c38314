/** One replica as a process of its own: started, killed, paused and started again by the same command. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { MAIN } from '../cli/run.js'
import { serveWords } from './adapter.js'
import type { ClusterPlan, Place } from './adapter.js'

export interface Member {
  readonly place: Place
  /** Words before `node`, as to enter a network namespace. They must end by exec: signals go to this pid. */
  readonly enter: readonly string[]
  readonly logFile: string
  child: ChildProcess | null
  isPaused: boolean
  /** Ends are expected, as when its disk is full. */
  mayEnd: boolean
  /** How it ended by itself, where it should not have. */
  ended: string | null
}

const TERM_MILLIS_MAX = 10_000
const TAIL_LINES = 12

export function createMember(place: Place, enter: readonly string[], logFile: string): Member {
  return { place, enter, logFile, child: null, isPaused: false, mayEnd: false, ended: null }
}

export function isUp(member: Member): boolean {
  return member.child !== null
}

export function startMember(plan: ClusterPlan, member: Member): void {
  if (member.child !== null) throw new Error(`replica ${member.place.id} runs already`)
  const log = openSync(member.logFile, 'a')
  const words = [...member.enter, process.execPath, MAIN, ...serveWords(plan, member.place)]
  const [command = process.execPath, ...rest] = words
  const child = spawn(command, rest, { stdio: ['ignore', log, log] })
  closeSync(log)
  member.child = child
  member.isPaused = false
  child.once('exit', (code, signal) => {
    if (member.child !== child) return // we ended it
    member.child = null
    if (!member.mayEnd) member.ended = `with ${signal ?? code}: ${logTail(member)}`
  })
  child.once('error', (error) => {
    if (member.child === child) member.child = null
    member.ended = error.message
  })
}

/** Ends it at once; what it held in memory is gone. */
export async function killMember(member: Member): Promise<void> {
  const { child } = member
  if (child === null) return
  member.child = null
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Ends it in order; by force when that takes too long, and then says so. */
export async function endMember(member: Member): Promise<'ended' | 'forced'> {
  const { child } = member
  if (child === null) return 'ended'
  member.child = null
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  if (member.isPaused) child.kill('SIGCONT')
  let how: 'ended' | 'forced' = 'ended'
  const timer = setTimeout(() => {
    how = 'forced'
    child.kill('SIGKILL')
  }, TERM_MILLIS_MAX)
  await gone
  clearTimeout(timer)
  return how
}

export function pauseMember(member: Member): void {
  member.isPaused = member.child?.kill('SIGSTOP') === true
}

export function continueMember(member: Member): void {
  member.child?.kill('SIGCONT')
  member.isPaused = false
}

export function logTail(member: Member): string {
  try {
    return readFileSync(member.logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n  ')
  } catch {
    return 'it said nothing'
  }
}
