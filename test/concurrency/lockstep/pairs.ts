/** What two threads do where all schedules with few switches are gone through, and all that can be run. */
import {
  append,
  CHAINED,
  claim,
  del,
  get,
  near,
  type Operation,
  own,
  publish,
  QUARTER,
  range,
  type Scenario,
  same,
  set,
} from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const pair = (
  name: string,
  prepare: readonly Operation[],
  one: readonly Operation[],
  other: readonly Operation[],
): Scenario => ({
  name,
  forbidden: [],
  pages: 10,
  hot: true,
  prepare,
  threads: [one, other],
});

/** Keys of each of two shards. */
const FIRST_SHARD = [0, 1, 3, 5, 6, 8, 9, 10, 11, 13, 18, 19, 21];
const SECOND_SHARD = [2, 4, 7, 12, 14, 15, 16, 17, 20, 22, 23, 25, 29];

/** Keys fall into both shards. */
const OWNED = { userBytes: 30_000, shards: 2, hot: false };

/** Values that are stored once; their keys, and they themselves, fall into both shards. */
const SHARED = { releases: 2, shards: 2, hot: false };

/** Value 1 has been evicted, and key 0 still points to it. */
const EVICTED = { ...SHARED, evicts: true, prepare: [same(1, 0), { kind: 'evict payloads' }] } as const;

