/** The plan of an arena: regions that don't overlap, inside the capacity, for every size that options allow. */
import { describe, expect, it } from 'vitest';
import {
  Arena,
  Counters,
  Layout,
  OWNER_SLOTS,
  OWNER_WORDS,
  PRECEDENCES,
  RING_WORDS,
  SeqlockReader,
  STRIPE,
  TYPE_WORDS,
  USER,
} from '../../../native-free/index.js';
import { journalWords } from '../../../native-free/journal.js';
import { resolveOptions } from '../../../src/cache/options.js';
import type { UserOptions } from '../../../src/cache/users.js';

const MB = 2 ** 20;
const CAPACITIES = [
  MB,
  MB + 1,
  1.5 * MB,
  2 * MB,
  3 * MB,
  8 * MB,
  10 * MB + 12_345,
  64 * MB,
  100 * MB,
  256 * MB,
  2 ** 30,
  2 ** 30 + 1,
  3e9,
  2 ** 33,
  2 ** 34 - 1,
  2 ** 34,
];
const TYPE_COUNTS = [1, 6, 30];

function layoutOf(capacity: number, types: number, slab = {}, users?: UserOptions): Layout {
  const names = Array.from({ length: types - 1 }, (_, i) => [`type${i}`, {}]);
  return new Layout(
    resolveOptions({ capacity, types: Object.fromEntries(names), slab, ...(users && { users }) }).arena,
  );
}

/** Regions of segment 0 as [name, first word, words]. */
function regions(layout: Layout): [string, number, number][] {
  const { config } = layout;
  return [
    ['header', 0, 64],
    ['owners', layout.owners, OWNER_SLOTS * OWNER_WORDS],
    ['counters', layout.counters, OWNER_SLOTS * layout.countersPerStripe * 2],
    ['type states', layout.typeStates, config.types * 3],
    ['events', layout.events, 16 + config.eventWords],
    ...Array.from({ length: config.shards }, (_, i): [string, number, number] => [
      `shard ${i}`,
      layout.shard(i),
      layout.shardWords,
    ]),
    ...Array.from({ length: layout.users.stripes }, (_, i): [string, number, number] => [
      `users ${i}`,
      layout.users.stripe(i),
      layout.users.words / layout.users.stripes,
    ]),
    ['log', layout.log, layout.logWords],
    ['descriptors', layout.descriptors, layout.pages * layout.descriptorWords],
    ['pages', layout.pagesStartBytes / 4, 0],
  ];
}

