/**
 * Compares a server with memcached:
 *   node dist/test/memcached/main.js --port PORT [--model PORT] [--commands N] [--seed S]
 * Without --model a memcached is started. Both are emptied first.
 */
import { parseArgs } from 'node:util'
import { compare, describeDifference, exchange } from './compare.js'
import { MEMCACHED, startMemcached } from './servers.js'

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    model: { type: 'string' },
    commands: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})

function number(name: string, text: string | undefined): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0) return value
  console.error(`compare: --${name} wants a number`)
  process.exit(2)
}

const subject = number('port', values.port)
const seed = number('seed', values.seed)
if (values.model === undefined && MEMCACHED === null) {
  console.error('compare: there is no memcached on PATH: apt-get install memcached, or name one by --model')
  process.exit(2)
}
const started = values.model === undefined ? await startMemcached() : null
const model = started?.port ?? number('model', values.model)
for (const port of [model, subject]) await exchange(port, Buffer.from('flush_all\r\n'))
console.log(`compare: seed ${seed}, memcached at ${model}, looked at is ${subject}`)
let commands = 0
const how = { seed, commands: number('commands', values.commands), ports: [model, subject] as const }
const difference = await compare(how, (sent) => (commands = sent))
await started?.close()
const agreed = `compare: ${commands} commands, no difference`
console.log(difference === null ? agreed : describeDifference(difference))
process.exitCode = difference === null ? 0 : 1
