/** What three threads do in random schedules. */
import { CHAINED, del, get, type Operation, own, QUARTER, range, type Scenario, set } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'set, get and delete of one key',
    forbidden: ['a get after a completed delete returns the old value'],
    pages: 6,
    hot: true,
    prepare: [set(0), set(1)],
    threads: [
      [set(0), del(0), get(0)],
      [get(0), set(0), get(0)],
      [get(0), del(0), get(0), get(1)],
    ],
  },
  {
    name: 'set against set of one key',
    forbidden: ['two entries for one key', 'the chunk of the value that lost is still taken'],
    pages: 6,
    hot: true,
    prepare: [],
    threads: [
      [set(0), get(0), set(0, 90)],
      // A second entry would come to light behind a delete.
      [set(0, 90), del(0), get(0)],
      [set(0), get(0)],
    ],
  },
  {
    name: 'replacement against get',
    forbidden: ['a get misses a key that is never absent'],
    pages: 6,
    hot: true,
    prepare: [set(0), set(1)],
    threads: [
      [set(0), set(0, 90), set(0)],
      [get(0), get(0), get(0)],
      [get(0), set(1), get(0)],
    ],
  },
  {
    name: 'one chunk for key after key',
    forbidden: ['a get returns the value of the key that has the chunk now'],
    pages: 6,
    hot: true,
    prepare: [set(0)],
    threads: [
      [del(0), set(1), del(1), set(0)],
      [get(0), get(1), get(0)],
      [get(1), set(2), get(0), del(2)],
    ],
  },
  {
    name: 'eviction against get',
    forbidden: ['a get returns the value that now lies in the chunk of an evicted one'],
    pages: 4,
    evicts: true,
    prepare: range(12).map((key) => set(key, QUARTER)),
    threads: [
      [set(12, QUARTER), set(13, QUARTER)],
      [get(0), get(1), get(2), get(3)],
      [get(12), set(0, QUARTER), get(0)],
    ],
  },
  {
    name: 'a split of a bucket against get and set',
    forbidden: ['a get misses an entry that has moved to the new bucket'],
    pages: 8,
    // The next insert splits the first bucket; 9, 21 and 41 are the keys that move.
    prepare: range(56).map((key) => set(key)),
    threads: [
      [set(56), set(57)],
      [get(9), get(1), get(21), get(3), get(41), get(9)],
      [set(6), get(6), del(7), get(7)],
    ],
  },
  {
    name: 'a page that changes its class against get',
    forbidden: ['a get returns bytes of the page’s new chunks'],
    pages: 4,
    evicts: true,
    // Page by page, so that each has a hole and its entries have somewhere to be moved to.
    prepare: [...range(12).map((key) => set(key, QUARTER)), del(1), del(5), del(9), set(20), get(0), get(4)],
    threads: [
      [set(12, 700), get(12)],
      [get(0), get(4), get(8), get(2)],
      [set(4, QUARTER), get(4), get(10)],
    ],
  },
  {
    name: 'chained items',
    forbidden: ['a get returns a chain whose pieces are another’s'],
    pages: 10,
    hot: true,
    prepare: [set(0, CHAINED)],
    threads: [
      [set(0, CHAINED), del(0), set(1, CHAINED)],
      [get(0), get(0), get(1)],
      [set(0, 40), get(0)],
    ],
  },
  {
    // The header of an item of one chunk holds its key and value where that of a chained one holds length and
    // generation: here they are made to look like them. Values begin with the number of their key, as generations do.
    name: 'a chained item that gives way to one that looks like it',
    forbidden: ['a get takes key and value of an item of one chunk for a length and a generation'],
    pages: 6,
    names: ['a', 'k'],
    prepare: [set(1, 1_012)],
    threads: [
      [del(1), set(1, QUARTER), get(1)],
      [get(1), get(1)],
    ],
  },
  {
    name: 'expiry against get and set',
    forbidden: ['a value is served after its deadline', 'the sweep removes a value that was stored anew'],
    pages: 6,
    hot: true,
    evicts: true,
    prepare: range(4).map((key): Operation => ({ kind: 'set', key, bytes: 40, ttlMs: 50 })),
    threads: [
      [{ kind: 'advance', ms: 100 }, { kind: 'sweep' }, get(1)],
      [get(0), get(1), set(0), get(0)],
      [get(0), { kind: 'set', key: 2, bytes: 40, ttlMs: 500 }, get(2)],
    ],
  },
  {
    name: 'renewal of an idle time against replacement',
    forbidden: ['a late renewal writes the time of another entry, which then outlives its deadline'],
    pages: 6,
    hot: true,
    evicts: true,
    finallyAdvanceMs: 1_000,
    goneFinally: [0, 1, 2],
    prepare: [
      { kind: 'set', key: 0, bytes: 40, idleMs: 300 },
      { kind: 'set', key: 1, bytes: 40, idleMs: 300 },
      { kind: 'set', key: 2, bytes: 40, ttlMs: 200 },
      { kind: 'set', key: 3, bytes: 40 },
    ],
    threads: [
      [{ kind: 'advance', ms: 50 }, get(0), { kind: 'has', key: 1 }],
      [{ kind: 'set', key: 0, bytes: 40, ttlMs: 100 }, get(0), del(1)],
      [get(0), { kind: 'set', key: 1, bytes: 40, idleMs: 200 }, get(1), get(3)],
    ],
  },
  {
    name: 'a writer that dies, beside a reader',
    forbidden: ['a get that began before the death accepts what the recovery undoes'],
    pages: 6,
    hot: true,
    prepare: [set(0), set(1)],
    threads: [
      // No write after the recovery: it would move the sequence on, and so hide one that was set back.
      [{ kind: 'recover' }, get(0)],
      [set(0), del(0), set(0, 90)],
      [get(0), get(1), get(0), get(0)],
    ],
  },
  {
    name: 'a writer of chained items that dies, beside a reader',
    forbidden: ['a get returns pieces that the recovery has given back'],
    pages: 10,
    hot: true,
    prepare: [set(0, CHAINED)],
    threads: [
      [{ kind: 'recover' }, set(1, CHAINED), get(0)],
      [set(0, CHAINED), del(0), set(0, CHAINED)],
      [get(0), get(1), get(0)],
    ],
  },
  {
    name: 'a split that dies, beside a reader',
    forbidden: ['a get looks for an entry where the undone split would have put it'],
    pages: 8,
    prepare: range(56).map((key) => set(key)),
    threads: [
      [{ kind: 'recover' }, set(58), get(56)],
      [set(56), set(57)],
      [9, 21, 41, 0, 9, 21, 41, 1].map((key) => get(key)),
    ],
  },
  {
    name: 'chained items of two shards that want each other’s pages',
    forbidden: ['each holds half of the room, and neither is stored'],
    pages: 8,
    shards: 2,
    evicts: true,
    someStored: [20, 21],
    prepare: range(20).map((key) => set(key, QUARTER)),
    threads: [
      [set(20, 6_000), get(20)],
      [set(21, 6_000), get(21)],
      [get(20), get(0), get(21), set(1, QUARTER)],
    ],
  },
  {
    name: 'clear against set and get',
    forbidden: ['a get after a completed clear returns a value stored before it'],
    pages: 8,
    prepare: range(6).map((key) => set(key)),
    threads: [
      [{ kind: 'clear' }, get(0)],
      [get(0), set(0), get(0)],
      [set(1), get(1), get(2)],
    ],
  },
  {
    name: 'neighbours on a list of a user, in two shards',
    forbidden: ['a list or a sum of a user disagrees with the index'],
    pages: 8,
    shards: 2,
    userBytes: 30_000,
    prepare: range(4).map((key) => own('a', key)),
    threads: [
      [del(0), own('a', 4), own('b', 1)],
      [del(1), own('a', 2), own('b', 0)],
      [own('b', 3), own('a', 0), get(2)],
    ],
  },
  {
    name: 'a user over quota, in two threads, and another',
    forbidden: ['an entry is given up for a user that no longer has it'],
    pages: 8,
    shards: 2,
    evicts: true,
    userBytes: 400,
    prepare: [...range(5).map((key) => own('a', key)), own('b', 5)],
    threads: [
      [own('a', 6), own('a', 7)],
      [own('a', 8), own('b', 0), own('a', 1)],
      [del(2), own('b', 2), get(5)],
    ],
  },
  {
    name: 'a page with entries of users that changes its class',
    forbidden: ['a neighbour of the moved entry on its list points to the old chunk'],
    pages: 4,
    evicts: true,
    userBytes: 100_000,
    prepare: [...range(12).map((key) => own('a', key, 880)), del(1), del(5), del(9), own('b', 20), get(0), get(4)],
    threads: [
      [own('b', 12, 680), get(12)],
      [own('a', 4, 880), del(2)],
      [own('a', 13, 880), del(10), get(0)],
    ],
  },
  {
    name: 'a user’s writer that dies, beside others of that user',
    forbidden: ['what a shard owes a list is paid twice, or not at all'],
    pages: 8,
    shards: 2,
    evicts: true,
    userBytes: 480,
    prepare: [...range(4).map((key) => own('a', key)), own('b', 4)],
    threads: [
      [{ kind: 'recover' }, own('a', 0), get(1)],
      [own('a', 5), own('b', 1), del(4)],
      [own('a', 2), del(3), own('a', 6), own('b', 7)],
    ],
  },
];
