/** A front's thread: opens what the task names, says where clients find it, and turns until worker 0 stops it. */

import { isMainThread, parentPort, workerData } from 'node:worker_threads'

import { assert } from '../assert.js'
import { ZabkvError } from '../errors.js'
import type { ErrorCode } from '../errors.js'
import type { Endpoint, QueueAddress } from '../transport/endpoint.js'
import { openEndpoint } from '../transport/open-endpoint.js'
import { openWaker } from '../transport/waker.js'
import { CONTROL } from './channel.js'
import { systemClock } from './clock.js'
import { closeFront, createFrontCore, frontTurn, frontWait } from './front.js'
import type { FrontCore, FrontTask } from './front.js'
import { EVENT_LOOP_TICKS, startTurning, WAIT_MICROS_QUIET } from './loop.js'
import type { Turner } from './loop.js'

/** What the thread says, once. */
export type FrontAnswer =
  | { kind: 'ready'; address: QueueAddress; rxBytes: number; wakeHandle: number }
  | { kind: 'refused'; code: ErrorCode; sentence: string }

function open(task: FrontTask): FrontCore {
  const endpoint: Endpoint = openEndpoint(task.endpoint)
  endpoint.setSpin(task.spinMicros)
  return createFrontCore(task, endpoint, openWaker(task.wakeHandle), systemClock())
}

function run(task: FrontTask, answer: (what: FrontAnswer) => void): void {
  let front: FrontCore
  try {
    front = open(task)
  } catch (error) {
    if (!(error instanceof ZabkvError)) throw error
    answer({ kind: 'refused', code: error.code, sentence: error.message })
    return
  }
  const { endpoint } = front
  const rxBytes = endpoint.rxBytes[0] ?? 0
  answer({ kind: 'ready', address: endpoint.local(0), rxBytes, wakeHandle: endpoint.wakeHandle() })
  const turn = (): number => {
    if (Atomics.load(front.control, CONTROL.stop) === 0) return frontTurn(front)
    turning.stop()
    closeFront(front)
    return 0
  }
  const wait = (micros: number): void => {
    if (Atomics.load(front.control, CONTROL.stop) === 0) frontWait(front, micros)
  }
  const turner: Turner = {
    clock: front.clock,
    turn,
    isDone: () => false,
    busyTick: () => front.busyTick,
    wait,
    quietMicros: WAIT_MICROS_QUIET,
    eventLoopTicks: EVENT_LOOP_TICKS,
  }
  const turning = startTurning(turner, (error) => {
    throw error // uncaught: worker 0 gets it, and the replica stops
  })
}

assert(!isMainThread, 'front-thread: it is started as a worker')
run(workerData as FrontTask, (what) => parentPort?.postMessage(what))
