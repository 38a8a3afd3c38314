import assert from 'node:assert/strict'
import test from 'node:test'
import { createParser, feed, nextCommand, type Command } from '../../src/registry/codec.js'

function parse(pieces: readonly Buffer[]): Command[] {
  const parser = createParser()
  const commands: Command[] = []
  for (const piece of pieces) {
    feed(parser, piece)
    for (let next = nextCommand(parser); next !== null; next = nextCommand(parser)) {
      commands.push(next)
    }
  }
  return commands
}

function parseText(text: string): Command[] {
  return parse([Buffer.from(text, 'latin1')])
}

const CONVERSATION = Buffer.from(
  'set a 5 10 4\r\n\r\n\r\n\r\n' + // a value of line ends
    'get a  b\r\n' +
    'cas key 0 -1 0 77 noreply\r\n\r\n' +
    'set b 0 0 2\r\nxyz\r\n' + // a bad chunk, then its rest as a command
    'bogus\r\ndelete a 0 noreply\r\ntouch a 5\r\nflush_all\r\nversion\nquit\r\n',
  'latin1',
)

test('codec: a conversation means the same wherever it is split in two', () => {
  const whole = parse([CONVERSATION])
  assert.equal(whole.length, 11)
  for (let at = 0; at <= CONVERSATION.length; at++) {
    const halves = [CONVERSATION.subarray(0, at), CONVERSATION.subarray(at)]
    assert.deepEqual(parse(halves), whole, `split at ${at}`)
  }
})

test('codec: a conversation means the same byte by byte', () => {
  const bytes = [...CONVERSATION].map((byte) => Buffer.of(byte))
  assert.deepEqual(parse(bytes), parse([CONVERSATION]))
})

test('codec: a store carries flags, time, cas and exactly its bytes', () => {
  const [store] = parseText('cas k 7 -1 3 99 noreply\r\na\nb\r\n')
  const value = Buffer.from('a\nb')
  const wanted = { verb: 'cas', key: 'k', flags: 7, exptime: -1, cas: '99', value, noreply: true }
  assert.deepEqual(store, { kind: 'store', ...wanted })
})

test('codec: a value without its line end is a bad chunk, and its rest is read as commands', () => {
  const [first, second, third] = parseText('set k 0 0 1\r\nabcversion\r\nversion\r\n')
  assert.deepEqual(first, {
    kind: 'refused',
    reply: 'CLIENT_ERROR bad data chunk',
    noreply: false,
    hangUp: false,
  })
  assert.deepEqual(second, { kind: 'version' })
  assert.deepEqual(third, { kind: 'version' })
})

test('codec: a key of 250 bytes passes, of 251 is refused', () => {
  assert.equal(parseText(`get ${'k'.repeat(250)}\r\n`)[0]?.kind, 'get')
  assert.equal(parseText(`get a ${'k'.repeat(251)}\r\n`)[0]?.kind, 'refused')
})

test('codec: an oversized value is skipped and what follows is understood', () => {
  const bytes = 3_000_000
  const text = `set big 0 0 ${bytes}\r\n${'x'.repeat(bytes)}\r\nversion\r\n`
  const kinds = parse([Buffer.from(text.slice(0, 1000)), Buffer.from(text.slice(1000))])
  assert.deepEqual(kinds, [{ kind: 'tooLarge', key: 'big', noreply: false }, { kind: 'version' }])
})

test('codec: a line without an end hangs up after 2048 bytes and holds no more', () => {
  const parser = createParser()
  feed(parser, Buffer.alloc(2048, 'x'))
  assert.equal(nextCommand(parser), null)
  feed(parser, Buffer.from('x'))
  const command = nextCommand(parser)
  assert.equal(command?.kind === 'refused' && command.hangUp, true)
  feed(parser, Buffer.from('\r\nversion\r\n'))
  assert.equal(nextCommand(parser), null)
  assert.equal(parser.chunks.length, 0)
})

test('codec: random bytes never throw', () => {
  let seed = 12345
  const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16
  const nines = '9'.repeat(20)
  const plain = ['set', 'cas', 'get', '0', '1', '-1', 'k', 'noreply', nines]
  const words = [...plain, ' ', ' ', ' ', '\r\n', '\r\n', '\n', '\0']
  for (let run = 0; run < 2000; run++) {
    let text = ''
    for (let word = 0; word < 30; word++) text += words[random() % words.length] ?? ''
    parseText(text)
  }
})
