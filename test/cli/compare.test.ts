/** scripts/compare-multicast.sh and `zabkv compare`: both runs beside each other, from real replicas over UDP. */
import { strict as assert } from 'node:assert'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { WorkloadReport } from '../../src/bench/report.js'
import { packageRoot } from '../package-root.js'
import { run, zabkv, type Outcome } from './run.js'

const SCRIPT = join(packageRoot(), 'scripts', 'compare-multicast.sh')
const MILLIS_MAX = 150_000
/** Replicas are not asked at the same instant, nor at the end of a burst. */
const SLACK = 0.2

const folder = mkdtempSync(join(tmpdir(), 'zabkv-test-'))
const kept = join(folder, 'kept')
/** What the script leaves behind would be here. */
const scratch = join(folder, 'scratch')
mkdirSync(scratch)
after(() => rmSync(folder, { recursive: true, force: true }))

function script(...words: string[]): Promise<Outcome> {
  return run('bash', [SCRIPT, ...words], { millisMax: MILLIS_MAX, env: { TMPDIR: scratch } })
}

test('compare: what it does not understand is one sentence and exit code 2', async () => {
  const cases: [string[], RegExp][] = [
    [['--json'], /--keep DIR leaves both reports/],
    [['--unicast'], /--unicast is one of the two runs already/],
    [['--seconds', '5'], /use --workload SECONDS/],
    [['--workload'], /--workload needs a value/],
    [['--workload', 'long'], /--workload needs seconds, not "long"/],
    [['--keep', '--unicast'], /--keep needs a value/],
    [['--bogus'], /unknown option --bogus/],
  ]
  for (const [words, sentence] of cases) {
    const { code, stdout, stderr } = await script(...words)
    assert.equal(code, 2, `${words.join(' ')}: ${stderr}`)
    assert.match(stderr, sentence)
    assert.equal(stdout, '')
  }
  const help = await script('--help')
  assert.equal(help.code, 0)
  assert.match(help.stdout, /^Usage: scripts\/compare-multicast\.sh/)
})

function reportOf(name: string): WorkloadReport {
  return JSON.parse(readFileSync(join(kept, `${name}.json`), 'utf8')) as WorkloadReport
}

function checkFigures({ efficiency, writes, settings }: WorkloadReport, copies: number): void {
  const { committedWrites, cluster, replicas, protocol } = efficiency
  assert.equal(settings.cluster?.multicast, copies === 1)
  assert.equal(replicas.length, 3)
  assert.ok(committedWrites >= 0.8 * writes, `${committedWrites} committed, ${writes} answered`)
  for (const each of [cluster, ...replicas]) {
    for (const [name, value] of Object.entries(each)) {
      if (name !== 'role') assert.ok(Number.isFinite(value) && Number(value) >= 0, `${name} is ${value}`)
    }
    const { posts, datagrams, systemCalls, systemCallsWaiting } = each
    assert.ok((datagrams ?? 0) >= (posts ?? 0), 'a post sends one datagram or more')
    assert.ok((systemCalls ?? 0) > (systemCallsWaiting ?? 0), 'over UDP sends and receives are system calls')
    assert.ok((systemCallsWaiting ?? 0) > 0, 'and waiting is')
  }
  const leader = replicas.find(({ role }) => role === 'LEADING')
  assert.ok((leader?.bytesToReplicas ?? 0) > 40 * copies, 'a PROPOSE has the keys and values')
  assert.ok((cluster.bytesToClients ?? 0) > 0)
  const sent = protocol.proposeMessagesPerProposal ?? 0
  assert.ok(Math.abs(sent - copies) < SLACK, `a proposal was sent ${sent} times, not ${copies}`)
}

test('compare: multicast sends a proposal once, unicast once for each follower; the figures are sensible', async () => {
  const load = ['--workload', '1', '--warm-up', '0', '--keys', '1000', '--transport', 'udp']
  const { code, stdout, stderr } = await script(...load, '--failover-millis', '5000', '--keep', kept)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^ +multicast +unicast\n/)
  assert.match(stdout, /^completed operations\/s +[1-9][0-9,]* +[1-9][0-9,]*$/m)
  assert.match(stdout, /^digests +equal +equal$/m)
  checkFigures(reportOf('multicast'), 1)
  checkFigures(reportOf('unicast'), 2)
  assert.deepEqual(readdirSync(scratch), [])
  const again = await zabkv(['compare', join(kept, 'multicast.json')])
  assert.equal(again.code, 0)
  assert.match(again.stdout, /^ +multicast\n/)
})

test('compare: a file that is not there, or no report, is one sentence and exit code 2', async () => {
  for (const file of [join(kept, 'nothing.json'), join(packageRoot(), 'package.json')]) {
    const { code, stdout, stderr } = await zabkv(['compare', file])
    assert.equal(code, 2)
    assert.match(stderr, /^zabkv: .*(cannot be read|is not a report).*\(BAD_ARGUMENT\)\n$/)
    assert.equal(stdout, '')
  }
})
