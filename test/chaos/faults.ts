/** Faults at real processes: whom one may hit, how it is done, and how it is undone. */

import { setTimeout as sleep } from 'node:timers/promises'
import { item } from '../../src/assert.js'
import { monotonicMicros } from '../monotonic-clock.js'
import type { ClusterPlan } from './adapter.js'
import { emptyDisk, fillDisk } from './disks.js'
import { deafen, misdirect, mute, redirect, setApart, setBack, undeafen, unmute } from './hosts.js'
import { continueMember, endMember, isUp, killMember, pauseMember, startMember } from './member.js'
import type { Member } from './member.js'
import type { Fault, FaultKind } from './schedule.js'
import { awaitFact, leaderOf, loseMemory } from './watch.js'
import type { Watch } from './watch.js'

export interface Episode {
  readonly what: string
  readonly from: number
  /** Infinity while it goes on. */
  to: number
}

export interface FaultWorld {
  readonly plan: ClusterPlan
  readonly members: readonly Member[]
  readonly watch: Watch
  /** Of the network namespaces; null on loopback. */
  readonly prefix: string | null
  readonly sparesLeader: boolean
  readonly log: (line: string) => void
  readonly busy: Set<number>
  readonly running: Set<Promise<void>>
  /** What was done to whom, and when, in microseconds. */
  readonly episodes: Episode[]
  readonly counts: Map<FaultKind, number>
  readonly ways: Map<string, number>
  stopping: AbortSignal
}

type Progress = 'busy' | 'running' | 'episodes' | 'counts' | 'ways'

/** A world to which nothing was done yet. */
export function createFaultWorld(settings: Omit<FaultWorld, Progress>): FaultWorld {
  return { ...settings, busy: new Set(), running: new Set(), episodes: [], counts: new Map(), ways: new Map() }
}

/** A replica that stopped because its disk was full may take so long to notice. */
const DISK_GRACE_MILLIS = 1500

/** Undoes it. */
type Heal = () => Promise<void> | void

/** False when nobody may be hit now. Returns at once; the fault ends by itself. */
export function inflict(world: FaultWorld, fault: Fault): boolean {
  const victims = victimsOf(world, fault)
  if (victims.length === 0) return false
  world.counts.set(fault.kind, (world.counts.get(fault.kind) ?? 0) + 1)
  const running = Promise.all(victims.map((member) => hit(world, fault, member)))
    .then(() => undefined)
    .finally(() => world.running.delete(running))
  world.running.add(running)
  return true
}

export async function awaitFaults(world: FaultWorld): Promise<void> {
  while (world.running.size > 0) await Promise.all(world.running)
}

async function hit(world: FaultWorld, fault: Fault, member: Member): Promise<void> {
  const { id } = member.place
  world.busy.add(id)
  const way = wayOf(world, fault)
  world.ways.set(way, (world.ways.get(way) ?? 0) + 1)
  const what = `${way} replica ${id}${leaderOf(world.watch) === id ? ', the leader' : ''}`
  const episode: Episode = { what, from: monotonicMicros(), to: Infinity }
  world.episodes.push(episode)
  world.log(`${what}, ${Math.round(fault.millis)} ms`)
  try {
    const heal = await begin(world, fault, member, way)
    await sleep(fault.millis, undefined, { signal: world.stopping }).catch(() => undefined)
    await heal()
    world.log(`end of ${way} replica ${id}`)
  } finally {
    episode.to = monotonicMicros()
    world.busy.delete(id)
  }
}

