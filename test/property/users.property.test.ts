/**
 * Users against a model, with a clock that tests move: usage is exact, nobody is above its limit behind its own set, and
 * one who is near it takes no entry of another's, whatever it stores. `FC_SEED=<the seed in the title>` has a run again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG_CHAINED, FLAG_IDLE, FLAG_OWNED, headerBytes, paddedKey } from '../../src/engine/item.js';
import { Engine, type EngineOptions } from '../support/engine.js';
import { pattern } from '../support/engines.js';
import { seedFrom } from '../support/random.js';

const SEED = seedFrom('FC_SEED');
const { FC_PATH: PATH } = process.env;
const USERS = ['ada', 'bob', 'cÿril', 'dan'];
const KEYS = 150;
/** Above this share of its limit a user lives on its own. */
const OWN_ROOM_SHARE = 7 / 8;

type Step =
  | { readonly do: 'set'; readonly key: number; readonly user: number; readonly size: number; readonly idle: boolean }
  | { readonly do: 'flood'; readonly user: number; readonly sets: number; readonly size: number }
  | { readonly do: 'get' | 'delete'; readonly key: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'clear' };

const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 2, arbitrary: fc.integer({ min: 600, max: 3_500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 5_000, max: 30_000 }) },
);
const key = fc.nat(KEYS - 1);
/** The last is nobody. */
const user = fc.nat(USERS.length);

const steps = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.record({ do: fc.constant('set' as const), key, user, size, idle: fc.boolean() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('flood' as const),
        user: fc.nat(USERS.length - 1),
        sets: fc.integer({ min: 20, max: 100 }),
        size,
      }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(50, 1_000, 1_000_000) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  ),
  { maxLength: 40, size: 'max' },
);

interface Entry {
  /** Undefined for nobody's. */
  readonly user: string | undefined;
  readonly granules: number;
}

