/** Dictionaries in a log that threads share: each thread learns from its values, one is first, and all find what there is. */
import { describe, expect, it } from 'vitest';
import { type AppendLog, LOG_BUSY, RECORD_KIND } from '../../../native-free/index.js';
import { Compression, type CompressionPlan } from '../../../src/codecs/compression.js';
import { createCompressors } from '../../../src/codecs/compressors.js';
import { Dictionaries, TypeDictionaries } from '../../../src/codecs/dictionaries.js';
import { CodecError } from '../../../src/errors.js';
import { type LogBed, logBed } from '../../support/logs.js';
import { Random } from '../../support/random.js';

const LOG_BYTES = 2 ** 17;
const PLAN: CompressionPlan = {
  with: 'zlib',
  above: 10_240,
  atSet: true,
  dictionary: { bytes: 2_048, most: 4 },
};

interface Thread {
  readonly log: AppendLog;
  readonly shelf: TypeDictionaries;
  readonly compression: Compression;
}

function threadOf(bed: LogBed, typeId = 0, plan: Partial<CompressionPlan> = {}): Thread {
  const log = bed.join();
  const shelf = new TypeDictionaries(new Dictionaries(log), typeId);
  const compression = new Compression({
    plan: { ...PLAN, ...plan },
    compressors: createCompressors(),
    itemBytesMax: 100_000,
    chunkBytesOf: (itemBytes) => Math.ceil(itemBytes / 32) * 32,
    pressure: () => 0,
    tally: { compressed: () => {}, unpaid: () => {}, decompressed: () => {} },
    dictionaries: { shelf, spent: () => {} },
    now: () => performance.now(),
  });
  return { log, shelf, compression };
}

/** Some 300 bytes, of which most are the same for every `id` of a `kind`. */
const makeValue = (id: number, kind = 'session'): Buffer =>
  Buffer.from(
    Array.from({ length: 12 }, (_, i) => `${kind} property ${i * 7919 + kind.length}=${(id * (i + 3)) % 97};`).join(''),
  );
/** Two of them have nothing in common. */
const unlike = (id: number): Buffer => {
  const random = new Random(id);
  return Buffer.from(Uint8Array.from({ length: 300 }, () => random.below(256)));
};

/** Stores values until the type has so many dictionaries. */
function learn(thread: Thread, count: number, kind?: string): void {
  for (let id = 0; id < 5_000 && thread.shelf.count < count; id++) thread.compression.shrink(makeValue(id, kind), 20);
  expect(thread.shelf.count).toBe(count);
}

