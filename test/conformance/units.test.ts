/** Durations and sizes: what is taken, and what throws, naming option, value and bound. */
import { inspect } from 'node:util';
import { createCache, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, rejectionOf, useCaches } from '../support/caches.js';

const DAY_MS = 86_400_000;
const DURATIONS: [string | number, number][] = [
  ['500ms', 500],
  ['1.5s', 1_500],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['7d', 7 * DAY_MS],
  ['248d', 248 * DAY_MS],
  [20, 20],
  [1_234.5, 1_234.5],
  [248 * DAY_MS, 248 * DAY_MS],
];
const NOT_DURATIONS: unknown[] = [
  ...[0, -1, Number.NaN, Number.NEGATIVE_INFINITY, null, true, {}, 10n, 248 * DAY_MS + 1],
  ...['', '10', '10 m', ' 10m', '10m ', '10M', '10S', '-10m', '1e3ms', '.5s', '1.s', '10min', '1h30m', '0s', '249d'],
];

describe('durations', () => {
  const caches = useCaches();

  it.each(DURATIONS)('%o lasts %d ms, to the tick', async (duration, ms) => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock });
    cache.set('key', 1, { ttl: duration });
    clock.advance(ms - 0.5);
    expect(cache.get('key')).toBe(1);
    clock.advance(10.5);
    expect(cache.get('key')).toBeUndefined();
  });

  it('anything else throws as ttl and as idle of a call, and changes nothing', async () => {
    const cache = await caches.create();
    cache.set('key', 'old');
    for (const duration of NOT_DURATIONS) {
      for (const name of ['ttl', 'idle']) {
        const { code, message } = errorOf(() => cache.set('key', 'new', { [name]: duration as number }));
        expect(code, String(duration)).toBe('VELOCACHE_OPTION');
        expect(message.startsWith(`${name} is `), message).toBe(true);
        expect(message).toContain('248 days');
      }
    }
    expect(cache.get('key')).toBe('old');
  });

  it.each(NOT_DURATIONS)('%o throws as the ttl of a type', async (duration) => {
    const types = { default: { ttl: duration as number } };
    const { code, message } = await rejectionOf(createCache({ capacity: '8mb', types }));
    expect(code).toBe('VELOCACHE_OPTION');
    expect(message).toContain('types.default.ttl');
  });

  it('Infinity is no bound, undefined is the default of the type', async () => {
    const clock = new ManualClock(0);
    const cache = await caches.create({ clock, types: { default: { ttl: '1s' } } });
    cache.set('forever', 1, { ttl: Number.POSITIVE_INFINITY });
    cache.set('default', 1, { ttl: undefined });
    clock.advance(1_010);
    expect([cache.get('forever'), cache.get('default')]).toEqual([1, undefined]);
    clock.advance(200 * DAY_MS);
    expect(cache.get('forever')).toBe(1);
  });
});

describe('sizes', () => {
  const caches = useCaches();

  it.each([
    [4_194_304, 2 ** 22],
    ['4096kb', 2 ** 22],
    ['4mb', 2 ** 22],
    ['1.5mb', 1.5 * 2 ** 20],
  ])('capacity %o is %d bytes', async (capacity, bytes) => {
    const cache = await caches.create({ capacity });
    expect(cache.stats().capacityBytes).toBe(bytes);
  });

  it.each([
    ...[undefined, null, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 20 - 1, 2 ** 34 + 1],
    ...['', '8', '8MB', '8 mb', '8m', '8tb', '0.5mb', '17gb', '-8mb'],
  ])('capacity %o throws', async (capacity) => {
    const { code, message } = await rejectionOf(createCache({ capacity: capacity as number }));
    expect(code).toBe('VELOCACHE_OPTION');
    expect(message).toContain('capacity is ');
    expect(message).toContain('from 1048576 to 17179869184 bytes');
  });
});

