/**
 * What a committed write costs: posts, datagrams, system calls and bytes, beside the messages that the protocol needs.
 *
 * All figures are quotients of counts between two reports of the replicas, and the divisor is always the writes that
 * the cluster committed meanwhile: so the figures of the replicas add up to those of the cluster.
 *
 * - A post is a call that sent: over UDP a sendmmsg or sendmsg, over verbs an ibv_post_send (a doorbell). Posting
 *   receives is not counted.
 * - System calls are those that the replica's endpoints make: over UDP every sendmmsg, sendmsg and recvmmsg (also one
 *   that found nothing), every ppoll of a wait (those of spinning, too) and of a full socket, every read of a wake-up;
 *   over verbs only ppoll and the reads of the completion channel and of a wake-up, for posting and polling a queue
 *   pair are none on hardware. What a device's library makes of them itself is not seen: Soft-RoCE's asks the kernel
 *   at each post and each arming. With several workers, those by which they wake each other are counted as well.
 *   Not counted: Node's event loop, admin port and registry, the log's files, clocks.
 * - Bytes are those of datagrams, without the headers of UDP, IP and the link; a multicast is one datagram.
 * - ALIVE is in no figure: the endpoint's thread sends it every few ms to each replica, whatever is written.
 */
import type { ReplicaDifference } from '../observe/difference.js'
import { grouped, table, type Row } from '../observe/numbers.js'
import type { KindCounts, ReplicaStats } from '../runtime/options.js'

/** Per committed write; null when none was committed. */
export interface EfficiencyFigures {
  posts: number | null
  datagrams: number | null
  systemCalls: number | null
  /** Of these: neither sends nor receives, but waiting. */
  systemCallsWaiting: number | null
  bytes: number | null
  bytesToReplicas: number | null
  bytesToClients: number | null
}

/** Messages per committed write, of all replicas; `least`: what Zab needs for so many proposals. */
export interface MessageFigures {
  sent: number | null
  least: number | null
}

export interface EfficiencyReport {
  /** The divisor: writes that the leader committed; the operations that open and end sessions are among them. */
  committedWrites: number
  /** The sum of the replicas that ran all the time. */
  cluster: EfficiencyFigures
  replicas: (EfficiencyFigures & { replica: number; role: string })[]
  protocol: {
    multicast: boolean
    /** Who gets each proposal and acknowledges it: all but the leader, observers included. */
    followers: number
    proposals: number
    writesPerProposal: number | null
    /** What the leader sent for each proposal, what it sent again apart: 1 by multicast, else one for each follower. */
    proposeMessagesPerProposal: number | null
    /**
     * The least is that of each proposal by itself: PROPOSE and COMMIT once by multicast or to each follower, an ACK
     * of each. An ACK for several proposals, and a COMMIT that the next PROPOSE carries, can go below it.
     */
    messagesPerWrite: Record<ProtocolKind | 'all', MessageFigures>
  }
}

const PROTOCOL_KINDS = ['PROPOSE', 'ACK', 'COMMIT'] as const
type ProtocolKind = (typeof PROTOCOL_KINDS)[number]

type ProtocolSettings = Pick<ReplicaStats['settings'], 'replicas' | 'multicast'>

/** Counts of a replica, or of all. */
interface Costs {
  posts: number
  datagrams: number
  systemCalls: number
  systemCallsWaiting: number
  bytes: number
  bytesToReplicas: number
  bytesToClients: number
}

export function efficiencyOf(
  replicas: readonly ReplicaDifference[],
  settings: ProtocolSettings | null,
): EfficiencyReport {
  const leader = replicas.find(({ role }) => role === 'LEADING')
  const committedWrites = leader?.writesCommitted ?? Math.max(0, ...replicas.map((each) => each.writesCommitted))
  const costs = replicas.map(costsOf)
  return {
    committedWrites,
    cluster: perWrite(costs.reduce(add, NO_COSTS), committedWrites),
    replicas: replicas.map(({ replica, role }, index) => ({
      replica,
      role,
      ...perWrite(costs[index] ?? NO_COSTS, committedWrites),
    })),
    protocol: protocolOf(replicas, leader, settings, committedWrites),
  }
}

const NO_COSTS: Costs = {
  posts: 0,
  datagrams: 0,
  systemCalls: 0,
  systemCallsWaiting: 0,
  bytes: 0,
  bytesToReplicas: 0,
  bytesToClients: 0,
}

function costsOf(each: ReplicaDifference): Costs {
  const { messages, bytes } = totalOf(each.sent)
  const systemCallsMoving = each.provider === 'udp' ? each.doorbells + each.receiveCalls : 0
  return {
    posts: each.doorbells,
    datagrams: messages,
    systemCalls: each.systemCalls,
    systemCallsWaiting: each.systemCalls - systemCallsMoving,
    bytes,
    bytesToReplicas: each.sentToReplicas.bytes,
    bytesToClients: bytes - each.sentToReplicas.bytes,
  }
}

