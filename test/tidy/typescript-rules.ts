/**
 * Rules for TypeScript, on its syntax tree: which room may import which, what the protocol may not touch, and shape.
 */
import ts from 'typescript'

/** A line of what is wrong: file:line: sentence. */
export type Problem = string

export const LINES_MAX = 400
/** STYLE.md aims at 100. */
export const LINE_CHARACTERS_MAX = 120
export const FUNCTION_LINES_MAX = 70

/**
 * Rooms of src/ and what each may import beside itself, src/assert.ts and src/errors.ts: rooms, or single files.
 * src/runtime/options.ts declares what a replica reports: its types, not its values, may be used where `types` says so.
 */
interface Room {
  readonly may: readonly string[]
  readonly types?: readonly string[]
}

const ROOMS: Readonly<Record<string, Room>> = {
  zab: { may: [] },
  transport: { may: ['zab'] },
  store: { may: ['zab', 'transport/addon', 'transport/native-error'] },
  registry: { may: [] },
  runtime: { may: ['transport', 'store', 'registry', 'zab', 'histogram'] },
  client: { may: ['zab', 'transport', 'store', 'registry', 'histogram'], types: ['runtime/options'] },
  observe: { may: ['registry', 'transport/probe', 'store/inspect-log', 'store/log'], types: ['runtime/options'] },
  bench: {
    may: ['client', 'observe', 'registry', 'zab/wire', 'zab/limits', 'histogram'],
    types: ['store/machine', 'runtime/options'],
  },
  cli: {
    may: ['runtime', 'client', 'bench', 'observe', 'registry', 'transport/probe', 'zab/limits'],
  },
  assert: { may: [] },
  errors: { may: [] },
  histogram: { may: [], types: ['runtime/options'] },
}

/** What users import: the one file that may hand on names of others. */
const PACKAGE_ENTRY = 'src/client/connect.ts'

const ZAB_NAMES_BANNED = new Set([
  'Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Promise', 'Buffer',
  'BigInt', 'BigUint64Array', 'BigInt64Array', 'console', 'process', 'require', 'fetch',
])

export function checkTypeScript(path: string, text: string): Problem[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const problems: Problem[] = []
  const say = (node: ts.Node, sentence: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    problems.push(`${path}:${line + 1}: ${sentence}`)
  }
  const visit = (node: ts.Node): void => {
    checkShape(source, node, say)
    if (ts.isImportDeclaration(node)) checkImport(path, node, say)
    if (path.startsWith('src/zab/')) checkProtocol(node, say)
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const match of text.matchAll(/@ts-(ignore|expect-error|nocheck)/g)) {
    problems.push(`${path}:${lineAt(text, match.index)}: @ts-${match[1] ?? ''} hides an error`)
  }
  return problems
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

type Say = (node: ts.Node, sentence: string) => void

function checkShape(source: ts.SourceFile, node: ts.Node, say: Say): void {
  if (node.kind === ts.SyntaxKind.AnyKeyword) say(node, 'any says nothing')
  if (ts.isNonNullExpression(node)) say(node, 'a non-null `!` asserts without a check: use at() or a test')
  if (ts.isEnumDeclaration(node)) say(node, 'no enums: use a constant object')
  if (ts.isExportAssignment(node)) say(node, 'no default exports: one name, one home')
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && source.fileName !== PACKAGE_ENTRY) {
    say(node, 'no re-exports: one name, one home')
  }
  if (ts.canHaveModifiers(node)) {
    const isDefault = ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    if (isDefault === true) say(node, 'no default exports: one name, one home')
  }
  if (isFunctionWithBody(node)) checkFunctionLength(source, node, say)
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined
}

function checkFunctionLength(source: ts.SourceFile, node: ts.Node, say: Say): void {
  const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line
  const last = source.getLineAndCharacterOfPosition(node.getEnd()).line
  const lines = last - first + 1
  if (lines > FUNCTION_LINES_MAX) say(node, `a function of ${lines} lines, over ${FUNCTION_LINES_MAX}`)
}

function checkProtocol(node: ts.Node, say: Say): void {
  if (ts.isBigIntLiteral(node) || node.kind === ts.SyntaxKind.BigIntKeyword) {
    say(node, 'no bigint in the protocol: counters are doubles')
  }
  if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AsyncKeyword) {
    say(node, 'nothing asynchronous in the protocol')
  }
  if (ts.isIdentifier(node) && ZAB_NAMES_BANNED.has(node.text) && !isOwnName(node)) {
    say(node, `the protocol may not touch ${node.text}`)
  }
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') {
    say(node, 'the protocol may not touch Math.random')
  }
}

/** A property or a parameter may bear any name. */
function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  return ts.isPropertySignature(parent) || ts.isPropertyAssignment(parent)
}

function checkImport(path: string, node: ts.ImportDeclaration, say: Say): void {
  if (!path.startsWith('src/') || !ts.isStringLiteral(node.moduleSpecifier)) return
  const from = node.moduleSpecifier.text
  const room = roomOf(path)
  if (!from.startsWith('.')) {
    if (room === 'zab') say(node, `src/zab imports nothing but itself and src/assert.ts, not ${from}`)
    return
  }
  const target = resolve(path, from)
  if (target === 'assert' || roomOf(`src/${target}`) === room) return
  if (target === 'errors' && room !== 'zab' && room !== 'assert') return
  const rules = ROOMS[room]
  if (rules === undefined) return say(node, `tidy.test.ts knows no room src/${room}`)
  if (isAmong(rules.may, target)) return
  if (isTypeOnly(node) && isAmong(rules.types ?? [], target)) return
  say(node, `src/${room} may not import ${isTypeOnly(node) ? 'types' : 'values'} from src/${target}.ts`)
}

/** `src/zab/wire.ts` is in `zab`, `src/assert.ts` in `assert`. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '')
}

/** From src/bench/report.ts, ../zab/wire.js is zab/wire. */
function resolve(path: string, from: string): string {
  const url = new URL(from.replace(/\.js$/, ''), `file:///${path}`)
  return url.pathname.replace(/^\/src\//, '')
}

function isAmong(allowed: readonly string[], target: string): boolean {
  return allowed.some((each) => target === each || target.startsWith(`${each}/`))
}

function isTypeOnly(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.isTypeOnly) return true
  const { namedBindings } = clause
  return (
    clause.name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  )
}
