/** A cluster with memcached fronts, for tests of memcached's clients. */
import { item } from '../../src/assert.js'
import { parseHostPort } from '../../src/registry/host-port.js'
import type { Processes } from '../integration/processes.js'
import { startProcesses } from '../integration/processes.js'

/** Patient, because the machines of tests are busy. */
const WORDS = ['--memcached', '0', '--store-mib', '256', '--failure-timeout-ms', '500', '--stuck-timeout-ms', '5000']

export function startMemcachedReplicas(
  voters: number,
  extra: readonly string[] = [],
  observers = 0,
): Promise<Processes> {
  return startProcesses(voters, [...WORDS, ...extra], { observers })
}

/** Of this life of the replica. */
export function memcachedPort(processes: Processes, replica: number): number {
  const found = /memcached ([^\s,]+)/.exec(item(processes.replicas, replica).said)?.[1]
  if (found === undefined) throw new Error(`replica ${replica} does not say where memcached's clients connect`)
  return parseHostPort(found).port
}
