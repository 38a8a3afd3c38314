/** CLOCK_MONOTONIC: the same for all threads and processes of this machine, so that their times can be compared. */

export function monotonicMillis(): number {
  const [seconds, nanos] = process.hrtime()
  return seconds * 1e3 + nanos / 1e6
}

export function monotonicMicros(): number {
  const [seconds, nanos] = process.hrtime()
  return seconds * 1e6 + nanos / 1e3
}
