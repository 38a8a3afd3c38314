/**
 * Protocol scripts: test/testdata/*.txt, each a scene, a line of dashes and the trace that it must give.
 * With UPDATE_SCRIPTS=1 the traces are written anew: read the difference before you keep it.
 */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { packageRoot } from '../package-root.js'
import { runScript } from './script-runner.js'

const folder = join(packageRoot(), 'test/testdata')

for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt'))) {
  const path = join(folder, name)
  const text = readFileSync(path, 'utf8')
  const [scene = '', expected = ''] = text.split(/^----\n/m)
  const claim = /^# (.*)$/m.exec(scene)?.[1] ?? name
  test(`${name}: ${claim}`, () => {
    const trace = runScript(scene)
      .map((line) => `${line}\n`)
      .join('')
    if (process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(path, `${scene}----\n${trace}`)
    else assert.equal(trace, expected)
  })
}
