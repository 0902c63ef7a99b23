/** A plain Map with the rules of time, and the operations that both it and an engine can do. */
import fc from 'fast-check';
import type { ReadProof } from '../../src/engine/proofs.js';
import { ANY_SIZE } from '../../src/engine/rewriter.js';
import type { Engine } from '../support/engine.js';
import { imbalances } from '../support/sums.js';

export type Operation =
  | { readonly do: 'set'; readonly key: number; readonly size: number; readonly ttlMs: number; readonly idleMs: number }
  /** Copies the entry, and stores a value of any size in its place. */
  | { readonly do: 'migrate'; readonly key: number; readonly size: number }
  | { readonly do: 'get' | 'near' | 'has' | 'peek' | 'delete'; readonly key: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'sweep'; readonly buckets: number }
  | { readonly do: 'clear'; readonly type: number }
  | { readonly do: 'keys' };

export interface Bounds {
  readonly keys: number;
  readonly types: number;
  readonly sizes: fc.Arbitrary<number>;
}

/** Any operation. Each run draws which kinds are rare in it, so that some runs grow what others keep small. */
export function operations({ keys, types, sizes }: Bounds): fc.Arbitrary<Operation[]> {
  const key = fc.nat(keys - 1);
  const span = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 900 }) },
  );
  const set = fc.record({ do: fc.constant('set' as const), key, size: sizes, ttlMs: span, idleMs: span });
  const migrate = fc.record({ do: fc.constant('migrate' as const), key, size: sizes });
  const onKey = fc.record({
    do: fc.constantFrom('get' as const, 'near' as const, 'has' as const, 'peek' as const),
    key,
  });
  const del = fc.record({ do: fc.constant('delete' as const), key });
  const advance = fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 400 }) });
  const sweep = fc.record({ do: fc.constant('sweep' as const), buckets: fc.integer({ min: 1, max: 64 }) });
  const clear = fc.record({ do: fc.constant('clear' as const), type: fc.integer({ min: -1, max: types - 1 }) });
  const list = fc.record({ do: fc.constant('keys' as const) });
  return fc
    .tuple(fc.nat(3), fc.nat(3))
    .chain(([deletes, advances]) =>
      fc.array(
        fc.oneof(
          { weight: 30, arbitrary: set },
          { weight: 30, arbitrary: onKey },
          { weight: 5, arbitrary: migrate },
          { weight: 1 + deletes * 5, arbitrary: del },
          { weight: advances * 3, arbitrary: advance },
          { weight: 2, arbitrary: sweep },
          { weight: 1, arbitrary: list },
          { weight: 1, arbitrary: clear },
        ),
        { maxLength: 600, size: 'max' },
      ),
    );
}

interface Entry {
  readonly version: number;
  readonly size: number;
  readonly deadline: number;
  readonly idleTicks: number;
  lastTick: number;
}

/** How many operations lie between two walks through the whole structure. */
const VERIFY_EVERY = 50;

export class Model {
  readonly #engine: Engine;
  readonly #entries = new Map<string, Entry>();
  readonly #types: number;
  /** Nothing is evicted here: a live entry must be found. */
  readonly #isRoomy: boolean;
  readonly #kept = new Map<string, { proof: ReadProof; version: number }>();
  /** Values stored, by type. */
  readonly #sets: number[];
  #version = 0;

  constructor(engine: Engine, types: number, isRoomy: boolean) {
    this.#engine = engine;
    this.#types = types;
    this.#sets = new Array(types).fill(0);
    this.#isRoomy = isRoomy;
  }

  run(operations: readonly Operation[]): void {
    operations.forEach((operation, i) => {
      this.#step(operation);
      const { bytesUsed, capacityBytes } = this.#engine.stats();
      if (bytesUsed > capacityBytes) throw new Error(`${bytesUsed} bytes used of ${capacityBytes}`);
      if (i % VERIFY_EVERY === 0) this.#verify();
    });
    this.#compareKeys();
    this.#verify();
  }

  #verify(): void {
    const problems = this.#engine.verify();
    const stats = this.#engine.stats();
    problems.push(...imbalances(stats, stats.byType));
    stats.byType.forEach(({ sets }, type) => {
      if (sets !== this.#sets[type]) problems.push(`${sets} sets of type ${type} instead of ${this.#sets[type]}`);
    });
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  #step(operation: Operation): void {
    if (operation.do === 'set') this.#set(operation.key, operation.size, operation.ttlMs, operation.idleMs);
    else if (operation.do === 'migrate') this.#migrate(operation.key, operation.size);
    else if (operation.do === 'advance') this.#engine.clock.advance(operation.ms);
    else if (operation.do === 'sweep') this.#engine.store.sweeper.step(operation.buckets);
    else if (operation.do === 'clear') this.#clear(operation.type);
    else if (operation.do === 'keys') this.#compareKeys();
    else this.#stepOnKey(operation.do, operation.key);
  }

