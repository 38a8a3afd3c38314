/** Random batches of the text protocol and its meta commands: valid, odd in a number, or damaged. */
import { item } from '../../src/assert.js'
import type { Prng } from '../sim/prng.js'
import { type Batch, BINARY_KEYS, type CasOf, type Command, KEYS, text } from './batch.js'

const TIMES = ['0', '0', '0', '100', '1000', '-1', '2592001', '2100000000', '+500']
/** None is a time above: the clocks of two servers tick apart. */
const RECACHES = ['0', '50', '300', '-1', '5000']
const FLAGS = ['0', '0', '7', '4294967295', '65536']
const ODD_NUMBERS = [
  '', '-', '+', '1x', '0x10', '1.5', 'noreply', '00', '+100', '-1', '-0', '4294967296', '9223372036854775808',
  '18446744073709551615', '18446744073709551616', '-18446744073709551615', '\t3', '3\t', '2\r', '999999999999999999999',
]
// Nothing of 2 ** 63 or more: of such a number memcached looks for a sign behind the end of the item.
const DELTAS = ['1', '1', '5', '1000', '99999999999', '0']
const NUMERIC = ['0', '7', '10', '100', '99', ' 12', '5 apples', '999999999999999999', '010', '-5']
const NAMES = [
  'get', 'gets', 'gat', 'gats', 'set', 'add', 'replace', 'append', 'prepend', 'cas', 'delete', 'incr', 'decr',
  'touch', 'verbosity', 'version', 'mg', 'ms', 'md', 'ma', 'me', 'mn', 'mx', 'm', 'bget', 'nothing', 'SET', 'shutdown',
]
const META_FLAGS = [
  'b', 'c', 'f', 'h', 'k', 'l', 'q', 's', 't', 'u', 'v', 'x', 'S5', 'E7', 'I', 'Oabc', 'O', 'T400', 'T', 'Tx', 'N100',
  'R50', 'F', 'F3', 'C1', 'Cx', 'MI', 'M', 'MEE', 'Mz', 'J5', 'Jx', 'D2', 'D-1', 'P', 'L2', '\u00e9', '-1',
  'O123456789012345678901234567890', 'O1234567890123456789012345678901', 'O12345678901234567890123456789012',
]

const OPAQUE_BYTES_MAX = 32

/** Values of a damaged batch are short: read as lines they would close the connection, or not, by how they come. */
type Make = (prng: Prng, isDamaged: boolean) => Command

export function pick<T>(prng: Prng, list: readonly T[]): T {
  return item(list, prng.below(list.length))
}

function keyOf(prng: Prng): string {
  return pick(prng, KEYS)
}

function valueOf(prng: Prng, isLarge: boolean): string {
  if (!isLarge && prng.chance(0.4)) return pick(prng, NUMERIC)
  const bytes = isLarge ? prng.below(70_000) : prng.below(prng.chance(0.1) ? 300 : 40)
  // Never blanks alone: memcached looks for their number behind the end of the item.
  const letter = pick(prng, ['x', 'x\r\n', '\0', 'get a\r\n', '\u00ff'])
  return letter.repeat(bytes).slice(0, bytes)
}

/** What is added to a number may not make one that memcached misreads: see DELTAS. */
function addition(prng: Prng): string {
  return 'added'.repeat(prng.below(9))
}

function noreply(prng: Prng): string {
  return prng.chance(0.15) ? ' noreply' : ''
}

/** A number, and now and then what looks like one. */
function odd(prng: Prng, valid: readonly string[]): string {
  return prng.chance(0.03) ? pick(prng, ODD_NUMBERS) : pick(prng, valid)
}

function withCas(prng: Prng, key: string, render: (cas: string) => string): Command {
  const guess = prng.chance(0.25) ? pick(prng, ['0', '1', '18446744073709551615', 'x']) : null
  const bytes = (casOf: CasOf): string => render(guess ?? casOf(key))
  return { says: render('CAS'), render: (casOf) => Buffer.from(bytes(casOf), 'latin1') }
}

const store: Make = (prng, isDamaged) => {
  const name = pick(prng, ['set', 'set', 'set', 'add', 'replace', 'append', 'prepend'])
  const isLarge = !isDamaged && prng.chance(0.02)
  const value = name.endsWith('pend') ? addition(prng) : valueOf(prng, isLarge)
  const numbers = isLarge ? ['7', '0'] : [odd(prng, FLAGS), odd(prng, TIMES)]
  const words = `${keyOf(prng)} ${numbers.join(' ')} ${value.length}`
  return text(`${name} ${words}${noreply(prng)}\r\n${value}\r\n`)
}

