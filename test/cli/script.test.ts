/** scripts/run-zookeeper.sh with real processes: what it refuses, what it reports, what it leaves behind. */
import { strict as assert } from 'node:assert'
import { spawn, type ChildProcess } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WorkloadReport } from '../../src/bench/report.js'
import { packageRoot } from '../package-root.js'
import { outcomeOf, run, zabkv, type Outcome } from './run.js'

const SCRIPT = join(packageRoot(), 'scripts', 'run-zookeeper.sh')
const MILLIS_MAX = 90_000

function script(...words: string[]): Promise<Outcome> {
  return run('bash', [SCRIPT, ...words], { millisMax: MILLIS_MAX })
}

test('script: what it does not understand is one sentence, exit code 2, and starts nothing', async () => {
  const cases: [string[], RegExp][] = [
    [['--bogus'], /unknown option --bogus/],
    [['extra'], /unknown option extra/],
    [['--replicas'], /--replicas needs a value/],
    [['--replicas', '0'], /--replicas is 1 to 16, not 0/],
    [['--replicas', 'many'], /needs a whole number, not "many"/],
    [['--ips', 'a b'], /--ips is IP addresses with commas between/],
    [['--workload', 'long'], /--workload needs seconds/],
    [['--json'], /--json goes with --workload/],
    [['--keys', '5'], /--keys goes with --workload/],
    [['--cluster', 'a b'], /a cluster name is/],
    [['--ips', '203.0.113.1,203.0.113.2'], /None of --ips 203\.0\.113\.1,203\.0\.113\.2 is an address of this machine/],
    [['--transport', 'pigeon', '--workload', '1'], /Invalid values|pigeon/],
  ]
  for (const [words, sentence] of cases) {
    const { code, stdout, stderr } = await script(...words)
    assert.equal(code, 2, `${words.join(' ')}: ${stderr}`)
    assert.match(stderr, sentence)
    assert.equal(stdout, '')
  }
})

test('script: a registry that does not answer is one sentence, exit code 3', async () => {
  const { code, stderr } = await script('--registry', '127.0.0.1:9', '--workload', '1')
  assert.equal(code, 3)
  assert.match(stderr, /The registry at 127\.0\.0\.1:9 does not answer: start one there/)
})

test('script: a workload reports one JSON object, equal digests, and leaves nothing behind', async () => {
  const before = await scratchFolders()
  const words = ['--workload', '1', '--json', '--keys', '5000', '--write-ratio', '0.5', '--warm-up', '0.2', '--unicast']
  const { code, stdout, stderr } = await script(...words)
  assert.equal(code, 0, stderr)
  const report = JSON.parse(stdout) as WorkloadReport
  assert.ok(report.writesPerSecond > 0)
  assert.ok(report.readsPerSecond > 0)
  assert.equal(report.errors, 0)
  assert.equal(report.digestsEqual, true)
  assert.equal(new Set(report.digests.map(({ digest }) => digest)).size, 1)
  assert.equal(report.digests.length, 3)
  assert.equal(report.preload.writes, 5000)
  assert.equal(report.settings.cluster?.multicast, false)
  for (const field of ['writesPerProposal', 'writesPerProposeMessage', 'writesPerAckMessage'] as const) {
    assert.ok((report.batching[field] ?? 0) >= 1, field)
  }
  assert.ok(report.latencyMicros.writes.count > 0)
  assert.deepEqual(await scratchFolders(), before)
})

async function scratchFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('zabkv-run.')).sort()
}

test('script: a cluster that stays up serves every command, and ends with all it started', async () => {
  const child = spawn('bash', [SCRIPT, '--store-mib', '64'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = outcomeOf(child, MILLIS_MAX)
  try {
    const where = await reached(child)
    await exercise(where)
    const stats = JSON.parse((await zabkv(['stats', '--json', ...where])).stdout) as { replicas: unknown[] }
    assert.equal(stats.replicas.length, 3)
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 0, stderr)
    const after = await zabkv(['get', 'k', ...where])
    assert.equal(after.code, 3, 'registry and replicas are gone')
  } finally {
    child.kill('SIGTERM')
    await ended
  }
})

/** The options that reach the cluster, from what the script says. */
function reached(child: ChildProcess): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const found = /ZABKV_REGISTRY=(\S+) ZABKV_CLUSTER=(\S+)/.exec(said)
      if (found !== null) resolve(['--registry', found[1] ?? '', '--cluster', found[2] ?? ''])
    })
    child.once('close', () => reject(new Error(`the script ended: ${said}`)))
  })
}

async function exercise(where: readonly string[]): Promise<void> {
  const at = (...words: string[]): Promise<Outcome> => zabkv([...words, ...where])
  assert.equal((await at('get', 'k')).code, 1)
  assert.match((await at('get', 'k')).stderr, /There is no key "k"\. \(NOT_FOUND\)/)
  const set = await at('set', 'k', 'hello', '--json')
  const { version } = JSON.parse(set.stdout) as { version: number }
  assert.equal((await at('get', 'k', '--sync')).stdout, 'hello\n')
  assert.equal((await at('get', 'k', '--sync', '--raw')).stdout, 'hello')
  const create = await at('set', 'k', 'other', '--create')
  assert.equal(create.code, 1)
  assert.match(create.stderr, /\(EXISTS\)/)
  assert.equal((await at('set', 'k', 'x', '--if-version', String(version + 1))).code, 1)
  assert.equal((await at('set', 'k', 'there', '--if-version', String(version))).code, 0)
  const binary = Buffer.from([0, 255, 10, 128])
  assert.equal((await zabkv(['set', 'bin', '-', ...where], { input: binary })).code, 0)
  const shown = JSON.parse((await at('get', 'bin', '--sync', '--json')).stdout) as { valueBase64: string }
  assert.equal(shown.valueBase64, binary.toString('base64'))
  assert.equal((await at('set', 'k'.repeat(251), 'v')).code, 2)
  assert.equal((await at('set', '', 'v')).code, 2)
  // Nothing is taken for a number.
  assert.equal((await at('set', '007', '1e3')).code, 0)
  assert.equal((await at('get', '007', '--sync')).stdout, '1e3\n')
  assert.equal((await at('set', 'empty', '')).code, 0)
  assert.equal((await at('get', 'empty', '--sync')).stdout, '\n')
  assert.equal((await at('delete', 'k')).stdout, 'deleted\n')
  assert.equal((await at('delete', 'k')).stdout, 'was not there\n')
  assert.equal((await at('sync')).code, 0)
  const digest = await at('digest', '--json')
  assert.equal(digest.code, 0)
  assert.equal((JSON.parse(digest.stdout) as { equal: boolean }).equal, true)
  const table = await at('stats')
  assert.match(table.stdout, /writes per proposal/)
  const csv = await at('stats', '--csv')
  assert.equal(csv.stdout.trim().split('\n').length, 4)
}

test('script: two clusters run beside each other', async () => {
  const words = ['--workload', '1', '--json', '--keys', '1000', '--replicas', '2', '--warm-up', '0']
  const [one, other] = await Promise.all([script(...words), script(...words)])
  for (const { code, stderr, stdout } of [one, other]) {
    assert.equal(code, 0, stderr)
    assert.equal((JSON.parse(stdout) as WorkloadReport).errors, 0)
  }
})
