/** Runs commands of this checkout and takes what they say. Only the process started here is ever signalled. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

const MILLIS_MAX = 60_000
export const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

export interface RunOptions {
  input?: string | Buffer
  env?: Record<string, string>
  millisMax?: number
}

export function zabkv(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(process.execPath, [MAIN, ...words], options)
}

export function run(command: string, words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const env = { ...process.env, ...options.env }
  const child = spawn(command, words, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined) // it need not read
  child.stdin.end(options.input ?? '')
  return outcomeOf(child, options.millisMax ?? MILLIS_MAX)
}

export function outcomeOf(child: ChildProcess, millisMax: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const outcome: Outcome = { code: null, stdout: '', stderr: '' }
    child.stdout?.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()))
    const timer = setTimeout(() => child.kill('SIGTERM'), millisMax)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ ...outcome, code })
    })
  })
}
