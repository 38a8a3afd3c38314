/**
 * The verbs provider on the kernel's RDMA stack: Soft-RoCE in emulated hosts (scripts/rdma-rig.sh, docs/rdma.md).
 *
 * Minutes of two cores, so scripts/test.sh runs it apart from the other tests. Skips, with the reason, where QEMU or
 * the kernel package cannot be had, and when ZABKV_RDMA_RIG=0 says so.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { WorkloadReport } from '../../src/bench/report.js'
import type { ReplicaDifference } from '../../src/observe/difference.js'
import { outcomeOf, run } from '../cli/run.js'
import type { Outcome } from '../cli/run.js'
import { packageRoot } from '../package-root.js'

const RIG = join(packageRoot(), 'scripts/rdma-rig.sh')
const CHECK_MILLIS_MAX = 120_000 // the first time it fetches the kernel
const RIG_SECONDS_MAX = 420
const HOST_MIB = 2048
/** Statistics of the replicas are not of the same instant: counts of a running cluster differ by so much. */
const RATIO_SLACK = 0.15
const NETEM = 'loss 2% delay 1ms 1ms reorder 10%'

/** False to run, else why not. */
async function skipped(): Promise<string | false> {
  if (process.env['ZABKV_RDMA_RIG'] === '0') return 'ZABKV_RDMA_RIG=0 is set'
  const { code, stderr } = await run('bash', [RIG, '--check'], { millisMax: CHECK_MILLIS_MAX })
  return code === 0 ? false : stderr.trim() || 'scripts/rdma-rig.sh --check failed'
}

const skip = await skipped()
if (skip !== false) console.log(`rdma: skipped, ${skip}`)

const out = mkdtempSync(join(tmpdir(), 'zabkv-rdma-'))
after(() => rmSync(out, { recursive: true, force: true }))