describe('Layout', () => {
  const CASES = CAPACITIES.flatMap((capacity) => TYPE_COUNTS.map((types) => [capacity, types] as const));

  it.each(CASES)('%d bytes, %d types: regions follow each other, within the capacity', (capacity, types) => {
    expectRegions(layoutOf(capacity, types), capacity);
  });

  it.each(CAPACITIES)('%d bytes, with users: the same', (capacity) => {
    for (const users of [{}, { max: 1 }, { max: Math.min(2 ** 20, Math.floor(capacity / 512)) }]) {
      const layout = layoutOf(capacity, 6, {}, users);
      expectRegions(layout, capacity);
      expect(layout.users.words * 4).toBeLessThan(capacity / 8);
      expectRecords(layout);
    }
  });

  /** Each stripe has its words in a row: lock and journal, buckets, records. */
  function expectRecords({ users, config }: Layout): void {
    expect(users.records * users.stripes).toBeGreaterThanOrEqual(config.users!);
    const words = users.words / users.stripes;
    for (const stripe of [0, 1, users.stripes - 1]) {
      const first = users.firstRecord(stripe);
      const last = first + users.records - 1;
      expect([users.stripeOfRecord(first), users.stripeOfRecord(last)]).toEqual([stripe, stripe]);
      const buckets = Array.from({ length: users.buckets }, (_, i) => users.bucket(stripe, (i << 8) | stripe));
      expect(new Set(buckets).size).toBe(users.buckets);
      expect(Math.min(...buckets)).toBeGreaterThanOrEqual(users.stripe(stripe) + STRIPE.journal + journalWords(48));
      expect(Math.max(...buckets)).toBeLessThan(users.record(first));
      expect(users.record(last) + USER.activity).toBeLessThan(users.stripe(stripe) + words);
    }
  }

  function expectRegions(layout: Layout, capacity: number): void {
    let end = 0;
    for (const [name, start, words] of regions(layout)) {
      expect(start, name).toBeGreaterThanOrEqual(end);
      end = start + words;
    }
    expect(layout.bytesMetadata).toBeLessThanOrEqual(layout.pagesStartBytes);
    expect(layout.bytesTotal).toBeLessThanOrEqual(capacity);
    expect(layout.bytesTotal).toBe(layout.pagesStartBytes + layout.pages * layout.config.pageBytes);
    // Less than two pages are lost to alignment.
    expect(capacity - layout.bytesTotal).toBeLessThan(2 * layout.config.pageBytes + layout.descriptorWords * 4);
    expect(layout.pages).toBeGreaterThanOrEqual(layout.config.shards * 4);
  }

  it('pages and the log grow with the capacity, within bounds', () => {
    const KB = 2 ** 10;
    const sizes = [MB, 2 * MB, 3 * MB, 4 * MB, 5 * MB, 8 * MB, 9 * MB, 256 * MB, 2 ** 33, 2 ** 34].map((capacity) => {
      const { pageBytes, logBytes } = layoutOf(capacity, 1).config;
      return [pageBytes / KB, (logBytes ?? 0) / KB];
    });
    const pages = [4, 4, 8, 8, 16, 16, 32, 32, 64, 128];
    const logs = [16, 16, 16, 16, 16, 16, 32, 512, 1_024, 1_024];
    expect(sizes).toEqual(pages.map((size, i) => [size, logs[i]]));
  });

  it.each(CAPACITIES)('%d bytes: parts of a shard follow each other', (capacity) => {
    const layout = layoutOf(capacity, 6);
    const parts = [
      [96, 64],
      [layout.typesOffset, 6 * TYPE_WORDS],
      [layout.ringsOffset, 64 * RING_WORDS],
      [layout.typeRingsOffset, 6 * RING_WORDS],
      [layout.thresholdsOffset, PRECEDENCES + 6],
      [layout.policyOffset, layout.config.policyWords],
      [layout.directoryOffset, layout.directoryEntries],
      [layout.userOperationOffset, 8],
      [layout.journalOffset, journalWords(1_024)],
      [layout.removalsOffset, 6 * layout.config.removalCauses * 2],
      [layout.recentOffset, 16 * 7],
      [layout.evictionsOffset, 16 + 16 * layout.config.evictionRecords],
      [layout.flights.header(0), layout.flights.words],
      [layout.shardWords, 0],
    ] as const;
    let end = 0;
    for (const [start, words] of parts) {
      expect(start).toBeGreaterThanOrEqual(end);
      end = start + words;
    }
    expect(layout.directoryEntries).toBeGreaterThanOrEqual(1);
    const { evictionRecords, shards } = layout.config;
    expect(evictionRecords * 64, 'bytes of the eviction log').toBeLessThanOrEqual(capacity / shards / 256);
    expect(evictionRecords).toBeGreaterThanOrEqual(32);
    expectFlights(layout);
  });

  /** Each hash has eight places in the table, of which there is little beside what it serves. */
  function expectFlights({ flights, config }: Layout): void {
    const firsts = Array.from({ length: 4_096 }, (_, i) => flights.first(Math.imul(i, 0x9e3779b1)));
    for (const first of firsts) expect(first % 8).toBe(0);
    expect(Math.min(...firsts)).toBe(0);
    expect(Math.max(...firsts)).toBe(flights.flights - 8);
    expect(flights.flight(0, flights.flights)).toBe(flights.outcome(0, 0));
    expect(flights.outcome(0, 16)).toBe(flights.header(0) + flights.words);
    expect(flights.flights * config.shards).toBeGreaterThanOrEqual(64);
    expect(flights.words * 4 * config.shards).toBeLessThan(config.capacityBytes / 100);
  }

  it.each(CAPACITIES)('%d bytes: segments, and the refs of pages', (capacity) => {
    const layout = layoutOf(capacity, 1);
    const sizes = layout.segments();
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(layout.bytesTotal);
    expect(sizes.length).toBeLessThanOrEqual(16);
    expect(sizes.slice(0, -1).every((size) => size === 2 ** 30)).toBe(true);
    const last = layout.pages - 1;
    for (const page of [0, 1, last >> 1, last]) {
      const ref = layout.pageRef(page);
      expect(ref, 'a ref is a positive int32').toBe(ref | 0);
      expect([layout.pageOf(ref), layout.pageOf(ref + layout.pageGranules - 1)]).toEqual([page, page]);
      // No page lies in two segments.
      expect(Math.floor((ref * 8) / 2 ** 30)).toBe(Math.floor((ref * 8 + layout.config.pageBytes - 1) / 2 ** 30));
    }
    for (const wild of [0, 1, -1, -(2 ** 31), layout.pagesStart - 1, layout.pageRef(last) + layout.pageGranules]) {
      const page = layout.pageOf(wild);
      expect(page < 0 || page >= layout.pages, `wild ref ${wild}`).toBe(true);
    }
  });

  it('bits of the descriptors cover the chunks of the smallest class', () => {
    for (const slab of [
      {},
      { minChunk: 32 },
      { pageSize: 4_096 },
      { pageSize: '1mb', minChunk: 32, growthFactor: 1.5 },
    ]) {
      const layout = layoutOf(64 * MB, 1, slab);
      const { pageBytes, chunkBytesMin } = layout.config;
      expect((layout.descriptorWords - 8) * 32).toBeGreaterThanOrEqual(pageBytes / chunkBytesMin);
    }
  });

  it('refuses what can not be planned', () => {
    const { config } = layoutOf(8 * MB, 1);
    const wrong = [
      { pageBytes: 10_000 },
      { segmentBytes: 2 ** 31 },
      { segmentBytes: 8_192 },
      { shards: 3 },
      { shards: 512 },
    ];
    for (const change of wrong) expect(() => new Layout({ ...config, ...change }), JSON.stringify(change)).toThrow();
  });
});

