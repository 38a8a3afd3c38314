/** Waits for facts, instead of sleeping for a while and hoping. */

import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MILLIS = 20
/** Only a failure takes that long, or a machine that is very busy. */
const MILLIS_MAX = 60_000

/** An error while it asks, as of a replica that has no answer yet, means not yet. */
export async function until(
  fact: () => boolean | Promise<boolean>,
  what: string,
  millisMax = MILLIS_MAX,
): Promise<void> {
  let last: unknown = null
  const asked = async (): Promise<boolean> => {
    try {
      return await fact()
    } catch (error) {
      last = error
      return false
    }
  }
  for (const deadline = performance.now() + millisMax; !(await asked()); await sleep(POLL_MILLIS)) {
    if (performance.now() > deadline) throw new Error(`it never came that ${what}`, { cause: last })
  }
}
