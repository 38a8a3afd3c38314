/**
 * Facts about this machine for `zabkv doctor`: each with a verdict and one sentence that says what
 * to do.
 */

import { readFileSync } from 'node:fs'
import { availableParallelism, networkInterfaces } from 'node:os'

import { ZabkvError } from '../errors.js'
import { DATAGRAM_BYTES_ETHERNET, DATAGRAM_BYTES_MIN } from '../zab/limits.js'
import { type RdmaPort, type TransportAddon, transportAddon, type UdpAbilities } from './addon.js'

export interface Fact {
  /** Stable name, for scripts. */
  name: string
  verdict: 'ok' | 'warn' | 'fail'
  value: string
  /** What it means, or what to do about it. */
  advice: string
}

export interface ProbeSettings {
  /** An address of this machine; 127.0.0.1 when not given. */
  address?: string
  /** Wanted socket buffer; the obtained size is judged against it. */
  socketBytes?: number
}

const SOCKET_BYTES_DEFAULT = 4 << 20
const SOCKET_BYTES_LEAST = 1 << 20
const ECHO_GROUP_V4 = '239.195.254.254'
const ECHO_GROUP_V6 = 'ff15::7a61:626b'
const ECHO_MILLIS = 1000
const LOCKED_BYTES_LEAST = 256 * 2 ** 20

type Verdict = Fact['verdict']

function fact(name: string, verdict: Verdict, value: string | number, advice: string): Fact {
  return { name, verdict, value: String(value), advice }
}

/** A file of /proc or /sys; empty when this kernel has none. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function lineOf(text: string, name: string): string {
  const line = text.split('\n').find((each) => each.startsWith(name))
  return line === undefined
    ? ''
    : line
        .slice(name.length)
        .replace(/^[\s:]+/, '')
        .trim()
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

function processorFacts(): Fact[] {
  const info = read('/proc/cpuinfo')
  const flags = new Set(lineOf(info, 'flags').split(' '))
  const cores = availableParallelism()
  return [
    fact('cpu', 'ok', lineOf(info, 'model name') || process.arch, 'the processor'),
    cores > 1
      ? fact('cores', 'ok', cores, 'replicas wait for each other without starving')
      : fact(
          'cores',
          'warn',
          cores,
          'with one core replicas take turns: do not spin, and expect longer latency',
        ),
    ...['sse4_2', 'avx2'].map((flag) => {
      return flags.has(flag)
        ? fact(`cpu-${flag}`, 'ok', 'yes', 'the processor has it')
        : fact(
            `cpu-${flag}`,
            'warn',
            'no',
            'the store and checksums run on plain instructions, somewhat slower',
          )
    }),
  ]
}

function memoryFacts(): Fact[] {
  const limit = /Max locked memory\s+(\S+)/.exec(read('/proc/self/limits'))?.[1] ?? 'unknown'
  const locked = limit === 'unlimited' ? Infinity : Number(limit)
  const reserved = Number(lineOf(read('/proc/meminfo'), 'HugePages_Free') || 0)
  const transparent =
    /\[(\w+)\]/.exec(read('/sys/kernel/mm/transparent_hugepage/enabled'))?.[1] ?? 'never'
  return [
    locked >= LOCKED_BYTES_LEAST
      ? fact('locked-memory', 'ok', limit, 'an RDMA device may register the slab')
      : fact(
          'locked-memory',
          'warn',
          limit,
          "for RDMA raise it: 'ulimit -l unlimited' or limits.conf memlock",
        ),
    reserved > 0 || transparent !== 'never'
      ? fact(
          'hugepages',
          'ok',
          `${reserved} free, transparent: ${transparent}`,
          'the slab lies in large pages',
        )
      : fact(
          'hugepages',
          'warn',
          'none',
          "reserve some: 'sysctl vm.nr_hugepages=512', or enable transparent ones",
        ),
  ]
}

function bufferFact(name: string, obtained: number, wanted: number, sysctl: string): Fact {
  const limit = read(`/proc/sys/net/core/${sysctl}`).trim()
  const value = `${mebibytes(obtained)} of ${mebibytes(wanted)} (net.core.${sysctl} ${limit})`
  if (obtained >= Math.min(wanted, SOCKET_BYTES_LEAST))
    return fact(name, 'ok', value, 'bursts find room')
  return fact(name, 'warn', value, `bursts will be lost: 'sysctl -w net.core.${sysctl}=${wanted}'`)
}

function offloadFact(name: string, has: boolean): Fact {
  if (has) return fact(name, 'ok', 'yes', 'trains of datagrams are one system call')
  return fact(name, 'warn', 'no', 'needs Linux 5.0; without it every datagram is handled alone')
}

function udpFacts(abilities: UdpAbilities, wanted: number): Fact[] {
  return [
    offloadFact('udp-segmentation', abilities.segmentation),
    offloadFact('udp-coalescing', abilities.coalescing),
    bufferFact('receive-buffer', abilities.receiveBytes, wanted, 'rmem_max'),
    bufferFact('send-buffer', abilities.sendBytes, wanted, 'wmem_max'),
  ]
}

/** What a call that may throw says, as a fact either way. */
function attempt(name: string, verdict: Verdict, call: () => Fact): Fact {
  try {
    return call()
  } catch (thrown) {
    return fact(name, verdict, 'no', thrown instanceof Error ? thrown.message : String(thrown))
  }
}