/** Those that may be hit without taking more than is allowed, the leader first when it is meant. */
export function victimsOf(world: FaultWorld, fault: Fault): Member[] {
  const { members, watch, busy, plan } = world
  const leader = leaderOf(watch)
  if (world.sparesLeader && leader === null) return []
  let left = members.filter((member) => {
    const { id } = member.place
    return isUp(member) && !busy.has(id) && !(world.sparesLeader && id === leader)
  })
  const minority = Math.floor((plan.voters.length - 1) / 2)
  const isVoter = ({ place }: Member): boolean => !place.isObserver
  const impaired = members.filter((member) => {
    const { id } = member.place
    return isVoter(member) && (watch.latest[id] === null || busy.has(id) || watch.holds[id] !== true)
  }).length
  let room = fault.mayStopAll ? members.length : minority - impaired
  // What is only in memory is lost with a majority of it.
  const takesMemory = plan.durability !== 'fsync' && ['kill', 'restart', 'disk-full'].includes(fault.kind)
  let memoryRoom = takesMemory ? minority - goneVoters(world) : members.length
  const victims: Member[] = []
  for (const share of fault.victims) {
    const isMeant = fault.hitsLeader && victims.length === 0
    const able = left.filter((member) => {
      const costs = isVoter(member) && watch.holds[member.place.id] === true
      return !isVoter(member) || (room > 0 && (!costs || memoryRoom > 0))
    })
    if (able.length === 0) break
    const meant = isMeant ? able.find(({ place }) => place.id === leader) : undefined
    const victim = meant ?? item(able, Math.floor(share * able.length))
    if (isVoter(victim)) {
      room--
      if (watch.holds[victim.place.id] === true) memoryRoom--
    }
    victims.push(victim)
    left = left.filter((member) => member !== victim)
  }
  return victims
}

function goneVoters({ members, watch }: FaultWorld): number {
  return members.filter(({ place }) => !place.isObserver && watch.holds[place.id] !== true).length
}

function wayOf(world: FaultWorld, { kind, way }: Fault): string {
  if (kind === 'cut') return way < 0.5 ? 'cut off' : 'set apart from the others'
  if (kind !== 'cut-one-way') return kind
  if (way < 0.35 || world.members.length < 2) return 'mute'
  if (way < 0.7) return 'deafen'
  return 'misdirect unicast of'
}

function otherOf(world: FaultWorld, way: number, member: Member): number {
  const others = world.members.map(({ place }) => place.id).filter((id) => id !== member.place.id)
  return item(others, Math.floor((way * 1000) % others.length))
}

async function begin(world: FaultWorld, fault: Fault, member: Member, way: string): Promise<Heal> {
  const { id } = member.place
  switch (fault.kind) {
    case 'kill':
      forget(world, id)
      await killMember(member)
      return () => startMember(world.plan, member)
    case 'restart':
      forget(world, id)
      if ((await endMember(member)) === 'forced') world.log(`replica ${id} did not end in order in time`)
      startMember(world.plan, member)
      return () => undefined
    case 'pause':
      pauseMember(member)
      return () => continueMember(member)
    case 'disk-full':
      return beginDiskFull(world, member)
    default:
      return beginCut(world, fault, id, way, otherOf(world, fault.way, member))
  }
}

function beginCut(world: FaultWorld, fault: Fault, id: number, way: string, other: number): Heal {
  const { prefix } = world
  if (prefix === null) throw new Error('cuts need network namespaces')
  if (fault.kind === 'cut') {
    if (way !== 'cut off') {
      setApart(prefix, id)
      return () => setBack(prefix, id)
    }
    mute(prefix, id)
    deafen(prefix, id)
    return () => {
      unmute(prefix, id)
      undeafen(prefix, id)
    }
  }
  if (way === 'mute') {
    mute(prefix, id)
    return () => unmute(prefix, id)
  }
  if (way === 'deafen') {
    deafen(prefix, id)
    return () => undeafen(prefix, id)
  }
  misdirect(prefix, id, other)
  return () => redirect(prefix, id, other)
}

/** The replica may stop, as it must when it cannot keep what it promised; then it is started again. */
function beginDiskFull(world: FaultWorld, member: Member): Heal {
  const { dataDir, id } = member.place
  if (dataDir === null) throw new Error('disk-full needs a disk')
  const disk = `${dataDir}/..`
  member.mayEnd = true
  fillDisk(disk)
  return async () => {
    emptyDisk(disk)
    await awaitFact(() => !isUp(member), DISK_GRACE_MILLIS)
    member.mayEnd = false
    if (isUp(member)) return
    world.log(`replica ${id} had stopped on its full disk`)
    forget(world, id)
    startMember(world.plan, member)
  }
}

function forget({ watch, plan }: FaultWorld, id: number): void {
  const incarnation = watch.latest[id]?.incarnation ?? null
  if (plan.durability !== 'fsync') loseMemory(watch, id, incarnation)
  else watch.latest[id] = null
}
