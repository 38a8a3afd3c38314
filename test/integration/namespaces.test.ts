/**
 * Three hosts and a client as network namespaces, joined by veth pairs and a bridge, each running the script with --ips
 * as on machines of their own. Needs root and iproute2; makes and removes namespaces of its own names only.
 */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { packageRoot } from '../package-root.js'
import { outcomeOf } from '../cli/run.js'
import { end } from './replica-process.js'

const PREFIX = `zk${process.pid % 10_000}`
const BRIDGE = `${PREFIX}b`
const HOSTS = [1, 2, 3, 4] // the fourth is the client's
const IPS = HOSTS.slice(0, 3).map(address).join(',')
const SCRIPT = join(packageRoot(), 'scripts/run-zookeeper.sh')

function address(host: number): string {
  return `10.213.77.${host}`
}

function name(host: number): string {
  return `${PREFIX}n${host}`
}

function ip(words: string): string | null {
  const done = spawnSync('ip', words.split(' '), { encoding: 'utf8' })
  return done.status === 0 ? null : `ip ${words}: ${done.stderr || String(done.error)}`
}

/** Null when the hosts are there, else why not. The bridge lives in a namespace too: nothing outside is touched. */
function makeHosts(): string | null {
  const commands = [`netns add ${BRIDGE}`, `-n ${BRIDGE} link add br0 type bridge`]
  commands.push(`-n ${BRIDGE} link set br0 type bridge mcast_snooping 0`, `-n ${BRIDGE} link set br0 up`)
  for (const host of HOSTS) {
    commands.push(
      `netns add ${name(host)}`,
      `-n ${BRIDGE} link add v${host} type veth peer name eth0 netns ${name(host)}`,
      `-n ${BRIDGE} link set v${host} master br0 up`,
      `-n ${name(host)} addr add ${address(host)}/24 dev eth0`,
      `-n ${name(host)} link set eth0 up`,
      `-n ${name(host)} link set lo up`,
      `-n ${name(host)} route add 224.0.0.0/4 dev eth0`,
    )
  }
  for (const command of commands) {
    const problem = ip(command)
    if (problem !== null) return problem
  }
  return null
}

function removeHosts(): void {
  for (const host of [...HOSTS.map(name), BRIDGE]) ip(`netns del ${host}`)
}

function on(host: number, words: readonly string[]): ChildProcess {
  return spawn('ip', ['netns', 'exec', name(host), 'bash', SCRIPT, '--ips', IPS, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

const missing = makeHosts()
if (missing !== null) removeHosts()

test('namespaces: three hosts form a cluster by --ips, and a fourth drives the load', async (t) => {
  if (missing !== null) return t.skip(`network namespaces cannot be made here: ${missing}`)
  const hosts = [1, 2, 3].map((host) => on(host, ['--seconds', '90']))
  try {
    for (const words of [['--write-ratio', '0.5'], ['--write-ratio', '1']]) {
      const registry = ['--registry', `${address(1)}:11911`]
      const load = on(4, [...registry, '--workload', '3', '--keys', '20000', '--json', ...words])
      const outcome = await outcomeOf(load, 60_000)
      assert.equal(outcome.code, 0, outcome.stderr)
      const report = JSON.parse(outcome.stdout) as Record<string, unknown>
      assert.equal(report['errors'], 0)
      assert.equal(report['digestsEqual'], true)
      assert.ok(Number(report['writesPerSecond']) > 0)
      const { cluster } = report['settings'] as { cluster: { datagramBytes: number; multicast: boolean } }
      assert.equal(cluster.datagramBytes, 1472, 'the datagram that Ethernet carries')
      assert.equal(cluster.multicast, true)
    }
  } finally {
    await Promise.all(hosts.map(end))
    removeHosts()
  }
})
