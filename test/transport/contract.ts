/** The endpoint's contract, for one provider: udp.test.ts and verbs.test.ts keep it, and say what is theirs alone. */

import { claimBeats } from './contract-beats.js'
import { claimClosing } from './contract-closing.js'
import { claimDatagrams } from './contract-datagrams.js'
import { claimGroups } from './contract-groups.js'
import { claimPlaces } from './contract-places.js'
import { claimWaiting } from './contract-waiting.js'
import { claims } from './provider.js'
import type { Provider } from './provider.js'

export function endpointContract(provider: Provider): void {
  const claim = claims(provider)
  claimDatagrams(claim)
  claimPlaces(claim)
  claimGroups(claim)
  claimWaiting(claim)
  claimBeats(claim)
  claimClosing(claim, provider)
}
