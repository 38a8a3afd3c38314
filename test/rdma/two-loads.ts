/**
 * The two loads of three-hosts.sh in one process: starting node takes longer in an emulated host than a load.
 *
 * `node two-loads.js HOST:PORT FOLDER`, the registry's address and where reports go: lossy.json of reads and writes,
 * then faults.json of writes alone. Says on standard error what it does; "faults: Running ..." is when faults may come.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runBench } from '../../src/bench/bench.js'
import { WORKLOAD_DEFAULTS, type WorkloadOptions } from '../../src/bench/workload-options.js'

/** A host that is off has no digest any more: nobody waits for it long. */
const SETTLE_MILLIS = 2000
const LOOK_MILLIS = 300

const [registry = '', folder = ''] = process.argv.slice(2)
const [host = '', port = ''] = registry.split(':')

const COMMON: WorkloadOptions = {
  ...WORKLOAD_DEFAULTS,
  cluster: 'zabkv',
  registry: { host, port: Number(port) },
  keys: 1000,
  distribution: 'uniform',
  traceFile: null,
  sessions: 3,
  outstanding: 256,
  preload: true,
  failoverMillis: 10_000,
}

async function load(name: string, options: Partial<WorkloadOptions>, settleMillis?: number): Promise<void> {
  const hooks = {
    log: (line: string) => process.stderr.write(`${name}: ${line}\n`),
    stopped: () => false,
    ...(settleMillis === undefined ? {} : { settleMillis }),
  }
  const report = await runBench({ ...COMMON, ...options }, hooks)
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(report))
}

/** Bounded by the rig's own limit. */
async function clusterIsUp(): Promise<void> {
  while (!readFileSync(join(folder, 'host-1.log'), 'utf8').includes('The cluster is up')) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
  }
}

await clusterIsUp()
await load('lossy', { seconds: 3 })
await load('faults', { seconds: 20, writeRatio: 1, preload: false }, SETTLE_MILLIS)