class Model {
  readonly #engine: Engine;
  readonly #entries = new Map<string, Entry>();
  #floods = 0;
  #hasTimePassed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Behind `full`, whatever a user takes is free, its own, or another's. */
  run(all: readonly Step[], full: boolean): void {
    for (let i = 0; full && this.#engine.stats().removals.size < 20; i++)
      this.#set(`fill ${i}`, undefined, [200, 700, 1_500, 3_300][i % 4]!, 0);
    for (const step of all) this.#step(step);
    // Whatever the steps were, somebody gets to its quota.
    this.#flood('ada', 100, 500);
    this.#compare();
    expect(this.#engine.verify()).toEqual([]);
  }

  #step(step: Step): void {
    if (step.do === 'set') this.#set(`k${step.key}`, USERS[step.user], step.size, step.idle ? 100_000 : 0);
    else if (step.do === 'flood') this.#flood(USERS[step.user]!, step.sets, step.size);
    else if (step.do === 'get') this.#engine.get(`k${step.key}`);
    else if (step.do === 'advance') this.#advance(step.ms);
    else if (step.do === 'delete' && this.#engine.delete(`k${step.key}`)) this.#entries.delete(`k${step.key}`);
    else if (step.do === 'clear' && this.#engine.store.clear(-1)) this.#entries.clear();
    if (step.do === 'flood' || step.do === 'clear') this.#compare();
  }

  #advance(ms: number): void {
    this.#engine.clock.advance(ms);
    this.#hasTimePassed = true;
  }

  #flood(user: string, sets: number, size: number): void {
    this.#floods += 1;
    for (let i = 0; i < sets; i++) this.#set(`flood ${this.#floods} ${i}`, user, (size * (1 + (i % 4))) % 30_000, 0);
  }

  #set(name: string, user: string | undefined, size: number, idleMs: number): void {
    const engine = this.#engine;
    if (this.#hasTimePassed) this.#forgetExpired();
    const old = this.#entries.get(name);
    const granules = this.#granules(name, size, user, idleMs);
    const before = user === undefined ? undefined : engine.usage(user);
    const outcome = engine.set(name, pattern(size, size), { idleMs, ...(user === undefined ? {} : { user }) });
    if (outcome === 2) throw new Error('a set found a lock that nobody holds');
    this.#entries.delete(name);
    if (outcome === 1) this.#entries.set(name, { user, granules });
    const gone = [...this.#entries].filter(([other]) => !engine.has(other));
    for (const [other] of gone) this.#entries.delete(other);
    if (user === undefined) return;
    const after = engine.usage(user);
    if (after !== undefined && after.bytes > after.limit)
      throw new Error(`${user} has ${after.bytes} of ${after.limit}`);
    const credit = old?.user === user ? old.granules : 0;
    const limit = after?.limit ?? before?.limit ?? 0;
    if ((before?.bytes ?? 0) + (granules - credit) * 8 <= limit * OWN_ROOM_SHARE) return;
    const taken = gone.filter(([, entry]) => entry.user !== user);
    if (taken.length !== 0) throw new Error(`${user}, near its quota, takes what is another's: ${taken[0]![0]}`);
  }

  #granules(name: string, size: number, user: string | undefined, idleMs: number): number {
    const { classes } = this.#engine;
    const flags = (user === undefined ? 0 : FLAG_OWNED) | (idleMs === 0 ? 0 : FLAG_IDLE);
    const stream = paddedKey(Buffer.byteLength(name)) + size;
    if (stream + headerBytes(flags) > classes.singleBytesMax)
      return classes.pieceGranules(stream, headerBytes(flags | FLAG_CHAINED));
    return classes.granules[classes.classFor(stream + headerBytes(flags))]!;
  }

  /** Expired entries count until they are swept. */
  #forgetExpired(): void {
    this.#engine.store.sweeper.step(1_024);
    this.#hasTimePassed = false;
    for (const name of this.#entries.keys()) if (!this.#engine.has(name)) this.#entries.delete(name);
  }

  #compare(): void {
    this.#forgetExpired();
    const entries = [...this.#entries.values()];
    let active = 0;
    let bytes = 0;
    for (const user of USERS) {
      const own = entries.filter((entry) => entry.user === user);
      const usage = this.#engine.usage(user);
      const sum = own.reduce((total, { granules }) => total + granules, 0) * 8;
      expect({ user, bytes: usage?.bytes ?? 0, entries: usage?.entries ?? 0 }).toEqual({
        user,
        bytes: sum,
        entries: own.length,
      });
      active += own.length === 0 ? 0 : 1;
      bytes += sum;
    }
    expect(this.#engine.stats().users).toMatchObject({ active, bytes });
  }
}

const CASES: { title: string; full: boolean; engine: EngineOptions; runs: number }[] = [
  { title: 'roomy', full: false, engine: { capacityBytes: 8 << 20, users: 16, userBytes: 80_000 }, runs: 6 },
  {
    title: 'full, one shard',
    full: true,
    engine: { capacityBytes: 1 << 20, pageBytes: 16_384, users: 16, userBytes: 80_000 },
    runs: 5,
  },
  {
    title: 'full, four shards, three segments',
    full: true,
    engine: {
      capacityBytes: 3 << 19,
      pageBytes: 4_096,
      segmentBytes: 1 << 19,
      shards: 4,
      users: 16,
      userBytes: 120_000,
    },
    runs: 5,
  },
];

describe(`users (FC_SEED=${SEED})`, () => {
  it.each(CASES)('$title: exact usage, and a flood takes what is its own', ({ engine, full, runs }) => {
    let given = 0;
    const property = fc.property(steps, (all) => {
      const made = Engine.create({ ...engine, itemBytesMax: 100_000 });
      new Model(made).run(all, full);
      given += made.stats().users.evictions;
    });
    fc.assert(property, { seed: SEED, numRuns: runs, ...(PATH === undefined ? {} : { path: PATH }) });
    expect(given).toBeGreaterThan(0);
  });
});
