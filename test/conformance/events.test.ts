/** Events (rule 10): what they tell, whom they reach, and what becomes of too many, and of a listener that throws. */
import { threadId } from 'node:worker_threads';
import { type Cache, type CacheEvent, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { HEADER } from '../../native-free/index.js';
import { errorOf, useCaches } from '../support/caches.js';
import { runModule } from '../support/process.js';
import { useRemotes } from '../support/remote.js';

/** Resolves with the first event for which `matches` holds. */
function heard(cache: Cache, name: 'evict' | 'reject', matches: (event: CacheEvent) => boolean): Promise<CacheEvent> {
  return new Promise((resolve) => {
    cache.on(name, (event) => {
      if (matches(event)) resolve(event);
    });
  });
}

describe('events', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('an eviction for want of room names type, key, cause, bytes and thread', async () => {
    const cache = await caches.create({ capacity: '1mb' });
    const event = heard(cache, 'evict', () => true);
    for (let i = 0; i < 3_000; i++) cache.setBytes(`key ${i}`, new Uint8Array(500));
    const { type, key, cause, bytes, threadId: thread } = await event;
    expect({ type, cause, thread }).toEqual({ type: 'default', cause: 'size', thread: threadId });
    expect(key).toMatch(/^key \d+$/);
    expect(bytes).toBe(500 + key!.length);
    expect(cache.has(key!)).toBe(false);
  });

  it('come asynchronously, never during the call', async () => {
    const cache = await caches.create({ capacity: '1mb' });
    let isInside = false;
    const event = heard(cache, 'evict', () => {
      expect(isInside).toBe(false);
      return true;
    });
    isInside = true;
    for (let i = 0; i < 3_000; i++) cache.setBytes(`key ${i}`, new Uint8Array(500));
    isInside = false;
    await event;
  });

  it('a refused set is an event', async () => {
    const maxItem = 1.625 * 2 ** 20;
    const types = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`type${i}`, {}]));
    const cache = await caches.create<Record<string, unknown>>({ capacity: maxItem * 2, slab: { maxItem }, types });
    const event = heard(cache as Cache, 'reject', () => true);
    expect(cache.type('type7').setBytes('clé', new Uint8Array(maxItem - 100))).toBe(false);
    expect(await event).toMatchObject({ type: 'type7', key: 'clé', cause: 'room', bytes: maxItem - 96, threadId });
  });

  it('reach all threads that listen, of whatever thread they are', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock });
    const [a, b] = [remotes.start(cache.handle), remotes.start(cache.handle)];
    await a.do('listen', 'evict');
    await b.do('listen', 'evict');
    const mine = heard(cache, 'evict', ({ key }) => key === 'of a');
    await a.call('set', 'of a', 1, { ttl: 10 });
    clock.advance(30);
    expect(await mine).toMatchObject({ cause: 'expired' });
    expect(await a.event(({ key }) => key === 'of a')).toMatchObject({ type: 'default', cause: 'expired' });
    expect(await b.event(({ key }) => key === 'of a')).toMatchObject({ type: 'default', cause: 'expired' });
  });

  it('a deleted, replaced or cleared entry is no eviction', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock });
    const keys: (string | undefined)[] = [];
    cache.on('evict', ({ key }) => keys.push(key));
    const last = heard(cache, 'evict', ({ key }) => key === 'last');
    cache.set('deleted', 1);
    cache.delete('deleted');
    cache.set('replaced', 1);
    cache.set('replaced', 2);
    cache.clear();
    cache.set('last', 1, { ttl: 10 });
    clock.advance(10);
    await last;
    expect(keys).toEqual(['last']);
  });

  it.each(['evicted', 'toString', 'removeListener'])('there is no event %s', async (name) => {
    const cache = await caches.create();
    for (const method of ['on', 'once', 'off'] as const) {
      const { code, message } = errorOf(() => cache[method](name as 'evict', () => {}));
      expect([code, message]).toEqual(['VELOCACHE_OPTION', expect.stringContaining(`event is "${name}"`)]);
    }
  });

  it.each([undefined, null, 1, {}])('%o is no listener', async (listener) => {
    const cache = await caches.create();
    for (const method of ['on', 'once', 'off'] as const) {
      const { code, message } = errorOf(() => cache[method]('evict', listener as never));
      expect([code, message]).toEqual(['VELOCACHE_OPTION', expect.stringMatching(/^listener is /)]);
    }
  });

  it('are written for no one once a listener of once has been called', async () => {
    const cache = await caches.create({ types: { default: { maxShare: 0.001 } }, pressure: false });
    const words = new Int32Array(cache.handle.buffers[0]!);
    const listening = () => words[HEADER.listening]! & 0xff;
    cache.once('pressure', () => {});
    const before = listening();
    const rejected = new Promise((resolve) => {
      cache.once('reject', resolve);
    });
    expect(listening()).not.toBe(before);
    cache.set('key', 'x'.repeat(20_000));
    await rejected;
    // The warden takes back the kinds that no thread listens for.
    while (listening() !== before) await new Promise(setImmediate);
  });

  it('off and once end the listening', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({ clock });
    const calls: string[] = [];
    const listener = ({ key }: CacheEvent) => calls.push(`on ${key}`);
    cache.on('evict', listener);
    cache.once('evict', ({ key }) => calls.push(`once ${key}`));
    for (const name of ['a', 'b', 'c']) {
      if (name === 'c') cache.off('evict', listener);
      const event = heard(cache, 'evict', ({ key }) => key === name);
      cache.set(name, 1, { ttl: 10 });
      clock.advance(10);
      await event;
    }
    expect(calls).toEqual(['on a', 'once a', 'on b']);
    expect(errorOf(() => cache.on('eviction' as 'evict', () => {})).code).toBe('VELOCACHE_OPTION');
  });

  it('too many for the ring are counted, and the listener goes on with the newest', async () => {
    const cache = await caches.create({ capacity: '1mb' });
    const keys: number[] = [];
    cache.on('evict', ({ key }) => keys.push(Number(key?.slice(4))));
    for (let i = 0; i < 20_000; i++) cache.setBytes(`key ${i}`, new Uint8Array(500));
    const evicted = cache.stats().removals.size;
    const later = heard(cache, 'evict', () => true);
    cache.setBytes('key 20000', new Uint8Array(500));
    await later;
    expect(evicted).toBeGreaterThan(15_000);
    expect(keys.length).toBeLessThan(evicted);
    expect(keys.length).toBeGreaterThan(50);
    expect(cache.stats().eventsDropped).toBeGreaterThan(0);
  });
});

describe('a listener that throws', () => {
  const code = (handler: string) => `
    import { createCache } from 'velocache';
    ${handler}
    const cache = await createCache({ capacity: '8mb' });
    const told = new Promise((resolve) => cache.once('evict', resolve));
    cache.on('evict', ({ key }) => { if (key === 'bad') throw new Error('listener of ' + key); });
    cache.on('evict', ({ key }) => { if (key === 'good') { console.log('still heard'); process.exit(3); } });
    setInterval(() => {}, 1000);
    cache.set('bad', 1, { ttl: 1 });
    await told;
    cache.set('good', 1, { ttl: 1 });`;

  it('is an uncaught exception, which ends the process', async () => {
    const { status, stderr } = await runModule(code(''));
    expect(status).toBe(1);
    expect(stderr).toContain('listener of bad');
  });

  it('does no harm to the cache or to later events, if somebody handles it', async () => {
    const handler = `process.on('uncaughtException', (error) => console.log('caught:', error.message));`;
    const { status, stdout } = await runModule(code(handler));
    expect(stdout).toBe('caught: listener of bad\nstill heard\n');
    expect(status).toBe(3);
  });
});
