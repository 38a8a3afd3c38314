import { strict as assert } from 'node:assert'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runWorkload, type WorkloadHooks, type WorkloadResult } from '../../src/bench/workload.js'
import { batchOf, checkWorkload, WORKLOAD_DEFAULTS } from '../../src/bench/workload-options.js'
import type { WorkloadOptions } from '../../src/bench/workload-options.js'
import { errorsTotal } from '../../src/bench/tally.js'
import { createMemoryClient, type MemoryClient } from './memory-client.js'

const BASE: WorkloadOptions = {
  ...WORKLOAD_DEFAULTS,
  cluster: 'test',
  registry: { host: '127.0.0.1', port: 1 },
  distribution: 'uniform',
  traceFile: null,
  keys: 1000,
  sessions: 2,
  outstanding: 256,
  seconds: 0.15,
  warmupSeconds: 0.02,
  preload: true,
}

const HOOKS: WorkloadHooks = {
  beforeRun: () => Promise.resolve(),
  afterMeasure: () => Promise.resolve(),
  stopped: () => false,
}

function run(client: MemoryClient, options: Partial<WorkloadOptions>): Promise<WorkloadResult> {
  const all = { ...BASE, ...options }
  checkWorkload(all)
  return runWorkload([client], all, HOOKS)
}

test('workload: reads and writes complete in the ratio asked for, and nothing fails', async () => {
  for (const writeRatio of [0, 0.05, 0.5, 1]) {
    const client = createMemoryClient(2)
    const { tally, preload } = await run(client, { writeRatio })
    const share = tally.writes / (tally.reads + tally.writes)
    assert.equal(errorsTotal(tally), 0)
    assert.ok(tally.reads + tally.writes > 1000)
    assert.ok(Math.abs(share - writeRatio) < 0.02, `${share}, not ${writeRatio}`)
    assert.equal(preload.writes, 1000)
    assert.equal(client.items.size, 1000)
    if (writeRatio < 1) assert.ok(tally.verified > 0)
  }
})

test('workload: completed operations are counted, never issued ones', async () => {
  const client = createMemoryClient(2)
  const { tally, drained } = await run(client, { warmupSeconds: 0 })
  assert.equal(tally.reads + tally.writes + drained + 1000, client.answered)
  assert.equal(client.answered, client.issued)
  assert.equal(tally.readMicros.totals[0], tally.reads)
  assert.equal(tally.writeMicros.totals[0], tally.writes)
})

test('workload: no more is outstanding than allowed', async () => {
  for (const outstanding of [1, 7, 256]) {
    const client = createMemoryClient(2)
    await run(client, { outstanding, preload: false })
    assert.ok(client.outstandingMost <= 2 * outstanding, `${client.outstandingMost} of ${outstanding}`)
  }
  assert.equal(batchOf({ ...BASE, outstanding: 1 }), 1)
})

test('workload: a wrong value is an error', async () => {
  const { tally } = await run(createMemoryClient(2, { wrongValueEvery: 100 }), { writeRatio: 0 })
  assert.ok((tally.errors.get('WRONG_VALUE') ?? 0) > 0)
  assert.deepEqual([...tally.errors.keys()], ['WRONG_VALUE'])
})

test('workload: failed batches and refused operations are errors by code, and not completed', async () => {
  const client = createMemoryClient(2, { failBatch: (batch) => batch > 100 && batch % 10 === 0 })
  const { tally } = await run(client, {})
  assert.ok((tally.errors.get('TIMEOUT') ?? 0) >= batchOf(BASE))
  const full = await run(createMemoryClient(2, { fullEvery: 5000 }), {})
  assert.ok((full.tally.errors.get('STORE_FULL') ?? 0) > 0)
})

test('workload: a preload that fails ends the run with one sentence', async () => {
  await assert.rejects(run(createMemoryClient(2, { fullEvery: 10 }), {}), {
    code: 'STORE_FULL',
    message: /The preload of 1000 keys failed with STORE_FULL: use fewer --keys/,
  })
})

test('workload: a session that only fails is left alone, and the run ends', async () => {
  const { tally } = await run(createMemoryClient(2, { failBatch: () => true }), { preload: false, seconds: 60 })
  assert.equal(tally.reads + tally.writes, 0)
  assert.ok((tally.errors.get('TIMEOUT') ?? 0) > 0)
})

test('workload: it can be stopped', async () => {
  const hooks = { ...HOOKS, stopped: () => true }
  const result = await runWorkload([createMemoryClient(2)], { ...BASE, seconds: 600, warmupSeconds: 600 }, hooks)
  assert.ok(result.elapsedSeconds < 5)
})

test('workload: values of every size carry their key', async () => {
  for (const valueBytes of [0, 1, 3, 4, 7, 8, 9, 1000]) {
    const { tally } = await run(createMemoryClient(2), { valueBytes, seconds: 0.1 })
    assert.equal(errorsTotal(tally), 0, `${valueBytes} bytes`)
    assert.ok(tally.verified > 0)
  }
})

test('workload: every distribution runs on its keys', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zabkv-trace-'))
  try {
    const traceFile = join(folder, 'trace.txt')
    await writeFile(traceFile, 'alpha\nbeta\nalpha\ngamma delta\n')
    const trace = createMemoryClient(2)
    const traced = await run(trace, { distribution: 'trace', traceFile })
    assert.deepEqual([...trace.items.keys()].sort(), ['alpha', 'beta', 'gamma delta'])
    assert.equal(errorsTotal(traced.tally), 0)
    const single = createMemoryClient(2)
    await run(single, { distribution: 'single' })
    assert.deepEqual([...single.items.keys()], ['00000000'])
    const zipf = createMemoryClient(2)
    const zipfed = await run(zipf, { distribution: 'zipf', keyBytes: 20 })
    assert.equal(zipf.items.size, 1000)
    assert.ok([...zipf.items.keys()].every((key) => key.length === 20))
    assert.equal(errorsTotal(zipfed.tally), 0)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('workload: what is out of range is refused with the option and its range', () => {
  const bad: [Partial<WorkloadOptions>, RegExp][] = [
    [{ writeRatio: 1.1 }, /--write-ratio is a number from 0 to 1, not 1\.1/],
    [{ writeRatio: Number.NaN }, /--write-ratio/],
    [{ keys: 0 }, /--keys/],
    [{ keyBytes: 7 }, /--key-bytes is an integer from 8 to 250, not 7/],
    [{ keyBytes: 251 }, /--key-bytes/],
    [{ valueBytes: 1048577 }, /--value-bytes/],
    [{ sessions: 0 }, /--sessions/],
    [{ outstanding: 0 }, /--outstanding/],
    [{ seconds: 0 }, /--seconds/],
    [{ distribution: 'zipf', keys: 2 ** 25 }, /--keys/],
    [{ distribution: 'trace' }, /--trace FILE/],
    [{ sessions: 1000, outstanding: 100_000, valueBytes: 100 }, /1 GiB/],
  ]
  for (const [change, sentence] of bad) {
    assert.throws(() => checkWorkload({ ...BASE, ...change }), { code: 'BAD_ARGUMENT', message: sentence })
  }
})

test('workload: at a rate no more is issued than is offered, although more could be answered', async () => {
  const rate = 20_000
  const client = createMemoryClient(2)
  const { tally, elapsedSeconds } = await run(client, { rate, seconds: 0.3 })
  assert.equal(errorsTotal(tally), 0)
  const completed = (tally.reads + tally.writes) / elapsedSeconds
  assert.ok(completed > 0.5 * rate && completed < 1.2 * rate, `${completed} of ${rate} operations a second`)
})
