/**
 * Every limit of the wire and of the protocol, named and derived in one place.
 *
 * Pure constants: imported by the protocol, the runtime, the client and the tests. The C++ side states the
 * same figures in machine/wire.h; test/zab/wire.test.ts compares the two.
 */

import { assert } from '../assert.js'

/** Replicas that may vote. Quorums are bit sets of 32 bits in messages of an election. */
export const REPLICAS_MAX = 16

/** Voting replicas and observers: ids 0 to NODES_MAX - 1, the voting ones first. */
export const NODES_MAX = 64

export const KEY_BYTES_MAX = 250
export const VALUE_BYTES_MAX = 1 << 20

/** What Ethernet's 1500 leaves for a datagram: 1500 - 20 (IPv4) - 8 (UDP). */
export const DATAGRAM_BYTES_ETHERNET = 1472

/** A datagram's smallest and largest size. Soft-RoCE's path MTU is 1024, UDP ends at 65507. */
export const DATAGRAM_BYTES_MIN = 960
export const DATAGRAM_BYTES_MAX = 65472

/** Datagrams fill the ring in steps of a cache line, so that a burst of full ones is one contiguous run. */
export const DATAGRAM_ALIGN = 64

/** Operations of one datagram: bounded by the smallest operation (four bytes of header, one of key). */
export const DATAGRAM_OPERATIONS_MAX = 8192

/** Counters, sequences and versions are doubles that hold integers exactly. */
export const COUNTER_MAX = Number.MAX_SAFE_INTEGER

/** The protocol's clock: all its times are ticks of this length. */
export const TICK_MICROS = 100
export const TICKS_PER_MILLI = 1000 / TICK_MICROS

assert(DATAGRAM_BYTES_MAX % DATAGRAM_ALIGN === 0, 'limits: the largest datagram is whole lines')
