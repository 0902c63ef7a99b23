/**
 * What decoding less is worth. First a small object, ten properties and 137 bytes of JSON: `get`, and unpacking alone, beside code
 * that knows the object and needs no format: an object literal of ten values out of 57 bytes, the numbers from fixed places, the
 * strings as fresh ones, either each by a call of its own or cut from one text; the bytes are at hand, or in the cache, too. Then values of types with heavy
 * properties: `get` of the whole, with the heavy ones unread and read, and `getFields` of what is left.
 */
import { createCodecs } from '../src/codecs/codecs.js';
import { Packer } from '../src/codecs/packer.js';
import { createCache } from '../src/index.js';
import { logBed } from '../test/support/logs.js';
import { type Summary, summarize, table } from './figures.js';
import type { BenchOptions } from './options.js';
import { loadPayloads } from './payloads.js';

const SMALL = {
  id: 48_213,
  user: 'ada.byron',
  role: 'rider',
  club: 'Lyon Velo',
  km: 12.5,
  rides: 132,
  active: true,
  level: 7,
  city: 'Lyon',
  lang: 'fr',
};
/** Code that knows the object, and what the other ways are held against. */
const BY_HAND = ['by hand, a call a string', 'by hand, one text'] as const;
/** Milliseconds of one measurement, so few that the thread is mostly not taken off its core; calls before it, by which that is told. */
const SLICE_MS = 2;
/** Measurements of each way in a round. */
const SLICES = 8;
const WARM_UPS = 1_000;
/** Results that are kept, so that no compiler leaves out making them. */
const KEPT = 256;
const LOG_BYTES = 2 ** 16;
const VALUES_MAX = 300;
/** Large properties of the dashboard's types, and small ones for a list. */
const HEAVY = {
  session: { heavy: ['history', 'user'], light: ['userAgent', 'createdAt'] },
  route: { heavy: ['features', 'routes', 'geometry', 'trips'], light: ['type', 'properties', 'code', 'name'] },
} as const;

type Ways = Readonly<Record<string, () => unknown>>;

export async function runLazy({ payloads: folder, rounds }: BenchOptions): Promise<void> {
  await runSmall(rounds);
  for (const { type, values } of loadPayloads(folder)) {
    if (type === 'session' || type === 'route') await runHeavy(type, values.slice(0, VALUES_MAX), rounds);
  }
}

async function runSmall(rounds: number): Promise<void> {
  const cache = await createCache({ capacity: '16mb', pressure: false });
  for (let i = 0; i < 3; i++) cache.set('small', SMALL);
  const own = ownBytes();
  cache.setBytes('own', own);
  const ways = {
    [BY_HAND[0]]: () => byCalls(own),
    [BY_HAND[1]]: () => byText(own),
    unpack: unpacking(),
    'getBytes, then a call a string': () => byCalls(cache.getBytes('own')!),
    'getBytes, then one text': () => byText(cache.getBytes('own')!),
    get: () => cache.get('small'),
  };
  const ns = measured(ways, rounds);
  const bytes = JSON.stringify(SMALL).length;
  const rows = [
    [`${Object.keys(SMALL).length} properties, ${bytes} bytes of JSON`, 'ns', 'p25-p75', '× by calls', '× one text'],
  ];
  for (const [name, samples] of ns) {
    const [calls, text] = BY_HAND.map((base) => timesOf(samples, ns.get(base)!));
    const { median, p25, p75 } = summarize(samples);
    rows.push([
      name,
      median.toFixed(0),
      `${p25.toFixed(0)}-${p75.toFixed(0)}`,
      calls!.median.toFixed(2),
      text!.median.toFixed(2),
    ]);
  }
  process.stdout.write(table(rows));
  await cache.close();
}

const scratch = Buffer.allocUnsafeSlow(57) as Buffer & { latin1Slice(start: number, end: number): string };
const numbers = new DataView(scratch.buffer);

/** The values at fixed places: numbers up to 24, the strings from 28 on. */
function ownBytes(): Uint8Array {
  numbers.setUint32(0, SMALL.id);
  numbers.setFloat64(4, SMALL.km);
  numbers.setUint32(12, SMALL.rides);
  scratch[16] = 1;
  numbers.setUint32(20, SMALL.level);
  scratch.write(SMALL.user + SMALL.role + SMALL.club + SMALL.city + SMALL.lang, 28, 'latin1');
  return Uint8Array.from(scratch);
}

