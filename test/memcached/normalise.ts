/**
 * Replies without what may differ: cas numbers become their order of first appearance in a batch, times left are
 * rounded, and what each server has of its own (slab class, age, statistics) is left out. All else stays as it is.
 */
import { KEYS, rawKey } from './batch.js'
import { HEADER_BYTES } from './generate-binary.js'

/** Between the times that tests use, and far from each: clocks of two servers tick apart. */
const SECONDS_BETWEEN = [0, 300, 750, 2000, 2 ** 31]

/** One server's numbers. */
export interface Side {
  readonly numbers: Map<string, number>
  /** The last cas told for a key. */
  readonly known: Map<string, string>
}

export function createSide(): Side {
  return { numbers: new Map(), known: new Map() }
}

function numberOf(side: Side, cas: string): string {
  if (cas === '0') return '0'
  const number = side.numbers.get(cas) ?? side.numbers.size + 1
  side.numbers.set(cas, number)
  return `#${number}`
}

/** Of an item that is over at once memcached says how many seconds are left in 32 bits without a sign. */
function roundSeconds(text: string): string {
  const below = SECONDS_BETWEEN.findIndex((bound) => Number(text) <= bound)
  return below <= 0 ? '~over' : `~${SECONDS_BETWEEN[below] ?? ''}`
}

function normaliseFlags(side: Side, words: readonly string[]): string[] {
  const said = words.find((word) => word.startsWith('k'))?.slice(1)
  const key = said !== undefined && words.includes('b') ? rawKey(said) : said
  return words.map((word) => {
    if (/^c\d+$/.test(word)) {
      if (key !== undefined) side.known.set(key, word.slice(1))
      return `c${numberOf(side, word.slice(1))}`
    }
    if (/^t\d+$/.test(word)) return `t${roundSeconds(word.slice(1))}`
    return /^l\d+$/.test(word) ? 'l' : word
  })
}

/** A line, and the bytes of value behind it. */
function normaliseLine(side: Side, line: string): { line: string; valueBytes: number } {
  const words = line.split(' ')
  switch (words[0]) {
    case 'VALUE': {
      const cas = words[4]
      if (cas !== undefined) side.known.set(words[1] ?? '', cas)
      const head = words.slice(0, 4).join(' ')
      return { line: cas === undefined ? head : `${head} ${numberOf(side, cas)}`, valueBytes: Number(words[3]) }
    }
    case 'VA':
      return { line: normaliseFlags(side, words).join(' '), valueBytes: Number(words[1]) }
    case 'HD':
    case 'EN':
    case 'NS':
    case 'NF':
    case 'EX':
      return { line: normaliseFlags(side, words).join(' '), valueBytes: -1 }
    case 'ME':
      return { line: normaliseDescription(side, line), valueBytes: -1 }
    default:
      return { line, valueBytes: -1 }
  }
}

function normaliseDescription(side: Side, line: string): string {
  return line
    .replace(/ exp=-(\d+)/, (_, left: string) => ` exp=${left === '1' ? 'never' : roundSeconds(left)}`)
    .replace(/ la=\d+/, '')
    .replace(/ cls=\d+/, '')
    .replace(/ cas=(\d+)/, (_, cas: string) => ` cas=${numberOf(side, cas)}`)
}

export function normaliseText(side: Side, reply: string): string {
  const lines: string[] = []
  let at = 0
  while (at < reply.length) {
    const end = reply.indexOf('\r\n', at)
    if (end < 0) break
    const { line, valueBytes } = normaliseLine(side, reply.slice(at, end))
    at = end + 2
    if (!line.startsWith('STAT ')) lines.push(line)
    if (valueBytes < 0) continue
    // A damaged command stores those behind it, with the cas numbers that they had for this server.
    lines.push(JSON.stringify(reply.slice(at, at + valueBytes + 2).replaceAll(/0{4,}\d*/g, 'CAS')))
    at += valueBytes + 2
  }
  return [...lines, reply.slice(at)].join('\n')
}

export function normaliseBinary(side: Side, reply: Buffer): string {
  const packets: string[] = []
  let at = 0
  while (at + HEADER_BYTES <= reply.length) {
    const cas = reply.readBigUInt64BE(at + 16).toString()
    const key = KEYS[reply.readUInt32BE(at + 12) - 1]
    if (cas !== '0' && key !== undefined) side.known.set(key, cas)
    const bodyBytes = reply.readUInt32BE(at + 8)
    const body = reply.subarray(at + HEADER_BYTES, at + HEADER_BYTES + bodyBytes).toString('latin1')
    packets.push(`${reply.subarray(at, at + 16).toString('hex')} cas ${numberOf(side, cas)} ${JSON.stringify(body)}`)
    at += HEADER_BYTES + bodyBytes
  }
  return [...packets, reply.subarray(at).toString('hex')].join('\n')
}

/**
 * Without what a replica says otherwise: reads are no writes, so whether an item was read before is not told exactly;
 * and a key that was set in base64 comes back as it was asked for.
 */
export function asReplicated(reply: string): string {
  return reply
    .replaceAll(/^(?:HD|VA) .*$/gm, (line) =>
      line
        .replace(/ h[01](?= |$)/, ' h')
        .replace(/ k(\S+) b(?= |$)/, (_, key: string) => ` k${Buffer.from(key, 'base64').toString('latin1')}`),
    )
    .replaceAll(/^ME \S+(.*) fetch=(?:yes|no)/gm, 'ME$1 fetch')
}
