import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { allPassed, comparisonTable, parseReport } from '../../src/bench/compare-runs.js'
import { efficiencyOf, efficiencyTable, figure } from '../../src/bench/efficiency.js'
import type { EfficiencyReport } from '../../src/bench/efficiency.js'
import { createReport, type WorkloadReport } from '../../src/bench/report.js'
import { createTally } from '../../src/bench/tally.js'
import { WORKLOAD_DEFAULTS } from '../../src/bench/workload-options.js'
import { difference } from '../../src/observe/difference.js'
import type { ReplicaStats } from '../../src/runtime/options.js'
import { replicaStats } from '../observe/replica-stats.js'

type Provider = 'udp' | 'verbs'

/** 1000 writes in 10 proposals, of which one was sent again; before it, other counts that must not matter. */
function leader(provider: Provider, copies: number): [ReplicaStats, ReplicaStats] {
  const before = replicaStats({
    role: 'LEADING',
    lastCommitted: 5000,
    operations: { writesProposed: 5000, proposals: 700 },
    sent: { PROPOSE: { messages: 700, bytes: 70_000 } },
    sentToReplicas: { messages: 700, bytes: 70_000 },
    resends: { proposals: 3 },
    transport: { provider, doorbells: 111, receiveCalls: 222, systemCalls: 3333 },
    signals: 7,
  })
  const after = replicaStats({
    role: 'LEADING',
    lastCommitted: 6000,
    operations: { writesProposed: 6000, proposals: 710 },
    sent: {
      PROPOSE: { messages: 700 + 10 * copies + 1, bytes: 70_000 + 50_000 * copies },
      COMMIT: { messages: 5, bytes: 320 },
      REPLY: { messages: 20, bytes: 8000 },
    },
    sentToReplicas: { messages: 705 + 10 * copies + 1, bytes: 70_320 + 50_000 * copies },
    resends: { proposals: 4 },
    transport: { provider, doorbells: 111 + 8, receiveCalls: 222 + 30, systemCalls: 3333 + 100 },
    signals: 9,
  })
  return [before, after]
}

function follower(replica: number, provider: Provider): [ReplicaStats, ReplicaStats] {
  const before = replicaStats({ replica, transport: { provider } })
  const after = replicaStats({
    replica,
    lastCommitted: 990, // asked a little earlier
    sent: { ACK: { messages: 4, bytes: 256 }, REPLY: { messages: 6, bytes: 2000 } },
    sentToReplicas: { messages: 4, bytes: 256 },
    transport: { provider, doorbells: 2, receiveCalls: 10, systemCalls: 40 },
  })
  return [before, after]
}

function efficiency(provider: Provider, multicast: boolean): EfficiencyReport {
  const pairs = [follower(2, provider), leader(provider, multicast ? 1 : 2), follower(1, provider)]
  const replicas = pairs.map(([before, after]) => difference(before, after))
  return efficiencyOf(replicas, { replicas: 3, multicast })
}

test('efficiency: what was counted in between, over what the leader committed', () => {
  const { committedWrites, cluster, replicas } = efficiency('udp', true)
  assert.equal(committedWrites, 1000)
  assert.deepEqual(replicas[1], {
    replica: 0,
    role: 'LEADING',
    posts: 0.008,
    datagrams: 0.036, //            11 PROPOSE, 5 COMMIT, 20 REPLY
    systemCalls: 0.102, //          100 and two signals to another worker
    systemCallsWaiting: 0.064, //   without 8 sends and 30 receives
    bytes: 58.32,
    bytesToReplicas: 50.32,
    bytesToClients: 8,
  })
  assert.deepEqual(cluster, {
    posts: 0.012,
    datagrams: 0.056,
    systemCalls: 0.182,
    systemCallsWaiting: 0.12,
    bytes: 62.83, // 62.832, to four digits
    bytesToReplicas: 50.83,
    bytesToClients: 12,
  })
})

test('efficiency: a post over verbs is no system call, and all system calls are waiting', () => {
  const { cluster } = efficiency('verbs', true)
  assert.equal(cluster.posts, 0.012)
  assert.equal(cluster.systemCalls, 0.182)
  assert.equal(cluster.systemCallsWaiting, 0.182)
})

test('efficiency: a proposal costs one PROPOSE by multicast and one a follower by unicast', () => {
  const multicast = efficiency('udp', true).protocol
  assert.equal(multicast.followers, 2)
  assert.equal(multicast.proposals, 10)
  assert.equal(multicast.writesPerProposal, 100)
  assert.equal(multicast.proposeMessagesPerProposal, 1)
  assert.deepEqual(multicast.messagesPerWrite, {
    PROPOSE: { sent: 0.011, least: 0.01 },
    ACK: { sent: 0.008, least: 0.02 },
    COMMIT: { sent: 0.005, least: 0.01 },
    all: { sent: 0.024, least: 0.04 },
  })
  const unicast = efficiency('udp', false).protocol
  assert.equal(unicast.proposeMessagesPerProposal, 2)
  assert.deepEqual(unicast.messagesPerWrite.PROPOSE, { sent: 0.021, least: 0.02 })
  assert.equal(unicast.messagesPerWrite.COMMIT.least, 0.02)
  assert.equal(unicast.messagesPerWrite.all.least, 0.06)
})

