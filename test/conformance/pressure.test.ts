/** Pressure and alerts on the built package: what is told, what is done, and that it ends by itself. */
import { type Alert, attachCache, type Cache, type CacheEvents, type CacheHandle, Gauge, ManualClock } from 'velocache';
import { describe, expect, it } from 'vitest';
import { errorOf, useCaches } from '../support/caches.js';
import { useRemotes } from '../support/remote.js';

type Told = CacheEvents['pressure'];

const IMPORTANCES = ['optional', 'standard', 'important', 'critical'] as const;

const OFF = { arena: false, heap: false } as const;

/** A cache whose pressure comes from one gauge; the other shows which of its values the warden has seen. */
function gauged() {
  const clock = new ManualClock(1_000);
  const rss = new Gauge();
  const mark = new Gauge();
  let marks = 0;
  return {
    clock,
    rss,
    options: { clock, pressure: { ...OFF, rss, eventLoop: mark } },
    /**
     * Resolves when the warden has taken its readings with this share, at this time of the clock or later, and has counted
     * and told what follows: it does so behind publishing them, and before it takes the next ones.
     */
    async show(cache: Cache, share: number): Promise<void> {
      rss.set(share);
      for (let readings = 0; readings < 2; readings++) {
        marks = (marks % 1_000) + 1;
        mark.set(marks / 10_000);
        await until(() => cache.stats().pressure.bySource.eventLoop === marks / 10_000);
      }
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}

/** Lets the clock run, a second a turn of the event loop's timers, until the promise is kept. */
async function whileRunning<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => clock.advance(1_000), 10);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

function told(cache: Cache, matches: (event: Told) => boolean): Promise<Told> {
  return new Promise((resolve) => {
    cache.on('pressure', (event) => {
      if (matches(event)) resolve(event);
    });
  });
}

describe('pressure', () => {
  const caches = useCaches();
  const remotes = useRemotes();

  it('is told to every thread that listens, with what is done about it', async () => {
    const { rss, options } = gauged();
    const cache = await caches.create(options);
    const [a, b] = [remotes.start(cache.handle), remotes.start(cache.handle)];
    await a.do('listen', 'pressure');
    await b.do('listen', 'pressure');
    const mine = told(cache, () => true);
    rss.set(0.95);
    const event = await mine;
    expect(event).toEqual({
      level: 'critical',
      previous: 'normal',
      used: 0.95,
      source: 'rss',
      actions: { headroom: 0.2, ttlFactor: 0.25, refused: ['optional', 'standard'] },
    });
    expect(await a.event(() => true)).toEqual(event);
    expect(await b.event(() => true)).toEqual(event);
  });

  it('shows in stats, in every thread', async () => {
    const { options, show } = gauged();
    const cache = await caches.create(options);
    const remote = remotes.start(cache.handle);
    await show(cache, 0.86);
    const { pressure } = (await remote.call('stats')) as ReturnType<Cache['stats']>;
    expect(pressure).toMatchObject({
      level: 'high',
      used: 0.86,
      source: 'rss',
      bySource: { rss: 0.86 },
      actions: { headroom: 0.1, ttlFactor: 0.5, refused: [] },
      counts: { levelChanges: 1, rejects: 0 },
    });
    expect(Object.keys(pressure.bySource)).toEqual(['rss', 'eventLoop']);
  });

  it('at critical refuses sets, counted and told by that reason, and their old values are gone', async () => {
    const { options, show } = gauged();
    const cache = await caches.create(options);
    cache.set('key', 'old');
    await show(cache, 0.95);
    const rejected = new Promise((resolve) => cache.once('reject', resolve));
    const remote = remotes.start(cache.handle);
    expect(cache.set('key', 'new')).toBe(false);
    expect(await remote.call('set', 'other', 1)).toBe(false);
    expect([cache.get('key'), cache.has('other')]).toEqual([undefined, false]);
    expect(await rejected).toMatchObject({ type: 'default', key: 'key', cause: 'pressure' });
    const { rejects, rejectsByReason, pressure } = cache.stats();
    expect([rejects, rejectsByReason.pressure, pressure.counts.rejects]).toEqual([2, 2, 2]);
  });

  it('refuses and shortens by importance', async () => {
    const { clock, options, show } = gauged();
    const types = Object.fromEntries(IMPORTANCES.map((importance) => [importance, { importance, ttl: 4_000 }]));
    const cache = await caches.create<Record<string, unknown>>({ ...options, types });
    const stored = () => IMPORTANCES.map((importance) => cache.type(importance).set('key', 1));
    const live = () => IMPORTANCES.map((importance) => cache.type(importance).has('key'));
    await show(cache as Cache, 0.86);
    expect(stored()).toEqual([true, true, true, true]);
    clock.advance(2_010);
    expect(live()).toEqual([false, false, true, true]);
    await show(cache as Cache, 0.95);
    expect(stored()).toEqual([false, false, true, true]);
    expect(cache.stats().types['standard']!.rejectsByReason.pressure).toBe(1);
    clock.advance(3_990);
    expect(live()).toEqual([false, false, true, true]);
  });

  it.each([
    ['standard', 'normal'],
    ['important', 'high'],
    ['critical', 'critical'],
  ] as const)('a cache full of %s data is at %s', async (importance, level) => {
    const clock = new ManualClock(1_000);
    const pressure = { rss: false, heap: false, eventLoop: false };
    const cache = await caches.create({ clock, pressure, types: { default: { importance } } });
    // The warden may make room meanwhile: so much is stored that the share is passed by a wide margin.
    let isFull = false;
    for (let i = 0; i < 20_000 && !isFull; i++) isFull = !cache.setBytes(`key ${i}`, new Uint8Array(1_000));
    await until(() => {
      const { bySource, level: now } = cache.stats().pressure;
      return bySource.arena !== undefined && now === level;
    });
  });

  it('ends by itself when its source falls, down level by level', async () => {
    const { clock, rss, options, show } = gauged();
    const cache = await caches.create(options);
    await show(cache, 0.95);
    const levels: string[] = [];
    cache.on('pressure', ({ level, previous }) => {
      if (level !== previous) levels.push(level);
    });
    rss.set(0.3);
    await whileRunning(
      clock,
      told(cache, ({ level }) => level === 'normal'),
    );
    expect(levels).toEqual(['high', 'elevated', 'normal']);
    expect(cache.set('key', 1)).toBe(true);
    expect(cache.stats().pressure).toMatchObject({ level: 'normal', counts: { levelChanges: 4 } });
  });

  it('shortens TTLs, of the type and of the call, for what is set meanwhile', async () => {
    const { clock, options, show } = gauged();
    const cache = await caches.create({ ...options, types: { default: { ttl: 8_000 } } });
    cache.set('before', 1);
    await show(cache, 0.86);
    cache.set('of the type', 1);
    cache.set('of the call', 1, { ttl: 4_000 });
    cache.set('without end', 1, { ttl: Number.POSITIVE_INFINITY });
    const live = () => ['before', 'of the type', 'of the call', 'without end'].filter((key) => cache.has(key));
    clock.advance(1_990);
    expect(live()).toHaveLength(4);
    clock.advance(20);
    expect(live()).toEqual(['before', 'of the type', 'without end']);
    clock.advance(2_000);
    expect(live()).toEqual(['before', 'without end']);
    expect(cache.stats().pressure.counts.ttlsShortened).toBe(2);
  });

  it('keeps the head-room of its level free, and gives it back', async () => {
    const { clock, rss, options } = gauged();
    const cache = await caches.create(options);
    const fill = () => {
      for (let i = 0; i < 9_000; i++) cache.setBytes(`key ${i}`, new Uint8Array(1_000));
    };
    const free = () => {
      const { pagesFree, pagesTotal } = cache.stats();
      return (pagesFree + 1) / pagesTotal;
    };
    fill();
    expect(free()).toBeLessThan(0.02);
    rss.set(0.8);
    await whileRunning(
      clock,
      until(() => free() >= 0.1),
    );
    expect(cache.stats().pressure.counts.bytesTrimmed).toBeGreaterThan(0.05 * 2 ** 23);
    fill();
    await whileRunning(
      clock,
      until(() => free() >= 0.1),
    );
    // Nothing more than the head-room was freed.
    expect(free()).toBeLessThan(0.2);
    rss.set(0.1);
    await whileRunning(
      clock,
      until(() => cache.stats().pressure.headroom === 0),
    );
    fill();
    expect(free()).toBeLessThan(0.02);
  });

  it('judged by occupancy, the cache keeps to 70 % of its pages', async () => {
    const clock = new ManualClock(1_000);
    const cache = await caches.create({
      clock,
      pressure: { arena: 'occupancy', rss: false, heap: false, eventLoop: false },
    });
    for (let i = 0; i < 9_000; i++) cache.setBytes(`key ${i}`, new Uint8Array(1_000));
    const isKept = () => {
      const { pagesFree, pagesTotal, pressure } = cache.stats();
      return pagesFree + 1 >= pagesTotal * 0.3 && pressure.level === 'elevated';
    };
    await whileRunning(clock, until(isKept));
    expect(cache.stats().pressure.source).toBe('arena');
  });

  it('outlives the warden: its successor goes on from the level that holds', async () => {
    const { clock, rss } = gauged();
    const maker = remotes.start();
    const plain = {
      capacity: '8mb',
      clock: { buffer: clock.buffer },
      pressure: { ...OFF, rss: { buffer: rss.buffer } },
    };
    const handle = (await maker.do('create', plain)) as CacheHandle<{ default: unknown }>;
    const cache = caches.adopt(attachCache(handle));
    const critical = told(cache, ({ level }) => level === 'critical');
    rss.set(0.95);
    await critical;
    const events: Told[] = [];
    const alerts: Alert[] = [];
    cache.on('pressure', (event) => events.push(event));
    cache.on('alert', (alert) => alerts.push(alert));
    await maker.worker.terminate();
    rss.set(0.5);
    const fallen = told(cache, ({ level }) => level === 'high');
    await whileRunning(clock, fallen);
    expect(events[0]).toMatchObject({ level: 'high', previous: 'critical' });
    expect(alerts.filter(({ code }) => code === 'pressure')).toEqual([]);
  });

  it('a blocked event loop is a source, up to elevated', async () => {
    const cache = await caches.create({ pressure: { arena: false, rss: false, heap: false } });
    const pressure = () => cache.stats().pressure;
    // Whatever held this thread up while the cache was made is over: nobody listened for that.
    await until(() => pressure().bySource.eventLoop !== undefined && pressure().level === 'normal');
    const elevated = told(cache, ({ source }) => source === 'eventLoop');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
    expect(await elevated).toMatchObject({ level: 'elevated', previous: 'normal', actions: { headroom: 0 } });
  });

  it('by default has all sources, and none of them is empty', async () => {
    const cache = await caches.create();
    cache.setBytes('key', new Uint8Array(100));
    await until(() => Object.keys(cache.stats().pressure.bySource).length === 4);
    const { rss, heap, arena, eventLoop } = cache.stats().pressure.bySource;
    for (const share of [rss, heap, arena]) {
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(1);
    }
    expect(eventLoop).toBeLessThanOrEqual(0.74);
  });

  it('switched off it judges nothing', async () => {
    const cache = await caches.create({ pressure: false });
    const { level, used, bySource } = cache.stats().pressure;
    expect({ level, used, bySource }).toEqual({ level: 'normal', used: 0, bySource: {} });
  });
});

describe('alerts', () => {
  const caches = useCaches();

  it('are told once for each crossing, whatever swings about it, and again after it was resolved', async () => {
    const { clock, options, show } = gauged();
    const cache = await caches.create(options);
    const alerts: Alert[] = [];
    const last = new Promise<void>((resolve) => {
      cache.on('alert', (alert) => {
        alerts.push(alert);
        if (alert.code === 'memory' && alert.figure === 0.95) resolve();
      });
    });
    const showAfter = async (share: number, seconds = 1) => {
      clock.advance(seconds * 1_000);
      await show(cache, share);
    };
    // The leaps to 0.5 are a heap's collections: too short to resolve anything.
    for (const share of [0.6, 0.72, 0.69, 0.72, 0.5, 0.72, 0.88, 0.84, 0.87, 0.5, 0.88]) await showAfter(share);
    // From critical one threshold is resolved after the other.
    for (let i = 0; i < 3; i++) await showAfter(0.1, 5);
    for (const share of [0.72, 0.69, 0.72, 0.95]) await showAfter(share);
    await last;
    expect(alerts.map(({ code, severity, figure, threshold }) => [code, severity, figure, threshold])).toEqual([
      ['memory', 'warning', 0.72, 0.7],
      ['memory', 'critical', 0.88, 0.85],
      ['memory', 'warning', 0.72, 0.7],
      ['pressure', 'critical', 0.95, 0.9],
      ['memory', 'critical', 0.95, 0.85],
    ]);
    expect(alerts[0]!.message).toBe('memory is 72 % used, over 70 %');
  });

  it('of misses and evictions come from the cache as it is used', async () => {
    const { clock, options, show } = gauged();
    const cache = await caches.create({ ...options, capacity: '1mb' });
    const severities = new Map<string, string[]>();
    const both = new Promise<void>((resolve) => {
      cache.on('alert', ({ code, severity }) => {
        severities.set(code, [...(severities.get(code) ?? []), severity]);
        const isCritical = (watched: string) => severities.get(watched)?.at(-1) === 'critical';
        if (isCritical('evictions') && isCritical('miss-ratio')) resolve();
      });
    });
    await show(cache, 0.1);
    for (let i = 0; i < 3_000; i++) {
      cache.get(`key ${i}`);
      cache.setBytes(`key ${i}`, new Uint8Array(500));
    }
    clock.advance(59_000);
    await show(cache, 0.1);
    clock.advance(1_000);
    await show(cache, 0.1);
    await both;
    // A look while the cache is being filled may find the figure of evictions between its two thresholds; that of misses
    // is judged by whole minutes alone.
    expect([...severities.keys()].sort()).toEqual(['evictions', 'miss-ratio']);
    expect(severities.get('miss-ratio')).toEqual(['critical']);
    expect([['critical'], ['warning', 'critical']]).toContainEqual(severities.get('evictions'));
  });
});

describe('the option pressure', () => {
  const caches = useCaches();

  it.each([
    [{ pressure: 5 }, 'pressure'],
    [{ pressure: null }, 'pressure'],
    [{ pressure: { memory: true } }, 'pressure.memory'],
    [{ pressure: { arena: 'plain' } }, 'pressure.arena'],
    [{ pressure: { rss: 0.5 } }, 'pressure.rss'],
    [{ pressure: { heap: {} } }, 'pressure.heap'],
    [{ pressure: { eventLoop: null } }, 'pressure.eventLoop'],
    [{ pressure: { rss: new ManualClock(1_000) } }, 'pressure.rss'],
    [{ pressure: { heap: new Uint8Array(new SharedArrayBuffer(4)) } }, 'pressure.heap'],
    [{ clock: new Gauge() }, 'clock'],
    [{ clock: {} }, 'clock'],
  ])('%j is refused', async (options, name) => {
    const outcome = caches.create(options as object);
    await expect(outcome).rejects.toMatchObject({ code: 'VELOCACHE_OPTION' });
    await expect(outcome).rejects.toThrow(name);
  });

  it('a gauge shows a share from 0 to 1 only', () => {
    const gauge = new Gauge(0.25);
    expect([gauge.get(), Gauge.from(gauge.buffer).get()]).toEqual([0.25, 0.25]);
    for (const share of [-0.1, 1.1, Number.NaN, '0.5', undefined]) {
      const { code, message } = errorOf(() => gauge.set(share as number));
      expect([code, message]).toEqual(['VELOCACHE_OPTION', expect.stringMatching(/^share is .*: must be a number/)]);
    }
    expect(gauge.get()).toBe(0.25);
    expect(errorOf(() => new Gauge(2)).code).toBe('VELOCACHE_OPTION');
    for (const buffer of [null, new ArrayBuffer(8), new SharedArrayBuffer(16)])
      expect(errorOf(() => Gauge.from(buffer as SharedArrayBuffer)).message).toMatch(/^buffer is /);
  });

  it.each([
    [5, 1],
    [-1, 0],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 1],
  ])('a buffer that holds %d counts as %d', async (held, share) => {
    const gauge = new Gauge();
    new Float64Array(gauge.buffer)[0] = held;
    const clock = new ManualClock(1_000);
    const mark = new Gauge(0.5);
    const cache = await caches.create({ clock, pressure: { ...OFF, rss: gauge, eventLoop: mark } });
    await until(() => cache.stats().pressure.bySource.eventLoop === 0.5);
    expect(gauge.get()).toBe(share);
    expect(cache.stats().pressure.bySource.rss).toBe(share);
  });
});
