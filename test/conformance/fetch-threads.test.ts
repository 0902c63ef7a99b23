/** fetch over several threads: one load for all, its errors, and what becomes of waiters when a thread goes. */
import { type Cache, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { beginFetch, HeldLoader, loadsOf, type Source } from '../support/loads.js';
import { type Remote, useRemotes } from '../support/remote.js';

const VALUE = { name: 'loaded', list: [1, 2, 3] };

describe('fetch over threads', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  /** Threads whose fetches of `key` wait for the load that this thread or another has begun. */
  async function waiters(cache: Cache, count: number, key: string, source: Source, options = {}) {
    const threads = Array.from({ length: count }, () => remotes.start(cache.handle));
    const answers: Promise<unknown>[] = [];
    for (const remote of threads) answers.push((await beginFetch(remote, key, source, options)).answer);
    return { threads, answers };
  }

  /** A thread whose load of `key` has begun. */
  async function loading(cache: Cache, key: string, options = {}) {
    const remote = remotes.start(cache.handle);
    const { answer } = await beginFetch(remote, key, { isHeld: true }, options);
    expect(loadsOf(remote)).toBe(1);
    return { remote, answer };
  }

  function allLoads(threads: readonly Remote[]): number {
    return threads.reduce((sum, remote) => sum + loadsOf(remote), 0);
  }

  it('is one load for all threads', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<typeof VALUE>();
    const first = cache.fetch('key', loader.load, { ttl: '1h' });
    const { threads, answers } = await waiters(cache, 3, 'key', { value: 'another' });
    for (const remote of threads) answers.push((await beginFetch(remote, 'key', { value: 'another' })).answer);
    loader.land(VALUE);
    expect(await first).toEqual(VALUE);
    expect(await Promise.all(answers)).toEqual(Array(6).fill(VALUE));
    expect(allLoads(threads)).toBe(0);
    expect(cache.stats()).toMatchObject({ loads: 1, loadWaits: 6, misses: 7 });
  });

  it('waits in this thread for a load of another', async () => {
    const cache = await caches.create();
    const { remote, answer } = await loading(cache, 'key');
    const own = new HeldLoader();
    const calls = [1, 2, 3].map(() => cache.fetch('key', own.load));
    await remote.do('land', 'key', { value: VALUE });
    expect(await Promise.all([answer, ...calls])).toEqual(Array(4).fill(VALUE));
    expect(own.calls).toBe(0);
    expect(new Set(await Promise.all(calls)).size).toBe(3);
  });

  it('tells other threads of an error: VELOCACHE_LOAD, with name, message and code of the cause', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<never>();
    const first = rejectionOf(cache.fetch('key', loader.load));
    const { threads, answers } = await waiters(cache, 2, 'key', { value: 'another' });
    const error = Object.assign(new TypeError('the upstream said "no", and ünderlined it'), { code: 'UPSTREAM' });
    loader.fail(error);
    expect(await first).toBe(error);
    for (const answer of answers) {
      expect(await rejectionOf(answer)).toMatchObject({
        code: 'VELOCACHE_LOAD',
        message: expect.stringContaining(error.message),
        cause: { name: 'TypeError', message: error.message, code: 'UPSTREAM' },
      });
    }
    expect(allLoads(threads)).toBe(0);
    expect(cache.has('key')).toBe(false);
    expect(cache.stats()).toMatchObject({ loads: 1, loadFailures: 1 });
  });

  it.each([
    ['a long message', new Error('ü'.repeat(5_000)), 'ü'.repeat(20)],
    ['control characters', new Error(`a${'\n'.repeat(300)}b`), 'a b'],
    ['a lone surrogate', new Error('\ud800'.repeat(300)), '\ufffd'],
    ['no error at all', 'just a string', 'just a string'],
    ['nothing', undefined, 'undefined'],
    [
      'getters that throw',
      {
        get code(): string {
          throw new Error('no');
        },
        toString: (): string => 'hidden',
      },
      'hidden',
    ],
  ])('tells of %s in bounded words', async (_, thrown, words) => {
    const cache = await caches.create();
    const loader = new HeldLoader<never>();
    const first = cache.fetch('key', loader.load).then(
      () => expect.fail('it does not fail'),
      (error: unknown) => error,
    );
    const { answers } = await waiters(cache, 1, 'key', { value: 'another' });
    loader.fail(thrown);
    expect(await first).toBe(thrown);
    const { code, message } = await rejectionOf(answers[0]!);
    expect(code).toBe('VELOCACHE_LOAD');
    expect(message).toContain(words);
    expect(Buffer.byteLength(message)).toBeLessThan(400);
  });

  it('undefined is the answer for all threads, without another load', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<never>();
    const first = cache.fetch('key', loader.load);
    const { threads, answers } = await waiters(cache, 2, 'key', { value: 'another' });
    loader.land(undefined);
    expect(await Promise.all([first, ...answers])).toEqual([undefined, undefined, undefined]);
    expect(allLoads(threads)).toBe(0);
  });

  it('where a value can not be stored, each other thread loads once for all its calls', async () => {
    const cache = await caches.create({ slab: { maxItem: '64kb' } });
    const loader = new HeldLoader<string>();
    const first = cache.fetch('key', loader.load);
    const source = { value: 'y'.repeat(100_000) };
    const { threads, answers } = await waiters(cache, 2, 'key', source);
    for (const remote of threads) answers.push((await beginFetch(remote, 'key', source)).answer);
    const large = 'x'.repeat(100_000);
    loader.land(large);
    expect(await first).toBe(large);
    expect(await Promise.all(answers)).toEqual(Array(4).fill(source.value));
    expect(threads.map(loadsOf)).toEqual([1, 1]);
    expect(cache.has('key')).toBe(false);
    expect(cache.stats()).toMatchObject({ loads: 3, loadsUnshared: 2 });
  });

  it.each([
    ['set', 'newer', 'newer'],
    ['delete', undefined, 'loaded again'],
  ] as const)('a %s in another thread comes before the value of a load', async (method, value, after) => {
    const cache = await caches.create();
    const { remote, answer } = await loading(cache, 'key');
    const { answers } = await waiters(cache, 1, 'key', { value: 'loaded again' });
    const args = method === 'set' ? ['key', value] : ['key'];
    await remotes.start(cache.handle).call(method, ...args);
    // Those who wait don't wait for the late value.
    expect(await answers[0]).toBe(after);
    await remote.do('land', 'key', { value: 'late' });
    expect(await answer).toBe('late');
    expect(cache.get('key')).toBe(after);
    expect(cache.stats().loadsLost).toBe(1);
  });

  it.each(['clear', 'clearAll'] as const)('%s in another thread does, too', async (method) => {
    const cache = await caches.create();
    const { remote, answer } = await loading(cache, 'key');
    await remotes.start(cache.handle).call(method);
    await remote.do('land', 'key', { value: 'late' });
    expect(await answer).toBe('late');
    expect(cache.has('key')).toBe(false);
  });

  it.each(['terminate', 'exit', 'throw'] as const)(
    'a thread that dies while it loads: one of the others loads, %s',
    async (end) => {
      const cache = await caches.create();
      const { remote } = await loading(cache, 'key');
      const { threads, answers } = await waiters(cache, 2, 'key', { value: 'taken over' });
      const own = cache.fetch('key', () => 'taken over');
      if (end === 'terminate') await remote.worker.terminate();
      else void remote.do(end, end === 'exit' ? 0 : 'meant').catch(() => {});
      expect(await Promise.all([own, ...answers])).toEqual(Array(3).fill('taken over'));
      expect(cache.stats()).toMatchObject({ loads: 2, shardsEmptied: 0 });
      expect(allLoads(threads)).toBeLessThanOrEqual(1);
    },
  );

  it('a thread that leaves while it loads: its calls are rejected, one of the others loads', async () => {
    const cache = await caches.create();
    const { remote, answer } = await loading(cache, 'key');
    const own = cache.fetch('key', () => 'taken over');
    await remote.call('close');
    expect((await rejectionOf(answer)).code).toBe('VELOCACHE_CLOSED');
    expect(await own).toBe('taken over');
    expect(cache.verify()).toEqual([]);
    expect(cache.get('key')).toBe('taken over');
  });

  it('a load that outlives its lease is taken over by one thread', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock });
    const { remote, answer } = await loading(cache, 'key', { lease: '2s' });
    const { threads, answers } = await waiters(cache, 3, 'key', { value: 'taken over' });
    clock.advance(2_000);
    expect(await Promise.all(answers)).toEqual(Array(3).fill('taken over'));
    expect(allLoads(threads)).toBe(1);
    await remote.do('land', 'key', { value: 'late' });
    expect(await answer).toBe('late');
    expect(cache.get('key')).toBe('taken over');
    expect(cache.stats()).toMatchObject({ loads: 2, loadTakeOvers: 1, loadsLost: 1 });
  });

  it('the load goes on while any thread waits, and is aborted when none does', async () => {
    const cache = await caches.create();
    const { remote, answer } = await loading(cache, 'key');
    const { threads, answers } = await waiters(cache, 2, 'key', { value: 'another' });
    await remote.do('abort', 'key', 'its own call goes');
    expect((await rejectionOf(answer)).message).toContain('its own call goes');
    await threads[0]!.do('abort', 'key', 'the first goes');
    expect((await rejectionOf(answers[0]!)).message).toContain('the first goes');
    // The second still waits, so the load does what it is told.
    const further = await beginFetch(threads[0]!, 'key', { value: 'another' });
    await threads[0]!.do('abort', 'key', 'the first goes again');
    await rejectionOf(further.answer);
    expect(remote.events.some(({ type }) => type === 'aborted')).toBe(false);
    await threads[1]!.do('abort', 'key', 'the second goes');
    await rejectionOf(answers[1]!);
    await remote.event(({ type }) => type === 'aborted');
    expect(await cache.fetch('key', () => 'anew')).toBe('anew');
    await remote.do('land', 'key', { value: 'late' });
    expect(cache.get('key')).toBe('anew');
  });

  it('the death of the last thread that waits aborts the load', async () => {
    const cache = await caches.create();
    const { remote, answer } = await loading(cache, 'key');
    const { threads } = await waiters(cache, 1, 'key', { value: 'another' });
    await remote.do('abort', 'key', 'its own call goes');
    await rejectionOf(answer);
    await threads[0]!.worker.terminate();
    await remote.event(({ type }) => type === 'aborted');
    expect(await cache.fetch('key', () => 'anew')).toBe('anew');
  });

  it('the end of the cache rejects the calls of all threads', async () => {
    const cache = await caches.create();
    const { answer } = await loading(cache, 'key');
    const { answers } = await waiters(cache, 2, 'key', { value: 'another' });
    const own = rejectionOf(cache.fetch('key', () => 'another'));
    await cache.close();
    expect((await own).code).toBe('VELOCACHE_CLOSED');
    for (const call of [answer, ...answers]) expect((await rejectionOf(call)).code).toBe('VELOCACHE_CLOSED');
  });

  it('goes on without the warden', async () => {
    const creator = remotes.start();
    const handle = (await creator.do('create', { capacity: '8mb' })) as Cache['handle'];
    const loader = remotes.start(handle as never);
    const waiter = remotes.start(handle as never);
    await beginFetch(loader, 'key', { isHeld: true });
    const { answer } = await beginFetch(waiter, 'key', { value: 'another' });
    // The warden ends with the thread that started it.
    await creator.worker.terminate();
    await loader.do('land', 'key', { value: VALUE });
    expect(await answer).toEqual(VALUE);
  });

  it('a thread that waits lives as long as it does, and ends by itself', async () => {
    const cache = await caches.create();
    const loader = new HeldLoader<string>();
    const first = cache.fetch('key', loader.load);
    const { threads, answers } = await waiters(cache, 1, 'key', { value: 'another' });
    await threads[0]!.do('rest');
    loader.land('value');
    expect(await first).toBe('value');
    await threads[0]!.exited;
    expect(cache.stats().loads).toBe(1);
    expect(answers).toHaveLength(1);
  });
});
