/** The schedule is its seed's, every kind comes, and what is only in memory is never lost with a majority. */

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import test from 'node:test'
import { createPrng } from '../sim/prng.js'
import { readReport } from './adapter.js'
import type { Durability, Report } from './adapter.js'
import { createFaultWorld, victimsOf } from './faults.js'
import type { FaultWorld } from './faults.js'
import { createMember } from './member.js'
import { readOptions, UsageError } from './options.js'
import { createSchedule, FAULT_KINDS, nextFault } from './schedule.js'
import type { Fault } from './schedule.js'
import { startWatch, stopWatch } from './watch.js'

function draw(seed: number, count: number): Fault[] {
  const schedule = createSchedule(createPrng(seed), FAULT_KINDS, 1000)
  return Array.from({ length: count }, () => nextFault(schedule))
}

test('schedule: a seed draws the same faults again, and another seed others', () => {
  assert.deepEqual(draw(7, 50), draw(7, 50))
  assert.notDeepEqual(draw(7, 50), draw(8, 50))
})

test('schedule: every kind comes first once', () => {
  for (let seed = 0; seed < 50; seed++) {
    const kinds = draw(seed, FAULT_KINDS.length).map(({ kind }) => kind)
    assert.deepEqual([...kinds].sort(), [...FAULT_KINDS].sort())
  }
})

const REPORT: Report = {
  role: 'FOLLOWING',
  phase: 'BROADCAST',
  leader: 0,
  epoch: 1,
  incarnation: 1,
  lastApplied: 10,
  lastCommitted: 10,
  digest: '',
  sessionsDigest: '',
}

async function worldOf(durability: Durability, voters: number, observers: number): Promise<FaultWorld> {
  const members = Array.from({ length: voters + observers }, (_, id) => {
    const isObserver = id >= voters
    const member = createMember({ id, address: '', adminPort: 0, isObserver, dataDir: null }, [], '')
    member.child = {} as ChildProcess
    return member
  })
  const watch = startWatch([], 1)
  await stopWatch(watch)
  for (const { place } of members) {
    watch.latest[place.id] = { ...REPORT, role: place.id === 0 ? 'LEADING' : 'FOLLOWING' }
    watch.holds[place.id] = true
  }
  return createFaultWorld({
    plan: {
      cluster: '',
      registry: '',
      voters: Array.from({ length: voters }, () => ''),
      durability,
      failureTimeoutMillis: null,
    },
    members,
    watch,
    prefix: null,
    sparesLeader: false,
    log: () => undefined,
    stopping: new AbortController().signal,
  })
}

/** The most voters that were without memory at once, in many faults of which some end. */
async function goneMost(durability: Durability, voters: number): Promise<number> {
  let most = 0
  for (let seed = 0; seed < 40; seed++) {
    const world = await worldOf(durability, voters, 1)
    const prng = createPrng(seed)
    for (const fault of draw(seed, 60)) {
      for (const { place } of victimsOf(world, fault)) {
        if (fault.kind === 'kill' || fault.kind === 'restart') world.watch.holds[place.id] = false
        else world.busy.add(place.id)
      }
      most = Math.max(most, world.watch.holds.slice(0, voters).filter((holds) => !holds).length)
      const back = prng.below(voters + 1)
      if (prng.chance(0.5)) world.watch.holds[back] = true
      if (prng.chance(0.5)) world.busy.delete(back)
    }
  }
  return most
}

test('faults: in memory no majority loses its memory, whatever comes together; with fsync all may die', async () => {
  assert.equal(await goneMost('memory', 5), 2)
  assert.equal(await goneMost('memory', 3), 1)
  assert.equal(await goneMost('async', 4), 1)
  assert.equal(await goneMost('fsync', 3), 3)
})

test('faults: the leader is spared where followers are meant, and nobody is hit while nobody leads', async () => {
  const world = { ...(await worldOf('memory', 5, 1)), sparesLeader: true }
  const hit = new Set(draw(1, 300).flatMap((fault) => victimsOf(world, fault).map(({ place }) => place.id)))
  assert.deepEqual([...hit].sort(), [1, 2, 3, 4, 5])
  world.watch.latest.fill(null)
  assert.deepEqual(draw(1, 300).flatMap((fault) => victimsOf(world, fault)), [])
})

test('options: what cannot be meant is refused', () => {
  assert.deepEqual(readOptions(['--faults', 'none']).faults, [])
  assert.ok(!readOptions([]).faults.includes('disk-full'))
  assert.ok(readOptions(['--durability', 'fsync']).faults.includes('disk-full'))
  for (const words of ['--faults kil', '--faults disk-full', '--durability paper', '--seconds 0', '--targets leader']) {
    assert.throws(() => readOptions(words.split(' ')), UsageError, words)
  }
})

test('adapter: statistics without what is needed are refused, not guessed', () => {
  assert.deepEqual(readReport(JSON.stringify(REPORT)), REPORT)
  assert.throws(() => readReport(JSON.stringify({ ...REPORT, epoch: undefined })), /no number epoch/)
})
