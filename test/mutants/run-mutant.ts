/** Runs the simulator on a copy of what is compiled, with a mutant's patches. */

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../package-root.js'
import type { Mutant, Patch } from './mutants.js'

export interface Caught {
  seed: number
  failure: string
}

const LINKED = ['package.json', 'build', 'node_modules']
const FAILURE_SHOWN = 90

/** The first seed that finds it; null when none of so many does. */
export async function runMutant(mutant: Mutant, seeds: number, workers: number): Promise<Caught | null> {
  const root = packageRoot()
  const copy = mkdtempSync(join(tmpdir(), 'zabkv-mutant-'))
  try {
    cpSync(join(root, 'dist', 'src'), join(copy, 'dist', 'src'), { recursive: true })
    cpSync(join(root, 'dist', 'test'), join(copy, 'dist', 'test'), { recursive: true })
    for (const name of LINKED) symlinkSync(join(root, name), join(copy, name))
    for (const patch of mutant.patches) applyPatch(copy, patch)
    const simulator = join(copy, 'dist', 'test', 'sim', 'main.js')
    const options = ['--seeds', String(seeds), '--workers', String(workers), '--until-failure']
    const said = await output(process.execPath, [simulator, ...options])
    const found = /^seed (\d+): (.*)$/m.exec(said)
    if (found !== null) return { seed: Number(found[1]), failure: (found[2] ?? '').slice(0, FAILURE_SHOWN) }
    if (!/^\d+ of \d+ seeds, 0 failed/m.test(said)) throw new Error(`the simulator did not run:\n${said}`)
    return null
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** Throws when the text is not there, or more than once: the mutant would not be what it says. */
export function applyPatch(copy: string, { file, find, replace }: Patch): void {
  const path = join(copy, 'dist', 'src', file)
  const text = readFileSync(path, 'utf8')
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${find}`)
  writeFileSync(path, parts.join(replace))
}

function output(command: string, words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.on('error', reject)
    child.on('close', () => resolve(said))
  })
}
