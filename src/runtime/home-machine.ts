/**
 * What the home of clients needs of the state machine. Worker 0 has the machine itself (store/machine.ts), or
 * that and the fronts' traffic around it (shared-machine.ts); a front has two rings (front-machine.ts).
 */
export interface HomeMachine {
  /** Rows of the last repliesClose, as REPLY_ROW. */
  readonly replyRows: Uint32Array
  linkOpen(link: number, age: number): void
  linkClose(link: number): void
  /** A REQUEST datagram, next in its link's order. Returns one of TAKEN. */
  request(offset: number, link: number): number
  /** Answers into replyRows; fewer rows than fit say that there are no more. Slots are lent until replyFree. */
  repliesClose(): number
  replyFree(offset: number): void
  /** Counter of the last operation applied, or a little less: never more. */
  applied(): number
}
