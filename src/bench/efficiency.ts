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

/** What is counted of a replica. */
const COSTS = {
  posts: ({ doorbells }: ReplicaDifference): number => doorbells,
  datagrams: ({ sent }: ReplicaDifference): number => totalOf(sent).messages,
  systemCalls: ({ systemCalls }: ReplicaDifference): number => systemCalls,
  /** Of these: neither sends nor receives, but waiting. */
  systemCallsWaiting: ({ provider, systemCalls, doorbells, receiveCalls }: ReplicaDifference): number =>
    systemCalls - (provider === 'udp' ? doorbells + receiveCalls : 0),
  bytes: ({ sent }: ReplicaDifference): number => totalOf(sent).bytes,
  bytesToReplicas: ({ sentToReplicas }: ReplicaDifference): number => sentToReplicas.bytes,
  bytesToClients: ({ sent, sentToReplicas }: ReplicaDifference): number => totalOf(sent).bytes - sentToReplicas.bytes,
}
type Cost = keyof typeof COSTS

/** Per committed write; null when none was committed. */
export type EfficiencyFigures = Record<Cost, number | null>

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

export function efficiencyOf(
  replicas: readonly ReplicaDifference[],
  settings: ProtocolSettings | null,
): EfficiencyReport {
  const leader = replicas.find(({ role }) => role === 'LEADING')
  const committedWrites = leader?.writesCommitted ?? Math.max(0, ...replicas.map((each) => each.writesCommitted))
  return {
    committedWrites,
    cluster: perWrite(replicas, committedWrites),
    replicas: replicas.map((each) => ({
      replica: each.replica,
      role: each.role,
      ...perWrite([each], committedWrites),
    })),
    protocol: protocolOf(replicas, leader, settings, committedWrites),
  }
}

/** Of these replicas together. */
function perWrite(replicas: readonly ReplicaDifference[], writes: number): EfficiencyFigures {
  const figures = Object.entries(COSTS).map(([cost, of]) => {
    const total = replicas.reduce((sum, each) => sum + of(each), 0)
    return [cost, quotient(total, writes)]
  })
  return Object.fromEntries(figures) as EfficiencyFigures
}

function totalOf(kinds: Record<string, KindCounts>): KindCounts {
  const total = { messages: 0, bytes: 0 }
  for (const { messages, bytes } of Object.values(kinds)) {
    total.messages += messages
    total.bytes += bytes
  }
  return total
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
