/**
 * The rules of STYLE.md and the arrows of ARCHITECTURE.md, enforced on every source file; and that they can fail.
 */
import { strict as assert } from 'node:assert'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from './package-root.js'
import { checkText } from './tidy/text-rules.js'
import { checkTypeScript } from './tidy/typescript-rules.js'

const NATIVE_ROOMS = ['mica', 'machine', 'wal', 'memcached', 'front', 'verbs-addon']
const FOLDERS = ['src', 'test', 'bench', 'scripts', 'docs', ...NATIVE_ROOMS]
const TEXTS = new Set(['.ts', '.cc', '.h', '.sh', '.md', '.json', '.gyp', '.txt', '.yml', '.py'])
const SKIPPED = new Set(['node_modules', 'build', 'dist', 'package-lock.json'])
const SHOWN_MAX = 60

async function sourceFiles(root: string): Promise<string[]> {
  const found: string[] = []
  const open = FOLDERS.map((folder) => join(root, folder))
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (SKIPPED.has(entry.name)) continue
      if (entry.isDirectory()) open.push(path)
      else if (TEXTS.has(extname(entry.name))) found.push(path)
    }
  }
  const top = await readdir(root, { withFileTypes: true })
  const files = top.filter((entry) => entry.isFile() && TEXTS.has(extname(entry.name)) && !SKIPPED.has(entry.name))
  return [...found, ...files.map(({ name }) => join(root, name))]
}

test('tidy: every source file keeps the rules', async () => {
  const root = packageRoot()
  const files = await sourceFiles(root)
  assert.ok(files.length > 50, 'the walk finds the sources')
  const problems: string[] = []
  for (const file of files.sort()) {
    const path = relative(root, file)
    const text = await readFile(file, 'utf8')
    problems.push(...checkText(path, text))
    if (path.endsWith('.ts')) problems.push(...checkTypeScript(path, text))
  }
  const shown = problems.slice(0, SHOWN_MAX).join('\n')
  assert.equal(problems.length, 0, `${problems.length} problems:\n${shown}`)
})

