/** What the threads do in each lockstep run, what the arena looks like before, and what must never come out. */

export type Operation =
  | {
      readonly kind: 'set';
      readonly key: number;
      readonly bytes: number;
      readonly ttlMs?: number;
      readonly idleMs?: number;
    }
  | { readonly kind: 'get' | 'has' | 'delete'; readonly key: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'clear' | 'sweep' | 'recover' };

export interface Scenario {
  readonly name: string;
  /** Outcomes that no schedule may lead to, besides those in FORBIDDEN_ALWAYS. */
  readonly forbidden: readonly string[];
  /** Pages of the arena, of 4 KiB. */
  readonly pages: number;
  /** Keys of one bucket: so they share a sequence, and removals move each other's slots. */
  readonly hot?: boolean;
  /** Names of the keys, where they matter. */
  readonly names?: readonly string[];
  /** Entries may leave on their own: by eviction, or because their time is over. */
  readonly evicts?: boolean;
  /** Milliseconds that the clock moves on before the final look, and keys that must be gone then. */
  readonly finallyAdvanceMs?: number;
  readonly goneFinally?: readonly number[];
  readonly prepare: readonly Operation[];
  readonly threads: readonly (readonly Operation[])[];
}

export const FORBIDDEN_ALWAYS: readonly string[] = [
  'a get returns a value that was never stored under that key',
  'a get returns a mixture of two values',
  'a get, set or delete has an outcome that no order of the operations of that key explains',
  'verify() finds something after the run, or pages are lost',
  'a thread does not come to the end of its operations',
];

const set = (key: number, bytes = 40): Operation => ({ kind: 'set', key, bytes });
const get = (key: number): Operation => ({ kind: 'get', key });
const del = (key: number): Operation => ({ kind: 'delete', key });
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Four chunks of this size fill a page. */
const QUARTER = 900;
/** Three pieces. */
const CHAINED = 2_600;

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
      [set(0, 90), get(0)],
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
];

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

/** Two threads with next to nothing to do: small enough to go through all schedules with few switches. */
export const PAIRS: readonly Scenario[] = [
  pair('set and get', [set(0), set(1)], [set(0)], [get(0)]),
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
  SCENARIOS.find(({ names }) => names !== undefined)!,
];

/** All that a thread can be told to run, by position. */
export const RUNNABLE: readonly Scenario[] = [...SCENARIOS, ...PAIRS];