function refuse(): never {
  throw new Error('code of a value was run');
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('options', () => {
  const caches = useCaches();
  const WRONG: [string, object | null | undefined][] = [
    ['options', null],
    ['options', undefined],
    ['options.size', { capacity: '8mb', size: 1 }],
    ['slab', { capacity: '8mb', slab: 5 }],
    ['slab', { capacity: '8mb', slab: null }],
    ['slab.maxItem', { capacity: '8mb', slab: { maxItem: null } }],
    ['policy', { capacity: '8mb', policy: null }],
    ['favour', { capacity: '8mb', favour: null }],
    ['slab.page', { capacity: '8mb', slab: { page: 1 } }],
    ['slab.pageSize', { capacity: '8mb', slab: { pageSize: '3kb' } }],
    ['slab.pageSize', { capacity: '8mb', slab: { pageSize: '24kb' } }],
    ['slab.pageSize', { capacity: '1mb', slab: { pageSize: '1mb' } }],
    ['slab.minChunk', { capacity: '8mb', slab: { minChunk: 60 } }],
    ['slab.growthFactor', { capacity: '8mb', slab: { growthFactor: 1 } }],
    ['slab.growthFactor', { capacity: '8mb', slab: { growthFactor: '1.2' } }],
    ['slab.maxItem', { capacity: '8mb', slab: { maxItem: '5mb' } }],
    ['types', { capacity: '8mb', types: 5 }],
    ['types', { capacity: '8mb', types: null }],
    ['types', { capacity: '8mb', types: [] }],
    ['types.a', { capacity: '8mb', types: { a: 5 } }],
    ['types.a', { capacity: '8mb', types: { a: null } }],
    ['types.a.maxShare', { capacity: '8mb', types: { a: { maxShare: null } } }],
    ['types.a.version', { capacity: '8mb', types: { a: { version: null } } }],
    ['types.a.tll', { capacity: '8mb', types: { a: { tll: 5 } } }],
    ['types.a.codec', { capacity: '8mb', types: { a: { codec: 'xml' } } }],
    ['clock', { capacity: '8mb', clock: {} }],
  ];

  it.each(WRONG)('%s is refused by name: %o', async (name, options) => {
    const { code, message } = await rejectionOf(createCache(options as { capacity: string }));
    expect(code).toBe('VELOCACHE_OPTION');
    expect(message.startsWith(`${name} is `), message).toBe(true);
  });

  it.each([
    ['an object without a prototype', Object.create(null)],
    ['a list of such', [Object.create(null)]],
    ['an object whose text throws', { toString: refuse, [Symbol.toPrimitive]: refuse, [inspect.custom]: refuse }],
    ['an object whose tag throws', Object.defineProperty({}, Symbol.toStringTag, { get: refuse })],
    ['a proxy that throws', new Proxy({}, { get: refuse, ownKeys: refuse })],
    ['a proxy that was revoked', revoked()],
    ['a symbol', Symbol('8mb')],
  ])('%s is refused by name, wherever a value is due, whatever its code does', async (_, value) => {
    const cache = await caches.create();
    const errors = [
      ['capacity', await rejectionOf(createCache({ capacity: value as never }))],
      ['types.a.ttl', await rejectionOf(createCache({ capacity: '8mb', types: { a: { ttl: value as never } } }))],
      ['policy', await rejectionOf(createCache({ capacity: '8mb', policy: value as never }))],
      ['ttl', errorOf(() => cache.set('key', 1, { ttl: value as never }))],
      ['user', errorOf(() => cache.set('key', 1, { user: value as never }))],
      ['key', errorOf(() => cache.get(value as never))],
      ['event', errorOf(() => cache.on(value as never, () => {}))],
      ['listener', errorOf(() => cache.on('evict', value as never))],
      ['last', errorOf(() => cache.evictions({ last: value as never }))],
    ] as const;
    for (const [name, { code, message }] of errors) {
      expect([code, message]).toEqual([
        expect.stringMatching(/^VELOCACHE_(OPTION|KEY)$/),
        expect.stringContaining(name),
      ]);
    }
    expect(cache.stats().sets).toBe(0);
  });
});
