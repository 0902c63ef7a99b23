/** Streams of values of bytes, in and out. */
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Cache, CacheReadStream, CacheWriteStream } from 'velocache';
import { ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, rejectionOf, useCaches } from '../support/caches.js';
import { cutAt } from '../support/cut.js';
import { Random, seedFrom } from '../support/random.js';

const SEED = seedFrom('STREAMS_SEED');
const MAX_ITEM = 1 << 20;

const caches = useCaches();

function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + seed) & 0xff;
  return bytes;
}

/** The bytes in pieces of random sizes. */
function* pieces(bytes: Uint8Array, random: Random, most: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + random.below(most) + 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

async function write(
  out: CacheWriteStream,
  bytes: Uint8Array,
  random = new Random(1),
  most = 50_000,
): Promise<boolean> {
  await pipeline(Readable.from(pieces(bytes, random, most)), out);
  return out.stored === true;
}

async function contentOf(stream: CacheReadStream | undefined): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream!) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Stands in for an assertion on long arrays, which is slow. */
function expectSame(found: Uint8Array | undefined, expected: Uint8Array, what = ''): void {
  expect(found?.length, what).toBe(expected.length);
  expect(Buffer.compare(found!, expected), what).toBe(0);
}

/** Bytes of chunks and index in use. */
function used(cache: Cache<never>): number {
  const { classes } = cache.stats();
  return classes.reduce((sum, { chunksUsed, chunkBytes }) => sum + chunksUsed * chunkBytes, 0);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Types {
  default: unknown;
  checked: unknown;
  packed: unknown;
  raw: Uint8Array;
}

const TYPES = { checked: { crc: true }, packed: { compress: { with: 'zlib' } }, raw: { codec: 'raw' } } as const;

describe(`values that come and go as streams (STREAMS_SEED=${SEED})`, () => {
  it('of all lengths, in all pieces, are what was written', async () => {
    const cache = await caches.create<Types>({ types: TYPES, slab: { maxItem: MAX_ITEM } });
    const random = new Random(SEED);
    const { pageBytes } = cache.stats();
    const edges = [
      0,
      1,
      4_095,
      pageBytes - 30,
      pageBytes - 24,
      pageBytes - 23,
      pageBytes,
      3 * pageBytes,
      MAX_ITEM - 10,
    ];
    const lengths = [...edges, ...Array.from({ length: 24 }, () => random.below(2 ** (1 + random.below(20))))];
    for (const [i, length] of lengths.entries()) {
      const space = i % 4 === 3 ? cache : cache.type((['checked', 'packed', 'raw'] as const)[(i % 4) as 0 | 1 | 2]);
      const bytes = bytesOf(length, i);
      const key = `k${'x'.repeat(random.below(5))}`;
      const size = random.below(2) === 0 ? { size: length } : {};
      const most = 1 + random.below(length === 0 ? 1 : Math.max(length >> 6, 3) * (1 + random.below(90)));
      const what = `length ${length}, pieces up to ${most}`;
      expect(await write(space.writeStream(key, size), bytes, random, most), what).toBe(true);
      expectSame(space.getBytes(key), bytes, what);
      const read = space.readStream(key);
      expect(read?.size).toBe(length);
      expectSame(await contentOf(read), bytes, what);
      expect(cache.verify()).toEqual([]);
    }
  });

  it('with long keys, in small pages', async () => {
    const cache = await caches.create<Types>({ types: TYPES, slab: { pageSize: 4_096, maxItem: MAX_ITEM } });
    const random = new Random(SEED);
    for (const keyBytes of [4_070, 4_072, 4_076, 4_077, 8_150, 65_535]) {
      for (const length of [0, 3, 4_000, 30_000]) {
        for (const space of [cache, cache.type('checked')]) {
          const key = 'k'.repeat(keyBytes);
          expect(await write(space.writeStream(key, { idle: '1h' }), bytesOf(length), random)).toBe(true);
          expectSame(space.getBytes(key), bytesOf(length), `key of ${keyBytes}, value of ${length}`);
          expectSame(await contentOf(space.readStream(key)), bytesOf(length));
        }
      }
    }
  });

  it('are bytes for all who read them; strings come as UTF-8', async () => {
    const cache = await caches.create();
    const out = cache.writeStream('key');
    out.write('grüße ');
    out.end('€');
    await once(out, 'finish');
    expect(out.stored).toBe(true);
    expect(Buffer.from(cache.getBytes('key')!).toString()).toBe('grüße €');
    expect(cache.get('key')).toEqual(new Uint8Array(Buffer.from('grüße €')));
  });

  it('are counted as other values: sets, inserts, hits, bytes', async () => {
    const cache = await caches.create();
    await write(cache.writeStream('key'), bytesOf(200_000));
    await write(cache.writeStream('key'), bytesOf(100_000));
    await contentOf(cache.readStream('key'));
    expect(cache.readStream('absent')).toBeUndefined();
    const stats = cache.stats();
    expect(stats).toMatchObject({ entries: 1, sets: 2, inserts: 1, hits: 1, misses: 1, bytesPayload: 100_003 });
    expect(stats.bytesHit).toBe(100_003);
    expect(stats.bytesUsed + stats.bytesFree + stats.bytesIndex + stats.bytesMetadata).toBe(stats.capacityBytes);
  });

  it('live as long as the options say, from their end on', async () => {
    const clock = new ManualClock();
    const cache = await caches.create({ clock });
    const out = cache.writeStream('key', { ttl: '10s' });
    out.write(bytesOf(100_000));
    await turn();
    clock.advance(60_000);
    out.end();
    await once(out, 'finish');
    expect(cache.has('key')).toBe(true);
    clock.advance(10_000);
    expect(cache.has('key')).toBe(false);
    expect(cache.readStream('key')).toBeUndefined();
  });

  it('count for the quota of their user', async () => {
    const cache = await caches.create({ users: { tiers: { standard: 0.1 } } });
    expect(await write(cache.writeStream('key', { user: 'ada' }), bytesOf(300_000))).toBe(true);
    expect(cache.usage('ada')).toMatchObject({ entries: 1 });
    expect(cache.usage('ada')!.bytes).toBeGreaterThan(300_000);
    const out = cache.writeStream('more', { user: 'ada' });
    expect(await write(out, bytesOf(1_000_000))).toBe(false);
    expect(cache.has('more')).toBe(false);
    expect(cache.stats().rejectsByReason.quota).toBe(1);
    expect(cache.getBytes('key')).toHaveLength(300_000);
  });
});

describe('a write stream', () => {
  it('shows nothing before it ends, and leaves nothing behind when it is destroyed at any point', async () => {
    const cache = await caches.create();
    cache.setBytes('key', bytesOf(70_000));
    const before = used(cache as Cache<never>);
    const bytes = bytesOf(300_000, 2);
    for (let cut = 0; cut <= bytes.length; cut += 29_999) {
      const out = cache.writeStream('key', cut % 2 === 0 ? { size: bytes.length } : {});
      for (let at = 0; at < cut; at += 10_000)
        if (!out.write(bytes.subarray(at, Math.min(cut, at + 10_000)))) await turn();
      expectSame(cache.getBytes('key'), bytesOf(70_000));
      expect(cache.verify()).toEqual([]);
      out.destroy();
      await once(out, 'close');
      expect(used(cache as Cache<never>), `cut at ${cut}`).toBe(before);
      expect(out.stored).toBeUndefined();
    }
    expectSame(cache.getBytes('key'), bytesOf(70_000));
  });

  it('is destroyed with what it is piped from', async () => {
    const cache = await caches.create();
    const source = async function* () {
      yield bytesOf(100_000);
      throw new Error('the source broke');
    };
    const out = cache.writeStream('key');
    await expect(pipeline(source, out)).rejects.toThrow('the source broke');
    expect(cache.has('key')).toBe(false);
    expect(used(cache as Cache<never>)).toBe(0);
  });

  it('is destroyed by its signal, before or meanwhile', async () => {
    const cache = await caches.create();
    for (const isBefore of [true, false]) {
      const controller = new AbortController();
      if (isBefore) controller.abort();
      const out = cache.writeStream('key', { signal: controller.signal });
      const failed = once(out, 'error');
      if (!isBefore) {
        out.write(bytesOf(100_000));
        await turn();
        controller.abort();
      }
      expect(await failed).toMatchObject([{ name: 'AbortError' }]);
      expect(used(cache as Cache<never>)).toBe(0);
    }
  });

  it('keeps the old value where more or fewer bytes come than `size`, or more than maxItem', async () => {
    const cache = await caches.create({ slab: { maxItem: '500kb' } });
    cache.setBytes('key', bytesOf(10));
    const errorsOf = (size: number | undefined, length: number): Promise<{ code: unknown; message: string }> =>
      rejectionOf(write(cache.writeStream('key', size === undefined ? {} : { size }), bytesOf(length)));
    for (const [size, length] of [
      [10, 9],
      [10, 11],
      [0, 1],
      [200_000, 199_999],
      [200_000, 200_001],
    ] as const) {
      const { code, message } = await errorsOf(size, length);
      expect(code).toBe('VELOCACHE_STREAM');
      expect(message).toContain(`size is ${size} bytes`);
    }
    expect((await errorsOf(undefined, 500 * 1_024)).code).toBe('VELOCACHE_ITEM_TOO_LARGE');
    expect(errorOf(() => cache.writeStream('key', { size: '500kb' })).code).toBe('VELOCACHE_ITEM_TOO_LARGE');
    expectSame(cache.getBytes('key'), bytesOf(10));
    expect(cache.stats()).toMatchObject({ sets: 1, rejects: 0 });
  });

  it('takes good arguments only', async () => {
    const cache = await caches.create();
    const codes = [
      () => cache.writeStream(''),
      () => cache.writeStream('key', { size: -1 }),
      () => cache.writeStream('key', { size: 'many' }),
      () => cache.writeStream('key', { ttl: 'long' }),
      () => cache.writeStream('key', { signal: 1 as never }),
      () => cache.writeStream('key', { web: true } as never),
      () => cache.readStream('key', { size: 1 } as never),
      () => cache.readStream('key', { signal: {} as never }),
    ].map((call) => errorOf(call).code);
    expect(codes).toEqual(['VELOCACHE_KEY', ...codes.slice(1).map(() => 'VELOCACHE_OPTION')]);
  });

  it('reads its room from the others: it is refused beyond the bounds, and can be tried again', async () => {
    const cache = await caches.create({ slab: { maxItem: '1500kb' } });
    const first = cache.writeStream('first', { size: '1400kb' });
    first.write(bytesOf(100_000));
    const second = cache.writeStream('second', { size: '1mb' });
    const { code, message } = await rejectionOf(write(second, bytesOf(1 << 20)));
    expect(code).toBe('VELOCACHE_STREAM');
    expect(message).toMatch(/streams may have \d+ bytes together/);
    first.end(bytesOf(1_400 * 1_024 - 100_000));
    await once(first, 'finish');
    expect(first.stored).toBe(true);
    expect(await write(cache.writeStream('second', { size: '1mb' }), bytesOf(1 << 20))).toBe(true);
  });

  it('may be one of many: those beyond what a thread may have with memory of their own fail, with no harm to others', async () => {
    const cache = await caches.create({ capacity: '16mb' });
    const streams = Array.from({ length: 12 }, (_, i) => cache.writeStream(`key${i}`));
    const outcomes = await Promise.allSettled(
      streams.map(async (out, i) => {
        const bytes = bytesOf(150_000, i);
        const slowly = async function* () {
          for (let at = 0; at < bytes.length; at += 25_000) {
            yield bytes.subarray(at, at + 25_000);
            await turn();
          }
        };
        await pipeline(slowly, out);
      }),
    );
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed).toHaveLength(4);
    for (const { reason } of failed as PromiseRejectedResult[]) expect(reason.code).toBe('VELOCACHE_STREAM');
    outcomes.forEach(({ status }, i) => {
      if (status === 'fulfilled') expectSame(cache.getBytes(`key${i}`), bytesOf(150_000, i));
      else expect(cache.has(`key${i}`)).toBe(false);
    });
    // Small ones have none, and are as many as you like.
    const small = Array.from({ length: 100 }, (_, i) => write(cache.writeStream(`s${i}`), bytesOf(1_000)));
    expect(new Set(await Promise.all(small))).toEqual(new Set([true]));
  });

  it('says with `stored` what a set would, and takes the key away, when there is no room', async () => {
    const cache = await caches.create<{ default: unknown; few: unknown }>({ types: { few: { maxShare: 0.02 } } });
    const few = cache.type('few');
    few.setBytes('key', bytesOf(1_000));
    const rejects: unknown[] = [];
    cache.on('reject', (event) => rejects.push(event));
    const out = few.writeStream('key');
    expect(await write(out, bytesOf(600_000))).toBe(false);
    expect(out.stored).toBe(false);
    expect(few.has('key')).toBe(false);
    expect(cache.stats().rejectsByReason.share).toBe(1);
    expect(used(cache as Cache<never>)).toBe(0);
  });

  it('wins or loses against other writers as a set at the moment of its end', async () => {
    const cache = await caches.create();
    const first = cache.writeStream('key');
    const second = cache.writeStream('key');
    first.write(bytesOf(100_000, 1));
    second.write(bytesOf(120_000, 2));
    await turn();
    second.end();
    await once(second, 'finish');
    expectSame(cache.getBytes('key'), bytesOf(120_000, 2));
    cache.set('key', 'a set in between');
    first.end();
    await once(first, 'finish');
    expectSame(cache.getBytes('key'), bytesOf(100_000, 1));
    const third = cache.writeStream('key');
    third.end(bytesOf(90_000, 3));
    await once(third, 'finish');
    cache.delete('key');
    expect(cache.has('key')).toBe(false);
  });

  it('takes of a piece that gets longer what there was when it was written', async () => {
    const cache = await caches.create();
    const Growable = SharedArrayBuffer as unknown as new (length: number, options: object) => SharedArrayBuffer;
    const buffer = new Growable(400_000, { maxByteLength: 600_000 });
    const piece = Object.setPrototypeOf(new Uint8Array(buffer), Buffer.prototype) as Buffer;
    piece.set(bytesOf(400_000));
    const out = cache.writeStream('key');
    // So much goes to the arena in several turns.
    out.write(piece);
    (buffer as SharedArrayBuffer & { grow(length: number): void }).grow(600_000);
    out.end();
    await once(out, 'finish');
    expectSame(cache.getBytes('key'), bytesOf(400_000));
  });

  it('holds back a source that is faster', async () => {
    const cache = await caches.create();
    const out = cache.writeStream('key');
    expect(out.write(bytesOf(1_000))).toBe(true);
    expect(out.write(bytesOf(100_000))).toBe(false);
    let turns = 0;
    let counting = setImmediate(function count() {
      turns += 1;
      counting = setImmediate(count);
    });
    await once(out, 'drain');
    for (let i = 0; i < 20; i++) if (!out.write(bytesOf(40_000))) await once(out, 'drain');
    clearImmediate(counting);
    // Each drain is a turn of the event loop, in which others have theirs.
    expect(turns).toBeGreaterThanOrEqual(20);
    out.destroy();
    await once(out, 'close');
  });
});