/** Planted: each must be found, and by the sentence named. */
const PLANTED: readonly [claim: string, path: string, text: string, found: RegExp][] = [
  ['the protocol imports node', 'src/zab/a.ts', `import { x } from 'node:fs'`, /imports nothing but itself/],
  ['the protocol imports a room', 'src/zab/a.ts', `import { x } from '../store/b.js'`, /may not import/],
  ['the protocol imports errors', 'src/zab/a.ts', `import { x } from '../errors.js'`, /may not import/],
  ['the protocol reads a clock', 'src/zab/a.ts', 'const t = Date.now()', /may not touch Date/],
  ['the protocol draws lots', 'src/zab/a.ts', 'const t = Math.random()', /may not touch Math.random/],
  ['the protocol sets a timer', 'src/zab/a.ts', 'setTimeout(f, 1)', /may not touch setTimeout/],
  ['the protocol is asynchronous', 'src/zab/a.ts', 'async function f() {}', /asynchronous/],
  ['the protocol promises', 'src/zab/a.ts', 'let p: Promise<void>', /may not touch Promise/],
  ['the protocol makes a Buffer', 'src/zab/a.ts', 'const b = Buffer.alloc(1)', /may not touch Buffer/],
  ['the protocol counts in bigint', 'src/zab/a.ts', 'const b = 1n', /no bigint/],
  ['the protocol logs', 'src/zab/a.ts', `console.log('x')`, /may not touch console/],
  ['the registry uses the protocol', 'src/registry/a.ts', `import { x } from '../zab/b.js'`, /may not import/],
  ['a client uses a replica', 'src/client/a.ts', `import { x } from '../runtime/replica.js'`, /may not import/],
  ['the transport decides', 'src/transport/a.ts', `import { x } from '../runtime/b.js'`, /may not import/],
  ['bench uses values of the store', 'src/bench/a.ts', `import { x } from '../store/machine.js'`, /may not import/],
  ['a room that nobody knows', 'src/attic/a.ts', `import { x } from '../zab/b.js'`, /knows no room/],
  ['any', 'src/cli/a.ts', 'const a: any = 1', /any says nothing/],
  ['a non-null assertion', 'src/cli/a.ts', 'const a = b!.c', /non-null/],
  ['a hidden error', 'src/cli/a.ts', `// @ts-${'ignore'}\nconst a = 1`, /hides an error/],
  ['an enum', 'src/cli/a.ts', 'enum A { B }', /no enums/],
  ['a default export', 'src/cli/a.ts', 'export default 1', /no default exports/],
  ['a default function', 'src/cli/a.ts', 'export default function f() {}', /no default exports/],
  ['a barrel', 'src/cli/a.ts', `export * from './b.js'`, /no re-exports/],
  ['a long function', 'src/cli/a.ts', `function f() {\n${'g()\n'.repeat(71)}}`, /function of 73 lines/],
  ['a long file', 'src/cli/a.ts', 'a\n'.repeat(401), /401 lines/],
  ['a front with the addon', 'front/a.cc', '#include "verbs-addon/wake.h"', /front may not include/],
  ['an executor with sockets', 'front/front_send.cc', '#include <sys/socket.h>', /only the server/],
  ['a long line', 'mica/a.cc', 'a'.repeat(121), /121 characters/],
  ['a space at the end', 'mica/a.cc', 'int a; ', /ends in a space/],
  ['a camel', 'src/cli/someFile.ts', '', /kebab-case/],
  ['a dash in C++', 'mica/a-b.cc', '', /snake_case/],
  ['something not done', 'src/cli/a.ts', `// ${'TO' + 'DO'}: later`, /not done/],
  ['a path of one machine', 'docs/a.md', `see ${'/wo' + 'rk'}/main`, /path of one machine/],
  ['napi in the datagram code', 'verbs-addon/udp_tx.cc', '#include <napi.h>', /binding files/],
  ['napi in the store', 'mica/a.h', '#include <napi.h>', /binding files/],
  ['a socket in the store', 'mica/a.cc', '#include <sys/socket.h>', /no sockets/],
  ['a clock in the store', 'mica/a.cc', '#include <chrono>', /no time/],
  ['the store leans on the machine', 'mica/a.cc', '#include "machine/a.h"', /stands alone/],
  ['napi in the log', 'wal/a.h', '#include <napi.h>', /binding files/],
  ['a socket in the log', 'wal/a.cc', '#include <sys/socket.h>', /no sockets/],
  ['the log leans on the endpoint', 'wal/a.cc', '#include "verbs-addon/wake.h"', /only mica.s hash/],
  ['the log leans on the store', 'wal/a.cc', '#include "mica/store.h"', /only mica.s hash/],
  ['napi in the protocols', 'memcached/a.h', '#include <napi.h>', /binding files/],
  ['a socket in the protocols', 'memcached/a.cc', '#include <sys/socket.h>', /no sockets/],
  ['a clock in the protocols', 'memcached/a.cc', '#include <chrono>', /no time/],
  ['the protocols lean on the store', 'memcached/a.cc', '#include "mica/store.h"', /stands alone/],
  ['a long C++ function', 'mica/a.cc', `void f() {\n${'  g();\n'.repeat(71)}}`, /function of 73 lines/],
]

for (const [claim, path, text, found] of PLANTED) {
  test(`tidy finds: ${claim}`, () => {
    const problems = [...checkText(path, text), ...(path.endsWith('.ts') ? checkTypeScript(path, text) : [])]
    assert.match(problems.join('\n'), found)
  })
}

test('tidy leaves alone what is allowed', () => {
  const allowed: [string, string][] = [
    ['src/zab/a.ts', `import { assert } from '../assert.js'\nimport { b } from './b.js'\n// the Date of a Promise`],
    ['src/bench/a.ts', `import type { X } from '../store/machine.js'\nconst a = b !== c && !d`],
    ['src/runtime/a.ts', `import { x } from '../zab/b.js'\nimport { y } from 'node:fs'`],
    ['verbs-addon/binding_a.cc', '#include <napi.h>'],
    ['mica/test/a.cc', '#include <chrono>'],
    ['memcached/test/a.cc', '#include <sys/socket.h>'],
    ['wal/a.cc', '#include <chrono>\n#include "mica/hash.h"\n#include "wal/b.h"'],
  ]
  for (const [path, text] of allowed) {
    const problems = [...checkText(path, text), ...(path.endsWith('.ts') ? checkTypeScript(path, text) : [])]
    assert.deepEqual(problems, [], path)
  }
})
