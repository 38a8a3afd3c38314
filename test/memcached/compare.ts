/**
 * Sends the same random batches to two servers, each on a connection of its own, and compares their replies. Servers
 * must hold nothing at the beginning. The seed replays.
 */
import { connect } from 'node:net'
import { createPrng, type Prng } from '../sim/prng.js'
import { rawKey, type Batch } from './batch.js'
import { binaryBatch, encode, NOOP } from './generate-binary.js'
import { textBatch } from './generate-text.js'
import { asReplicated, createSide, normaliseBinary, normaliseText, type Side } from './normalise.js'

const HOST = '127.0.0.1'
const EXCHANGE_MILLIS_MAX = 10_000
const COMMANDS_PER_BATCH_MAX = 40
const CAS_DIGITS = 12
/** That no item has: both servers are past it when a comparison begins. */
const NO_CAS = '1'
const PAST_IT = 'set past-it 0 0 1\r\nx\r\n'.repeat(3)
/** What a damaged command waits for as its value comes from here; then the end is seen. */
const FILLER = '\r\n'.repeat(200)
/** And what no batch says. */
const TEXT_END = 'mg nothing-is-here Othe-end\r\n'
const TEXT_END_REPLY = 'EN Othe-end\n'

export interface Comparison {
  readonly seed: number
  /** At least so many; a batch is not cut. */
  readonly commands: number
  /** The one that is believed, and the one that is looked at. */
  readonly ports: readonly [model: number, subject: number]
  /** The subject is a replica: what docs/memcached.md says that it has otherwise is left out. */
  readonly isReplicated?: boolean
}

export interface Difference {
  readonly batch: number
  readonly sent: readonly string[]
  readonly model: string
  readonly subject: string
}

/** Sends all, says that this is the end, and returns what came back until the server hung up. */
export function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: HOST, port, noDelay: true, allowHalfOpen: true })
    socket.setTimeout(EXCHANGE_MILLIS_MAX, () => socket.destroy(new Error(`port ${port} does not answer and hang up`)))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A server may hang up before it has read all.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.on('end', () => socket.destroy())
    socket.end(bytes)
  })
}

/** Numbers of one length for both: a damaged command may swallow so many bytes of those behind it. */
function render(batch: Batch, side: Side): Buffer {
  const casOf = (key: string): string => (side.known.get(rawKey(key)) ?? NO_CAS).padStart(CAS_DIGITS, '0')
  const parts = batch.commands.map((command) => command.render(casOf))
  const end =
    batch.dialect === 'binary' ? encode({ opcode: NOOP }, 0n) : Buffer.from((batch.exact ? '' : FILLER) + TEXT_END)
  return Buffer.concat([...parts, end])
}

async function ask(batch: Batch, side: Side, port: number): Promise<string> {
  const reply = await exchange(port, render(batch, side))
  return batch.dialect === 'binary' ? normaliseBinary(side, reply) : normaliseText(side, reply.toString('latin1'))
}

function agrees(batch: Batch, model: string, subject: string): boolean {
  if (model === subject) return true
  return !batch.exact && !model.endsWith(TEXT_END_REPLY) && subject.startsWith(model.trimEnd())
}

/**
 * What a damaged command stored may be what memcached reads otherwise (docs/memcached.md: it looks for the end of a
 * number of blanks behind the item), so no later batch sees it.
 */
async function forget(ports: Comparison['ports'], sides: readonly Side[]): Promise<void> {
  await Promise.all(ports.map((port) => exchange(port, Buffer.from('flush_all\r\n'))))
  for (const side of sides) side.known.clear()
}

function createBatch(prng: Prng): Batch {
  const commands = 1 + prng.below(COMMANDS_PER_BATCH_MAX)
  return prng.chance(0.3) ? binaryBatch(prng, commands) : textBatch(prng, commands)
}

/** The first difference, or null; `count` learns how many commands were sent. */
export async function compare(how: Comparison, count: (commands: number) => void): Promise<Difference | null> {
  const prng = createPrng(how.seed)
  const sides = [createSide(), createSide()] as const
  await Promise.all(how.ports.map((port) => exchange(port, Buffer.from(`${PAST_IT}delete past-it\r\n`))))
  let sent = 0
  for (let number = 0; sent < how.commands; number++) {
    const batch = createBatch(prng)
    let [model, subject] = await Promise.all([
      ask(batch, sides[0], how.ports[0]),
      ask(batch, sides[1], how.ports[1]),
    ])
    if (how.isReplicated === true) [model, subject] = [asReplicated(model), asReplicated(subject)]
    sent += batch.commands.length
    count(sent)
    // Numbers count from the beginning of a batch: one server may have said more of a damaged one than the other.
    for (const side of sides) side.numbers.clear()
    if (agrees(batch, model, subject)) {
      if (!batch.exact) await forget(how.ports, sides)
      continue
    }
    return { batch: number, sent: batch.commands.map(({ says }) => says), model, subject }
  }
  return null
}

/** From the first line that differs, with what led to it. */
export function describeDifference(difference: Difference): string {
  const model = difference.model.split('\n')
  const subject = difference.subject.split('\n')
  const at = model.findIndex((line, index) => line !== subject[index])
  const around = (lines: readonly string[]): string => lines.slice(Math.max(0, at - 2), at + 3).join('\n    ')
  return [
    `batch ${difference.batch}, line ${at} of the replies differs`,
    `  sent: ${difference.sent.map((says) => JSON.stringify(says.slice(0, 160))).join('\n        ')}`,
    `  expected:\n    ${around(model)}`,
    `  got:\n    ${around(subject)}`,
  ].join('\n')
}
