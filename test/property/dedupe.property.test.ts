/**
 * Goal: whatever is set, replaced, migrated, read, removed, expired, cleared and evicted, in whatever order, a type that
 * stores equal values once does what a plain Map does, and its counts add up after each step. Method: random operations
 * on few values and small arenas, beside a Map; `verify()` after each; in the end nothing may be left.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { READ_VALUE } from '../../src/engine/reader.js';
import { ANY_SIZE } from '../../src/engine/rewriter.js';
import { Engine, type EngineOptions } from '../support/engine.js';
import { pattern } from '../support/engines.js';
import { seedFrom } from '../support/random.js';

const SEED = seedFrom('FC_SEED');
const RUNS = Number(process.env['FC_RUNS'] ?? 25);
const VALUES = 9;
/** Some too small to be shared, some of one chunk, some chained. */
const SIZES = [130, 400, 60, 900, 3_000, 150, 9_000, 131, 127];
const KEYS = 24;

type Step =
  | {
      readonly do: 'set';
      readonly key: number;
      readonly value: number;
      readonly ttlMs: number;
      readonly idleMs: number;
      readonly form: number;
      readonly isOwned: boolean;
    }
  | { readonly do: 'migrate'; readonly key: number; readonly value: number }
  | { readonly do: 'get' | 'has' | 'peek' | 'delete'; readonly key: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'sweep' | 'clear' | 'evict' | 'cold' };

const key = fc.nat(KEYS - 1);
const value = fc.nat(VALUES - 1);
const span = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 900 }) },
);
const set = fc.record({
  do: fc.constant('set' as const),
  key,
  value,
  ttlMs: span,
  idleMs: span,
  form: fc.constantFrom(0, 0, 0, 1),
  isOwned: fc.constantFrom(false, false, false, false, true),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: set },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('migrate' as const), key, value }) },
    { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'has' as const, 'peek' as const), key }) },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 400 }) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sweep' as const, 'cold' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('clear' as const, 'evict' as const) }) },
  ),
  { maxLength: 300, size: 'max' },
);

interface Entry {
  readonly value: number;
  readonly form: number;
  readonly deadline: number;
  readonly idleTicks: number;
  lastTick: number;
}

const contentOf = (number: number): Uint8Array => pattern(SIZES[number]!, number + 1);

class Model {
  readonly #engine: Engine;
  readonly #isRoomy: boolean;
  readonly #entries = new Map<number, Entry>();
  /** Payloads have been evicted: what is live may be gone. */
  #isCertain: boolean;

  constructor(engine: Engine, isRoomy: boolean) {
    this.#engine = engine;
    this.#isRoomy = isRoomy;
    this.#isCertain = isRoomy;
  }

  run(all: readonly Step[]): void {
    for (const step of all) {
      this.#step(step);
      const problems = this.#engine.verify();
      if (problems.length > 0) throw new Error(`behind ${JSON.stringify(step)}: ${problems.join('; ')}`);
    }
    this.#finish();
  }

