import { describe, expect, it } from 'vitest';
import { Load } from '../../../src/cli/load.js';
import type { TraceChunk } from '../../../src/cli/messages.js';
import { Pacer } from '../../../src/cli/pacer.js';
import { ValuePool } from '../../../src/cli/payloads.js';
import { LOADED_TYPES, POOLED_TYPES, pooledOptions } from '../../../src/cli/pooling.js';
import { DEMO_TYPES, type Populations, populationsFor } from '../../../src/cli/profile.js';
import { reduceStats, reduceWeather } from '../../../src/cli/reducers.js';
import { ChunkWriter, ReplayThread } from '../../../src/cli/replay-thread.js';
import { allRiders, FLOODER, tierOf } from '../../../src/cli/riders.js';
import { createSource } from '../../../src/cli/source.js';
import { parseTraceLine } from '../../../src/cli/trace.js';
import type { DemoType, DemoTypes } from '../../../src/cli/values.js';
import type { Cache, KeySpace } from '../../../src/index.js';

/** As much of a key space as the demo uses, over a Map; `read` lets a test plant a fault. */
class MapSpace {
  readonly values = new Map<string, unknown>();
  read: (key: string) => unknown = (key) => this.values.get(key);

  get(key: string): unknown {
    return this.read(key);
  }

  getBytes(key: string): unknown {
    return this.read(key);
  }

  set(key: string, value: unknown, _options?: { user?: string }): boolean {
    this.values.set(key, structuredClone(value));
    return true;
  }

  setBytes(key: string, bytes: Uint8Array): boolean {
    this.values.set(key, new Uint8Array(bytes));
    return true;
  }

