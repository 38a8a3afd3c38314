/**
 * The protocol with one rule broken at a time. Each must be found by the simulator: what is not found is either not
 * checked or not needed. Where two rules guard against the same, both are broken.
 *
 * A patch names a compiled file under dist/src, a text that is there exactly once, and what stands there instead.
 */

export interface Patch {
  file: string
  find: string
  replace: string
}

export interface Mutant {
  name: string
  patches: readonly Patch[]
}

function mutant(name: string, ...patches: [file: string, find: string, replace: string][]): Mutant {
  return { name, patches: patches.map(([file, find, replace]) => ({ file, find, replace })) }
}

const BROADCAST: readonly Mutant[] = [
  mutant('a follower acknowledges what it has not', [
    'zab/follower.js',
    'const kept = lastKept(state);',
    'const kept = Math.max(lastKept(state), state.lastProposed);',
  ]),
  mutant('a leader commits without a quorum', [
    'zab/quorum.js',
    'nthHighest(state, members, quorumSize(state.config), true)',
    'nthHighest(state, members, 1, true)',
  ]),
  mutant('a leader commits with one less than a quorum', [
    'zab/quorum.js',
    'nthHighest(state, members, quorumSize(state.config), true)',
    'nthHighest(state, members, quorumSize(state.config) - 1, true)',
  ]),
  mutant('a replica that lost its memory is counted', [
    'zab/discovery.js',
    'peers.whole[sender] = whole ? 1 : 0;',
    'peers.whole[sender] = 1;',
  ]),
  mutant('one that joined is counted at once', [
    'zab/quorum.js',
    'return shown >= majority(state.config);',
    'return true;',
  ]),
  mutant('one that lost its memory is counted before it has what its former life had', [
    'zab/synchronization.js',
    'at(state.acked, joiner) >= at(state.peers.owed, joiner) && isConfirmed(state, joiner)',
    'isConfirmed(state, joiner)',
  ]),
  mutant('a follower commits what it holds', [
    'zab/follower.js',
    'const target = Math.min(state.commitKnown, state.lastHeld);',
    'const target = state.lastHeld;',
  ]),
  mutant('a follower takes proposals after a hole', [
    'zab/follower.js',
    'if (counter !== state.lastHeld + 1)',
    'if (counter > state.lastHeld + 8)',
  ]),
  mutant('a lost proposal is not asked for', [
    'zab/follower.js',
    'if (state.lastHeld < state.lastProposed)',
    'if (state.lastHeld < state.lastProposed && state.phase < 2)',
  ]),
  mutant(
    'a former epoch and its leader are obeyed',
    ['zab/replica.js', 'if (epoch < state.acceptedEpoch)', 'if (epoch < 0)'],
    ['zab/replica.js', "return sender === state.leader ? null : 'ignored-not-my-leader';", 'return null;'],
    [
      'zab/follower.js',
      'return extensionOf(state.words, offset, PROPOSE.previous) === state.lastEpoch;',
      'return true;',
    ],
  ),
  mutant('a former life is obeyed', ['zab/replica.js', 'if (incarnation !== known) {', 'if (incarnation > known) {']),
  mutant('a new life counts as the one before', [
    'zab/replica.js',
    'state.acked[replica] = 0;\n    state.heardTick[replica] = -Infinity;\n    forgetPeer(state.peers, replica);',
    '',
  ]),
]