describe('a read stream', () => {
  it('gives what was there at its beginning, whatever becomes of the entry', async () => {
    const cache = await caches.create();
    const changes = [
      () => cache.setBytes('key', bytesOf(90_000, 2)),
      () => cache.delete('key'),
      () => cache.clearAll(),
      () => {
        for (let i = 0; i < 9_000; i++) cache.setBytes(`k${i}`, bytesOf(900));
      },
      () => write(cache.writeStream('key'), bytesOf(110_000, 3)),
    ];
    for (const change of changes) {
      cache.setBytes('key', bytesOf(200_000));
      const stream = cache.readStream('key')!;
      const [first] = (await once(stream, 'readable').then(() => [stream.read(1_000)])) as [Buffer];
      await change();
      expect(cache.verify()).toEqual([]);
      expectSame(Buffer.concat([first, await contentOf(stream)]), bytesOf(200_000));
    }
  });

  it('reads no further than it is read, and copies no more than it gives', async () => {
    const cache = await caches.create({ slab: { maxItem: MAX_ITEM } });
    cache.setBytes('key', bytesOf(1_000_000));
    const stream = cache.readStream('key')!;
    stream.read(0);
    await turn();
    await turn();
    expect(stream.readableLength).toBeGreaterThan(0);
    expect(stream.readableLength).toBeLessThan(200_000);
    stream.destroy();
    await once(stream, 'close');
    cache.delete('key');
    expect(used(cache as Cache<never>)).toBe(0);
  });

  it('lets go of memory at its end, when it is destroyed, and by its signal; there may be many', async () => {
    const cache = await caches.create();
    cache.setBytes('key', bytesOf(200_000));
    const controller = new AbortController();
    const streams = Array.from({ length: 10 }, () => cache.readStream('key', { signal: controller.signal })!);
    cache.delete('key');
    expect(used(cache as Cache<never>)).toBeGreaterThan(200_000);
    expectSame(await contentOf(streams[0]), bytesOf(200_000));
    expectSame(await contentOf(streams[9]), bytesOf(200_000));
    streams[1]!.destroy();
    const aborted = streams.slice(2, 9).map((stream) => once(stream, 'error'));
    controller.abort();
    for (const [error] of await Promise.all(aborted)) expect(error).toMatchObject({ name: 'AbortError' });
    expect(used(cache as Cache<never>)).toBe(0);
  });

  it('that was cut short before anybody had it holds nothing, wherever that was', async () => {
    const cache = await caches.create();
    let steps = 0;
    for (; ; steps++) {
      cache.setBytes('key', bytesOf(200_000));
      let stream: CacheReadStream | undefined;
      const isCut = cutAt(steps, () => {
        stream = cache.readStream('key');
      });
      cache.delete('key');
      expect(used(cache as Cache<never>) === 0, `cut at ${steps}`).toBe(isCut);
      stream?.destroy();
      if (!isCut) break;
    }
    expect(steps).toBeGreaterThan(5);
    await turn();
    expect(used(cache as Cache<never>)).toBe(0);
  });

  it('is not had of a value that was set', async () => {
    const cache = await caches.create();
    cache.set('key', 'x'.repeat(100_000));
    cache.set('small', 1);
    for (const key of ['key', 'small']) expect(errorOf(() => cache.readStream(key)).code).toBe('VELOCACHE_NOT_BYTES');
  });

  it('gives back what `setBytes` has compressed', async () => {
    const cache = await caches.create<Types>({ types: TYPES });
    const packed = cache.type('packed');
    packed.setBytes('key', Buffer.alloc(300_000, 'text '));
    expect(cache.stats().types['packed']!.bytesPayload).toBeLessThan(10_000);
    expectSame(await contentOf(packed.readStream('key')), Buffer.alloc(300_000, 'text '));
  });
});

