/**
 * Which of two operations of a thread has the last word, and how what waits gets out: a worker is held in the middle of a
 * set, so that everything behind it is where the test wants it.
 */
import { type Cache, ClosedError } from 'velocache';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { FULL, fill, Gate, type GateTypes, gateOptions } from '../support/gate.js';
import { HeldLoader } from '../support/loads.js';

const caches = useCaches();
let gate: Gate;
beforeEach(() => {
  gate = new Gate();
});
afterEach(() => gate.open());

/** A cache with one worker, which is held in a set of the key 'held'; and what that set comes to. */
async function held(
  queue = 64,
): Promise<{ cache: Cache<GateTypes>; outcome: Promise<boolean>; signal: AbortController }> {
  const cache = await caches.create<GateTypes>(gateOptions({ threads: 1, queue }));
  fill(cache, 'gated');
  const signal = new AbortController();
  const outcome = cache.type('gated').setAsync('held', FULL, { signal: signal.signal });
  await gate.arrived();
  return { cache, outcome, signal };
}

describe('a set that a worker has in hand', () => {
  it('is seen when it is done', async () => {
    const { cache, outcome } = await held();
    expect(cache.type('gated').has('held')).toBe(false);
    gate.open();
    expect(await outcome).toBe(true);
    expect(cache.type('gated').get('held')).toBe(FULL);
  });

  it.each([
    ['set', (cache: Cache<GateTypes>) => cache.type('gated').set('held', 'later'), 'later'],
    ['setBytes', (cache: Cache<GateTypes>) => cache.type('gated').setBytes('held', Uint8Array.of(7)), Uint8Array.of(7)],
    ['delete', (cache: Cache<GateTypes>) => cache.type('gated').delete('held'), undefined],
    ['clear', (cache: Cache<GateTypes>) => cache.type('gated').clear(), undefined],
    ['clearAll', (cache: Cache<GateTypes>) => cache.clearAll(), undefined],
  ] as const)('never comes behind a later %s', async (_, later, wanted) => {
    const { cache, outcome } = await held();
    later(cache);
    gate.open();
    expect(await outcome).toBe(false);
    expect(cache.type('gated').get('held')).toEqual(wanted);
    // What follows is as ever.
    expect(await cache.type('gated').setAsync('held', 'last')).toBe(true);
    expect(cache.type('gated').get('held')).toBe('last');
  });

  it('never comes behind a later setAsync', async () => {
    const { cache, outcome } = await held();
    const later = cache.type('gated').setAsync('held', 'later');
    gate.open();
    expect(await Promise.all([outcome, later])).toEqual([false, true]);
    expect(cache.type('gated').get('held')).toBe('later');
  });

  it('wins over what a load brings that lands meanwhile', async () => {
    const loader = new HeldLoader<string>();
    const { cache, outcome } = await held();
    const loading = cache.type('gated').fetch('held', loader.load);
    loader.land('loaded');
    expect(await loading).toBe('loaded');
    gate.open();
    expect(await outcome).toBe(true);
    expect(cache.type('gated').get('held')).toBe(FULL);
  });

  it.each([
    ['of another key', (cache: Cache<GateTypes>) => cache.type('gated').delete('another')],
    ['of another type', (cache: Cache<GateTypes>) => cache.delete('held')],
    [
      'that throws',
      (cache: Cache<GateTypes>) => expect(() => cache.type('gated').set('held', 'x', { ttl: 0 })).toThrow('ttl'),
    ],
  ])('is not disturbed by an operation %s', async (_, other) => {
    const { cache, outcome } = await held();
    other(cache);
    gate.open();
    expect(await outcome).toBe(true);
    expect(cache.type('gated').get('held')).toBe(FULL);
  });

  it('is rejected at once by its signal, and not stored', async () => {
    const { cache, outcome, signal } = await held();
    const reason = new Error('enough');
    signal.abort(reason);
    expect(await rejectionOf(outcome)).toBe(reason);
    gate.open();
    // The worker is free again when this is done.
    await cache.setAsync('next', 1);
    expect(cache.type('gated').has('held')).toBe(false);
  });

  it('is done, or rejected, when the cache is closed', async () => {
    const { cache, outcome } = await held();
    const closing = cache.close();
    gate.open();
    const settled = await outcome.catch((error: unknown) => error);
    expect(settled === true || settled instanceof ClosedError).toBe(true);
    await closing;
  });
});

