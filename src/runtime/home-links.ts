/**
 * The links of clients that are attached here: a table by small index, found again by who says HELLO.
 */

import { assert, item } from '../assert.js'
import { createLink, linkOffset } from '../zab/link.js'
import type { Link } from '../zab/link.js'
import { dropParked } from './parked.js'
import type { Pool } from './pool.js'

/** Requests that a client may have unacknowledged. */
const HOME_CREDITS = 512

export interface HomeLink {
  readonly index: number
  readonly link: Link
  readonly destination: number // of the endpoint
  readonly incarnation: number // of the client's life
  readonly key: string
  /** Answers that wait for the client's credit: offset and length, oldest first. */
  readonly waiting: { offset: number; length: number }[]
  /** A request is parked that had no room when its turn came. */
  deferred: boolean
  /** Listed in this turn's touched links. */
  touched: boolean
}

export interface HomeLinks {
  readonly byIndex: (HomeLink | null)[]
  readonly byKey: Map<string, HomeLink>
  readonly free: number[]
}

export function createHomeLinks(linksMax: number): HomeLinks {
  const free: number[] = []
  for (let index = linksMax - 1; index >= 0; index--) free.push(index)
  return { byIndex: new Array<HomeLink | null>(linksMax).fill(null), byKey: new Map(), free }
}

/** One life of a client names each of its links; its address tells it from others. */
export function homeKey(incarnation: number, remote: number, destination: number): string {
  return `${incarnation}:${remote}:${destination}`
}

/** Null: all links are taken. */
export function addHomeLink(
  links: HomeLinks,
  key: string,
  remote: number,
  incarnation: number,
  destination: number,
  tick: number,
): HomeLink | null {
  const index = links.free.pop()
  if (index === undefined) return null
  const home: HomeLink = {
    index,
    link: createLink(remote, HOME_CREDITS, tick),
    destination,
    incarnation,
    key,
    waiting: [],
    deferred: false,
    touched: false,
  }
  links.byIndex[index] = home
  links.byKey.set(key, home)
  return home
}

export function homeLinkAt(links: HomeLinks, index: number): HomeLink | null {
  return links.byIndex[index] ?? null
}

/** Forgets a link. `giveReply` takes back the answers that it held. */
export function removeHomeLink(
  links: HomeLinks,
  home: HomeLink,
  parked: Pool,
  giveReply: (offset: number) => void,
): void {
  assert(item(links.byIndex, home.index) === home, 'removeHomeLink: the link is in the table')
  const { link } = home
  for (let sequence = link.txAcked + 1; sequence < link.txNext; sequence++) {
    giveReply(linkOffset(link, sequence))
  }
  for (const reply of home.waiting) giveReply(reply.offset)
  dropParked(link, parked)
  links.byIndex[home.index] = null
  links.byKey.delete(home.key)
  links.free.push(home.index)
}