function rig(words: readonly string[], command: string): Promise<Outcome> {
  const limit = ['--timeout', String(RIG_SECONDS_MAX), '--memory', String(HOST_MIB), '--out', out]
  const child = spawn('bash', [RIG, ...limit, ...words, '--', command], {
    cwd: packageRoot(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return outcomeOf(child, (RIG_SECONDS_MAX + 15) * 1000)
}

/** A report that passed: no errors, equal digests, verbs. */
function reportOf(name: string): WorkloadReport {
  const report = JSON.parse(readFileSync(join(out, `${name}.json`), 'utf8')) as WorkloadReport
  assert.equal(report.errors, 0, JSON.stringify(report.errorsByCode))
  assert.equal(report.digestsEqual, true, JSON.stringify(report.problems))
  assert.equal(report.settings.cluster?.transport, 'verbs')
  assert.ok(report.writes > 0 && report.reads > 0)
  return report
}

function messages(counts: ReplicaDifference['sent']): number {
  return counts['PROPOSE']?.messages ?? 0
}

/** How often the leader sent what a follower received once, what it sent again apart. */
function sentForEach({ batching: { replicas } }: WorkloadReport): number {
  const leader = replicas.find(({ role }) => role === 'LEADING')
  const followers = replicas.filter(({ role }) => role === 'FOLLOWING')
  if (leader === undefined) throw new Error('there is a leader')
  assert.equal(followers.length, 2)
  const received = followers.reduce((sum, { received: counts }) => sum + messages(counts), 0)
  return (messages(leader.sent) - (leader.resends['proposals'] ?? 0)) / (received / followers.length)
}

const ENDPOINT_FILES = ['verbs', 'verbs-errors'].map((name) => `dist/test/transport/${name}.test.js`).join(' ')

function endpointSuite(): Promise<Outcome> {
  return rig([], `node --test --test-concurrency=1 --test-reporter=tap ${ENDPOINT_FILES} >/out/verbs.tap`)
}

/** As a user would type it, with more patience than a user has. */
function comparison(): Promise<Outcome> {
  const own = '--device rxe0 --transport verbs --ips 10.99.0.1,10.99.0.1,10.99.0.1'
  const patience = '--wait 200 --failure-timeout-ms 2000 --stuck-timeout-ms 10000 --failover-millis 10000'
  const small = '--history-mib 8 --catch-up-mib 8 --sessions-max 1024' // registering memory takes long here
  const load = '--workload 3 --keys 1000 --sessions 3 --outstanding 1024'
  const command = `scripts/compare-multicast.sh ${own} ${patience} ${small} ${load} --keep /out >/out/compared`
  return rig(['--cpus', '2'], command)
}

/** Neither keeps both cores busy, so they run beside each other. */
const oneHost = skip === false ? { endpoint: endpointSuite(), comparison: comparison() } : null
const ended = oneHost === null ? null : Promise.allSettled(Object.values(oneHost))

test('rdma: the endpoint keeps its contract over verbs, and outlives sends that fail', { skip }, async (t) => {
  const outcome = await oneHost?.endpoint
  const tap = readFileSync(join(out, 'verbs.tap'), 'utf8')
  const failed = tap.split('\n').filter((line) => /^\s*not ok/.test(line))
  assert.equal(outcome?.code, 0, `${failed.join('\n')}\n${outcome?.stderr}`)
  assert.match(tap, /^# pass [1-9]/m)
  assert.match(tap, /^# fail 0$/m)
  assert.match(tap, /^# skipped 0$/m, 'the device was found')
  t.diagnostic(/^# pass \d+$/m.exec(tap)?.[0] ?? '')
})

test('rdma: in one host multicast sends a proposal once, unicast to each', { skip }, async (t) => {
  const outcome = await oneHost?.comparison
  assert.equal(outcome?.code, 0, `${outcome?.stdout}\n${outcome?.stderr}`)
  const multicast = reportOf('multicast')
  const unicast = reportOf('unicast')
  const once = sentForEach(multicast)
  const twice = sentForEach(unicast)
  for (const line of readFileSync(join(out, 'compared'), 'utf8').trimEnd().split('\n')) t.diagnostic(line)
  assert.ok(Math.abs(once - 1) < RATIO_SLACK, `by multicast a proposal is sent ${once} times`)
  assert.ok(Math.abs(twice - 2) < 2 * RATIO_SLACK, `by unicast a proposal is sent ${twice} times`)
})

test('rdma: three hosts lose and reorder; one is cut off, one switched off: no error', { skip }, async (t) => {
  await ended
  const outcome = await rig(['--hosts', '3', '--netem', NETEM], 'test/rdma/three-hosts.sh')
  assert.equal(outcome.code, 0, `${outcome.stdout}\n${outcome.stderr}`)
  const report = reportOf('lossy')
  const again = report.batching.replicas.reduce((sum, { resends }) => sum + (resends['proposals'] ?? 0), 0)
  t.diagnostic(`operations/s: ${report.operationsPerSecond}, proposals sent again: ${again}`)
  assert.ok(again > 0, 'something was lost')
  const faults = JSON.parse(readFileSync(join(out, 'faults.json'), 'utf8')) as WorkloadReport
  const leaders = readFileSync(join(out, 'leaders'), 'utf8').trim().split('\n').map(Number)
  t.diagnostic(`hosts that led: ${leaders.join(', then ')}; writes/s with faults: ${faults.writesPerSecond}`)
  assert.equal(faults.errors, 0, JSON.stringify(faults.errorsByCode))
  assert.ok(faults.writes > 0)
  assert.ok(leaders.length >= 3)
  assert.ok(leaders.every((host, each) => host > 0 && host !== leaders[each - 1]), 'each fault made another lead')
  const left = readFileSync(join(out, 'digests'), 'utf8').trim().split('\n')
  assert.equal(left.length, 2, 'one host is off')
  assert.equal(new Set(left).size, 1, left.join(' '))
})
