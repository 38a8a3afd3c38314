/** The machine as worker 0's own home sees it when there are fronts: their answers are shipped on the way. */

import { assert, at } from '../assert.js'
import { REPLY_ROW } from '../store/machine.js'
import { boardTicket } from './board.js'
import { ageOfTicket, shipReply, shipWaiting } from './fronts.js'
import type { Fronts } from './fronts.js'
import type { HomeMachine } from './home-machine.js'

/** `replySlots`: of the machine. Own answers keep theirs, so there are never more of them in one turn. */
export function shareMachine(fronts: Fronts, replySlots: number): HomeMachine {
  const { machine, linksEach } = fronts
  const own = new Uint32Array((replySlots + 1) * REPLY_ROW.WORDS)
  const rowsMax = machine.replyRows.length / REPLY_ROW.WORDS

  function repliesClose(): number {
    let count = 0
    shipWaiting(fronts)
    for (;;) {
      const rows = machine.repliesClose()
      for (let row = 0; row < rows; row++) count += takeRow(row * REPLY_ROW.WORDS, count)
      if (rows < rowsMax) return count
    }
  }

  function takeRow(word: number, count: number): number {
    const link = at(machine.replyRows, word + REPLY_ROW.link)
    const offset = at(machine.replyRows, word + REPLY_ROW.offset)
    const length = at(machine.replyRows, word + REPLY_ROW.length)
    if (link >= linksEach) {
      shipReply(fronts, link, offset, length)
      return 0
    }
    assert(count < replySlots, 'shareMachine: every answer has a slot of its own')
    own[count * REPLY_ROW.WORDS + REPLY_ROW.link] = link
    own[count * REPLY_ROW.WORDS + REPLY_ROW.offset] = offset
    own[count * REPLY_ROW.WORDS + REPLY_ROW.length] = length
    return 1
  }

  return {
    replyRows: own,
    // One count of tickets for all workers: the machine can tell which of a session's links is the younger.
    linkOpen: (link) => machine.linkOpen(link, ageOfTicket(fronts, boardTicket(fronts.board))),
    linkClose: (link) => machine.linkClose(link),
    request: (offset, link) => machine.request(offset, link),
    repliesClose,
    replyFree: (offset) => machine.replyFree(offset),
    applied: () => machine.applied(),
  }
}
