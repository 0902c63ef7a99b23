/**
 * A thread that plays both sides of a renewal: one operation that stops at each of its steps in turn, and what others do
 * there. Posts, for each stop, what a key is found to have behind it.
 */
import { parentPort } from 'node:worker_threads';
import { BUCKET } from '../../../native-free/index.js';
import type { Operation, Scenario } from './scenario.js';
import { World } from './world.js';

const HOOK = Symbol.for('velocache.checkpoint');
const HELD = 2;
const STOPS = 40;
const IDLE_MS = 300;
const idle = (key: number): Operation => ({ kind: 'set', key, bytes: 40, idleMs: IDLE_MS });
const common = { forbidden: [], pages: 6, hot: true, threads: [] } as const;

interface Play extends Scenario {
  /** The operation that is held up. */
  readonly held: Operation;
  /** What happens before it begins, at its stop, and after it. */
  readonly before: readonly Operation[];
  readonly meanwhile: readonly Operation[];
  readonly after: readonly Operation[];
  /** The key that is looked at in the end. */
  readonly key: number;
}

/** Of another entry: that one, which nobody has used, must be over in time. */
const LATE: readonly Play[] = [
  {
    ...common,
    name: 'an entry last used in the same tick is moved into the slot',
    prepare: [idle(0), idle(1)],
    held: { kind: 'get', key: 0 },
    key: 1,
    before: [{ kind: 'advance', ms: 50 }],
    meanwhile: [{ kind: 'delete', key: 0 }],
    after: [{ kind: 'advance', ms: 280 }],
  },
  {
    ...common,
    name: 'an entry is stored in the same tick, slot and chunk, and time goes on',
    prepare: [idle(0)],
    held: { kind: 'get', key: 0 },
    key: 1,
    before: [],
    meanwhile: [{ kind: 'delete', key: 0 }, idle(1), { kind: 'advance', ms: 50 }],
    after: [{ kind: 'advance', ms: 260 }],
  },
];

/** Of an entry that is stored in the same slot and chunk without an idle time: it keeps its deadline, or that it has none. */
const REPLACED: readonly Play[] = ([{}, { ttlMs: IDLE_MS }] as const).map((lifetime) => ({
  ...common,
  name: `an entry ${'ttlMs' in lifetime ? 'with a deadline' : 'without a time'} is stored in the same slot and chunk`,
  prepare: [idle(0)],
  held: { kind: 'get', key: 0 },
  key: 1,
  before: [{ kind: 'advance', ms: 50 }],
  meanwhile: [
    { kind: 'delete', key: 0 },
    { kind: 'set', key: 1, bytes: 40, ...lifetime },
  ],
  after: [{ kind: 'advance', ms: IDLE_MS - 10 }],
}));

/** Of the very entry, which others use and see over at the same time: it is still there for them. */
const IN_TIME: readonly Play[] = (
  [
    { kind: 'sweep' },
    { kind: 'get', key: 0 },
    { kind: 'migrate', key: 0, bytes: 40 },
    { kind: 'delete', key: 0 },
  ] as const
).map((held) => ({
  ...common,
  name: `used while a ${held.kind} looks at it`,
  prepare: [idle(0)],
  held,
  key: 0,
  // A sweep looks at what is due only: an entry of another time makes the shard so.
  before: [
    { kind: 'set', key: 2, bytes: 40, ttlMs: 200 },
    { kind: 'advance', ms: 250 },
  ],
  meanwhile: [
    { kind: 'get', key: 0 },
    { kind: 'advance', ms: IDLE_MS - 20 },
  ],
  after: [],
}));

/** What the first of them came to. */
function perform(world: World, operations: readonly Operation[]): unknown {
  return operations.map((operation) => world.perform(operation, 9))[0];
}

interface Stop {
  /** The atomic operation that it was about to do, undefined if it had ended before. */
  readonly operation: string | undefined;
  /** What the first of the operations there came to: a get finds nothing where the lock is held and the bucket being written. */
  readonly met: unknown;
  /** What it came to itself. */
  readonly came: unknown;
  /** What a get of the key says behind its end, 0 for nothing. */
  readonly found: unknown;
  /** Entries that have ended by their idle time. */
  readonly ended: number;
}

function play({ held, key, before, meanwhile, after, ...scenario }: Play, stop: number): Stop {
  const other = World.create(scenario, HELD);
  const world = World.attach(scenario, other.arena.buffers, other.clock.buffer, HELD);
  perform(other, before);
  let step = 0;
  let stopped: string | undefined;
  let met: unknown;
  const hooks = globalThis as unknown as Record<symbol, ((operation: string) => void) | undefined>;
  hooks[HOOK] = (operation) => {
    step += 1;
    if (step !== stop) return;
    hooks[HOOK] = undefined;
    stopped = operation;
    met = perform(other, meanwhile);
  };
  const came = world.perform(held, 8);
  hooks[HOOK] = undefined;
  perform(other, after);
  return { operation: stopped, met, came, found: other.get(key), ended: other.store.stats().removals.idle };
}

/**
 * A get whose renewal meets that of a use which was earlier and comes later: at its exchange the time becomes that of one
 * 100 ms ago. What the key has behind the idle time of that one.
 */
function meetEarlier(): unknown {
  const other = World.create({ ...common, name: 'two renewals at once', prepare: [idle(0)] }, HELD);
  const world = World.attach({ ...common, name: '', prepare: [] }, other.arena.buffers, other.clock.buffer, HELD);
  perform(other, [{ kind: 'advance', ms: 250 }]);
  const tick = other.clock.shared().precise();
  const hooks = globalThis as unknown as Record<symbol, ((operation: string) => void) | undefined>;
  let met = 0;
  hooks[HOOK] = (operation) => {
    if (operation !== 'compareExchangePair' || met++ > 0) return;
    const { bucket, slot } = world.store.reader.place;
    Atomics.store(world.arena.wordsOf(bucket), world.arena.wordIndex(bucket) + BUCKET.times + slot * 2, tick - 10);
  };
  world.get(0);
  hooks[HOOK] = undefined;
  perform(other, [{ kind: 'advance', ms: IDLE_MS - 20 }]);
  return [met, other.get(0)];
}

const playAll = (plays: readonly Play[]): { name: string; held: string; stops: Stop[] }[] =>
  plays.map((one) => {
    const stops = Array.from({ length: STOPS }, (_, i) => play(one, i + 1));
    return { name: one.name, held: one.held.kind, stops };
  });

parentPort?.postMessage({
  late: playAll(LATE),
  replaced: playAll(REPLACED),
  inTime: playAll(IN_TIME),
  metEarlier: meetEarlier(),
});