  delete(key: string): boolean {
    return this.values.delete(key);
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  async getAsync(key: string): Promise<unknown> {
    return this.get(key);
  }

  async setAsync(key: string, value: unknown): Promise<boolean> {
    return this.set(key, value);
  }

  async fetch(key: string): Promise<unknown> {
    if (!this.has(key)) this.set(key, source(key));
    return this.get(key);
  }
}

const source = createSource(1, 256);

type Spaces = Map<DemoType, MapSpace>;

function sessionsOf(spaces: Spaces): MapSpace {
  return spaces.get('session') ?? new MapSpace();
}

const POPULATIONS: Populations = { session: 50, route: 10, weather: 20, llm: 40, stats: 10, misc: 30 };

function createLoad(participant = 0, participants = 1): { load: Load; spaces: Spaces } {
  const spaces: Spaces = new Map(DEMO_TYPES.map((type) => [type, new MapSpace()]));
  const cache = { type: (name: DemoType) => spaces.get(name) } as unknown as Cache<DemoTypes>;
  return { load: new Load(cache, { seed: 1, participant, participants, populations: POPULATIONS }), spaces };
}

async function warm(load: Load, count = 100): Promise<void> {
  while (await load.warmUp(count));
  await load.finish();
}

/** In steps, since one ends where it has to wait. */
async function run(load: Load, accesses: number): Promise<void> {
  for (let i = 0; i < accesses; i++) await load.run(1);
  await load.finish();
}

describe('Load', () => {
  it('warms up every key once, shared out over the threads', async () => {
    const kept: string[][] = [];
    for (const participant of [0, 1, 2]) {
      const { load, spaces } = createLoad(participant, 3);
      await warm(load, 7);
      kept.push(DEMO_TYPES.flatMap((type) => [...(spaces.get(type)?.values.keys() ?? [])]));
    }
    const total = Object.values(POPULATIONS).reduce((sum, count) => sum + count, 0);
    expect(kept.flat()).toHaveLength(total);
    expect(new Set(kept.flat()).size).toBe(total);
  });

  it('finds nothing wrong with a correct cache, having compared some values in full', async () => {
    const { load } = createLoad();
    await run(load, 2_000);
    expect(load.tally.violations).toEqual([]);
    expect(load.tally.checked).toBeGreaterThan(20);
    expect(load.tally.gets).toBeGreaterThan(load.tally.sets);
  });

  it('notices a value of another key', async () => {
    const { load, spaces } = createLoad();
    await warm(load);
    const space = sessionsOf(spaces);
    space.read = () => space.values.get('session:velo-3');
    await run(load, 200);
    expect(load.tally.violationCount).toBeGreaterThan(0);
    expect(load.tally.violations[0]).toMatch(
      /^get\("session:velo-\d+"\) of type session returned the value of "session:velo-3"$/,
    );
  });

  it('notices a value that is right but for one field', async () => {
    const { load, spaces } = createLoad();
    await warm(load);
    const space = sessionsOf(spaces);
    space.read = (key) => ({ ...(space.values.get(key) as object), csrfSecret: 'torn' });
    await run(load, 2_000);
    expect(load.tally.violations[0]).toMatch(/returned a value that was never set for it$/);
  });
});

describe('what goes by the pool', () => {
  it('is read and stored there, of the types that can be large, and of some loaded', async () => {
    const { load, spaces } = createLoad();
    const ways = new Map<DemoType, Set<string>>();
    for (const [type, space] of spaces) {
      const seen = new Set<string>();
      ways.set(type, seen);
      for (const way of ['getAsync', 'setAsync', 'fetch'] as const) {
        const original = space[way].bind(space) as (...args: unknown[]) => never;
        space[way] = (...args: unknown[]) => {
          seen.add(way);
          return original(...args);
        };
      }
    }
    await run(load, 3_000);
    expect(load.tally.violations).toEqual([]);
    for (const [type, seen] of ways) {
      const byPool = LOADED_TYPES.includes(type) ? ['fetch', 'getAsync'] : ['getAsync', 'setAsync'];
      expect([...seen].sort(), type).toEqual(POOLED_TYPES.includes(type) ? byPool : []);
    }
  });

  it('is bounded: a step ends where there is no room for more', async () => {
    const { load, spaces } = createLoad();
    const landings: (() => void)[] = [];
    const held = <V>(value: V): Promise<V> => new Promise((resolve) => landings.push(() => resolve(value)));
    for (const type of POOLED_TYPES) {
      const space = spaces.get(type)!;
      space.fetch = space.getAsync = (key) => held(source(key));
      space.setAsync = () => held(true);
    }
    const step = load.run(1_000);
    expect(landings).toHaveLength(64);
    expect(step).toBeInstanceOf(Promise);
    landings.shift()!();
    expect(await step).toBe(true);
    for (const land of landings) land();
    await load.finish();
    expect(load.tally.gets).toBeLessThan(1_000);
  });

  it('has an error end the load', async () => {
    const { load, spaces } = createLoad();
    for (const type of LOADED_TYPES) spaces.get(type)!.fetch = () => Promise.reject(new Error('the worker died'));
    await expect(run(load, 1_000)).rejects.toThrow('the worker died');
  });
});

describe('the source', () => {
  it('makes the value of a key from the seed alone, as a load does', () => {
    const key = 'route:velo-17';
    expect(createSource(7, 32)(key)).toEqual(new ValuePool('route', 7, 32).valueOf(17, key));
    expect(createSource(8, 32)(key)).not.toEqual(createSource(7, 32)(key));
  });

  it.each(['route', 'route:velo-x', 'other:velo-1', 'route:velo-1.5', ''])('knows no key %j', (key) => {
    expect(() => createSource(1, 32)(key)).toThrow('is no key of the demo');
  });
});

describe('the options for the pools', () => {
  it('name the source, and leave them out where there are too many threads', () => {
    const { types, pool } = pooledOptions(5, 64, 3);
    for (const type of LOADED_TYPES) expect(String(types?.[type]?.loader)).toMatch(/demo-source\.js\?seed=5&size=64$/);
    expect(types?.session?.loader).toBeUndefined();
    expect(pool).toMatchObject({ threads: 1 });
    expect([63, 64].map((participants) => pooledOptions(5, 64, participants).pool !== false)).toEqual([true, false]);
  });
});

describe('what a load may find', () => {
  it('is what was stored or what its reducer makes of it, and nothing else', async () => {
    const { load, spaces } = createLoad();
    await warm(load);
    const space = spaces.get('weather')!;
    const reduced = (key: string, drop: number): unknown => {
      let value = space.values.get(key) as DemoTypes['weather'] | undefined;
      for (let next = value; next !== undefined; next = reduceWeather(next)) value = next;
      return value && drop > 0 ? { ...value, hourly: value.hourly.slice(drop) } : value;
    };
    space.read = (key) => reduced(key, 0);
    await run(load, 2_000);
    expect(load.tally.violations).toEqual([]);
    space.read = (key) => reduced(key, 1);
    await run(load, 3_000);
    expect(load.tally.violations[0]).toMatch(/of type weather returned a value that was never set for it$/);
  });

  it('sessions are those of riders, and one of them floods', async () => {
    const users = new Map<string, number>();
    const { load, spaces } = createLoad();
    spaces.get('session')!.set = (_, __, options?: { user?: string }) => {
      const user = options?.user ?? 'nobody';
      users.set(user, (users.get(user) ?? 0) + 1);
      return true;
    };
    await run(load, 3_000);
    expect(users.has('nobody')).toBe(false);
    expect(users.get(FLOODER)).toBeGreaterThan(10);
    for (const user of users.keys()) expect(allRiders()).toContain(user);
    expect(['rider-0', 'rider-20', 'rider-21', FLOODER].map(tierOf)).toEqual([
      'admin',
      'premium',
      undefined,
      undefined,
    ]);
  });
});

describe('reducers of the demo', () => {
  it('come to an end, keep the key and the sums', () => {
    const stats = new ValuePool('stats', 1, 8).valueOf(3, 'stats:velo-3') as DemoTypes['stats'];
    const distance = ({ points }: DemoTypes['stats']): number =>
      points.reduce((sum, { distanceM }) => sum + distanceM, 0);
    let rounds = 0;
    for (let next = reduceStats(stats); next !== undefined; next = reduceStats(next), rounds++) {
      expect(next.key).toBe('stats:velo-3');
      expect(distance(next)).toBe(distance(stats));
    }
    expect(rounds).toBeGreaterThan(0);
  });
});

describe('populationsFor', () => {
  it('grows with the capacity and shrinks with the size of entries', () => {
    const bytes = { session: 1_000, route: 10_000, weather: 5_000, llm: 2_000, stats: 3_000, misc: 300 };
    const small = populationsFor(64e6, bytes);
    const large = populationsFor(256e6, bytes);
    for (const type of DEMO_TYPES) expect(large[type] / small[type]).toBeCloseTo(4, 1);
    expect(populationsFor(64e6, { ...bytes, route: 20_000 }).route).toBeCloseTo(small.route / 2, -1);
  });
});

function chunkOf(...lines: string[]): TraceChunk {
  const writer = new ChunkWriter();
  for (const [i, line] of lines.entries()) writer.add(parseTraceLine(line, `t:${i + 1}`), i, i * 1_000);
  return writer.take(lines.length, lines.length * 1_000);
}

function createReplay(capacityBytes = 1e6): { thread: ReplayThread; space: MapSpace; moves: number[] } {
  const moves: number[] = [];
  const pacer = new Pacer(Pacer.bufferFor(1), 1, { set: (nowMs) => moves.push(nowMs) });
  const space = new MapSpace();
  return { thread: new ReplayThread(space as unknown as KeySpace<unknown>, pacer, 0, capacityBytes), space, moves };
}

describe('ReplayThread', () => {
  it('does what the trace says: a get that misses sets, set and add set, delete deletes', () => {
    const { thread, space, moves } = createReplay();
    thread.run(chunkOf(',a,10,,get', ',a,10,,get', ',b,20,,set', ',c,0,,add', ',d,,,get', ',b,,,delete'));
    const sizes = [...space.values].map(([key, value]) => [key, (value as Uint8Array).length]);
    expect(sizes).toEqual([
      ['a', 10],
      ['c', 0],
      ['d', 1_024],
    ]);
    expect(thread.tally).toMatchObject({ gets: 3, sets: 4, deletes: 1, checked: 1, violationCount: 0 });
    expect(moves).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 6_000]);
  });