  #stepOnKey(what: 'get' | 'near' | 'has' | 'peek' | 'delete', key: number): void {
    if (what === 'delete') this.#delete(key);
    else if (what === 'near') this.#near(key);
    else if (what === 'has') this.#compare(key, this.#engine.has(this.#name(key), this.#typeOf(key)));
    else this.#read(key, what === 'get');
  }

  #name(key: number): string {
    // Some names are chained by themselves, some are not ASCII.
    if (key % 13 === 5) return `${key}:${'long '.repeat(1_000)}`;
    return key % 7 === 3 ? `clé ${key} 🚲` : `key ${key}`;
  }

  #typeOf(key: number): number {
    return key % this.#types;
  }

  #tick(): number {
    return Math.floor(this.#engine.clock.now() / 10);
  }

  #live(key: number): Entry | undefined {
    const entry = this.#entries.get(this.#name(key));
    if (entry === undefined) return undefined;
    const tick = this.#tick();
    const isOver =
      (entry.deadline !== 0 && tick >= entry.deadline) ||
      (entry.idleTicks !== 0 && tick >= entry.lastTick + entry.idleTicks + 1);
    return isOver ? undefined : entry;
  }

  #set(key: number, size: number, ttlMs: number, idleMs: number): void {
    this.#version += 1;
    const name = this.#name(key);
    const outcome = this.#engine.set(name, content(size, this.#version), { type: this.#typeOf(key), ttlMs, idleMs });
    if (outcome !== 1 && this.#isRoomy) throw new Error(`set of ${size} bytes was refused in a roomy arena`);
    this.#entries.delete(name);
    if (outcome !== 1) {
      if (this.#engine.has(name, this.#typeOf(key))) throw new Error(`a refused set left a value behind`);
      return;
    }
    this.#sets[this.#typeOf(key)]! += 1;
    const deadline = ttlMs === 0 ? 0 : Math.ceil((this.#engine.clock.now() + ttlMs) / 10);
    const entry = { version: this.#version, size, deadline, idleTicks: Math.ceil(idleMs / 10), lastTick: this.#tick() };
    this.#entries.set(name, entry);
    if (!this.#engine.has(name, this.#typeOf(key))) throw new Error('a set said true and stored nothing');
  }

  #migrate(key: number, size: number): void {
    const name = this.#name(key);
    const type = this.#typeOf(key);
    const copy = this.#engine.copy(name, type);
    this.#compare(key, copy !== undefined);
    const entry = this.#live(key);
    if (copy === undefined || entry === undefined) return;
    if (copy.length !== entry.size) throw new Error(`key ${key}: ${copy.length} bytes were copied of ${entry.size}`);
    this.#version += 1;
    const outcome = this.#engine.rewrite(copy, content(size, this.#version), { type }, ANY_SIZE);
    if (outcome !== 1 && this.#isRoomy) throw new Error(`a value of ${size} bytes in place of another was refused`);
    if (outcome !== 1) return;
    this.#sets[type]! += 1;
    this.#entries.set(name, { ...entry, version: this.#version, size });
  }

  #read(key: number, renew: boolean): void {
    const entry = this.#live(key);
    const bytes = this.#engine.get(this.#name(key), this.#typeOf(key), renew);
    this.#compare(key, bytes !== undefined);
    if (bytes === undefined || entry === undefined) return;
    if (Buffer.compare(bytes, content(entry.size, entry.version)) !== 0) {
      throw new Error(`key ${key}: wrong bytes, ${bytes.length} of them instead of ${entry.size}`);
    }
    if (renew) entry.lastTick = this.#tick();
  }

  /** A get that takes what a near get read before, if its proof holds: that must be what is stored, and count as a use. */
  #near(key: number): void {
    const name = this.#name(key);
    const kept = this.#kept.get(name);
    const entry = this.#live(key);
    this.#engine.store.begin();
    if (kept === undefined || !this.#engine.store.proofs.use(kept.proof)) {
      this.#read(key, true);
      const proof = this.#live(key) && this.#engine.prove(name, this.#typeOf(key));
      if (proof === undefined) this.#kept.delete(name);
      else this.#kept.set(name, { proof, version: this.#live(key)!.version });
      return;
    }
    if (entry?.version !== kept.version)
      throw new Error(`key ${key}: version ${kept.version} was proved, and ${entry?.version} is stored`);
    entry.lastTick = this.#tick();
  }

  /** What is dead must be a miss; what is live a hit, unless it may have been evicted, and then it stays away. */
  #compare(key: number, isHit: boolean): void {
    const isLive = this.#live(key) !== undefined;
    if (isHit && !isLive) throw new Error(`key ${key} is found, and should be absent`);
    if (isHit || !isLive) return;
    if (this.#isRoomy) throw new Error(`key ${key} is lost`);
    this.#entries.delete(this.#name(key));
  }

  #delete(key: number): void {
    this.#compare(key, this.#engine.delete(this.#name(key), this.#typeOf(key)));
    this.#entries.delete(this.#name(key));
    if (this.#engine.has(this.#name(key), this.#typeOf(key))) throw new Error(`key ${key} was deleted and is there`);
  }

  #clear(type: number): void {
    if (!this.#engine.store.clear(type)) throw new Error('clear found a lock that nobody holds');
    for (const name of this.#entries.keys()) {
      const key = Number(/\d+/.exec(name)?.[0]);
      if (type < 0 || this.#typeOf(key) === type) this.#entries.delete(name);
    }
  }

  #compareKeys(): void {
    for (let type = 0; type < this.#types; type++) {
      const found = this.#engine.keys(type);
      if (new Set(found).size !== found.length) throw new Error('a walk met a key twice');
      const live = [...this.#entries.keys()].filter((name) => {
        const key = Number(/\d+/.exec(name)?.[0]);
        return this.#typeOf(key) === type && this.#live(key) !== undefined;
      });
      const extra = found.filter((name) => !live.includes(name));
      if (extra.length > 0) throw new Error(`a walk met ${extra[0]}, which should be absent`);
      if (this.#isRoomy && found.length !== live.length)
        throw new Error(`a walk met ${found.length} of ${live.length}`);
    }
  }
}

/** Bytes that tell which version of a value they are. */
function content(size: number, version: number): Buffer {
  const bytes = Buffer.alloc(size, version & 0xff);
  for (let i = 0; i + 4 <= size; i += 509) bytes.writeInt32LE(version, i);
  return bytes;
}
