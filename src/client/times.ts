/** Every time of the client that is not an option, in milliseconds. */

/** Turns by the timer, while something is awaited and when nothing is. */
export const FAST_MILLIS = 5
export const SLOW_MILLIS = 250
/** HELLO is said again. */
export const HELLO_MILLIS = 50
/** An idle link says that it is there; the replica drops it after ten seconds of silence. */
export const KEEP_ALIVE_MILLIS = 1000
/** A replica that owes answers is asked so often before it is taken for dead. */
export const QUESTIONS = 5
/** A session that writes nothing says that it is there, so often while it would not have ended yet, */
export const TOUCHES = 3
/** and at least after so long. */
export const TOUCH_MILLIS_MAX = 10_000
/** Attached and heard of, but no answer although some are owed: another replica may do better. */
export const STUCK_MILLIS_MIN = 1000
export const STUCK_FAILOVERS = 5
/** close() waits so long, at most, for what is outstanding. */
export const CLOSE_MILLIS_MAX = 1000
export const TIMEOUT_MILLIS_DEFAULT = 5000
export const FAILOVER_MILLIS_DEFAULT = 200