describe('web streams', () => {
  it('carry the same, with back-pressure, both ways', async () => {
    const cache = await caches.create();
    const bytes = bytesOf(400_000);
    const out = cache.writeStream('key', { size: bytes.length });
    let pulled = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 10_000;
          if (pulled > bytes.length) controller.close();
          else controller.enqueue(bytes.subarray(pulled - 10_000, pulled));
        },
      },
      { highWaterMark: 0 },
    );
    await source.pipeTo(out.toWeb());
    expect(out.stored).toBe(true);
    const stream = cache.readStream('key')!;
    const reader = stream.toWeb().getReader();
    const parts = [(await reader.read()).value!];
    await turn();
    expect(stream.readableLength).toBeLessThan(200_000);
    for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
    expectSame(Buffer.concat(parts), bytes);
  });

  it('hold a writer back by bytes, not by pieces', async () => {
    const cache = await caches.create();
    const out = cache.writeStream('key');
    const writer = out.toWeb().getWriter();
    expect(writer.desiredSize).toBe(out.writableHighWaterMark);
    const written = writer.write(bytesOf(100_000));
    expect(writer.desiredSize).toBeLessThanOrEqual(0);
    await written;
    await writer.ready;
    await writer.close();
    expectSame(cache.getBytes('key'), bytesOf(100_000));
  });

  it('leave nothing behind when they are aborted or cancelled, and tell of errors', async () => {
    const cache = await caches.create({ slab: { maxItem: '300kb' } });
    cache.setBytes('there', bytesOf(200_000));
    const before = used(cache as Cache<never>);
    const writer = cache.writeStream('key').toWeb().getWriter();
    await writer.write(bytesOf(100_000));
    await writer.abort(new Error('no more'));
    const tooLarge = cache.writeStream('key').toWeb().getWriter();
    expect(await rejectionOf(tooLarge.write(bytesOf(400_000)))).toMatchObject({ code: 'VELOCACHE_ITEM_TOO_LARGE' });
    const reader = cache.readStream('there')!.toWeb().getReader();
    await reader.read();
    await reader.cancel();
    await turn();
    expect(used(cache as Cache<never>)).toBe(before);
    expect(cache.has('key')).toBe(false);
  });

  it('are what Node makes of the streams, too', async () => {
    const cache = await caches.create();
    const writer = Writable.toWeb(cache.writeStream('key')).getWriter();
    await writer.write(bytesOf(100_000));
    await writer.close();
    const web = Readable.toWeb(cache.readStream('key')!);
    const parts: Uint8Array[] = [];
    for await (const part of web) parts.push(part as Uint8Array);
    expectSame(Buffer.concat(parts), bytesOf(100_000));
  });
});

describe('close', () => {
  it('ends the streams of its thread with VELOCACHE_CLOSED, or in silence where nobody listens', async () => {
    const cache = await caches.create();
    cache.setBytes('key', bytesOf(200_000));
    const out = cache.writeStream('new');
    out.write(bytesOf(100_000));
    const stream = cache.readStream('key')!;
    const [silentOut, silent] = [cache.writeStream('other'), cache.readStream('key')!];
    const errors = [once(out, 'error'), once(stream, 'error')];
    await turn();
    await cache.close();
    for (const [error] of await Promise.all(errors)) expect(error).toMatchObject({ code: 'VELOCACHE_CLOSED' });
    expect([silentOut.destroyed, silent.destroyed]).toEqual([true, true]);
    expect(errorOf(() => cache.writeStream('key')).code).toBe('VELOCACHE_CLOSED');
    expect(errorOf(() => cache.readStream('key')).code).toBe('VELOCACHE_CLOSED');
  });
});
