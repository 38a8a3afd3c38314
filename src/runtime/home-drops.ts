/** Why a client's datagram had no effect. */
export const HOME_DROPS = [
  'client-unknown-link',
  'client-other-incarnation',
  'client-duplicate',
  'client-beyond-window',
  'client-no-room',
  'client-malformed',
  'client-bad-ack',
  'client-unknown-kind',
  'client-silent', //   links dropped because nothing was heard
] as const
export type HomeDrop = (typeof HOME_DROPS)[number]
