/**
 * A front: the clients of one worker, without a thread around it. It owns an endpoint and their links: receives,
 * restores the order, hands requests to worker 0, keeps answers until they are acknowledged.
 */

import { at } from '../assert.js'
import type { Endpoint, EndpointSettings } from '../transport/endpoint.js'
import { RX_ROW, WOKEN } from '../transport/endpoint.js'
import type { Waker } from '../transport/waker.js'
import { kindOf } from '../zab/header.js'
import type { Sender } from '../zab/header.js'
import type { Board } from './board.js'
import { BOARD_SLEEP, boardServing, openBoard } from './board.js'
import type { ChannelMemory } from './channel.js'
import { CONTROL } from './channel.js'
import type { Clock } from './clock.js'
import { postFigures } from './figures.js'
import { createFrontMachine } from './front-machine.js'
import type { FrontMachine } from './front-machine.js'
import { sayGoodbye } from './home-notes.js'
import { createHome, homeAfterSend, homeFlush, onClientDatagram, onLinkLost, retryDeferred } from './home.js'
import type { Home } from './home.js'
import { layoutFrontSlab, SLOTS } from './layout.js'
import { createQueueSender, sendQueued } from './sender.js'
import type { QueueSender } from './sender.js'
import type { Bed } from './sleep.js'
import { goToBed, riseFromBed, wakeForRecords, wakeForRoom } from './sleep.js'
import { countTraffic, createTraffic } from './traffic.js'
import type { Traffic } from './traffic.js'

const QUEUE = 0
const POST_TICKS = 1000 // figures are at most a tenth of a second old

/** What a front is made of: plain data, for another thread. */
export interface FrontTask {
  worker: number
  endpoint: EndpointSettings
  spinMicros: number
  sender: Sender
  linksMax: number
  board: SharedArrayBuffer
  memory: ChannelMemory
  /** Worker 0's. */
  wakeHandle: number
}

export interface FrontCore {
  readonly endpoint: Endpoint
  readonly clock: Clock
  readonly board: Board
  readonly control: Int32Array
  readonly machine: FrontMachine
  readonly home: Home
  readonly words: Uint32Array
  readonly output: QueueSender
  readonly sent: Traffic
  readonly received: Traffic
  readonly endpointCounters: Float64Array
  readonly figures: Float64Array
  readonly bed: Bed
  readonly orderBed: Bed // worker 0's
  readonly orderWaker: Waker
  postedTick: number
  busyTick: number
  wakeUps: number
  signals: number
}

/** Room in the slab beyond what the endpoint itself uses. */
export function frontExtraBytes(datagramBytes: number): number {
  return layoutFrontSlab(0, datagramBytes).bytes
}

export function createFrontCore(
  task: FrontTask,
  endpoint: Endpoint,
  orderWaker: Waker,
  clock: Clock,
): FrontCore {
  const { datagramBytes } = task.endpoint
  const layout = layoutFrontSlab(endpoint.extraOffset, datagramBytes)
  const board = openBoard(task.board)
  const control = new Int32Array(task.memory.control)
  const machine = createFrontMachine({
    memory: task.memory,
    board,
    slab: endpoint.slab,
    datagramBytes,
    replyOffset: layout.replies,
    replySlots: SLOTS.reply,
    linksMax: task.linksMax,
  })
  const sent = createTraffic()
  const output = createQueueSender(endpoint, QUEUE, sent)
  const { sender, linksMax } = task
  return {
    endpoint,
    clock,
    board,
    control,
    machine,
    home: createHome(endpoint, machine, output, sender, layout, datagramBytes, linksMax),
    words: new Uint32Array(endpoint.slab),
    output,
    sent,
    received: createTraffic(),
    endpointCounters: endpoint.counters,
    figures: new Float64Array(task.memory.figures),
    bed: { words: control, index: CONTROL.sleep },
    orderBed: { words: board.words, index: BOARD_SLEEP },
    orderWaker,
    postedTick: 0,
    busyTick: 0,
    wakeUps: 0,
    signals: 0,
  }
}

/** Datagrams received and answers taken: 0 means that there was nothing to do. */
export function frontTurn(front: FrontCore): number {
  const { endpoint, home, machine } = front
  const tick = front.clock.ticks()
  const serving = boardServing(front.board)
  retryDeferred(home, tick)
  const fromClients = endpoint.rxBurst(QUEUE)
  for (let row = 0; row < fromClients; row++) onRow(front, row, serving, tick)
  if (fromClients > 0) endpoint.postReceives(QUEUE)
  handOver(front)

  homeFlush(home, tick)
  if (machine.lost.length > 0) {
    for (const link of machine.lost) onLinkLost(home, link)
    machine.lost.length = 0
  }
  sendQueued(front.output)
  homeAfterSend(home)
  const answered = machine.release()
  if (answered && wakeForRoom(front.orderBed, front.orderWaker)) front.signals++
  handOver(front) // links that were closed for their silence
  if (tick - front.postedTick >= POST_TICKS) post(front, tick)
  const done = fromClients + Number(answered)
  if (done > 0) front.busyTick = tick
  return done
}

/** The endpoint's wait, ended by worker 0 as well. */
export function frontWait(front: FrontCore, micros: number): void {
  const { bed, machine, endpoint } = front
  goToBed(bed, machine.wantsRoom())
  if (!machine.hasNews() && (endpoint.wait(micros) & WOKEN) !== 0) front.wakeUps++
  riseFromBed(bed)
}

/** Idempotent. The figures stay for the last report. */
export function closeFront(front: FrontCore): void {
  post(front, front.clock.ticks())
  sayGoodbye(front.home)
  front.endpoint.close()
  front.orderWaker.close()
}

function onRow(front: FrontCore, row: number, serving: boolean, tick: number): void {
  const rows = front.endpoint.rxRows[QUEUE] as Uint32Array
  const offset = at(rows, row * RX_ROW.WORDS + RX_ROW.offset)
  const kind = kindOf(front.words, offset)
  countTraffic(front.received, kind, at(rows, row * RX_ROW.WORDS + RX_ROW.length))
  onClientDatagram(front.home, row, offset, kind, serving, tick)
}

function handOver(front: FrontCore): void {
  if (!front.machine.publish()) return
  if (wakeForRecords(front.orderBed, front.orderWaker)) front.signals++
}

function post(front: FrontCore, tick: number): void {
  front.postedTick = tick
  postFigures(front.figures, front)
}
