/** Operations to be killed at every step, and what may be found after each death. */
import { append, claim, del, get, type Operation, own, range, type Scenario, same, set, stream } from './scenario.js';

export interface DeathCase extends Scenario {
  readonly operation: Operation;
  /** The operation has fewer steps than others. */
  readonly isShort?: boolean;
  /** Runs beside the operation, at each of its steps at which nobody holds the lock: keeps it from getting through. */
  readonly neighbour?: Operation;
}

const few = range(5).map((key) => set(key));
const holed = [...range(12).map((key) => set(key, 900)), del(1), del(5), del(9), set(20)];
const common = { pages: 8, hot: true, threads: [], forbidden: [] } as const;

/** User a has four entries, b one, nobody two. */
const owned = {
  ...common,
  userBytes: 30_000,
  prepare: [...range(4).map((key) => own('a', key)), own('b', 4), set(5), set(6)],
};

/** Of a class of four to a page, so that the last has a page of its own; the other has room, so this one need not stay. */
const lastOfPage = [...owned.prepare, ...range(5).map((i) => own('a', 8 + i, 880)), del(9)];

/** Value 1 under three keys, 2 under two, 3 under one; and two that are too small to be shared. */
const shared = {
  ...common,
  releases: 3,
  shards: 2,
  hot: false,
  prepare: [same(1, 0), same(1, 1), same(1, 2), same(2, 3), same(2, 4), same(3, 5), set(6), set(7)],
};
const expiring = range(6).map(
  (i): Operation => ({ kind: 'set', key: 8 + i, bytes: 200, ttlMs: 50, value: 1 + (i % 2) * 3 }),
);