/** Each string by a call that makes it, out of a copy of the bytes. */
function byCalls(bytes: Uint8Array): unknown {
  scratch.set(bytes);
  return {
    id: numbers.getUint32(0),
    user: scratch.latin1Slice(28, 37),
    role: scratch.latin1Slice(37, 42),
    club: scratch.latin1Slice(42, 51),
    km: numbers.getFloat64(4),
    rides: numbers.getUint32(12),
    active: scratch[16] === 1,
    level: numbers.getUint32(20),
    city: scratch.latin1Slice(51, 55),
    lang: scratch.latin1Slice(55, 57),
  };
}

/** All strings by one call, and then cut: short ones are copied by V8. */
function byText(bytes: Uint8Array): unknown {
  scratch.set(bytes);
  const text = scratch.latin1Slice(28, 57);
  return {
    id: numbers.getUint32(0),
    user: text.slice(0, 9),
    role: text.slice(9, 14),
    club: text.slice(14, 23),
    km: numbers.getFloat64(4),
    rides: numbers.getUint32(12),
    active: scratch[16] === 1,
    level: numbers.getUint32(20),
    city: text.slice(23, 27),
    lang: text.slice(27, 29),
  };
}

/** Only from packed bytes in private memory to the value. */
function unpacking(): () => unknown {
  const codec = createCodecs(logBed(LOG_BYTES).join()).get('msgpack')!;
  const packer = new Packer({ codec, codecsById: [undefined, codec], hasCrc: false });
  for (let i = 0; i < 3; i++) packer.pack(SMALL);
  const bytes = Buffer.from(packer.pack(SMALL));
  return () => packer.unpack(1, bytes, 0, bytes.length);
}

async function runHeavy(type: keyof typeof HEAVY, values: readonly unknown[], rounds: number): Promise<void> {
  const { heavy, light } = HEAVY[type];
  const rows = [[`${type}, ${values.length} values`, 'whole, µs', 'unread', 'read', 'getFields, whole', 'getFields']];
  for (const compress of [undefined, { with: 'zlib', above: '1kb' }] as const) {
    const options = compress && { compress };
    const types = { whole: { ...options }, lazy: { ...options, lazy: heavy } };
    const cache = await createCache<Record<'whole' | 'lazy', object>>({ capacity: '256mb', pressure: false, types });
    const [whole, lazy] = [cache.type('whole'), cache.type('lazy')];
    const keys = values.map((_, i) => String(i));
    for (const space of [whole, lazy, whole, lazy])
      values.forEach((value, i) => void space.set(keys[i]!, value as object));
    const each = (read: (key: string) => unknown) => {
      let i = 0;
      return () => read(keys[i++ % keys.length]!);
    };
    const ways = {
      whole: each((key) => whole.get(key)),
      unread: each((key) => lazy.get(key)),
      read: each((key) => Object.values(lazy.get(key)!)),
      fieldsWhole: each((key) => whole.getFields(key, light)),
      fields: each((key) => lazy.getFields(key, light)),
    };
    const ns = measured(ways, rounds, keys.length);
    const base = ns.get('whole')!;
    const cells = [...ns.values()].map((samples) => timesOf(samples, base).median.toFixed(2));
    rows.push([
      compress ? 'zlib above 1 KB' : 'as they are',
      (summarize(base).median / 1e3).toFixed(2),
      ...cells.slice(1),
    ]);
    await cache.close();
  }
  process.stdout.write(`\n${table(rows)}  times that of a get of the whole value\n`);
}

/** Nanoseconds of a call of each, in every slice one behind the other; calls come in multiples of `unit`. */
function measured(ways: Ways, rounds: number, unit = 1): Map<string, number[]> {
  const kept: unknown[] = new Array(KEPT);
  const run = (way: () => unknown, calls: number): number => {
    const startMs = performance.now();
    for (let i = 0; i < calls; i++) kept[i % KEPT] = way();
    return ((performance.now() - startMs) * 1e6) / calls;
  };
  const all = Object.entries(ways).map(([name, way]) => {
    const startMs = performance.now();
    run(way, WARM_UPS);
    const calls = Math.ceil((SLICE_MS * WARM_UPS) / (performance.now() - startMs) / unit) * unit;
    run(way, calls);
    return { name, way, calls, samples: [] as number[] };
  });
  for (let slice = 0; slice < rounds * SLICES; slice++)
    for (const { way, calls, samples } of all) samples.push(run(way, calls));
  return new Map(all.map(({ name, samples }) => [name, samples]));
}

/** Slice by slice, since what else runs on the machine slows both. */
function timesOf(samples: readonly number[], base: readonly number[]): Summary {
  return summarize(samples.map((ns, slice) => ns / base[slice]!));
}
