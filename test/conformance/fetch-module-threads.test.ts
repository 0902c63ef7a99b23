/** fetch by a module over several threads, and what becomes of those who wait when a worker or a thread dies. */
import { type Cache, type CacheOptions, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { end, settled, turn } from '../support/deaths.js';
import { StartedWorkers } from '../support/gate.js';
import { LOADER, useModuleLoads } from '../support/module-loads.js';
import { Random, seedFrom } from '../support/random.js';
import { type Remote, useRemotes } from '../support/remote.js';

const SEED = seedFrom('POOL_SEED');
const ROUNDS = 12;
const PER_ROUND = 6;
/** Turns of the event loop before a kill, at most. */
const TURNS = 40;
/** Each round may start a worker anew, which takes long on a busy machine. */
const TIMEOUT_MS = 240_000;
const VALUE = { name: 'loaded', list: [1, 2, 3] };

describe('fetch by a module over threads', () => {
  const caches = useCaches();
  const remotes = useRemotes();
  const loads = useModuleLoads();

  function create(options: Partial<CacheOptions<{ default: unknown }>> = {}): Promise<Cache> {
    return caches.create({ types: { default: { loader: LOADER } }, pool: { threads: 1 }, ...options });
  }

  /** A thread whose fetch of `key` has come to its load, or to its wait for another's. */
  async function fetching(cache: Cache, key: string): Promise<{ remote: Remote; answer: Promise<unknown> }> {
    const remote = remotes.start(cache.handle);
    const answer = remote.call('fetch', key);
    answer.catch(() => {});
    // A thread takes commands one after the other.
    await remote.call('has', 'another');
    return { remote, answer };
  }

  it('is one load for all threads', async () => {
    const cache = await create();
    const first = cache.fetch('key');
    const load = await loads.current.begun('key');
    const others = [await fetching(cache, 'key'), await fetching(cache, 'key')];
    loads.current.land(load, { value: VALUE });
    expect(await Promise.all([first, ...others.map(({ answer }) => answer)])).toEqual([VALUE, VALUE, VALUE]);
    expect(loads.current.count('key')).toBe(1);
    expect(cache.stats()).toMatchObject({ loads: 1, loadWaits: 2 });
  });

  it('tells all threads of an error in the same words', async () => {
    const cache = await create();
    const first = rejectionOf(cache.fetch('key'));
    const load = await loads.current.begun('key');
    const { answer } = await fetching(cache, 'key');
    const error = { name: 'TypeError', message: 'the upstream said no', code: 'UPSTREAM' };
    loads.current.land(load, { error });
    for (const rejection of [await first, await rejectionOf(answer)])
      expect(rejection).toMatchObject({ code: 'VELOCACHE_LOAD', cause: error });
    expect(loads.current.count('key')).toBe(1);
  });

  it.each(['exit', 'terminate'] as const)(
    'a worker that dies over it costs the call that began it an error, and the others load again: %s',
    async (way) => {
      using started = new StartedWorkers();
      const cache = await create();
      const first = rejectionOf(cache.fetch('key'));
      const load = await loads.current.begun('key');
      const own = cache.fetch('key');
      const { answer } = await fetching(cache, 'key');
      if (way === 'exit') loads.current.land(load, { exit: 3 });
      else await end(started.live.find((worker) => worker.threadId === load.thread)!);
      expect(await first).toMatchObject({ code: 'VELOCACHE_WORKER', name: 'WorkerError' });
      expect((await first).message).toContain('fetch');
      loads.current.land(await loads.current.begun('key', 2), { value: VALUE });
      expect(await Promise.all([own, answer])).toEqual([VALUE, VALUE]);
      expect(loads.current.count('key')).toBe(2);
      expect(cache.stats()).toMatchObject({ loads: 2, loadFailures: 1, deaths: 1, shardsEmptied: 0 });
      expect(cache.stats().pool).toMatchObject({ failures: 1, running: 0, waiting: 0 });
    },
  );

  it('a thread that dies takes its workers along, and one of those who wait loads again', async () => {
    const cache = await create();
    const { remote } = await fetching(cache, 'key');
    await loads.current.begun('key');
    const own = cache.fetch('key');
    await remote.worker.terminate();
    loads.current.land(await loads.current.begun('key', 2), { value: VALUE });
    expect(await own).toEqual(VALUE);
    await settled(cache, 3);
    expect(cache.stats()).toMatchObject({ loads: 2, loadTakeOvers: expect.any(Number), shardsEmptied: 0 });
  });

  it('a thread that leaves aborts its load, and one of those who wait loads again', async () => {
    const cache = await create();
    const { remote, answer } = await fetching(cache, 'key');
    const load = await loads.current.begun('key');
    const own = cache.fetch('key');
    const closing = remote.call('close');
    expect((await rejectionOf(answer)).code).toBe('VELOCACHE_CLOSED');
    await loads.current.aborted('key');
    loads.current.land(load, { value: 'late' });
    await closing;
    loads.current.land(await loads.current.begun('key', 2), { value: VALUE });
    expect(await own).toEqual(VALUE);
    expect(cache.get('key')).toEqual(VALUE);
  });

  it('a load that outlives its lease is taken over, and its late value not stored', async () => {
    const clock = new ManualClock();
    const cache = await create({ clock });
    const first = cache.fetch('key', undefined, { lease: '2s' });
    const load = await loads.current.begun('key');
    const { answer } = await fetching(cache, 'key');
    clock.advance(2_000);
    const second = await loads.current.begun('key', 2);
    expect(second.thread).not.toBe(load.thread);
    loads.current.land(second, { value: 'taken over' });
    expect(await answer).toBe('taken over');
    loads.current.land(load, { value: 'late' });
    expect(await first).toBe('late');
    expect(cache.get('key')).toBe('taken over');
    expect(cache.stats()).toMatchObject({ loads: 2, loadTakeOvers: 1, loadsLost: 1 });
  });

  it('a delete in another thread comes before the value', async () => {
    const cache = await create();
    const first = cache.fetch('key');
    const load = await loads.current.begun('key');
    const { remote } = await fetching(cache, 'at once');
    await remote.call('delete', 'key');
    loads.current.land(load, { value: 'late' });
    expect(await first).toBe('late');
    expect(cache.has('key')).toBe(false);
    expect(cache.stats().loadsLost).toBe(1);
  });

  it('goes on while another thread waits, and is aborted when that one dies', async () => {
    const cache = await create();
    const controller = new AbortController();
    const first = rejectionOf(cache.fetch('key', undefined, { signal: controller.signal }));
    await loads.current.begun('key');
    const { remote } = await fetching(cache, 'key');
    controller.abort(new Error('its own call goes'));
    expect((await first).message).toBe('its own call goes');
    await turn();
    expect(loads.current.notes.some(({ type }) => type === 'aborted')).toBe(false);
    await remote.worker.terminate();
    await loads.current.aborted('key');
  });

  it('a value is of the version of the code that loaded it, and migrated by a thread that knows a newer one', async () => {
    const cache = await create();
    const remote = remotes.start();
    await remote.do('attachRaw', cache.handle, { version: 2, migrate: { 1: null } }, 'default');
    const value = await remote.call('fetch', 'at once');
    expect(value).toMatchObject({ of: 'at once' });
    expect(cache.stats()).toMatchObject({ loads: 1, migrations: 1 });
    expect(await remote.call('get', 'at once')).toEqual(value);
    expect(cache.get('at once')).toBeUndefined();
  });

  it(
    `a worker that is killed at any moment costs one load at most, and leaks nothing, seed ${SEED}`,
    async () => {
      const random = new Random(SEED);
      const cache = await create({ capacity: '32mb', pool: { threads: 2, queue: 2 } });
      const { bytesUsed } = cache.stats();
      using started = new StartedWorkers();
      let kills = 0;
      let failures = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const keys = Array.from({ length: PER_ROUND }, (_, i) => `at once ${random.below(4)} ${i}`);
        const pending = keys.map((key) => operate(cache, key));
        for (let left = random.below(TURNS); left > 0; left--) await turn();
        const { live } = started;
        if (live.length > 0) {
          kills += 1;
          await end(live[random.below(live.length)]!);
        }
        failures += (await Promise.all(pending)).filter((outcome) => outcome === 'failed').length;
        expect(failures).toBeLessThanOrEqual(kills);
        for (const key of keys) if (random.below(2) === 0) cache.delete(key);
      }
      expect(kills).toBeGreaterThan(ROUNDS / 2);
      expect(cache.stats().pool).toMatchObject({ failures, running: 0, waiting: 0 });
      await settled(cache, 2 + started.live.length);
      expect(cache.verify()).toEqual([]);
      cache.clearAll();
      expect(cache.stats().bytesUsed).toBe(bytesUsed);
      expect(await cache.fetch('at once, last')).toMatchObject({ of: 'at once, last' });
    },
    TIMEOUT_MS,
  );
});

/** A fetch, whose value must be the key's; or 'failed', if a worker died over it. */
async function operate(cache: Cache, key: string): Promise<'done' | 'failed'> {
  try {
    expect(await cache.fetch(key)).toMatchObject({ of: key });
    return 'done';
  } catch (error) {
    if ((error as { code?: string }).code !== 'VELOCACHE_WORKER') throw error;
    return 'failed';
  }
}