  /** Every key is deleted: nothing may be left. */
  #finish(): void {
    for (let i = 0; i < KEYS; i++) this.#engine.delete(`key ${i}`);
    this.#engine.store.sweeper.step(1);
    const { entries, bytesUsed, dedupe } = this.#engine.stats().byType[0]!;
    const left = { entries, bytesUsed, ...dedupe };
    if (Object.values(left).some((figure) => figure !== 0)) throw new Error(`left behind: ${JSON.stringify(left)}`);
  }

  #step(step: Step): void {
    const { store, clock } = this.#engine;
    if (step.do === 'set') this.#set(step);
    else if (step.do === 'migrate') this.#migrate(step.key, step.value);
    else if (step.do === 'delete') this.#delete(step.key);
    else if (step.do === 'advance') clock.advance(step.ms);
    else if (step.do === 'sweep') store.sweeper.step(64);
    else if (step.do === 'cold') this.#engine.cold();
    else if (step.do === 'clear') this.#clear();
    else if (step.do === 'evict') this.#evict();
    else this.#look(step);
  }

  #look(step: Step): void {
    if (step.do === 'get' || step.do === 'has' || step.do === 'peek') this.#read(step.key, step.do);
  }

  #clear(): void {
    if (!this.#engine.store.clear(0)) throw new Error('clear found a lock that nobody holds');
    this.#entries.clear();
    this.#isCertain = this.#isRoomy;
  }

  /** All payloads go, as pressure may have it. */
  #evict(): void {
    this.#engine.store.clear(1);
    this.#isCertain = false;
  }

  #tick(): number {
    return Math.floor(this.#engine.clock.now() / 10);
  }

  #live(number: number): Entry | undefined {
    const entry = this.#entries.get(number);
    if (entry === undefined) return undefined;
    const tick = this.#tick();
    const isOver =
      (entry.deadline !== 0 && tick >= entry.deadline) ||
      (entry.idleTicks !== 0 && tick >= entry.lastTick + entry.idleTicks + 1);
    return isOver ? undefined : entry;
  }

  #set({ key: number, value: content, ttlMs, idleMs, form, isOwned }: Extract<Step, { do: 'set' }>): void {
    const user = isOwned ? { user: 'ann' } : {};
    const outcome = this.#engine.set(`key ${number}`, contentOf(content), { ttlMs, idleMs, form, ...user });
    this.#entries.delete(number);
    if (outcome !== 1 && this.#isRoomy && !isOwned) throw new Error('a set was refused in a roomy arena');
    if (outcome !== 1) return;
    const deadline = ttlMs === 0 ? 0 : Math.ceil((this.#engine.clock.now() + ttlMs) / 10);
    const idleTicks = Math.ceil(idleMs / 10);
    this.#entries.set(number, { value: content, form, deadline, idleTicks, lastTick: this.#tick() });
    if (this.#isRoomy && !this.#engine.has(`key ${number}`)) throw new Error('a set said true and stored nothing');
  }

  #migrate(number: number, content: number): void {
    const copy = this.#engine.copy(`key ${number}`);
    this.#compare(number, copy !== undefined);
    const entry = this.#live(number);
    if (copy === undefined || entry === undefined) return;
    const { bytes } = this.#engine.store.reader.landing;
    const found = bytes.subarray(copy.start, copy.start + copy.length);
    if (Buffer.compare(found, contentOf(entry.value)) !== 0) throw new Error(`key ${number}: another value was copied`);
    if (copy.form !== entry.form) throw new Error(`key ${number} has form ${copy.form} instead of ${entry.form}`);
    const outcome = this.#engine.rewrite(copy, contentOf(content), {}, ANY_SIZE);
    if (outcome === 1) this.#entries.set(number, { ...entry, value: content, form: 0 });
  }

  #read(number: number, how: 'get' | 'has' | 'peek'): void {
    if (how === 'has') {
      this.#compare(number, this.#engine.has(`key ${number}`));
      return;
    }
    const entry = this.#live(number);
    const { store } = this.#engine;
    store.begin();
    store.key.prepare(`key ${number}`, 0);
    const isHit = store.reader.read(store.key, READ_VALUE, how === 'get');
    this.#compare(number, isHit);
    if (!isHit || entry === undefined) return;
    const { landing, length, form } = store.reader;
    const found = landing.bytes.subarray(landing.start, landing.start + length);
    if (form !== entry.form) throw new Error(`key ${number} has form ${form} instead of ${entry.form}`);
    if (Buffer.compare(found, contentOf(entry.value)) !== 0) throw new Error(`key ${number}: a wrong value`);
    if (how === 'get') entry.lastTick = this.#tick();
  }

  #delete(number: number): void {
    this.#compare(number, this.#engine.delete(`key ${number}`), true);
    this.#entries.delete(number);
    if (this.#engine.has(`key ${number}`)) throw new Error(`key ${number} was deleted and is there`);
  }

  /** What is dead must be a miss, and what is live a hit unless it may have been evicted; then it stays away. */
  #compare(number: number, isHit: boolean, isDelete = false): void {
    const isLive = this.#live(number) !== undefined;
    // A delete meets a pointer whose value a read would have missed, and so has the model, but no lookup since.
    if (isHit && !isLive && !(isDelete && !this.#isCertain))
      throw new Error(`key ${number} is found, and should be absent`);
    if (isHit || !isLive) return;
    if (this.#isCertain) throw new Error(`key ${number} is lost`);
    this.#entries.delete(number);
  }
}

interface Case {
  readonly title: string;
  readonly engine: EngineOptions;
  readonly isRoomy: boolean;
}

const COMMON = { dedupes: [0], users: 8, userBytes: 1 << 20, itemBytesMax: 16_384 };
const CASES: readonly Case[] = [
  {
    title: 'roomy, two shards',
    engine: { ...COMMON, capacityBytes: 2 << 20, pageBytes: 4_096, shards: 2, releases: 4 },
    isRoomy: true,
  },
  {
    title: 'roomy, one shard, pages of 16 KiB',
    engine: { ...COMMON, capacityBytes: 2 << 20, releases: 64 },
    isRoomy: true,
  },
  {
    title: 'tiny',
    engine: { ...COMMON, capacityBytes: 320_000, pageBytes: 4_096, shards: 2, releases: 3 },
    isRoomy: false,
  },
  {
    title: 'tiny, with a share',
    engine: {
      ...COMMON,
      capacityBytes: 400_000,
      pageBytes: 4_096,
      releases: 8,
      shares: [{ importance: 1, maxShare: 0.05, reserve: 0, isAggressive: true }],
    },
    isRoomy: false,
  },
];

describe(`values stored once (seed ${SEED})`, () => {
  it.each(CASES)('$title', ({ engine, isRoomy }) => {
    fc.assert(
      fc.property(steps, (all) => new Model(Engine.create(engine), isRoomy).run(all)),
      { seed: SEED, numRuns: RUNS },
    );
  });
});
