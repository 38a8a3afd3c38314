/** A file that tells a script that a server listens, and where. */
import { rename, writeFile } from 'node:fs/promises'

/** Appears with its whole content, or not at all. */
export async function writeReady(file: string | undefined, line: string): Promise<void> {
  if (file === undefined) return
  await writeFile(`${file}.part`, `${line}\n`)
  await rename(`${file}.part`, file)
}