const compareAndSet: Make = (prng) => {
  const key = keyOf(prng)
  const value = valueOf(prng, false)
  const words = `${key} ${pick(prng, FLAGS)} ${pick(prng, TIMES)} ${value.length}`
  const tail = noreply(prng)
  return withCas(prng, key, (cas) => `cas ${words} ${cas}${tail}\r\n${value}\r\n`)
}

const get: Make = (prng, isDamaged) => {
  const many = !isDamaged && prng.chance(0.05)
  const keys = Array.from({ length: many ? 30 + prng.below(300) : 1 + prng.below(4) }, () => keyOf(prng))
  // Of those, lines may be as long as they like.
  const name = pick(prng, many ? ['get', 'gets'] : ['get', 'gets', 'gets', 'gat', 'gats', 'bget'])
  const time = name.startsWith('ga') ? [odd(prng, TIMES)] : []
  return text(`${[name, ...time, ...keys].join(prng.chance(0.05) ? '   ' : ' ')}\r\n`)
}

const remove: Make = (prng) => text(`delete ${keyOf(prng)}${pick(prng, ['', '', ' 0', ' 5'])}${noreply(prng)}\r\n`)
const touch: Make = (prng) => text(`touch ${keyOf(prng)} ${odd(prng, TIMES)}${noreply(prng)}\r\n`)
const count: Make = (prng) =>
  text(`${pick(prng, ['incr', 'decr'])} ${keyOf(prng)} ${odd(prng, DELTAS)}${noreply(prng)}\r\n`)
const other: Make = (prng) =>
  text(
    `${pick(prng, [
      'version', 'mn', 'verbosity 1', 'verbosity', 'verbosity 1 noreply', 'stats reset', 'stats nothing', 'shutdown',
      'flush_all', 'flush_all 0', 'flush_all noreply', 'flush_all x', 'flush_all 0 noreply', 'flush_all -1', 'nothing',
      'flush_all 0 0', 'flush_all 0 0 0',
      '', ' ', 'x', 'stats detail', 'stats detail off', 'me', 'mx a', 'get', 'gat 1', 'set a 0 0',
    ])}\r\n`,
  )

/** Flags of a meta command: some of those that fit it, in any order, each once. */
function flagsOf(prng: Prng, fitting: readonly string[]): string[] {
  const flags = fitting.filter(() => prng.chance(0.3))
  for (let i = flags.length - 1; i > 0; i--) {
    const j = prng.below(i + 1)
    const held = item(flags, i)
    flags[i] = item(flags, j)
    flags[j] = held
  }
  return flags
}

function metaKey(prng: Prng): { key: string; flags: string[] } {
  return prng.chance(0.25) ? { key: pick(prng, BINARY_KEYS), flags: ['b'] } : { key: keyOf(prng), flags: [] }
}

function line(words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' ')
}

const metaGet: Make = (prng) => {
  const { key, flags } = metaKey(prng)
  const own = ['c', 'f', 'h', 'k', 'l', 'O' + prng.below(99).toString(), 'q', 's', 't', 'u', 'v']
  const deeper = prng.chance(0.3) ? [`N${pick(prng, TIMES)}`, `R${pick(prng, RECACHES)}`, `T${pick(prng, TIMES)}`] : []
  const all = flagsOf(prng, [...own, ...deeper])
  // Between N and T memcached shows a time that is never true.
  const shown = all.some((flag) => flag.startsWith('N')) && all.some((flag) => flag.startsWith('T'))
  return text(`${line(['mg', key, ...flags, ...all.filter((flag) => !shown || flag !== 't')])}\r\n`)
}

const metaSet: Make = (prng) => {
  const { key, flags } = metaKey(prng)
  const joins = prng.chance(0.15)
  const value = joins ? addition(prng) : valueOf(prng, false)
  const own = ['c', 'k', `O${prng.below(99)}`, 'q', 'I', `T${pick(prng, TIMES)}`, `F${odd(prng, FLAGS)}`]
  const mode = joins ? [pick(prng, ['MA', 'MP'])] : prng.chance(0.3) ? [pick(prng, ['ME', 'MR', 'MS'])] : []
  const rest = [...flags, ...flagsOf(prng, own), ...mode]
  if (prng.chance(0.4)) {
    return withCas(prng, key, (cas) => `${line(['ms', key, `${value.length}`, ...rest, `C${cas}`])}\r\n${value}\r\n`)
  }
  return text(`${line(['ms', key, `${value.length}`, ...rest])}\r\n${value}\r\n`)
}

