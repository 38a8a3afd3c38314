/**
 * A time limit for an answer that counts only time in which this process ran.
 *
 * Used only by connection.ts. On a machine under load, or an emulated one, a process that starts may not run, or be
 * busy compiling, for longer than any sensible limit, with the answer waiting in its socket all the while. So the time
 * is counted in slices: one that comes late counts once, and after the last the sockets are read before it is over.
 */

const SLICES = 4

export interface Patience {
  end(): void
}

/** Calls `over` unless it was ended before. */
export function startPatience(millis: number, over: () => void): Patience {
  let slices = 0
  let immediate: NodeJS.Immediate | undefined
  const timer = setInterval(() => {
    slices++
    if (slices < SLICES) return
    clearInterval(timer)
    immediate = setImmediate(over)
  }, millis / SLICES)
  return {
    end: () => {
      clearInterval(timer)
      clearImmediate(immediate)
    },
  }
}
