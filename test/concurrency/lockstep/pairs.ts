/** What two threads do where all schedules with few switches are gone through, and all that can be run. */
import { CHAINED, del, get, type Operation, QUARTER, range, type Scenario, set } from './scenario.js';
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