/** Two threads with next to nothing to do: small enough to go through all schedules with few switches. */
export const PAIRS: readonly Scenario[] = [
  pair('set and get', [set(0), set(1)], [set(0)], [get(0)]),
  { ...pair('a value stored by two at once', [], [same(1, 0)], [same(1, 1), get(1)]), ...SHARED },
  { ...pair('a value set while its last entry leaves', [same(1, 0)], [del(0)], [same(1, 1), get(1)]), ...SHARED },
  {
    ...pair('a value replaced while it is read', [same(1, 0)], [same(2, 0), same(1, 0)], [get(0), get(0)]),
    ...SHARED,
  },
  {
    ...pair('a key set anew while its pointer to an evicted value is read', [], [same(1, 0)], [get(0)]),
    ...EVICTED,
    keptFinally: [0],
  },
  {
    ...pair('two entries of a value that leave at once', [same(1, 0), same(1, 2)], [del(0)], [del(2), get(0)]),
    ...SHARED,
  },
  {
    ...pair(
      'an evicted value set anew while its pointer is read',
      [same(1, 0)],
      [get(0), get(1)],
      [same(1, 1), get(0)],
    ),
    ...EVICTED,
  },
  {
    ...pair('a pointer to an evicted value that is deleted', [], [del(0), get(0)], [same(1, 1), same(1, 0)]),
    ...EVICTED,
    evicts: false,
  },
  {
    ...pair(
      'a value evicted while it is set',
      [same(1, 0)],
      [{ kind: 'evict payloads' }, get(0)],
      [same(1, 1), get(1)],
    ),
    ...SHARED,
    evicts: true,
  },
  pair('delete and get', [set(0), set(1)], [del(0)], [get(0), get(1)]),
  pair('set and set', [set(1)], [set(0)], [set(0), get(0)]),
  pair('set and delete', [set(0)], [set(0)], [del(0), get(0)]),
  pair('delete, set in its chunk, and get', [set(0)], [del(0), set(1)], [get(0)]),
  pair('chained set and get', [set(0, CHAINED)], [set(0, CHAINED)], [get(0)]),
  {
    // Of another bucket, so that only the removal moves the sequence that the get looks at.
    ...pair('delete, set of another bucket in its chunk, and get', [set(0)], [del(0), set(1)], [get(0)]),
    hot: false,
  },
  pair('chained item set anew in its chunks, and get', [set(0, CHAINED)], [del(0), set(0, CHAINED)], [get(0)]),
  pair('chained delete, set in its chunks, and get', [set(0, CHAINED)], [del(0), set(1, CHAINED)], [get(0)]),
  { ...pair('chained set and get of a neighbour', [set(0, CHAINED), set(1)], [set(1)], [get(0)]) },
  {
    ...pair(
      'evicting set and get',
      range(12).map((key) => set(key, QUARTER)),
      [set(12, QUARTER)],
      [get(0), get(4)],
    ),
    pages: 4,
    hot: false,
    evicts: true,
  },
  {
    ...pair(
      'split and get',
      range(56).map((key) => set(key)),
      [set(56)],
      [get(9), get(21), get(0)],
    ),
    hot: false,
  },
  {
    ...pair(
      'neighbours on a list, deleted',
      range(3).map((key) => own('a', key)),
      [del(0)],
      [del(1)],
    ),
    ...OWNED,
  },
  { ...pair('the last of a user against its next', [own('a', 0)], [del(0)], [own('a', 1)]), ...OWNED },
  { ...pair('two first entries of one user', [set(0)], [own('a', 1)], [own('a', 2)]), ...OWNED },
  { ...pair('an entry that changes hands both ways', [own('a', 0)], [own('b', 0)], [own('a', 0)]), ...OWNED },
  {
    ...pair(
      'two sets at quota',
      range(5).map((key) => own('a', key)),
      [own('a', 5)],
      [own('a', 6)],
    ),
    ...OWNED,
    evicts: true,
    userBytes: 400,
  },
  {
    // Between the choice of the victim, key 0, and its eviction its chunk may go to an entry of the same bucket.
    ...pair(
      'a victim whose chunk goes to another user',
      range(5).map((key) => own('a', key)),
      [del(0), own('b', 7)],
      [own('a', 8)],
    ),
    evicts: true,
    userBytes: 400,
    keptFinally: [7],
  },
  {
    // The first shard has three pages of four chunks, each with a hole; on the list its entries have neighbours of the
    // second shard, which are deleted while one of the first is moved to another page.
    ...pair(
      'neighbours on a list, one of which is moved',
      [
        ...FIRST_SHARD.flatMap((key, i) => [own('a', key, 880), own('a', SECOND_SHARD[i]!, 20)]),
        ...[1, 5, 9].map((i) => del(FIRST_SHARD[i]!)),
      ],
      SECOND_SHARD.map(del),
      [own('b', FIRST_SHARD[12]!, 680)],
    ),
    ...OWNED,
    pages: 6,
    userBytes: 100_000,
    evicts: true,
  },
  pair('a delete of an absent key, and a load of it', [set(1)], [del(0), get(0)], [claim(0), publish(0)]),
  pair('a load and a set', [set(1)], [claim(0), publish(0), get(0)], [set(0)]),
  pair('a chained load and a delete', [set(0)], [claim(0), publish(0, CHAINED)], [del(0)]),
  pair('a clear and a load', [set(1)], [{ kind: 'clear' }], [claim(0), publish(0), get(0)]),
  pair('two loads', [set(1)], [claim(0), publish(0)], [claim(0), publish(0)]),
  pair('a load given up and one that waits', [], [claim(0), { kind: 'abandon', key: 0 }], [claim(0), publish(0)]),
  { ...pair('append and append', [append(30)], [append(20)], [append(41), get(0)]), logBytes: 512 },
  pair('a near get and a replacement', [set(0), set(1)], [set(0), get(0)], [near(0), near(0), near(0)]),
  pair('a near get and a delete', [set(0), set(1)], [del(0), set(0)], [near(0), near(0), near(0)]),
  pair('a near get and a change of a neighbour', [set(0), set(1)], [del(1), set(2)], [near(0), near(0), near(1)]),
  pair('a near get and a clearing', [set(0)], [{ kind: 'clear' }, set(0)], [near(0), near(0), near(0)]),
  pair('a near get of a chained item', [set(0, CHAINED)], [set(0, CHAINED)], [near(0), near(0), near(0)]),
  {
    ...pair(
      'a near get and the end of a deadline',
      [{ kind: 'set', key: 0, bytes: 40, ttlMs: 50 }, set(1)],
      [{ kind: 'advance', ms: 100 }, get(1)],
      [near(0), near(0), near(0)],
    ),
    evicts: true,
  },
  {
    // Keys 9 and 21 go to the new bucket, and 57 into neither: only the split itself tells of it in the old one.
    ...pair(
      'a near get, a split, and a change in the new bucket',
      range(56).map((key) => set(key)),
      [set(57), set(9), del(21)],
      [near(9), near(21), near(9), near(21), near(9)],
    ),
    hot: false,
  },
  SCENARIOS.find(({ names }) => names !== undefined)!,
];

/** All that a thread can be told to run, by position. */
export const RUNNABLE: readonly Scenario[] = [...SCENARIOS, ...PAIRS];