describe('behind it', () => {
  it('sets wait in their order, so many inside the pool and the rest outside', async () => {
    const { cache, outcome } = await held(2);
    const order: number[] = [];
    const sets = [1, 2, 3, 4, 5, 6].map((i) => cache.setAsync(`k${i}`, i).then(() => order.push(i)));
    expect(cache.stats().pool).toMatchObject({ running: 3, waiting: 4 });
    gate.open();
    await Promise.all([outcome, ...sets]);
    expect(order).toEqual([1, 2, 3, 4, 5, 6]);
    expect(cache.stats().pool).toMatchObject({ tasks: 7, running: 0, waiting: 0 });
  });

  it.each([
    ['inside the pool', 64],
    ['outside', 0],
  ])('one that waits %s is overtaken by later operations', async (_, queue) => {
    const { cache, outcome } = await held(queue);
    const sets = ['set', 'delete', 'again'].map((key) => cache.setAsync(key, 'early'));
    cache.set('set', 'later');
    expect(cache.delete('delete')).toBe(false);
    const again = cache.setAsync('again', 'later');
    gate.open();
    expect(await Promise.all([outcome, ...sets, again])).toEqual([true, false, false, false, true]);
    expect(['set', 'delete', 'again'].map((key) => cache.get(key))).toEqual(['later', undefined, 'later']);
  });

  it('one that is overtaken outside needs no worker to be told so', async () => {
    const { cache, outcome } = await held(0);
    const early = cache.setAsync('key', 'early');
    cache.set('key', 'later');
    expect(await early).toBe(false);
    expect(cache.stats().pool).toMatchObject({ running: 1, waiting: 0 });
    gate.open();
    await outcome;
  });

  it.each([
    ['inside the pool', 64],
    ['outside', 0],
  ])('the signal gets one out that waits %s, and the rest goes on', async (_, queue) => {
    const { cache, outcome } = await held(queue);
    const controller = new AbortController();
    const { signal } = controller;
    const first = cache.setAsync('first', 1);
    const aborted = cache.setAsync('aborted', 2, { signal });
    const last = cache.setAsync('last', 3);
    controller.abort();
    expect(await rejectionOf(aborted)).toBe(signal.reason);
    gate.open();
    expect(await Promise.all([outcome, first, last])).toEqual([true, true, true]);
    expect([cache.get('first'), cache.has('aborted'), cache.get('last')]).toEqual([1, false, 3]);
  });

  it('a read is got out by its signal', async () => {
    const { cache, outcome } = await held();
    cache.set('key', 'value');
    const controller = new AbortController();
    const read = cache.getAsync('key', { signal: controller.signal });
    controller.abort('enough');
    expect(await read.catch((reason: unknown) => reason)).toBe('enough');
    gate.open();
    await outcome;
    expect(await cache.getAsync('key')).toBe('value');
  });

  it('what waits outside is refused when the cache is closed', async () => {
    const { cache, outcome } = await held(1);
    cache.set('key', 'value');
    const waiting = [1, 2, 3].map((i) => cache.setAsync(`k${i}`, i));
    const settled = Promise.allSettled([outcome, ...waiting]);
    const refused = [rejectionOf(waiting[1]!), rejectionOf(waiting[2]!)];
    const closing = cache.close();
    for (const { code } of await Promise.all(refused)) expect(code).toBe('VELOCACHE_CLOSED');
    gate.open();
    await closing;
    await settled;
    expect(await rejectionOf(waiting[0]!)).toMatchObject({ code: 'VELOCACHE_CLOSED' });
  });
});

it('a signal that has come already rejects, and nothing is done', async () => {
  const cache = await caches.create({ pool: { send: 'always' } });
  cache.set('key', 'value');
  const signal = AbortSignal.abort('before');
  expect(await cache.setAsync('key', 1, { signal }).catch((reason: unknown) => reason)).toBe('before');
  expect(await cache.getAsync('key', { signal }).catch((reason: unknown) => reason)).toBe('before');
  expect(cache.get('key')).toBe('value');
  expect(cache.stats().pool).toMatchObject({ tasks: 0, inPlace: 0 });
});