describe('Arena', () => {
  it('maps refs to segments, the same for all who attach', () => {
    const { config } = layoutOf(8 * MB, 1);
    const layout = new Layout({ ...config, segmentBytes: 2 ** 20 });
    const arena = Arena.create(layout, { configHash: 77, random: [1, -1, 3, 4] });
    const other = Arena.attach(layout, arena.buffers);
    expect(arena.buffers).toHaveLength(8);
    for (let page = 0; page < layout.pages; page += 7) {
      const ref = layout.pageRef(page);
      arena.wordsOf(ref)[arena.wordIndex(ref)] = page + 1;
      expect(other.wordsOf(ref)[other.wordIndex(ref)]).toBe(page + 1);
      expect(other.bytesOf(ref)[other.wordIndex(ref) * 4]).toBe((page + 1) & 0xff);
    }
    expect([other.matches(77), other.matches(78), other.id]).toEqual([true, false, '1-ffffffff']);
    expect(Arena.attach(layout, arena.buffers.slice(1)).matches(77)).toBe(false);
    expect(Arena.attach(layout, arena.buffers.slice(0, 7)).matches(77)).toBe(false);
  });
});

describe('Counters', () => {
  it('sum over stripes, of which each thread writes its own', () => {
    const buffer = new SharedArrayBuffer(8 * 3 * 4);
    const stripes = [0, 1, 3].map((stripe) => new Counters(buffer, 0, 3, 4, stripe));
    for (const [i, counters] of stripes.entries()) counters.add(1, 10 ** i);
    stripes[0]!.add(2, 2 ** 40);
    expect([...stripes[1]!.sums()]).toEqual([0, 111, 2 ** 40]);
    // A thread that gets a used slot goes on where the last one ended.
    new Counters(buffer, 0, 3, 4, 3).add(1, 1);
    expect(stripes[0]!.sums()[1]).toBe(112);
  });
});

describe('SeqlockReader', () => {
  it.each([false, true])(
    'accepts what stood still, and waits for no odd sequence for ever (weak memory: %s)',
    (weak) => {
      const words = new Int32Array(new SharedArrayBuffer(64));
      const reader = new SeqlockReader(words, 9, weak);
      for (const sequence of [0, 10, 0x7ffffffe, -2]) {
        words[0] = sequence;
        expect(reader.begin(words, 0)).toBe(sequence);
        expect(reader.isValid(words, 0, sequence)).toBe(true);
        words[0] = (sequence + 1) | 0;
        expect(reader.begin(words, 0)).toBe(1);
        expect(reader.isValid(words, 0, sequence)).toBe(false);
        words[0] = (sequence + 2) | 0;
        expect(reader.isValid(words, 0, sequence)).toBe(false);
      }
    },
  );
});