test('efficiency: observers get proposals, too; a cluster of one sends none', () => {
  const [before, after] = leader('udp', 1)
  const observer = difference(replicaStats({ replica: 3 }), replicaStats({ replica: 3, role: 'OBSERVING' }))
  const beside = efficiencyOf([difference(before, after), observer], { replicas: 3, multicast: false })
  assert.equal(beside.protocol.followers, 3)
  assert.equal(beside.protocol.messagesPerWrite.PROPOSE.least, 0.03)
  const alone = efficiencyOf([difference(before, after)], { replicas: 1, multicast: true })
  assert.equal(alone.protocol.messagesPerWrite.all.least, 0)
})

test('efficiency: without a committed write there is no figure, and no division by zero', () => {
  for (const replicas of [[], [difference(...follower(1, 'udp'))]]) {
    replicas.forEach((each) => (each.writesCommitted = 0))
    const report = efficiencyOf(replicas, { replicas: 3, multicast: true })
    assert.equal(report.committedWrites, 0)
    assert.ok(Object.values(report.cluster).every((value) => value === null))
    assert.equal(report.protocol.proposeMessagesPerProposal, null)
    assert.match(efficiencyTable(report), /posts \/ datagrams +- \/ -/)
  }
})

test('efficiency: without a leader among the reports the one that committed most is the measure', () => {
  const replicas = [difference(...follower(1, 'udp')), difference(...follower(2, 'udp'))]
  assert.equal(efficiencyOf(replicas, null).committedWrites, 990)
})

test('efficiency: for people, small figures keep their digits', () => {
  assert.equal(figure(0.0021483), '0.00215')
  assert.equal(figure(145.13), '145')
  assert.equal(figure(null), '-')
  const text = efficiencyTable(efficiency('udp', true))
  assert.match(text, /for each of 1,000 committed writes/)
  assert.match(text, /system calls \(waiting\) +0\.182 \(0\.12\)/)
  assert.match(text, /PROPOSE 0\.011 \(0\.01\), ACK 0\.008 \(0\.02\), COMMIT 0\.005 \(0\.01\); PROPOSE 1 for a/)
})

function reportOf(multicast: boolean): WorkloadReport {
  const settings = { multicast }
  const [before, after] = leader('udp', multicast ? 1 : 2)
  return createReport({
    options: {
      ...WORKLOAD_DEFAULTS,
      cluster: 'test',
      registry: { host: '127.0.0.1', port: 1 },
      distribution: 'uniform',
      traceFile: null,
      preload: true,
    },
    result: {
      tally: { ...createTally(), reads: 500, writes: 500 },
      elapsedSeconds: 2,
      preload: { writes: 0, elapsedSeconds: 0 },
      drained: 0,
      batch: 1,
      sessions: 1,
    },
    before: [before],
    after: [{ ...after, settings: { ...after.settings, ...settings } }],
    digests: { replicas: [], comparable: true, equal: true },
    moves: [],
  })
}

test('compare: two reports beside each other, as they are and from a file', () => {
  const multicast = parseReport(JSON.stringify(reportOf(true)), 'multicast.json')
  const runs = [{ name: 'multicast', report: multicast }, { name: 'unicast', report: reportOf(false) }]
  const text = comparisonTable(runs)
  assert.match(text, /completed operations\/s +500 +500\n/)
  assert.match(text, /PROPOSE messages sent for a proposal +1 +2\n/)
  assert.match(text, /posts +0\.008 +0\.008\n/)
  assert.match(text, /bytes +58\.3 +108\n/)
  assert.equal(allPassed(runs), true)
})

test('compare: errors, unequal digests and an empty run do not pass', () => {
  const good = reportOf(true)
  for (const change of [{ errors: 1 }, { digestsEqual: false }, { reads: 0, writes: 0 }]) {
    const bad = { ...good, ...change }
    assert.equal(allPassed([{ name: 'a', report: good }, { name: 'b', report: bad }]), false)
  }
})

test('compare: what is no report is refused by its name', () => {
  for (const text of ['', 'nonsense', '[]', 'null', '{"error":{}}', '{"operationsPerSecond":1}']) {
    assert.throws(() => parseReport(text, 'a.json'), { code: 'BAD_ARGUMENT', message: /^a\.json is not a report/ })
  }
})
