/**
 * The datagram endpoint: one contract for UDP, verbs and the simulator, shaped like a UD queue pair.
 *
 * Integers in, integers out; the bytes lie in one slab that JavaScript sees once as one ArrayBuffer. Calls on
 * the data path never throw and never allocate. Setup calls throw ZabkvError (ADDRESS_IN_USE, NOT_MY_ADDRESS,
 * NO_DEVICE, DEVICE with errno and syscall).
 */

/** Where a queue can be reached: published in the registry. */
export interface QueueAddress {
  provider: 'udp' | 'verbs'
  address: string //   IP address; verbs: of the interface the device stands on, for people to read
  port: number //      UDP port; 0 for verbs
  qpNumber: number //  0 for UDP
  qkey: number
  lid: number
  gid: string //       32 hexadecimal digits; empty for UDP
  mtuBytes: number //  largest datagram that passes unfragmented
}

/** Words of a row of rxRows: one received, validated datagram. */
export const RX_ROW = { offset: 0, length: 1, kind: 2, source: 3, WORDS: 4 } as const
/** Words of a row of txRows: one datagram to send. `length` goes out; the header's length may be less. */
export const TX_ROW = { offset: 0, length: 1, destination: 2, flags: 3, WORDS: 4 } as const
/** txRows flag: compute the checksum first. Not needed when the same bytes went out sealed before. */
export const TX_SEAL = 1

export interface QueueSettings {
  port: number //              0: any
  rxSlots: number //           datagrams that one rxBurst can deliver
  socketBytes: number //       UDP: wanted socket buffer; what was obtained is in rxBytes
  /** Groups received here, on this port. UDP: one group per sending replica, so that no sender hears itself. */
  multicast?: { port: number; groups: readonly string[] }
}

export interface EndpointSettings {
  provider: 'udp' | 'verbs'
  address: string
  device?: string
  gidIndex?: number
  queues: readonly QueueSettings[] // 0: peers, 1: clients; a client program has one
  datagramBytes: number //           a multiple of 64, at most what the path carries; all slots have this size
  cluster: number //                 what HEADER.cluster must say
  txSlots: number //                 slots at txOffset for datagrams assembled by the caller
  extraBytes: number //              room at extraOffset: history, forwards, replies
  txRows: number //                  rows of one txBurst
  dropRatio?: number //              fault knob: share of received datagrams dropped, counted as dropped-by-fault
  dropSeed?: number
}

export interface Endpoint {
  readonly slab: ArrayBuffer
  readonly txOffset: number
  readonly extraOffset: number
  readonly txRows: Uint32Array
  /** Rows of the last burst, by queue. */
  readonly rxRows: readonly Uint32Array[]
  /** Receive room obtained, bytes, by queue. */
  readonly rxBytes: readonly number[]
  /** Datagrams up to this size leave inline, without a read of the slab by the device; 0 for UDP. */
  readonly inlineBytesMax: number
  /** Monotonic counts, index by COUNTER. Written natively. */
  readonly counters: Float64Array

  /**
   * Receives what is there: validated datagrams into rxRows[queue]. 0 is not an error, and lends nothing.
   * Else slots are lent, and no further rxBurst of the queue is allowed, until postReceives.
   */
  rxBurst(queue: number): number
  /** Gives back every slot of the last burst. */
  postReceives(queue: number): void
  /** Sends rows [0, count) in order; returns how many were taken. The rest is loss, counted tx-refused. */
  txBurst(queue: number, count: number): number
  /** Returns when every send has left the slab. */
  flush(): void
  /**
   * Spins for the budget, then blocks until a queue is ready, `micros` passed or the wake handle was signalled.
   * Returns a bit set of ready queues, and WOKEN when it was signalled since the last wait.
   */
  wait(micros: number): number
  /** How long wait() spins before it blocks. */
  setSpin(micros: number): void

  /** The own address of a queue, for the registry. */
  local(queue: number): QueueAddress
  /** A destination for txRows. Equal addresses share one: remove it as often as it was added or adopted. */
  addDestination(address: QueueAddress): number
  /** A destination from a row of the last burst, before postReceives: the way to answer a stranger. */
  adoptSource(queue: number, row: number): number
  removeDestination(destination: number): void
  /** A destination for a multicast group. */
  addGroup(group: string, port: number): number

  /**
   * From now on a native thread sends this datagram to each destination every `periodMicros` (100 to 60,000,000),
   * whatever JavaScript is doing; at once, or a period after its last beat. The bytes are copied at the call
   * (slab[offset, offset + bytes)); call again to change content or destinations; count 0 stops it, and then the
   * other numbers do not matter. At most 64 destinations; a removed one hears no more. When a call returns, nothing
   * of what it replaced is sent any more.
   *
   * Before each sending the thread writes the age of the owner's last rxBurst of queue 0 in microseconds (at most
   * 2^32 - 1) as a u32 at byte `ageOffset` of the datagram, and seals it. An owner in wait() has the age 0. The age
   * lies behind what receivers validate: from HEADER.sender on and before the tag.
   *
   * Verbs: beats leave from a queue pair of their own, so their source is not to be adopted. Not a call of the
   * data path: it allocates, and throws DEVICE without a thread or a queue pair.
   */
  beat(
    queue: number,
    offset: number,
    bytes: number,
    destinations: Uint32Array,
    count: number,
    periodMicros: number,
    ageOffset: number,
  ): void

  /** A number by which another thread of the process ends a wait() (waker.ts). To be asked for before watch(). */
  wakeHandle(): number
  /** A descriptor that ends a wait() while it is readable; whoever gives it reads it, and keeps it open. */
  waitBeside(descriptor: number): void
  /** Calls back on the event loop once per wake-up, for datagrams or a signal. One watcher. */
  watch(callback: () => void): void
  unwatch(): void
  /** Idempotent; detaches the slab. `counters` stay readable. Close what uses the slab natively first. */
  close(): void
}

/** Bits of what wait() returns, beside those of the queues: it was signalled; the descriptor beside is readable. */
export const WOKEN = 1 << 8
export const BESIDE = 1 << 9

/** Index into `counters`; the native side declares the same list (compared by a test). */
export const ENDPOINT_COUNTERS = [
  'tx-datagrams',
  'tx-bytes',
  'tx-calls', //                 system calls, or doorbells
  'tx-refused', //               not taken by the kernel or the device
  'tx-inline', //                verbs: sent inline
  'tx-signalled', //             verbs: asked for a completion
  'rx-datagrams',
  'rx-bytes',
  'rx-calls',
  'rx-empty', //                 calls that found nothing
  'wait-calls',
  'wait-blocked',
  'system-calls', //             sends, receives, polls, reads of wake-ups; not those inside a device's library
  'dropped-truncated',
  'dropped-misaligned',
  'dropped-bad-magic',
  'dropped-bad-version',
  'dropped-bad-length',
  'dropped-bad-checksum',
  'dropped-wrong-cluster',
  'dropped-by-fault',
  'dropped-no-room', //          UDP: SO_RXQ_OVFL; verbs: receive queue found empty
  'completion-errors',
  'beats-sent', //               to each destination; in no other count
] as const