const DISCOVERY: readonly Mutant[] = [
  mutant(
    'an epoch is promised to two leaders',
    [
      'zab/discovery.js',
      'if (epoch === state.acceptedEpoch && bound && !established && state.acceptedLeader !== sender) {',
      'if (false) {',
    ],
    ['zab/discovery.js', 'if (state.newEpoch !== 0 && hasPromisedToAnother(state, sender, offset)) {', 'if (false) {'],
    ['zab/discovery.js', 'highest = Math.max(highest, at(state.peers.accepted, id));', ''],
  ),
  mutant(
    'an earlier epoch is promised after a later one',
    ['zab/discovery.js', 'if (epoch < state.acceptedEpoch && bound) {', 'if (false) {'],
    [
      'zab/discovery.js',
      'if (state.newEpoch !== 0 && promisedMore && sender < state.config.members) {',
      'if (false) {',
    ],
    ['zab/discovery.js', 'highest = Math.max(highest, at(state.peers.accepted, id));', ''],
  ),
  mutant('acceptedEpoch does not rise', [
    'zab/discovery.js',
    'state.acceptedEpoch = epoch;\n        epochsChanged(state);',
    '',
  ]),
  mutant('a leader asks no quorum for its epoch', [
    'zab/discovery.js',
    'if (hasQuorum(state, STAGE.ACKEPOCH))',
    'if (true)',
  ]),
  mutant(
    'whoever has the lowest number leads',
    ['zab/election.js', 'if (best < 0 || isBetter(state, id, best))', 'if (best < 0)'],
    [
      'zab/discovery.js',
      'if (!eligible || compareHistories(state, sender, state.config.replica) <= 0)',
      'if (true)',
    ],
  ),
  mutant(
    'replicas that lost their memory elect',
    [
      'zab/election.js',
      'return hasAllOrClaim(trustOf(state, id));',
      'return true;',
    ],
    ['zab/discovery.js', 'if (state.forming || own || at(peers.whole, id) === 1)', 'if (true)'],
  ),
  mutant(
    'one that gave up what it had helps a leader that has less',
    [
      'zab/election.js',
      'if (state.trust === TRUST.HOLLOW && compareHistories(state, best, replica) < 0)',
      'if (false)',
    ],
    [
      'zab/discovery.js',
      'if (!eligible || compareHistories(state, sender, state.config.replica) <= 0)',
      'if (!eligible || at(peers.trust, sender) === TRUST.HOLLOW)',
    ],
  ),
  mutant('a leader without a quorum goes on', [
    'zab/failure.js',
    'if (state.phaseTick > since || isQuorumHeard(state, since))',
    'if (true)',
  ]),
]

const SYNCHRONIZATION: readonly Mutant[] = [
  mutant('currentEpoch is set before the history is there', [
    'zab/synchronization.js',
    'if (state.transfer !== 0 || state.lastHeld < state.targetCounter)',
    'if (state.transfer !== 0)',
  ]),
  mutant(
    'NEWLEADER is acknowledged before the history is there',
    [
      'zab/synchronization.js',
      'if (state.transfer !== 0 || state.lastHeld < state.targetCounter)',
      'if (state.transfer !== 0)',
    ],
    [
      'zab/synchronization.js',
      '|| counter > COUNTER_MAX || counter < state.targetCounter) {',
      '|| counter > COUNTER_MAX) {',
    ],
  ),
  mutant('a leader is established without a quorum', [
    'zab/synchronization.js',
    'if (hasQuorum(state, STAGE.ACKLD))',
    'if (true)',
  ]),
  mutant('nothing is truncated', ['zab/synchronization.js', 'truncateTo(state, counter);', '']),
  mutant('an end of another epoch counts as the same', [
    'zab/synchronization.js',
    'if (whole && end === counter && own === epoch)',
    'if (whole && end === counter)',
  ]),
  mutant(
    'histories are not compared by epoch',
    ['zab/synchronization.js', 'if (whole && end === counter && own === epoch)', 'if (whole && end === counter)'],
    [
      'zab/follower.js',
      'return extensionOf(state.words, offset, PROPOSE.previous) === state.lastEpoch;',
      'return true;',
    ],
  ),
  mutant('what a new leader has is not committed', [
    'zab/synchronization.js',
    'state.lastCommitted = state.lastHeld;\n    state.commitKnown = state.lastHeld;\n',
    '',
  ]),
  mutant('a snapshot is said to end where the history does', [
    'runtime/donor.js',
    'offerSnapshot(state, id, donor.transfer, state.lastApplied, appliedEpoch(state));',
    'offerSnapshot(state, id, donor.transfer, state.lastHeld, state.lastEpoch);',
  ]),
]

const CLIENTS: readonly Mutant[] = [
  mutant('a replica serves who has seen more than it', [
    'runtime/home.js',
    'if (!serving || home.machine.applied() < counterOf(words, offset)) {',
    'if (!serving) {',
  ]),
  mutant('what is sent again has new numbers', [
    'client/session-state.js',
    'session.sentOperations = session.answeredOperations;\n    session.sentWrites = session.answeredWrites;',
    'session.sentOperations = session.answeredOperations;',
  ]),
]

export const MUTANTS: readonly Mutant[] = [...BROADCAST, ...DISCOVERY, ...SYNCHRONIZATION, ...CLIENTS]