describe('a type with dictionaries', () => {
  it('stores small values as they are until it has one, and in a fraction of it from then on', () => {
    const thread = threadOf(logBed(LOG_BYTES));
    expect(thread.compression.shrink(makeValue(1), 20)).toBeUndefined();
    learn(thread, 1);
    const value = makeValue(7_000);
    const { head, bytes } = thread.compression.shrink(value, 20)!;
    expect(head).toEqual({ compressor: 1, isHard: false, rawBytes: value.length, dictionary: 0 });
    expect(bytes.length).toBeLessThan(value.length / 3);
    expect(Buffer.from(thread.compression.expand(head, bytes))).toEqual(value);
    expect([thread.log.count, thread.log.kindOf(0), thread.log.problems()]).toEqual([1, RECORD_KIND.dictionary, []]);
  });

  it('is read by threads that learned nothing, and by dictionaries that have been followed by others', () => {
    const bed = logBed(LOG_BYTES);
    const [one, other] = [threadOf(bed), threadOf(bed)];
    learn(one, 1);
    const first = one.compression.shrink(makeValue(1), 20)!;
    learn(one, 2, 'an excursion of another kind');
    const second = one.compression.shrink(makeValue(1, 'an excursion of another kind'), 20)!;
    expect([first.head.dictionary, second.head.dictionary]).toEqual([0, 1]);
    expect(Buffer.from(other.compression.expand(first.head, first.bytes))).toEqual(makeValue(1));
    expect(other.compression.shrink(makeValue(2), 20)!.head.dictionary).toBe(1);
  });

  it('has none of another type, and none that is unknown', () => {
    const bed = logBed(LOG_BYTES);
    const [session, route] = [threadOf(bed, 0), threadOf(bed, 1)];
    learn(session, 1);
    const { head, bytes } = session.compression.shrink(makeValue(1), 20)!;
    const reading = (thread: Thread, dictionary: number) => (): unknown =>
      thread.compression.expand({ ...head, dictionary }, bytes);
    expect(reading(route, 0)).toThrow(CodecError);
    expect(reading(session, 1)).toThrow('there is no dictionary 1 of this type');
    expect([route.shelf.count, route.shelf.latest]).toEqual([0, undefined]);
  });

  it('gets a new one where values have changed for the worse, and no more than the plan has room for', () => {
    const thread = threadOf(logBed(LOG_BYTES), 0, { dictionary: { bytes: 2_048, most: 3 } });
    learn(thread, 1);
    for (let id = 0; id < 3_000; id++) thread.compression.shrink(makeValue(id), 20);
    expect(thread.shelf.count).toBe(1);
    for (const [kind, count] of [
      ['over the hills', 2],
      ['hour by hour', 3],
      ['answers of a model', 3],
    ] as const) {
      for (let id = 0; id < 3_000; id++) thread.compression.shrink(makeValue(id, kind), 20);
      expect(thread.shelf.count).toBe(count);
    }
    expect([thread.log.count, thread.log.problems()]).toEqual([3, []]);
  });

  it('gets none where none pays, and tries ever more rarely', () => {
    const bed = logBed(LOG_BYTES);
    const thread = threadOf(bed);
    for (let id = 0; id < 10_000; id++) thread.compression.shrink(unlike(id), 20);
    expect([thread.shelf.count, bed.join().count]).toEqual([0, 0]);
  });

  it('learns from each thread, and keeps what the first has appended', () => {
    const bed = logBed(LOG_BYTES);
    const threads = [threadOf(bed), threadOf(bed), threadOf(bed)];
    for (let id = 0; id < 3_000; id++) for (const { compression } of threads) compression.shrink(makeValue(id), 20);
    // The first, and at most the one that follows it at once: not one of each thread.
    expect([1, 2]).toContain(threads[0]!.log.count);
    expect(threads.map(({ shelf }) => shelf.latest)).toEqual(threads.map(() => threads[0]!.shelf.latest));
  });

  it('goes without while the lock of the log can not be had', () => {
    const bed = logBed(LOG_BYTES);
    const thread = threadOf(bed);
    const { append } = thread.log;
    let refused = 0;
    thread.log.append = () => {
      refused += 1;
      return LOG_BUSY;
    };
    for (let id = 0; id < 2_000; id++) expect(thread.compression.shrink(makeValue(id), 20)).toBeUndefined();
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(5);
    thread.log.append = append;
    for (let id = 0; id < 5_000; id++) thread.compression.shrink(makeValue(id), 20);
    expect(thread.shelf.count).toBeGreaterThan(0);
  });

  it('doesn’t try small values that would land in the same chunk, and tries ever fewer of those that do not pay', () => {
    const thread = threadOf(logBed(LOG_BYTES));
    learn(thread, 1);
    const { count } = thread.log;
    expect(thread.compression.shrink(Buffer.from('tiny'), 20)).toBeUndefined();
    for (let id = 0; id < 100; id++) expect(thread.compression.shrink(unlike(id), 20)).toBeUndefined();
    let left = 0;
    while (thread.compression.shrink(makeValue(left), 20) === undefined && left < 100) left += 1;
    expect([left > 0, left <= 64, thread.log.count]).toEqual([true, true, count]);
  });

  it.each(['brotli', 'lz4', 'auto'] as const)(
    'with %s takes zlib for small values, and that for large ones',
    (name) => {
      const thread = threadOf(logBed(LOG_BYTES), 0, { with: name });
      learn(thread, 1);
      expect(thread.compression.shrink(makeValue(1), 20)!.head).toMatchObject({ compressor: 1, dictionary: 0 });
      const large = Buffer.from(Array.from({ length: 60 }, (_, id) => makeValue(id).toString()).join(''));
      const { head, bytes } = thread.compression.shrink(large, 20)!;
      if (name !== 'auto') expect([head.compressor, head.dictionary]).toEqual([name === 'brotli' ? 2 : 3, undefined]);
      expect(Buffer.from(thread.compression.expand(head, bytes))).toEqual(large);
    },
  );

  it('compresses large values, and those that a share calls for, with it too', () => {
    const thread = threadOf(logBed(LOG_BYTES));
    learn(thread, 1);
    const large = Buffer.from(Array.from({ length: 60 }, (_, id) => makeValue(id).toString()).join(''));
    for (const each of [thread.compression.shrink(large, 20)!, thread.compression.squeeze(large, large.length)!]) {
      expect(each.head.dictionary).toBe(0);
      expect(Buffer.from(thread.compression.expand(each.head, each.bytes))).toEqual(large);
    }
  });
});
