/**
 * What goes wrong in a cluster, and when: partitions, crashes, pauses. Each run draws which kinds it has and how often,
 * so that some runs have a single kind over and over, and others everything at once.
 */

import { item } from '../../src/assert.js'
import { PHASE, ROLE, TRUST } from '../../src/zab/state.js'
import { crashReplica, startReplica } from './cluster.js'
import type { SimCluster, SimNode } from './cluster.js'
import type { Durability } from './cluster.js'
import type { FaultKind } from './fault-kinds.js'
import { healDisks } from './cluster.js'
import { fillDisk, loseDisk } from './sim-disk.js'
import { cut, stall } from './network.js'
import type { Prng } from './prng.js'

interface Ending {
  tick: number
  end: () => void
}

export interface Faults {
  readonly cluster: SimCluster
  readonly prng: Prng
  readonly clientNodes: readonly number[]
  readonly kinds: readonly FaultKind[]
  readonly meanGapTicks: number
  readonly lengthTicksMax: number
  /** Crashed replicas start again so much later, at most. */
  readonly downTicksMax: number
  /** Faults begin before there is an established epoch. */
  readonly early: boolean
  /** Probability that a fault begins at once while somebody elects or synchronizes. */
  readonly eager: number
  next: number
  endings: Ending[]
}

const DUEL_KINDS: readonly FaultKind[] = ['leader-alone', 'stall', 'bridge', 'pair-cut', 'pause', 'one-way']

/** More at once than this do not begin out of turn. */
const ACTIVE_MAX = 4

/** More than once each: the kinds of disks are few. */
const DISK_KINDS: Record<Durability, readonly FaultKind[]> = {
  memory: [],
  async: ['crash', 'disk-slow', 'disk-full'],
  fsync: ['crash', 'crash', 'crash-of-leader', 'all-crash', 'disk-slow', 'disk-full', 'disk-failed', 'disk-lost'],
}
const DISK_LOST = 0.3

const KINDS: readonly FaultKind[] = [
  'stall', 'leader-alone', 'partition', 'bridge', 'isolation', 'one-way', 'pair-cut',
  'crash', 'crash-of-leader', 'pause', 'stuck', 'slow',
]

export function drawFaults(
  cluster: SimCluster,
  prng: Prng,
  clientNodes: readonly number[],
  durability: Durability = 'memory',
): Faults {
  const share = 0.2 + prng.unit() * 0.8
  // A duel: elections follow each other, and each is disturbed, so that several would lead at a time.
  const isDuel = prng.chance(0.25)
  const general = isDuel ? DUEL_KINDS : KINDS.filter(() => prng.chance(share))
  const kinds = [...general, ...DISK_KINDS[durability].filter(() => prng.chance(share))]
  return {
    cluster,
    prng,
    clientNodes,
    kinds,
    meanGapTicks: item(isDuel ? [100, 200, 400] : [150, 500, 1500], prng.below(3)),
    lengthTicksMax: item(isDuel ? [300, 800, 1500] : [800, 2500, 6000], prng.below(3)),
    downTicksMax: item([50, 1000, 6000], prng.below(3)),
    early: prng.chance(0.1),
    eager: item(isDuel ? [0.02, 0.05, 0.1, 0.2] : [0, 0.005, 0.02, 0.1], prng.below(4)),
    next: 0,
    endings: [],
  }
}

/** Ends what is over, and begins what is due. */
export function faultsTick(faults: Faults): void {
  const { cluster, prng } = faults
  const { tick } = cluster.network
  endUntil(faults, tick)
  if (faults.kinds.length === 0) return
  const isTense = faults.endings.length < ACTIVE_MAX && isUnsettled(cluster) && prng.chance(faults.eager)
  if (tick < faults.next && !isTense) return
  if (!faults.early && !isEstablished(cluster)) {
    faults.next = tick + 1 + prng.below(faults.meanGapTicks)
    return
  }
  faults.next = tick + 1 + prng.below(faults.meanGapTicks * 2)
  begin(faults, item(faults.kinds, prng.below(faults.kinds.length)))
}