export const DEATHS: readonly DeathCase[] = [
  { ...common, name: 'set of a new key', prepare: few, operation: set(7) },
  { ...common, name: 'set in a class that has no page', prepare: few, operation: set(7, 500) },
  { ...common, name: 'set that replaces, in the class', prepare: few, operation: set(2) },
  { ...common, name: 'set that replaces, in another class', prepare: few, operation: set(2, 300) },
  {
    ...common,
    name: 'set that takes an overflow bucket',
    prepare: range(10).map((key) => set(key)),
    operation: set(10),
  },
  {
    ...common,
    name: 'delete that drops an overflow bucket',
    prepare: range(11).map((key) => set(key)),
    operation: del(3),
  },
  {
    ...common,
    name: 'delete of the last of a page',
    prepare: [...few, set(5, 900), ...range(4).map((i) => set(8 + i, 900))],
    operation: del(5),
  },
  { ...common, name: 'set of a chained item', prepare: few, operation: set(7, 9_000) },
  {
    ...common,
    name: 'set that replaces a chained item by another',
    prepare: [...few, set(5, 2_600)],
    operation: set(5, 2_700),
  },
  {
    ...common,
    name: 'set that replaces a chained item by a small one',
    prepare: [...few, set(5, 6_000)],
    operation: set(5),
  },
  { ...common, name: 'delete of a chained item', prepare: [...few, set(5, 9_000)], operation: del(5) },
  {
    ...common,
    name: 'get of a chained item under a pin',
    prepare: [...few, set(5, 2_600)],
    operation: { kind: 'get', key: 5 },
    neighbour: set(1),
  },
  {
    ...common,
    name: 'get of a pinned item that is replaced meanwhile',
    evicts: true,
    prepare: [...few, set(5, 2_600)],
    operation: { kind: 'get', key: 5 },
    neighbour: set(5, 2_600),
  },
  {
    ...common,
    name: 'set that evicts',
    pages: 4,
    hot: false,
    evicts: true,
    prepare: range(12).map((key) => set(key, 900)),
    operation: set(12, 900),
  },
  ...(['s3-fifo', 'w-tinylfu'] as const).map(
    (policy): DeathCase => ({
      ...common,
      name: `set that evicts by ${policy}`,
      policy,
      pages: 4,
      hot: false,
      evicts: true,
      prepare: [...range(12).map((key) => set(key, 900)), get(0), get(0), get(1), get(2), set(12, 900), set(13, 900)],
      operation: set(14, 900),
    }),
  ),
  {
    ...common,
    name: 'set that splits a bucket',
    hot: false,
    prepare: range(56).map((key) => set(key)),
    operation: set(56),
  },
  {
    ...common,
    name: 'set that moves a page',
    pages: 4,
    hot: false,
    evicts: true,
    prepare: holed,
    operation: set(12, 700),
  },
  {
    ...common,
    name: 'set of a chained item that moves pages',
    pages: 5,
    hot: false,
    evicts: true,
    prepare: [...holed, set(21, 2_000)],
    operation: set(12, 6_000),
  },
  {
    ...common,
    name: 'set of a chained item that takes pages of another shard',
    pages: 8,
    shards: 2,
    hot: false,
    evicts: true,
    prepare: range(20).map((key) => set(key, 900)),
    operation: set(20, 9_000),
  },
  {
    ...common,
    name: 'rewrite of an item in another class',
    prepare: range(4).map((key) => set(key, 700)),
    operation: { kind: 'rewrite', bytes: 300 },
  },
  {
    ...common,
    name: 'rewrite that evicts for its chunk',
    pages: 4,
    hot: false,
    evicts: true,
    prepare: range(12).map((key) => set(key, 900)),
    operation: { kind: 'rewrite', bytes: 300 },
  },
  {
    ...common,
    name: 'rewrite of a chained item by a chained one',
    pages: 12,
    prepare: [set(1, 9_000), set(2, 9_000)],
    operation: { kind: 'rewrite', bytes: 5_000 },
  },
  {
    ...common,
    name: 'rewrite of a chained item by a small one',
    prepare: [set(1, 5_000), set(2, 5_000)],
    operation: { kind: 'rewrite', bytes: 40 },
  },
  {
    ...common,
    name: 'rewrite beside a neighbour that replaces',
    prepare: [set(1, 5_000)],
    operation: { kind: 'rewrite', bytes: 2_600 },
    neighbour: set(1, 4_000),
    evicts: true,
  },
  { ...common, name: 'migration in the class', prepare: few, operation: { kind: 'migrate', key: 2, bytes: 41 } },
  {
    ...common,
    name: 'migration to a larger class',
    prepare: range(4).map((key) => set(key, 300)),
    operation: { kind: 'migrate', key: 1, bytes: 700 },
  },
  {
    ...common,
    name: 'migration that evicts for its chunk',
    pages: 4,
    hot: false,
    evicts: true,
    prepare: [...range(12).map((key) => set(key, 900)), set(20, 300)],
    operation: { kind: 'migrate', key: 20, bytes: 900 },
  },
  {
    ...common,
    name: 'migration of an item of one chunk to a chained one',
    prepare: few,
    operation: { kind: 'migrate', key: 1, bytes: 5_000 },
  },
  {
    ...common,
    name: 'migration of a chained item to a longer one',
    pages: 12,
    prepare: [...few, set(5, 2_600)],
    operation: { kind: 'migrate', key: 5, bytes: 6_000 },
  },
  {
    ...common,
    name: 'migration beside a neighbour that replaces',
    prepare: [set(1, 2_600)],
    operation: { kind: 'migrate', key: 1, bytes: 4_000 },
    neighbour: set(1, 2_600),
    evicts: true,
  },
  { ...common, name: 'clear', prepare: [...few, set(5, 2_600)], operation: { kind: 'clear' } },
  {
    ...common,
    name: 'sweep of what has expired',
    prepare: [
      ...few,
      ...range(3).map((i): Operation => ({ kind: 'set', key: 8 + i, bytes: 40, ttlMs: 50 })),
      { kind: 'advance', ms: 100 },
    ],
    operation: { kind: 'sweep' },
  },
  { ...owned, name: 'set of a new user', operation: own('c', 7) },
  { ...owned, name: 'set of a user with entries', operation: own('a', 7) },
  { ...owned, name: 'set that replaces an entry of the same user', operation: own('a', 2) },
  { ...owned, name: 'set that replaces an entry of another user', operation: own('b', 2) },
  { ...owned, name: 'set that replaces the only entry of a user by one of nobody', operation: set(4) },
  { ...owned, name: 'set of a user that replaces an entry of nobody', operation: own('a', 5, 300) },
  { ...owned, name: 'delete in the middle of a list', operation: del(1) },
  { ...owned, name: 'delete of the only entry of a user', operation: del(4) },
  {
    ...owned,
    name: 'delete of a chained entry of a user',
    prepare: [...owned.prepare, own('a', 8, 9_000)],
    operation: del(8),
  },
  { ...owned, name: 'set of a chained entry of a user', operation: own('b', 7, 6_000) },
  {
    ...owned,
    name: 'set that replaces a chained entry by one of another user',
    pages: 12,
    prepare: [...owned.prepare, own('a', 8, 9_000)],
    operation: own('b', 8, 5_000),
  },
  { ...owned, name: 'delete of the last of a page, of a user', prepare: lastOfPage, operation: del(12) },
  { ...owned, name: 'set of nobody that replaces the last of a page', prepare: lastOfPage, operation: set(12) },
  {
    ...owned,
    name: 'sweep of entries of users that have pages of their own',
    prepare: [
      ...owned.prepare,
      ...range(9).map((i): Operation => ({ kind: 'set', key: 8 + i, bytes: 880, ttlMs: 50, user: 'a' })),
      { kind: 'advance', ms: 100 },
    ],
    operation: { kind: 'sweep' },
  },
  {
    ...owned,
    name: 'set that moves pieces of chained entries of users',
    pages: 9,
    hot: false,
    evicts: true,
    prepare: [
      ...range(5).map((key) => own(key % 2 === 0 ? 'a' : 'b', key, 4_900)),
      ...range(4).map((i) => own('c', 8 + i, 680)),
      del(1),
      del(3),
      own('b', 7, 40),
    ],
    operation: own('a', 12, 2_000),
  },
  {
    ...owned,
    name: 'rewrite of an entry of a user',
    prepare: range(4).map((key) => own(key < 2 ? 'a' : 'b', key, 700)),
    operation: { kind: 'rewrite', bytes: 300 },
  },
  {
    ...owned,
    name: 'rewrite of a chained entry of a user',
    prepare: [own('a', 1, 5_000), own('a', 2, 6_000)],
    operation: { kind: 'rewrite', bytes: 2_600 },
  },
  { ...owned, name: 'migration of an entry of a user', operation: { kind: 'migrate', key: 2, bytes: 300 } },
  {
    ...owned,
    name: 'migration of an entry of a user to a chain',
    operation: { kind: 'migrate', key: 4, bytes: 5_000 },
  },
  { ...owned, name: 'clear with users', operation: { kind: 'clear' } },
  {
    ...owned,
    name: 'set at quota that gives up entries of its user',
    evicts: true,
    userBytes: 400,
    prepare: [...range(5).map((key) => own('a', key)), own('b', 5)],
    operation: own('a', 7),
  },
  {
    ...owned,
    name: 'set at quota that gives a second chance',
    evicts: true,
    userBytes: 400,
    hot: false,
    prepare: [
      ...range(5).map((key): Operation => ({ kind: 'set', key, bytes: 40, user: 'a', idleMs: 5_000 })),
      { kind: 'advance', ms: 100 },
      { kind: 'get', key: 0 },
      { kind: 'get', key: 1 },
    ],
    operation: own('a', 7),
  },
  {
    ...owned,
    name: 'set of a user that evicts the entry of another',
    pages: 4,
    hot: false,
    evicts: true,
    prepare: range(12).map((key) => own(key % 2 === 0 ? 'a' : 'b', key, 880)),
    operation: own('c', 12, 880),
  },
  {
    ...owned,
    name: 'set that moves a page with entries of users',
    pages: 4,
    hot: false,
    evicts: true,
    prepare: [
      ...range(12).map((key) => own(key % 2 === 0 ? 'a' : 'b', key, 880)),
      del(1),
      del(5),
      del(9),
      own('c', 20),
    ],
    operation: own('a', 12, 680),
  },
  {
    ...owned,
    name: 'set of a user that splits a bucket',
    hot: false,
    prepare: range(56).map((key) => own(`${key % 3}`, key)),
    operation: own('0', 56),
  },
  { ...common, name: 'load of an absent key', prepare: few, operation: { kind: 'load', key: 7, bytes: 40 } },
  { ...common, name: 'load of a chained item', prepare: few, operation: { kind: 'load', key: 7, bytes: 9_000 } },
  { ...common, name: 'load in place of an entry', prepare: few, operation: { kind: 'load', key: 2, bytes: 300 } },
  {
    ...common,
    name: 'load that waits for the flight of another',
    prepare: [...few, claim(7)],
    isShort: true,
    operation: { kind: 'load', key: 7, bytes: 40 },
  },
  {
    ...common,
    name: 'load in place of one whose lease is over',
    prepare: [...few, claim(7), { kind: 'advance', ms: 5_000 }],
    operation: { kind: 'load', key: 7, bytes: 40 },
  },
  {
    ...common,
    name: 'value for the flight of another',
    prepare: [...few, claim(7)],
    operation: { kind: 'deliver', key: 7, bytes: 40 },
  },
  {
    ...common,
    name: 'chained value for the flight of another, in place of an entry',
    prepare: [...few, claim(2)],
    operation: { kind: 'deliver', key: 2, bytes: 9_000 },
  },
  { ...common, name: 'load that fails', prepare: few, operation: { kind: 'failing load', key: 7 } },
  { ...common, name: 'set of a key in flight', prepare: [...few, claim(7)], operation: set(7) },
  { ...common, name: 'set that replaces a key in flight', prepare: [...few, claim(2)], operation: set(2, 300) },
  { ...common, name: 'delete of a key in flight', prepare: [...few, claim(2)], operation: del(2) },
  {
    ...common,
    name: 'delete of an absent key in flight',
    isShort: true,
    prepare: [...few, claim(7)],
    operation: del(7),
  },
  { ...common, name: 'clear with flights', prepare: [...few, claim(2)], operation: { kind: 'clear' } },
  { ...shared, name: 'set of a value that is new', operation: same(4, 8) },
  { ...shared, name: 'set of a value that is stored already', operation: same(1, 8) },
  { ...shared, name: 'set of the value that the key has', operation: same(1, 1) },
  { ...shared, name: 'set of the value that only the key has', operation: same(3, 5) },
  { ...shared, name: 'set that replaces a shared value by another', operation: same(2, 1) },
  { ...shared, name: 'set that replaces the last of a value by a new one', operation: same(4, 5) },
  { ...shared, name: 'set that replaces the last of a value by a small one', operation: set(5) },
  { ...shared, name: 'set that replaces a small value by a shared one', operation: same(1, 6) },
  { ...shared, name: 'delete of one of several of a value', operation: del(0) },
  { ...shared, name: 'delete of the last of a value', operation: del(5) },
  {
    ...shared,
    name: 'set of a value that others remove meanwhile',
    evicts: true,
    operation: same(3, 8),
    neighbour: del(5),
  },
  { ...shared, name: 'set of a chained value that is new', pages: 12, operation: same(4, 8, 5_000) },
  {
    ...shared,
    name: 'set of a chained value that is stored already',
    pages: 12,
    prepare: [...shared.prepare, same(4, 8, 5_000)],
    operation: same(4, 9, 5_000),
  },
  {
    ...shared,
    name: 'delete of the last of a chained value',
    pages: 12,
    prepare: [...shared.prepare, same(4, 8, 5_000)],
    operation: del(8),
  },
  {
    ...shared,
    name: 'get of a value that is evicted',
    evicts: true,
    prepare: [...shared.prepare, { kind: 'evict payloads' }],
    operation: get(0),
  },
  {
    ...shared,
    name: 'set of a value that was evicted, beside what named it',
    evicts: true,
    prepare: [...shared.prepare, { kind: 'evict payloads' }],
    operation: same(1, 0),
  },
  {
    ...shared,
    name: 'delete of what names an evicted value that is stored anew',
    evicts: true,
    prepare: [same(1, 0), { kind: 'evict payloads' }, same(1, 8), same(1, 9)],
    operation: del(0),
  },
  {
    ...shared,
    name: 'sweep of more pointers than may wait',
    prepare: [...shared.prepare, ...expiring, { kind: 'advance', ms: 100 }],
    operation: { kind: 'sweep' },
  },
  { ...shared, name: 'clear of more pointers than may wait', operation: { kind: 'clear' } },
  {
    ...shared,
    name: 'set that evicts what names values',
    pages: 6,
    evicts: true,
    prepare: range(24).map((key) => same(1 + (key % 8), key, 900)),
    operation: same(9, 24, 900),
  },
  {
    ...shared,
    name: 'set of nobody’s value that evicts shared ones',
    shards: 1,
    pages: 4,
    evicts: true,
    prepare: range(30).map((key) => same(1 + (key % 7), key, 700)),
    operation: set(30, 6_000),
  },
  { ...shared, name: 'migration of a shared value', operation: { kind: 'migrate', key: 1, bytes: 300, value: 4 } },
  {
    ...shared,
    name: 'migration of the last of a value to one that others have',
    operation: { kind: 'migrate', key: 5, bytes: 200, value: 1 },
  },
  {
    ...shared,
    name: 'migration of a shared value to a small one',
    operation: { kind: 'migrate', key: 5, bytes: 40 },
  },
  {
    ...common,
    name: 'appends to the log',
    prepare: [...few, append(20), append(33)],
    operation: append(50, 12, 33, 19),
    logBytes: 512,
  },
  { ...common, name: 'stream to a new key', prepare: few, operation: stream(7) },
  {
    ...common,
    name: 'stream in place of a chained item',
    pages: 12,
    prepare: [...few, set(5, 9_000)],
    operation: stream(5, 10_000),
  },
  { ...common, name: 'stream of whole pages', prepare: few, operation: stream(2, 4_072 + 4_084) },
  {
    ...common,
    name: 'stream that is given up',
    prepare: few,
    operation: { kind: 'aborted stream', key: 2, bytes: 9_000 },
  },
  {
    ...common,
    name: 'stream that evicts and moves pages',
    pages: 5,
    hot: false,
    evicts: true,
    prepare: [...holed, set(21, 2_000)],
    operation: stream(12, 6_000),
  },
  {
    ...common,
    name: 'stream that takes pages of another shard',
    pages: 8,
    shards: 2,
    hot: false,
    evicts: true,
    prepare: range(20).map((key) => set(key, 900)),
    operation: stream(20, 9_000),
  },
  {
    ...owned,
    name: 'stream of a user in place of an entry of another',
    pages: 12,
    prepare: [...owned.prepare, own('a', 8, 9_000)],
    operation: { kind: 'stream', key: 8, bytes: 6_000, user: 'b' },
  },
  { ...common, name: 'stream to a key in flight', prepare: [...few, claim(7)], operation: stream(7, 5_000) },
  {
    ...common,
    name: 'read stream',
    prepare: [...few, set(5, 6_000)],
    operation: { kind: 'read stream', key: 5 },
  },
  {
    ...common,
    name: 'read stream of an item that is replaced meanwhile',
    pages: 12,
    evicts: true,
    prepare: [...few, set(5, 6_000)],
    operation: { kind: 'read stream', key: 5 },
    neighbour: set(5, 5_000),
  },
];

/**
 * How the survivor finds out. recovery: it recovers the dead owner. takeover: it only knows of the death and works on
 * in the same shard. abandoned: the thread lives on, and goes on with the store it left open. twice: the recovery is
 * killed too, at each of its steps, and a third owner recovers both. refused: nobody dies, but from the step on another
 * thread holds the stripes of users; in cases with users.
 */
export const DEATH_MODES = ['recovery', 'takeover', 'abandoned', 'twice', 'refused'] as const;
export type DeathMode = (typeof DEATH_MODES)[number];

export interface DeathsData {
  readonly deathCase: number;
  readonly modes: readonly DeathMode[];
  /** Each mode goes through one step in so many of the operation. */
  readonly every: number;
  /** Of the deaths in the recovery, one in so many. */
  readonly stride: number;
}

export interface DeathsReport {
  readonly steps: number;
  readonly deaths: number;
  readonly problems: readonly string[];
}
