/**
 * What decoding less is worth. First a small object, ten properties and 137 bytes of JSON: `get`, and unpacking alone, beside code
 * without any format that knows the object: it makes an object literal of ten values that it takes out of private bytes, the
 * numbers from fixed places, the strings as fresh ones, either each by a call of its own or cut from one text. Then values of types with heavy
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
const CALLS = 20_000;
const WARM_UPS = 3;
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
  const ways = {
    'by hand, a call a string': byCalls(),
    'by hand, one text': byText(),
    unpack: unpacking(),
    get: () => cache.get('small'),
  };
  const ns = measured(ways, rounds, CALLS);
  const bytes = JSON.stringify(SMALL).length;
  const rows = [
    [`${Object.keys(SMALL).length} properties, ${bytes} bytes of JSON`, 'ns', 'p25-p75', '× by calls', '× one text'],
  ];
  for (const [name, samples] of ns) {
    const [calls, text] = ['by hand, a call a string', 'by hand, one text'].map((base) =>
      timesOf(samples, ns.get(base)!),
    );
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

/** Each string by a call that makes it, out of a copy of the bytes. */
function byCalls(): () => unknown {
  const { bytes, view, scratch } = ownFormat();
  return () => {
    scratch.set(bytes);
    return {
      id: view.getUint32(0),
      user: scratch.latin1Slice(28, 37),
      role: scratch.latin1Slice(37, 42),
      club: scratch.latin1Slice(42, 51),
      km: view.getFloat64(4),
      rides: view.getUint32(12),
      active: scratch[16] === 1,
      level: view.getUint32(20),
      city: scratch.latin1Slice(51, 55),
      lang: scratch.latin1Slice(55, 57),
    };
  };
}

/** All strings by one call, and then cut: short ones are copied by V8. */
function byText(): () => unknown {
  const { bytes, view, scratch } = ownFormat();
  return () => {
    scratch.set(bytes);
    const text = scratch.latin1Slice(28, 57);
    return {
      id: view.getUint32(0),
      user: text.slice(0, 9),
      role: text.slice(9, 14),
      club: text.slice(14, 23),
      km: view.getFloat64(4),
      rides: view.getUint32(12),
      active: scratch[16] === 1,
      level: view.getUint32(20),
      city: text.slice(23, 27),
      lang: text.slice(27, 29),
    };
  };
}

interface OwnFormat {
  /** In shared memory, as what is cached. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly scratch: Buffer & { latin1Slice(start: number, end: number): string };
}

/** The values at fixed places: numbers up to 24, the strings from 28 on. */
function ownFormat(): OwnFormat {
  const bytes = new Uint8Array(new SharedArrayBuffer(57));
  const numbers = new DataView(bytes.buffer);
  numbers.setUint32(0, SMALL.id);
  numbers.setFloat64(4, SMALL.km);
  numbers.setUint32(12, SMALL.rides);
  bytes[16] = 1;
  numbers.setUint32(20, SMALL.level);
  bytes.set(Buffer.from(SMALL.user + SMALL.role + SMALL.club + SMALL.city + SMALL.lang), 28);
  const scratch = Buffer.allocUnsafeSlow(57) as OwnFormat['scratch'];
  return { bytes, view: new DataView(scratch.buffer), scratch };
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
    for (const space of [whole, lazy, whole, lazy])
      values.forEach((value, i) => void space.set(`${i}`, value as object));
    const each = (read: (key: string) => unknown) => (): void => {
      for (let i = 0; i < values.length; i++) read(`${i}`);
    };
    const ways = {
      whole: each((key) => whole.get(key)),
      unread: each((key) => lazy.get(key)),
      read: each((key) => Object.values(lazy.get(key)!)),
      fieldsWhole: each((key) => whole.getFields(key, light)),
      fields: each((key) => lazy.getFields(key, light)),
    };
    const ns = measured(ways, rounds, 3);
    const base = ns.get('whole')!;
    const cells = [...ns.values()].map((samples) => timesOf(samples, base).median.toFixed(2));
    rows.push([
      compress ? 'zlib above 1 KB' : 'as they are',
      (summarize(base).median / values.length / 1e3).toFixed(2),
      ...cells.slice(1),
    ]);
    await cache.close();
  }
  process.stdout.write(`\n${table(rows)}  times that of a get of the whole value\n`);
}

/** Nanoseconds of a call of each, in every round one behind the other. */
function measured(ways: Ways, rounds: number, calls: number): Map<string, number[]> {
  const kept: unknown[] = new Array(KEPT);
  const samples = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let round = -WARM_UPS; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const startMs = performance.now();
      for (let i = 0; i < calls; i++) kept[i % KEPT] = way();
      if (round >= 0) samples.get(name)!.push(((performance.now() - startMs) * 1e6) / calls);
    }
  }
  return samples;
}

/** Round by round, since what else runs on the machine slows both. */
function timesOf(samples: readonly number[], base: readonly number[]): Summary {
  return summarize(samples.map((ns, round) => ns / base[round]!));
}
