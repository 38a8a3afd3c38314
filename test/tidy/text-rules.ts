/** Rules for every text file: names, lengths, words that promise what is not there, paths of one machine. */
import { basename, extname } from 'node:path'
import { FUNCTION_LINES_MAX, LINE_CHARACTERS_MAX, LINES_MAX, type Problem } from './typescript-rules.js'

const CODE = new Set(['.ts', '.cc', '.h', '.sh'])
const NATIVE = new Set(['.cc', '.h'])
// In pieces, so that this file passes its own rules.
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`)
const MACHINE_PATH = new RegExp(`(^|[\\s"'\`(=:])/(${['work', 'home', 'Users', 'root'].join('|')})/[A-Za-z0-9]`)
const KEBAB = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/
const SNAKE = /^[a-z0-9]+(_[a-z0-9]+)*(\.[a-z0-9]+)*$/
/** A table: cells between bars, or a link that cannot be broken. */
const TABLE = /^\s*(\/\/|\*|\/\*\*?|#)?\s*\||https?:\/\/\S{60}/

export function checkText(path: string, text: string): Problem[] {
  const extension = extname(path)
  const problems: Problem[] = [...checkName(path)]
  const lines = text.split('\n')
  if (CODE.has(extension) && lines.length - 1 > LINES_MAX) {
    problems.push(`${path}: ${lines.length - 1} lines, over ${LINES_MAX}`)
  }
  lines.forEach((line, index) => {
    const where = `${path}:${index + 1}`
    if (CODE.has(extension) && line.length > LINE_CHARACTERS_MAX && !TABLE.test(line)) {
      problems.push(`${where}: ${line.length} characters, over ${LINE_CHARACTERS_MAX}`)
    }
    if (CODE.has(extension) && /[ \t]$/.test(line)) problems.push(`${where}: ends in a space`)
    if (UNFINISHED.test(line)) problems.push(`${where}: says that something is not done`)
    if (MACHINE_PATH.test(line)) problems.push(`${where}: a path of one machine`)
  })
  if (NATIVE.has(extension)) problems.push(...checkNative(path, text))
  return problems
}

function checkName(path: string): Problem[] {
  const name = basename(path)
  const extension = extname(name)
  if (extension === '.ts' && !KEBAB.test(name)) return [`${path}: a TypeScript file is named in kebab-case`]
  if (NATIVE.has(extension) && !SNAKE.test(name)) return [`${path}: a C++ file is named in snake_case`]
  return []
}

/** Who may include what. */
function checkNative(path: string, text: string): Problem[] {
  const problems: Problem[] = []
  for (const match of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)) {
    const header = match[1] ?? ''
    const mayUseNode = /^verbs-addon\/(binding.*|addon)\.(cc|h)$/.test(path)
    if (/^(napi|node_api|js_native_api|node|v8|uv)\.h$/.test(header) && !mayUseNode) {
      problems.push(`${path}: ${header} belongs into the binding files`)
    }
    const alone = /^(mica|memcached)\/(?!test\/)/.exec(path)?.[1]
    if (alone !== undefined) {
      if (/^(sys\/socket|netinet\/.*|arpa\/.*|time|sys\/time|chrono|ctime)(\.h)?$/.test(header)) {
        problems.push(`${path}: ${alone} may not include ${header}: no sockets, no time`)
      }
      if (/^(mica|machine|wal|memcached|front|verbs-addon)\//.test(header) && !header.startsWith(`${alone}/`)) {
        problems.push(`${path}: ${alone} may not include ${header}: it stands alone`)
      }
    }
    if (path.startsWith('front/')) {
      if (/^(wal|verbs-addon)\//.test(header)) problems.push(`${path}: front may not include ${header}`)
      const isServer = /^front\/(server\.(cc|h)|test\/server_test\.cc)$/.test(path)
      if (!isServer && /^(sys\/(socket|epoll)|netinet\/.*|arpa\/.*)(\.h)?$/.test(header)) {
        problems.push(`${path}: ${header} is for front/server: only the server has sockets`)
      }
    }
    if (path.startsWith('wal/') && !path.startsWith('wal/test/')) {
      if (/^(sys\/socket|netinet\/.*|arpa\/.*)(\.h)?$/.test(header)) {
        problems.push(`${path}: wal may not include ${header}: no sockets`)
      }
      if (/^(machine|verbs-addon|mica)\//.test(header) && header !== 'mica/hash.h') {
        problems.push(`${path}: wal may not include ${header}: it uses only mica's hash`)
      }
    }
  }
  return [...problems, ...checkFunctionLengths(path, text)]
}

/** By braces: a line that ends in `{` at the level of a function, and its match. Approximate. */
function checkFunctionLengths(path: string, text: string): Problem[] {
  const problems: Problem[] = []
  const starts: { line: number; isFunction: boolean }[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/\/\/.*$/, '').replace(/"(\\.|[^"\\])*"|'(\\.|[^'\\])'/g, '""')
    for (const [at, character] of [...line].entries()) {
      if (character === '{') {
        const isFunction = /\)\s*(const|noexcept|override|->\s*[\w:<>]+|\s)*$/.test(line.slice(0, at))
        starts.push({ line: index, isFunction })
      } else if (character === '}') {
        const start = starts.pop()
        if (start === undefined || !start.isFunction) continue
        const lines = index - start.line + 1
        if (lines > FUNCTION_LINES_MAX) {
          problems.push(`${path}:${start.line + 1}: a function of ${lines} lines, over ${FUNCTION_LINES_MAX}`)
        }
      }
    }
  })
  return problems
}
