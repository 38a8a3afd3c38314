/**
 * Hosts as network namespaces, joined by veth pairs and bridges in a namespace of their own, and what cuts them off.
 *
 *   PREFIXb   br0 and br1 with the tool's address; v1 .. vN, one a host
 *   PREFIXnI  eth0 with the address of host I
 *
 * Needs root and iproute2, nothing else. Makes and removes namespaces of its own names only. Whoever uses them runs in
 * PREFIXb: main.ts starts itself again there. A cut is silent, as on a network: senders see no error.
 */

import { spawnSync } from 'node:child_process'

/** Both bridges bear it, so that what hosts know of the tool's address stays true when they change the bridge. */
const BRIDGE_MAC = '02:00:00:d5:4d:fe'
const NOBODY_MAC = '02:00:00:d5:4d:00'
const NETWORK = '10.213.77'
export const TOOL_ADDRESS = `${NETWORK}.254`

export function hostAddress(host: number): string {
  return `${NETWORK}.${host + 1}`
}

export function bridgeSpace(prefix: string): string {
  return `${prefix}b`
}

export function hostSpace(prefix: string, host: number): string {
  return `${prefix}n${host}`
}

/** Null when the hosts are there, else why not; nothing is left then. */
export function makeHosts(prefix: string, hosts: number): string | null {
  const inner = bridgeSpace(prefix)
  const commands = [`netns add ${inner}`, `-n ${inner} link set lo up`]
  for (const [bridge, bits] of [['br0', 24], ['br1', 32]] as const) {
    commands.push(
      `-n ${inner} link add ${bridge} type bridge mcast_snooping 0`,
      `-n ${inner} link set ${bridge} address ${BRIDGE_MAC} up`,
      `-n ${inner} addr add ${TOOL_ADDRESS}/${bits} dev ${bridge}`,
    )
  }
  for (let host = 0; host < hosts; host++) {
    const space = hostSpace(prefix, host)
    commands.push(
      `netns add ${space}`,
      `-n ${inner} link add v${host} type veth peer name eth0 netns ${space}`,
      `-n ${inner} link set v${host} master br0 up`,
      `-n ${space} addr add ${hostAddress(host)}/24 dev eth0`,
      `-n ${space} link set eth0 up`,
      `-n ${space} link set lo up`,
      `-n ${space} route add 224.0.0.0/4 dev eth0`,
    )
  }
  for (const command of commands) {
    const problem = run('ip', command)
    if (problem === null) continue
    removeHosts(prefix, hosts)
    return problem
  }
  return null
}

export function removeHosts(prefix: string, hosts: number): void {
  for (let host = 0; host < hosts; host++) run('ip', `netns del ${hostSpace(prefix, host)}`)
  run('ip', `netns del ${bridgeSpace(prefix)}`)
}

/** Nothing that the host sends arrives. */
export function mute(prefix: string, host: number): void {
  demand('tc', `-n ${hostSpace(prefix, host)} qdisc replace dev eth0 root blackhole`)
}

/** Nothing arrives at the host. */
export function deafen(prefix: string, host: number): void {
  demand('tc', `-n ${bridgeSpace(prefix)} qdisc replace dev v${host} root blackhole`)
}

export function unmute(prefix: string, host: number): void {
  demand('tc', `-n ${hostSpace(prefix, host)} qdisc del dev eth0 root`)
}

export function undeafen(prefix: string, host: number): void {
  demand('tc', `-n ${bridgeSpace(prefix)} qdisc del dev v${host} root`)
}

/** Off the other hosts, but not off the tool and its clients, nor off others that are set apart. */
export function setApart(prefix: string, host: number): void {
  toBridge(prefix, host, 'br1')
}

export function setBack(prefix: string, host: number): void {
  toBridge(prefix, host, 'br0')
}

/** What the host sends to that one host is lost, but for multicast. */
export function misdirect(prefix: string, host: number, other: number): void {
  const space = hostSpace(prefix, host)
  demand('ip', `-n ${space} neigh replace ${hostAddress(other)} lladdr ${NOBODY_MAC} dev eth0 nud permanent`)
}

export function redirect(prefix: string, host: number, other: number): void {
  demand('ip', `-n ${hostSpace(prefix, host)} neigh del ${hostAddress(other)} dev eth0`)
}

function toBridge(prefix: string, host: number, bridge: 'br0' | 'br1'): void {
  const inner = bridgeSpace(prefix)
  demand('ip', `-n ${inner} link set v${host} master ${bridge}`)
  const route = `${hostAddress(host)}/32 dev ${bridge} src ${TOOL_ADDRESS}`
  demand('ip', `-n ${inner} route replace ${route}`)
}

function demand(command: string, words: string): void {
  const problem = run(command, words)
  if (problem !== null) throw new Error(problem)
}

function run(command: string, words: string): string | null {
  const done = spawnSync(command, words.split(' '), { encoding: 'utf8' })
  return done.status === 0 ? null : `${command} ${words}: ${(done.stderr ?? String(done.error)).trim()}`
}
