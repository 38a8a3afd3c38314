import assert from 'node:assert/strict'
import { test } from 'node:test'

import { difference } from '../../src/observe/difference.js'
import { replicaStats } from './replica-stats.js'

test('difference: writes per message are those of the time between, however many there were before', () => {
  const at = (acks: number, writes: number): ReturnType<typeof replicaStats> => {
    return replicaStats({
      received: { ACK: { messages: acks, bytes: 80 * acks } },
      writesCarried: { PROPOSE: 0, COMMIT: 0, ACK: writes, FORWARD: 0 },
    })
  }
  const { batching } = difference(at(3_000_000, 7_000_000), at(3_000_010, 7_000_500))
  assert.equal(batching.writesPerAckMessage, 50)
  assert.equal(batching.writesPerCommitMessage, null)
})