/** Is anybody between an election and an established epoch? Most goes wrong there. */
function isUnsettled(cluster: SimCluster): boolean {
  return cluster.nodes.some(({ replica }) => {
    if (replica === null) return false
    const { phase } = replica.core.state
    return phase === PHASE.DISCOVERY || phase === PHASE.SYNCHRONIZATION
  })
}

/** No more faults: what is cut is joined, what is crashed starts, what stands still goes on. */
export function healAll(faults: Faults): void {
  endUntil(faults, Infinity)
  healDisks(faults.cluster)
  for (const node of faults.cluster.nodes) {
    node.pausedUntil = 0
    node.stuckUntil = 0
    node.slowUntil = 0
    if (node.replica === null) startReplica(faults.cluster, node)
  }
}

/** Crashes so many at once that a majority of the members loses what it acknowledged, but not all. */
export function loseMajority(faults: Faults): void {
  const { cluster, prng } = faults
  cluster.network.counts['majority-lost']++
  const keep = 1 + prng.below(majorityOf(cluster) - 1)
  const left = cluster.nodes.filter(isWhole)
  while (left.length > keep) left.splice(prng.below(left.length), 1)
  for (const node of cluster.nodes) if (node.replica !== null && !left.includes(node)) crash(faults, node)
}

/** Has there been an established epoch? */
export function isEstablished({ ledger }: SimCluster): boolean {
  for (const { base } of ledger.led.values()) if (base >= 0) return true
  return false
}

export function majorityOf(cluster: SimCluster): number {
  return Math.floor(cluster.nodes.length / 2) + 1
}

export function isWhole(node: SimNode): boolean {
  return node.replica !== null && node.replica.core.state.trust === TRUST.WHOLE
}

function endUntil(faults: Faults, tick: number): void {
  const over = faults.endings.filter((each) => each.tick <= tick)
  if (over.length === 0) return
  faults.endings = faults.endings.filter((each) => each.tick > tick)
  for (const each of over) each.end()
}

function begin(faults: Faults, kind: FaultKind): void {
  const { cluster, prng } = faults
  const { network } = cluster
  const running = cluster.nodes.filter(({ replica }) => replica !== null)
  if (running.length === 0) return
  const leader = running.find(({ replica }) => replica?.core.state.role === ROLE.LEADING) ?? null
  const node = leader !== null && prng.chance(0.4) ? leader : item(running, prng.below(running.length))
  const length = 1 + prng.below(faults.lengthTicksMax)
  if (kind === 'crash' || kind === 'crash-of-leader') {
    const victim = kind === 'crash' ? node : leader
    if (victim !== null && mayCrash(cluster, victim)) crash(faults, victim)
    return
  }
  if (kind === 'all-crash') {
    network.counts[kind]++
    for (const each of running) crash(faults, each)
    return
  }
  if (kind === 'leader-alone' && leader === null) return
  if (isOfDisk(kind)) return beginOnDisk(faults, kind, node, network.tick + length)
  network.counts[kind]++
  network.trace.say(network.tick, `${kind} at ${node.id} for ${length / 10} ms`)
  if (kind === 'pause') node.pausedUntil = network.tick + length
  else if (kind === 'stuck') node.stuckUntil = network.tick + length
  else if (kind === 'slow') node.slowUntil = network.tick + length
  else cutOff(faults, kind, (kind === 'leader-alone' ? leader : null)?.id ?? node.id, network.tick + length)
}

/**
 * In memory a cluster survives as many crashes as leave a majority of members that lost nothing. Before there is a
 * history all must be there. What is on disk survives all of them.
 */
function mayCrash(cluster: SimCluster, victim: SimNode): boolean {
  if (cluster.settings.durability === 'fsync') return true
  const left = cluster.nodes.filter((node) => node !== victim && isWhole(node))
  return left.length >= majorityOf(cluster)
}

