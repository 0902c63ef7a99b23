/** Streams of several threads, some of which die or leave in the middle of them. */
import { once } from 'node:events';
import type { Cache, CacheReadStream } from 'velocache';
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';
import { Random, seedFrom } from '../support/random.js';
import { type Remote, useRemotes } from '../support/remote.js';

const SEED = seedFrom('STREAMS_SEED');
const KILLS = 12;
/** Each kill begins with a new thread, which takes long on a busy machine. */
const TIMEOUT_MS = 240_000;

const caches = useCaches();
const remotes = useRemotes();

/** Bytes of chunks in use. */
function used(cache: Cache<never>): number {
  return cache.stats().classes.reduce((sum, { chunksUsed, chunkBytes }) => sum + chunksUsed * chunkBytes, 0);
}

/** Waits until what the dead have left is cleared up, which nothing but the bound of the test ends otherwise. */
async function settled(cache: Cache<never>, threads: number): Promise<void> {
  while (cache.stats().threads > threads) await new Promise((resolve) => setImmediate(resolve));
}

async function contentOf(stream: CacheReadStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function kill(remote: Remote): Promise<void> {
  await remote.worker.terminate();
  await remote.exited;
}

describe('a thread with open streams', () => {
  for (const [how, end] of [
    ['is terminated', kill],
    ['exits', (remote: Remote) => Promise.race([remote.do('exit', 0), remote.exited])],
    ['detaches', (remote: Remote) => remote.call('close')],
  ] as const) {
    it(`${how}: what it wrote is gone, what it held is free`, async () => {
      const cache = await caches.create();
      const { threads } = cache.stats();
      cache.setBytes('new', Buffer.from('old'));
      cache.setBytes('read', new Uint8Array(200_000).fill(2));
      const remote = remotes.start(cache.handle);
      const before = used(cache as Cache<never>);
      expect(await remote.do('streams', 'new', 300_000, 'read')).toBeGreaterThan(0);
      expect(used(cache as Cache<never>)).toBeGreaterThan(before + 200_000);
      // Its pin keeps what is deleted now.
      cache.delete('read');
      expect(used(cache as Cache<never>)).toBeGreaterThan(before + 200_000);
      expect(cache.verify()).toEqual([]);
      await end(remote);
      await settled(cache as Cache<never>, threads);
      expect(Buffer.from(cache.getBytes('new')!).toString()).toBe('old');
      cache.delete('new');
      expect(used(cache as Cache<never>)).toBe(0);
      expect(cache.verify()).toEqual([]);
    });
  }

  it('that dies leaves the room that it had reserved to others', async () => {
    const cache = await caches.create({ slab: { maxItem: '1500kb' } });
    const { threads } = cache.stats();
    const remote = remotes.start(cache.handle);
    cache.setBytes('read', new Uint8Array(100_000));
    await remote.do('streams', 'new', 1_400_000, 'read');
    const refused = cache.writeStream('key', { size: '1mb' });
    const failed = once(refused, 'error');
    refused.write(new Uint8Array(500_000));
    expect(await failed).toMatchObject([{ code: 'VELOCACHE_STREAM' }]);
    await kill(remote);
    await settled(cache as Cache<never>, threads);
    const out = cache.writeStream('key', { size: '1mb' });
    await new Promise((resolve) => out.end(new Uint8Array(1 << 20), () => resolve(undefined)));
    expect(out.stored).toBe(true);
  });
});

describe(`threads that are killed anywhere in streams (STREAMS_SEED=${SEED})`, () => {
  it(
    'leave whole values only, and no memory taken',
    async () => {
      const cache = await caches.create({ capacity: '16mb' });
      const { threads } = cache.stats();
      const keys = Array.from({ length: 6 }, (_, i) => `key${i}`);
      const random = new Random(SEED);
      const survivor = remotes.start(cache.handle);
      const surviving = survivor.do('streaming', keys, 150, 700_000);
      for (let i = 0; i < KILLS; i++) {
        const victim = remotes.start(cache.handle);
        victim.do('streaming', keys, 1_000_000, 900_000).catch(() => {});
        await victim.event((event) => (event as { type?: string }).type === 'storm');
        await new Promise((resolve) => setTimeout(resolve, random.below(60)));
        await kill(victim);
        for (const key of keys) {
          const stream = cache.readStream(key);
          const value = stream === undefined ? Buffer.alloc(0) : await contentOf(stream);
          expect(value.every((byte) => byte === value[0])).toBe(true);
        }
        expect(cache.verify()).toEqual([]);
      }
      expect(await surviving).toBe(0);
      await settled(cache as Cache<never>, threads + 1);
      cache.clearAll();
      expect(used(cache as Cache<never>)).toBe(0);
      expect(cache.stats()).toMatchObject({ deaths: KILLS, shardsEmptied: 0 });
      expect(cache.verify()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