const metaDelete: Make = (prng) => {
  const { key, flags } = metaKey(prng)
  const own = flagsOf(prng, ['k', `O${prng.below(99)}`, 'q', 'I', `T${pick(prng, TIMES)}`])
  if (prng.chance(0.3)) return withCas(prng, key, (cas) => `${line(['md', key, ...flags, ...own, `C${cas}`])}\r\n`)
  return text(`${line(['md', key, ...flags, ...own])}\r\n`)
}

const metaCount: Make = (prng) => {
  const { key, flags } = metaKey(prng)
  const own = ['c', 'k', 't', `O${prng.below(99)}`, 'q', 'v', `N${pick(prng, TIMES)}`, `J${pick(prng, DELTAS)}`]
  const how = [`D${odd(prng, DELTAS)}`, `M${pick(prng, ['I', 'D', '+', '-', 'd'])}`]
  const rest = [...flags, ...flagsOf(prng, [...own, ...how])]
  if (prng.chance(0.2)) return withCas(prng, key, (cas) => `${line(['ma', key, ...rest, `C${cas}`])}\r\n`)
  return text(`${line(['ma', key, ...rest])}\r\n`)
}

const describe: Make = (prng) => {
  const { key, flags } = metaKey(prng)
  return text(`${line(['me', key, ...flags])}\r\n`)
}

/** memcached finds an opaque too long after it has executed mg and ma: here they are refused before. */
function metaFlag(prng: Prng, name: string): string {
  const flag = pick(prng, META_FLAGS)
  return flag.length > OPAQUE_BYTES_MAX && (name === 'mg' || name === 'ma') ? 'O1' : flag
}

/** Words of the protocol in an order that makes no sense, with or without a value. */
function nonsense(prng: Prng, counts: boolean): Command {
  const kept = counts ? /^([^gmb]|m[sdn]|mx|m$)/ : /^(?!incr|decr|ma)/
  const name = pick(prng, NAMES.filter((name) => kept.test(name)))
  const words = Array.from({ length: prng.below(7) }, () => {
    if (name.startsWith('m') && prng.chance(0.7)) return metaFlag(prng, name)
    return pick(prng, [keyOf(prng), pick(prng, ODD_NUMBERS), pick(prng, TIMES), `${prng.below(12)}`])
  })
  const key = prng.chance(0.8) ? [keyOf(prng)] : []
  const value = prng.chance(0.3) ? `${'y'.repeat(prng.below(12))}\r\n` : ''
  return text(`${[name, ...key, ...words].join(' ')}${prng.chance(0.1) ? '\n' : '\r\n'}${value}`)
}

/** A valid command with some bytes changed. Sizes keep their digits, so that it swallows little. */
function damaged(prng: Prng, make: Make): Command {
  const bytes = [...make(prng, true).render(() => '1')]
  for (let changes = 1 + prng.below(3); changes > 0; changes--) {
    const at = prng.below(Math.min(bytes.length, 60))
    const kind = prng.below(3)
    if (kind === 0) bytes.splice(at, 1)
    if (kind === 1) bytes.splice(at, 0, pick(prng, [0, 9, 10, 13, 32, 45, 97, 255]))
    if (kind === 2) bytes[at] = pick(prng, [0, 9, 10, 13, 32, 45, 97, 255])
  }
  return text(Buffer.from(bytes).toString('latin1'))
}

const WRITES = [store, store, compareAndSet, remove, metaSet, metaSet, metaDelete]
const READS = [get, get, get, touch, metaGet, metaGet, describe, other]
const COUNTS = [count, count, metaCount]

/**
 * A decrease pads the number in place only where no reply still holds the item: memcached's answer then depends on
 * what it has sent so far. So a batch that counts does not read before.
 */
export function textBatch(prng: Prng, commands: number): Batch {
  const isDamaged = prng.chance(0.3)
  const counts = prng.chance(0.4)
  const first = counts ? [...WRITES, ...COUNTS] : [...WRITES, ...READS]
  const made: Command[] = []
  for (let i = 0; i < commands; i++) {
    const later = counts && !isDamaged && i > commands / 2
    const make = pick(prng, later ? [...WRITES, ...READS] : first)
    if (!isDamaged || prng.chance(0.5)) made.push(make(prng, isDamaged))
    else made.push(prng.chance(0.5) ? damaged(prng, make) : nonsense(prng, counts))
  }
  return { dialect: 'text', commands: made, exact: !isDamaged }
}
