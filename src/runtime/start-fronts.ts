/**
 * Starts the threads of a replica's fronts, and ends them: each closes its own endpoint and is awaited. A front that
 * dies before that is the end of the replica.
 */

import { Worker } from 'node:worker_threads'

import { ZabkvError } from '../errors.js'
import type { EndpointSettings, QueueAddress } from '../transport/endpoint.js'
import { openWaker } from '../transport/waker.js'
import { CONTROL } from './channel.js'
import type { Core } from './core.js'
import { frontExtraBytes } from './front.js'
import type { FrontTask } from './front.js'
import type { FrontAnswer } from './front-thread.js'
import type { Front, Fronts } from './fronts.js'

/** A front ends its wait at once and closes; only a broken one takes so long. */
const CLOSE_MILLIS_MAX = 5000
/** Each worker's fault knob throws its own dice. */
const SEED_STEP = 0x9e3779b1

export interface RunningFronts {
  /** Where clients find them. */
  readonly addresses: readonly QueueAddress[]
  readonly rxBytes: readonly number[]
  /** Rejects when one dies; never resolves. */
  readonly died: Promise<never>
  /** Idempotent. Resolves when every thread is gone. */
  close(): Promise<void>
}

interface FrontThread {
  readonly front: Front
  readonly worker: Worker
  readonly exited: Promise<void>
}

/** `own`: worker 0's endpoint settings for its clients' queue, which the fronts' are like. */
export async function startFronts(
  core: Core,
  own: EndpointSettings,
  spinMicros: number,
): Promise<RunningFronts> {
  const { fronts } = core
  let die: (error: Error) => void = () => undefined
  const died = new Promise<never>((_, reject) => {
    die = reject
  })
  died.catch(() => undefined) // whoever does not listen must not crash the process
  const threads: FrontThread[] = []
  let closing = false
  const close = async (): Promise<void> => {
    closing = true
    await Promise.all(threads.splice(0).map(closeThread))
  }
  const onDeath = (error: Error): void => {
    if (!closing) die(error)
  }
  if (fronts === null) return { addresses: [], rxBytes: [], died, close }

  const wakeHandle = core.endpoint.wakeHandle()
  const answers = fronts.list.map((front) => {
    const task = taskOf(core, fronts, front, own, spinMicros, wakeHandle)
    const { thread, answer } = startThread(front, task, onDeath)
    threads.push(thread)
    return answer
  })
  try {
    const ready = await Promise.all(answers)
    return {
      addresses: ready.map(({ address }) => address),
      rxBytes: ready.map(({ rxBytes }) => rxBytes),
      died,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function taskOf(
  core: Core,
  fronts: Fronts,
  front: Front,
  own: EndpointSettings,
  spinMicros: number,
  wakeHandle: number,
): FrontTask {
  const queue = own.queues[1]
  const port = queue === undefined || queue.port === 0 ? 0 : queue.port + front.worker
  return {
    worker: front.worker,
    endpoint: {
      ...own,
      queues: queue === undefined ? [] : [{ ...queue, port }],
      extraBytes: frontExtraBytes(own.datagramBytes),
      dropSeed: ((own.dropSeed ?? 0) + front.worker * SEED_STEP) >>> 0,
    },
    spinMicros,
    sender: core.state.sender,
    linksMax: fronts.linksEach,
    board: fronts.board.memory,
    memory: front.memory,
    wakeHandle,
  }
}

type Ready = Extract<FrontAnswer, { kind: 'ready' }>

function startThread(
  front: Front,
  task: FrontTask,
  onDeath: (error: Error) => void,
): { thread: FrontThread; answer: Promise<Ready> } {
  const name = `zabkv worker ${front.worker}`
  const worker = new Worker(new URL('../runtime/front-thread.js', import.meta.url), {
    workerData: task,
    name,
  })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const answer = new Promise<Ready>((resolve, reject) => {
    const end = (error: Error): void => {
      reject(error)
      onDeath(error)
    }
    worker.once('message', (said: FrontAnswer) => {
      if (said.kind === 'refused') return reject(new ZabkvError(said.code, said.sentence))
      front.waker = openWaker(said.wakeHandle)
      resolve(said)
    })
    worker.once('error', (cause) => {
      end(new Error(`${name} died, and with it the replica: ${cause.message}`, { cause }))
    })
    worker.once('exit', () => end(new Error(`${name} ended, and with it the replica.`)))
  })
  answer.catch(() => undefined) // awaited together with the others
  return { thread: { front, worker, exited }, answer }
}

async function closeThread({ front, worker, exited }: FrontThread): Promise<void> {
  Atomics.store(front.control, CONTROL.stop, 1)
  front.waker?.signal()
  const timer = setTimeout(() => void worker.terminate(), CLOSE_MILLIS_MAX)
  await exited
  clearTimeout(timer)
  front.waker?.close()
  front.waker = null
}