  it('accepts its own values of every size', () => {
    const { thread } = createReplay();
    for (let size = 0; size < 40; size++) thread.run(chunkOf(`,k${size},${size},,set`, `,k${size},,,get`));
    expect(thread.tally).toMatchObject({ checked: 40, violationCount: 0 });
  });

  it('stands a value larger than the cache in by one that is just too large', () => {
    const { thread, space } = createReplay(5_000);
    thread.run(chunkOf(',huge,2000000000,,set'));
    expect((space.values.get('huge') as Uint8Array).length).toBe(5_001);
  });

  it.each([
    ['a value of another key', () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 'returned bytes of another value'],
    ['a value of another size', () => new Uint8Array(11), 'returned 11 bytes; 10 were set'],
  ])('notices %s', (_, read, complaint) => {
    const { thread, space } = createReplay();
    thread.run(chunkOf(',a,10,,set'));
    space.read = read;
    thread.run(chunkOf(',a,10,,get'));
    expect(thread.tally.violations).toEqual([`get("a") ${complaint}`]);
  });

  it('notices a value that outlives its delete, and one torn at its end', () => {
    const { thread, space } = createReplay();
    thread.run(chunkOf(',a,10,,set'));
    const stale = space.values.get('a') as Uint8Array;
    space.read = () => stale;
    thread.run(chunkOf(',a,,,delete', ',a,10,,get', ',a,10,,set'));
    stale[9] = (stale[9] ?? 0) ^ 1;
    thread.run(chunkOf(',a,10,,get'));
    const complaints = ['returned a value although none is stored', 'returned bytes of another value'];
    expect(thread.tally.violations).toEqual(complaints.map((complaint) => `get("a") ${complaint}`));
  });
});