function isOfDisk(kind: FaultKind): boolean {
  return kind === 'disk-slow' || kind === 'disk-full' || kind === 'disk-failed' || kind === 'disk-lost'
}

function beginOnDisk(faults: Faults, kind: FaultKind, node: SimNode, until: number): void {
  const { cluster, prng } = faults
  const { network } = cluster
  const { disk } = node
  if (disk === null) return
  network.trace.say(network.tick, `${kind} at ${node.id} until ${until / 10} ms`)
  if (kind === 'disk-failed') {
    // Counted when the replica stops for it.
    disk.failed = true
    const tick = network.tick + 1 + prng.below(faults.downTicksMax)
    faults.endings.push({ tick, end: () => restartFailed(cluster, node) })
    return
  }
  if (kind === 'disk-lost') {
    if (!mayLoseDisk(cluster, node) || !prng.chance(DISK_LOST)) return
    crash(faults, node)
    loseDisk(disk)
  } else if (kind === 'disk-slow') {
    disk.slowUntil = until
  } else {
    fillDisk(disk, until, prng.chance(0.3))
  }
  network.counts[kind]++
}

/** If it did not stop yet, it is as if its host did. */
function restartFailed(cluster: SimCluster, node: SimNode): void {
  if (node.disk?.failed === true) crashReplica(cluster, node)
  if (node.replica === null) startReplica(cluster, node)
}

/** One at a time, while all others have what they promised, and those that run are a majority of such. */
function mayLoseDisk(cluster: SimCluster, victim: SimNode): boolean {
  const others = cluster.nodes.filter((node) => node !== victim)
  return others.length + 1 > 2 && others.every(isWhole)
}

function crash(faults: Faults, victim: SimNode): void {
  const { cluster, prng } = faults
  const { network } = cluster
  if (victim.replica?.core.state.role === ROLE.LEADING && victim.replica.core.state.phase >= PHASE.SYNCHRONIZATION) {
    network.counts['crash-of-leader']++
  }
  crashReplica(cluster, victim)
  const tick = network.tick + 1 + prng.below(faults.downTicksMax)
  faults.endings.push({ tick, end: () => startAgain(cluster, victim) })
}

function startAgain(cluster: SimCluster, node: SimNode): void {
  if (node.replica === null) startReplica(cluster, node)
}

function cutOff(faults: Faults, kind: FaultKind, node: number, until: number): void {
  const { cluster, prng, clientNodes } = faults
  const { network } = cluster
  // Where only replicas are cut off from each other, clients still give work to both sides.
  const others = prng.chance(0.5) ? clientNodes : []
  const all = [...cluster.nodes.map(({ id }) => id), ...others]
  const pairs: [number, number][] = []
  const both = (one: number, other: number): void => {
    pairs.push([one, other], [other, one])
  }
  if (kind === 'partition' || kind === 'stall') {
    const side = all.filter(() => prng.chance(0.5))
    for (const one of side) for (const other of all) if (!side.includes(other)) both(one, other)
  } else if (kind === 'bridge') {
    const side = all.filter((other) => other !== node && prng.chance(0.5))
    const rest = all.filter((other) => other !== node && !side.includes(other))
    for (const one of side) for (const other of rest) both(one, other)
  } else if (kind === 'leader-alone') {
    for (const { id } of cluster.nodes) if (id !== node) both(node, id)
  } else if (kind === 'isolation') {
    for (const other of all) both(node, other)
  } else if (kind === 'one-way') {
    const isMute = prng.chance(0.5)
    for (const other of all) pairs.push(isMute ? [node, other] : [other, node])
  } else {
    pairs.push([node, item(all, prng.below(all.length))])
  }
  if (kind === 'stall') {
    const isOneWay = prng.chance(0.5)
    for (const [from, to] of pairs) if (!isOneWay || from < to) stall(network, from, to, until)
    return
  }
  for (const [from, to] of pairs) cut(network, from, to, 1)
  const end = (): void => {
    for (const [from, to] of pairs) cut(network, from, to, -1)
  }
  faults.endings.push({ tick: until, end })
}