function interfaceFacts(addon: TransportAddon, address: string): Fact[] {
  return [
    attempt('datagram-bytes', 'fail', () => {
      const bytes = addon.datagramBytes('udp', address, '')
      if (bytes < DATAGRAM_BYTES_MIN) {
        return fact(
          'datagram-bytes',
          'fail',
          bytes,
          `raise the interface's MTU: at least ${DATAGRAM_BYTES_MIN} bytes`,
        )
      }
      if (bytes < DATAGRAM_BYTES_ETHERNET) {
        return fact(
          'datagram-bytes',
          'warn',
          bytes,
          'the MTU is below 1500: set datagramBytes alike on all replicas',
        )
      }
      return fact(
        'datagram-bytes',
        'ok',
        bytes,
        'the largest datagram that passes this interface in one piece',
      )
    }),
    attempt('multicast', 'warn', () => {
      const group = address.includes(':') ? ECHO_GROUP_V6 : ECHO_GROUP_V4
      const micros = addon.multicastEcho(address, group, ECHO_MILLIS)
      return fact('multicast', 'ok', `echo after ${micros} us`, 'groups work on this interface')
    }),
  ]
}

function portFacts(port: RdmaPort): Fact[] {
  const name = `rdma-${port.device}-${port.port}`
  const active = port.state === 'ACTIVE'
  const gids = port.gids.map((each) => `${each.index}: ${each.gid} (${each.type})`).join(', ')
  const routable = port.gids.some((each) => each.type !== 'RoCE v1')
  return [
    active
      ? fact(
          name,
          'ok',
          `${port.state}, ${port.linkLayer}, on ${port.interface || 'no interface'}`,
          'the port is up',
        )
      : fact(
          name,
          'warn',
          `${port.state}, ${port.linkLayer}`,
          "bring it up: 'ip link set up' or the subnet manager",
        ),
    port.mtuBytes >= DATAGRAM_BYTES_MIN
      ? fact(`${name}-mtu`, 'ok', port.mtuBytes, 'the largest datagram of this port')
      : fact(
          `${name}-mtu`,
          'fail',
          port.mtuBytes,
          `datagrams have at least ${DATAGRAM_BYTES_MIN} bytes: raise the MTU`,
        ),
    routable
      ? fact(`${name}-gids`, 'ok', gids, 'peers are addressed by these')
      : fact(
          `${name}-gids`,
          'warn',
          gids || 'none',
          'no RoCE v2 address: give the interface an IP address',
        ),
  ]
}

function rdmaFacts(addon: TransportAddon): Fact[] {
  if (!addon.verbsBuilt) {
    const advice = "for RDMA install libibverbs-dev and librdmacm-dev, then 'npm run build:native'"
    return [fact('verbs', 'warn', 'not built', advice)]
  }
  const ports = addon.rdmaPorts()
  if (ports.length === 0)
    return [fact('verbs', 'ok', 'no device', 'UDP carries the datagrams on this machine')]
  return [
    fact('verbs', 'ok', `${ports.length} ports`, 'RDMA is possible'),
    ...ports.flatMap(portFacts),
  ]
}

function addressFact(address: string): Fact {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const loopback = address.startsWith('127.') || address === '::1'
  if (loopback)
    return fact('address', 'warn', address, 'loopback: other machines cannot reach this replica')
  if (all.some((each) => each.address === address))
    return fact('address', 'ok', address, 'an address of this machine')
  const others = all.map((each) => each.address).join(', ')
  return fact('address', 'fail', address, `not an address of this machine, which has ${others}`)
}

/** Never throws: what cannot be found out is a fact, too. */
export function probe(settings: ProbeSettings = {}): Fact[] {
  const address = settings.address ?? '127.0.0.1'
  const wanted = settings.socketBytes ?? SOCKET_BYTES_DEFAULT
  const facts = [...processorFacts(), ...memoryFacts(), addressFact(address)]
  try {
    const addon = transportAddon()
    return [
      ...facts,
      fact('addon', 'ok', 'loaded', 'the native addon fits this machine'),
      ...udpFacts(addon.udpAbilities(wanted), wanted),
      ...interfaceFacts(addon, address),
      ...rdmaFacts(addon),
    ]
  } catch (thrown) {
    if (!(thrown instanceof ZabkvError)) throw thrown
    return [...facts, fact('addon', 'fail', 'missing', thrown.message)]
  }
}