function totalOf(kinds: Record<string, KindCounts>): KindCounts {
  const total = { messages: 0, bytes: 0 }
  for (const { messages, bytes } of Object.values(kinds)) {
    total.messages += messages
    total.bytes += bytes
  }
  return total
}

function add(sum: Costs, each: Costs): Costs {
  return {
    posts: sum.posts + each.posts,
    datagrams: sum.datagrams + each.datagrams,
    systemCalls: sum.systemCalls + each.systemCalls,
    systemCallsWaiting: sum.systemCallsWaiting + each.systemCallsWaiting,
    bytes: sum.bytes + each.bytes,
    bytesToReplicas: sum.bytesToReplicas + each.bytesToReplicas,
    bytesToClients: sum.bytesToClients + each.bytesToClients,
  }
}

function perWrite(costs: Costs, writes: number): EfficiencyFigures {
  return {
    posts: quotient(costs.posts, writes),
    datagrams: quotient(costs.datagrams, writes),
    systemCalls: quotient(costs.systemCalls, writes),
    systemCallsWaiting: quotient(costs.systemCallsWaiting, writes),
    bytes: quotient(costs.bytes, writes),
    bytesToReplicas: quotient(costs.bytesToReplicas, writes),
    bytesToClients: quotient(costs.bytesToClients, writes),
  }
}

/** To four digits, for many writes share a datagram; null when nothing stands below. */
function quotient(above: number, below: number): number | null {
  return below < 1 ? null : Number((above / below).toPrecision(4))
}

function protocolOf(
  replicas: readonly ReplicaDifference[],
  leader: ReplicaDifference | undefined,
  settings: ProtocolSettings | null,
  writes: number,
): EfficiencyReport['protocol'] {
  const observers = replicas.filter(({ role }) => role === 'OBSERVING').length
  const followers = Math.max(0, (settings?.replicas ?? replicas.length) - 1) + (settings === null ? 0 : observers)
  const multicast = settings?.multicast ?? false
  // A replica that led for a part of the time has proposed, too.
  const proposals = replicas.reduce((sum, each) => sum + each.proposals, 0)
  const toAll = multicast ? Math.min(1, followers) : followers
  const least = { PROPOSE: toAll, ACK: followers, COMMIT: toAll }
  const figures = (sent: number, leastEach: number): MessageFigures => ({
    sent: quotient(sent, writes),
    least: quotient(leastEach * proposals, writes),
  })
  const sentOf = (kind: ProtocolKind): number =>
    replicas.reduce((sum, each) => sum + (each.sent[kind]?.messages ?? 0), 0)
  const proposeFirst = (leader?.sent['PROPOSE']?.messages ?? 0) - (leader?.resends.proposals ?? 0)
  return {
    multicast,
    followers,
    proposals,
    writesPerProposal: quotient(writes, proposals),
    proposeMessagesPerProposal: quotient(proposeFirst, leader?.proposals ?? 0),
    messagesPerWrite: {
      PROPOSE: figures(sentOf('PROPOSE'), least.PROPOSE),
      ACK: figures(sentOf('ACK'), least.ACK),
      COMMIT: figures(sentOf('COMMIT'), least.COMMIT),
      all: figures(
        PROTOCOL_KINDS.reduce((sum, kind) => sum + sentOf(kind), 0),
        PROTOCOL_KINDS.reduce((sum, kind) => sum + least[kind], 0),
      ),
    },
  }
}

export function efficiencyTable({ committedWrites, cluster, replicas, protocol }: EfficiencyReport): string {
  const row = (label: string, cell: (each: EfficiencyFigures) => string): Row => [
    label,
    ...[cluster, ...replicas].map(cell),
  ]
  const kinds = PROTOCOL_KINDS.map((kind) => {
    const { sent, least } = protocol.messagesPerWrite[kind]
    return `${kind} ${figure(sent)} (${figure(least)})`
  })
  return [
    table([
      [`EFFICIENCY, for each of ${grouped(committedWrites)} committed writes`],
      ['', 'all', ...replicas.map(({ replica }) => `replica ${replica}`)],
      row('posts / datagrams', (each) => `${figure(each.posts)} / ${figure(each.datagrams)}`),
      row('system calls (waiting)', (each) => `${figure(each.systemCalls)} (${figure(each.systemCallsWaiting)})`),
      row('bytes to replicas / to clients', (each) =>
        `${figure(each.bytesToReplicas)} / ${figure(each.bytesToClients)}`,
      ),
    ]),
    `messages (least): ${kinds.join(', ')}; PROPOSE ${figure(protocol.proposeMessagesPerProposal)} for a proposal`,
  ].join('\n')
}

/** Three digits, also of a small one. */
export function figure(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(3)))
}
