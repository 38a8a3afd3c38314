/** Random batches of the binary protocol: valid, or one packet that is wrong. */
import type { Prng } from '../sim/prng.js'
import { type Batch, type CasOf, type Command, KEYS } from './batch.js'
import { pick } from './generate-text.js'

export const HEADER_BYTES = 24
export const NOOP = 0x0a
const TIMES = [0, 0, 0, 100, 1000, 2_592_001, 2_100_000_000]
const FLAGS = [0, 0, 7, 0xffffffff]

export interface Packet {
  readonly opcode: number
  readonly key?: string
  readonly extras?: Buffer
  readonly value?: Buffer
  readonly cas?: string
  /** Of the lengths in the header: what is added to the truth. */
  readonly wrong?: { key?: number; extras?: number; body?: number; magic?: number }
}

export function encode(packet: Packet, cas: bigint): Buffer {
  const key = Buffer.from(packet.key ?? '', 'latin1')
  const extras = packet.extras ?? Buffer.alloc(0)
  const value = packet.value ?? Buffer.alloc(0)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(packet.wrong?.magic ?? 0x80, 0)
  header.writeUInt8(packet.opcode, 1)
  header.writeUInt16BE((key.length + (packet.wrong?.key ?? 0)) & 0xffff, 2)
  header.writeUInt8((extras.length + (packet.wrong?.extras ?? 0)) & 0xff, 4)
  header.writeUInt32BE((key.length + extras.length + value.length + (packet.wrong?.body ?? 0)) >>> 0, 8)
  // The key comes back in the opaque, for whoever collects cas numbers.
  header.writeUInt32BE(KEYS.indexOf(packet.key ?? '') + 1, 12)
  header.writeBigUInt64BE(cas, 16)
  return Buffer.concat([header, extras, key, value])
}

function command(packet: Packet): Command {
  const says = `binary ${packet.opcode.toString(16)} ${packet.key ?? ''} ${packet.cas ?? ''}`
  const casFor = (casOf: CasOf): bigint => {
    if (packet.cas === undefined) return 0n
    return BigInt(packet.cas === 'known' ? casOf(packet.key ?? '') : packet.cas)
  }
  return { says, render: (casOf) => encode(packet, casFor(casOf)) }
}

function words(...numbers: (number | bigint)[]): Buffer {
  const parts = numbers.map((number) => {
    const bytes = Buffer.alloc(typeof number === 'bigint' ? 8 : 4)
    if (typeof number === 'bigint') bytes.writeBigUInt64BE(number)
    else bytes.writeUInt32BE(number)
    return bytes
  })
  return Buffer.concat(parts)
}

function valueOf(prng: Prng): Buffer {
  if (prng.chance(0.4)) return Buffer.from(pick(prng, ['0', '7', '10', '100', ' 12', '999999999999']))
  return Buffer.alloc(prng.chance(0.02) ? prng.below(70_000) : prng.below(50), pick(prng, [0, 65, 0x80, 255]))
}

function writePacket(prng: Prng): Packet {
  const key = pick(prng, KEYS)
  const cas = prng.chance(0.25) ? { cas: pick(prng, ['known', '1', '18446744073709551615']) } : {}
  const opcode = pick(prng, [0x01, 0x01, 0x02, 0x03, 0x0e, 0x0f, 0x04])
  const quiet = prng.chance(0.2) ? [0x11, 0x12, 0x13, 0x14, 0x19, 0x1a] : null
  const quietOf = new Map([[1, 0], [2, 1], [3, 2], [4, 3], [14, 4], [15, 5]])
  const chosen = quiet === null ? opcode : (quiet[quietOf.get(opcode) ?? 0] ?? opcode)
  if (opcode === 0x04) return { opcode: chosen, key, ...cas }
  if (opcode >= 0x0e) return { opcode: chosen, key, value: Buffer.from('added'.repeat(prng.below(9))), ...cas }
  const value = valueOf(prng)
  return { opcode: chosen, key, value, extras: words(pick(prng, FLAGS), pick(prng, TIMES)), ...cas }
}

function readPacket(prng: Prng): Packet {
  const key = pick(prng, KEYS)
  const opcode = pick(prng, [0x00, 0x09, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x23, 0x24])
  return opcode < 0x1c ? { opcode, key } : { opcode, key, extras: words(pick(prng, TIMES)) }
}

function countPacket(prng: Prng): Packet {
  const cas = prng.chance(0.2) ? { cas: pick(prng, ['known', '1']) } : {}
  const delta = pick(prng, [0n, 1n, 5n, 1000n, 99999999999n])
  const extras = words(delta, pick(prng, [0n, 10n, 99n]), pick(prng, [0xffffffff, 0, 100]))
  return { opcode: pick(prng, [0x05, 0x06, 0x15, 0x16]), key: pick(prng, KEYS), extras, ...cas }
}

function otherPacket(prng: Prng): Packet {
  return pick(prng, [
    { opcode: NOOP },
    { opcode: 0x0b },
    { opcode: 0x08 },
    { opcode: 0x18, extras: words(0) },
    { opcode: 0x10, key: 'nothing' },
    { opcode: 0x1b },
    { opcode: 0x40, value: Buffer.from('some value') },
    { opcode: 0x20 },
    { opcode: 0x21, key: 'PLAIN' },
  ])
}

/** After it the connection is closed, or never answers: it stands alone. */
function wrongPacket(prng: Prng): Packet {
  const valid = pick(prng, [writePacket, readPacket, countPacket, otherPacket])(prng)
  return pick(prng, [
    // It is read as text: the bytes must be the same for both servers.
    { ...valid, cas: '1', wrong: { magic: pick(prng, [0, 0x81, 0x47]) } },
    { opcode: pick(prng, [0, 1, 4, 5, 0x10]), key: 'a', extras: Buffer.alloc(21) },
    { opcode: pick(prng, [0, 1, 2, 4, 5, 0x1d]), key: '' },
    { opcode: pick(prng, [0x07, 0x0a, 0x0b]), key: 'key' },
    { opcode: 0, key: 'x'.repeat(251 + prng.below(100)) },
    { opcode: 0x01, key: 'a', extras: words(1, 0), wrong: { body: -3 - prng.below(6) } },
    { opcode: 0x00, key: 'a', wrong: { extras: 4 } },
    { opcode: 0x00, key: 'a', value: Buffer.alloc(8) },
    { opcode: pick(prng, [0x07, 0x17]) },
  ])
}

/** As with text, nothing counts behind a read: see textBatch. */
export function binaryBatch(prng: Prng, commands: number): Batch {
  if (prng.chance(0.15)) return { dialect: 'binary', commands: [command(wrongPacket(prng))], exact: true }
  const counts = prng.chance(0.4)
  const first = counts ? [writePacket, countPacket, countPacket] : [writePacket, readPacket, readPacket, otherPacket]
  const made: Command[] = []
  for (let i = 0; i < commands; i++) {
    const makes = counts && i > commands / 2 ? [writePacket, readPacket, otherPacket] : first
    made.push(command(pick(prng, makes)(prng)))
  }
  return { dialect: 'binary', commands: made, exact: true }
}
