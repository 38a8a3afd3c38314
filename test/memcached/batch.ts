/** What is sent to both servers: commands that are rendered for each, because each has its own cas numbers. */

/** The last cas that this server told for a key. */
export type CasOf = (key: string) => string

export interface Command {
  /** For people: what it is. */
  readonly says: string
  render(casOf: CasOf): Buffer
}

export interface Batch {
  readonly dialect: 'text' | 'binary'
  readonly commands: readonly Command[]
  /**
   * Whether every reply must be there. memcached forgets replies that it has not sent when it closes a connection or
   * waits for a value in vain; then its replies are a beginning of ours.
   */
  readonly exact: boolean
}

export const KEYS = ['a', 'b', 'key', 'counter', 'k:0001', 'a-somewhat-longer-key-of-a-client']
/** Stored by meta commands in base64: no end of line, no blank, so that replies can be read line by line. */
export const BINARY_KEYS = ['Zm9v', 'AQL/', 'w6TDtsO8', 'a2V5']

/** A key is the same however it was sent. */
export function rawKey(key: string): string {
  return BINARY_KEYS.includes(key) ? Buffer.from(key, 'base64').toString('latin1') : key
}

export function text(says: string): Command {
  const bytes = Buffer.from(says, 'latin1')
  return { says, render: () => bytes }
}
