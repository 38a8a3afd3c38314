/**
 * Rows waiting to be sent from one queue of the endpoint, handed over in bursts.
 *
 * Rows keep their order; a burst is one or few system calls or doorbells.
 */

import { at } from '../assert.js'
import type { Endpoint } from '../transport/endpoint.js'
import { TX_ROW, TX_SEAL } from '../transport/endpoint.js'
import { kindOf } from '../zab/header.js'
import { countTraffic } from './traffic.js'
import type { Traffic } from './traffic.js'

export interface QueueSender {
  readonly endpoint: Endpoint
  readonly queue: number
  readonly words: Uint32Array
  readonly traffic: Traffic
  readonly rows: Uint32Array
  count: number
  /** Since the start, of all kinds. */
  messages: number
  bytes: number
}

export function createQueueSender(
  endpoint: Endpoint,
  queue: number,
  traffic: Traffic,
): QueueSender {
  return {
    endpoint,
    queue,
    words: new Uint32Array(endpoint.slab),
    traffic,
    rows: new Uint32Array(endpoint.txRows.length),
    count: 0,
    messages: 0,
    bytes: 0,
  }
}

/** Queues one datagram; sends the burst when the rows are full. */
export function queueSend(
  sender: QueueSender,
  offset: number,
  bytes: number,
  destination: number,
  seal: boolean,
): void {
  if ((sender.count + 1) * TX_ROW.WORDS > sender.rows.length) sendQueued(sender)
  const row = sender.count++ * TX_ROW.WORDS
  sender.rows[row + TX_ROW.offset] = offset
  sender.rows[row + TX_ROW.length] = bytes
  sender.rows[row + TX_ROW.destination] = destination
  sender.rows[row + TX_ROW.flags] = seal ? TX_SEAL : 0
  sender.messages++
  sender.bytes += bytes
  countTraffic(sender.traffic, kindOf(sender.words, offset), bytes)
}

/** Hands the queued rows to the endpoint. What it does not take is loss, and the protocol mends loss. */
export function sendQueued(sender: QueueSender): void {
  if (sender.count === 0) return
  const { txRows } = sender.endpoint
  const words = sender.count * TX_ROW.WORDS
  for (let word = 0; word < words; word++) txRows[word] = at(sender.rows, word)
  sender.endpoint.txBurst(sender.queue, sender.count)
  sender.count = 0
}
