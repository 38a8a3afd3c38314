/**
 * The verbs provider on the kernel's RDMA stack: Soft-RoCE in emulated hosts (scripts/rdma-rig.sh, docs/rdma.md).
 *
 * Minutes of two cores, so only when asked for: ZABKV_RDMA_RIG=1, or ZABKV_RDMA_RIG=all for three hosts without
 * faults as well. Skips, with the reason, where QEMU or the kernel package is missing.
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
const RIG_SECONDS_MAX = 280
const HOST_MIB = 2048
/** Statistics of the replicas are not of the same instant: counts of a running cluster differ by so much. */
const RATIO_SLACK = 0.15
const NETEM = 'loss 2% delay 1ms 1ms reorder 10%'

const wanted = process.env['ZABKV_RDMA_RIG'] ?? ''

/** False to run, else why not. */
async function skipped(): Promise<string | false> {
  if (wanted === '') return 'ZABKV_RDMA_RIG=1 is not set: emulated hosts take minutes'
  const { code, stderr } = await run('bash', [RIG, '--check'], { millisMax: CHECK_MILLIS_MAX })
  return code === 0 ? false : stderr.trim() || 'scripts/rdma-rig.sh --check failed'
}

const skip = await skipped()
if (skip !== false) console.log(`rdma: skipped, ${skip}`)
const skipClean = skip !== false ? skip : wanted === 'all' ? false : 'ZABKV_RDMA_RIG is not "all"'

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

/** As a user would type it, with more patience than a user has. */
function workload(ips: readonly string[], name: string, more = ''): string {
  const slow = '--wait 200 --failure-timeout-ms 2000 --stuck-timeout-ms 10000'
  const cluster = `--device rxe0 --transport verbs --ips ${ips.join(',')} ${slow} ${more}`
  const load = '--workload 3 --keys 1000 --sessions 3 --outstanding 1024 --failover-millis 10000'
  return `scripts/run-zookeeper.sh ${cluster} ${load} --json >/out/${name}.json`
}

/** A report that passed: no errors, equal digests, verbs. */
function reportOf(name: string, outcome: Outcome): WorkloadReport {
  assert.equal(outcome.code, 0, `${outcome.stdout}\n${outcome.stderr}`)
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

test('rdma: the endpoint keeps its contract over verbs, and outlives sends that fail', { skip }, async (t) => {
  const files = ['verbs', 'verbs-errors'].map((name) => `dist/test/transport/${name}.test.js`).join(' ')
  const command = `node --test --test-concurrency=1 --test-reporter=tap ${files} >/out/verbs.tap`
  const outcome = await rig(['--cpus', '2'], command)
  const tap = readFileSync(join(out, 'verbs.tap'), 'utf8')
  const failed = tap.split('\n').filter((line) => line.startsWith('not ok'))
  assert.equal(outcome.code, 0, `${failed.join('\n')}\n${outcome.stderr}`)
  assert.match(tap, /^# pass [1-9]/m)
  assert.match(tap, /^# skipped 0$/m, 'the device was found')
  t.diagnostic(/^# pass \d+$/m.exec(tap)?.[0] ?? '')
})

test('rdma: in one host multicast sends a proposal once, unicast to each', { skip }, async (t) => {
  const own = ['10.99.0.1', '10.99.0.1', '10.99.0.1']
  const steps = [workload(own, 'multicast'), workload(own, 'unicast', '--unicast')]
  const outcome = await rig(['--cpus', '2'], steps.join(' && '))
  const multicast = reportOf('multicast', outcome)
  const unicast = reportOf('unicast', outcome)
  const once = sentForEach(multicast)
  const twice = sentForEach(unicast)
  t.diagnostic(`operations/s: multicast ${multicast.operationsPerSecond}, unicast ${unicast.operationsPerSecond}`)
  assert.ok(Math.abs(once - 1) < RATIO_SLACK, `by multicast a proposal is sent ${once} times`)
  assert.ok(Math.abs(twice - 2) < 2 * RATIO_SLACK, `by unicast a proposal is sent ${twice} times`)
})

const hosts = ['10.99.0.1', '10.99.0.2', '10.99.0.3']

test('rdma: three hosts lose, delay and reorder, and the workload does not notice', { skip }, async (t) => {
  const outcome = await rig(['--hosts', '3', '--netem', NETEM], workload(hosts, 'lossy-$HOST_ID'))
  const report = reportOf('lossy-1', outcome)
  const again = report.batching.replicas.reduce((sum, { resends }) => sum + (resends['proposals'] ?? 0), 0)
  t.diagnostic(`operations/s: ${report.operationsPerSecond}, proposals sent again: ${again}`)
  assert.ok(again > 0, 'something was lost')
})

test('rdma: three hosts without faults', { skip: skipClean }, async (t) => {
  const report = reportOf('clean-1', await rig(['--hosts', '3'], workload(hosts, 'clean-$HOST_ID')))
  const once = sentForEach(report)
  t.diagnostic(`operations/s: ${report.operationsPerSecond}`)
  assert.ok(Math.abs(once - 1) < RATIO_SLACK, `by multicast a proposal is sent ${once} times`)
})
