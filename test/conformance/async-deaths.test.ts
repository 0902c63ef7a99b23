/** Workers of a pool that die: each costs the task that it had one error, and nothing else. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Cache } from 'velocache';
import { describe, expect, it } from 'vitest';
import { rejectionOf, useCaches } from '../support/caches.js';
import { end, settled, turn } from '../support/deaths.js';
import { FULL, fill, Gate, type GateTypes, gateOptions, StartedWorkers } from '../support/gate.js';
import { runModule } from '../support/process.js';
import { Random, seedFrom } from '../support/random.js';

const SEED = seedFrom('POOL_SEED');
const ROUNDS = 24;
/** Each round may start a worker anew, which takes long on a busy machine. */
const TIMEOUT_MS = 240_000;
const PER_ROUND = 6;
/** Turns of the event loop before a kill, at most. */
const TURNS = 30;

const caches = useCaches();

describe('a worker that dies', () => {
  it('over a task costs that task a coded error, and the pool goes on', async () => {
    const cache = await caches.create<GateTypes>(gateOptions({ threads: 1 }));
    fill(cache, 'fatal');
    const dying = rejectionOf(cache.type('fatal').setAsync('key', FULL));
    const behind = [cache.setAsync('a', 1), cache.setAsync('b', 'x'.repeat(100_000))];
    expect(await dying).toMatchObject({ code: 'VELOCACHE_WORKER', name: 'WorkerError' });
    expect((await dying).message).toContain('setAsync');
    expect(await Promise.all(behind)).toEqual([true, true]);
    expect(cache.get('a')).toBe(1);
    expect(cache.stats().pool).toMatchObject({ tasks: 2, failures: 1, running: 0, waiting: 0 });
    await settled(cache, 3);
    expect(cache.stats().deaths).toBe(1);
    expect(cache.verify()).toEqual([]);
  });

  it('while it starts takes no task with it', async () => {
    using started = new StartedWorkers();
    const cache = await caches.create({ pool: { send: 'always', threads: 1 } });
    const warden = started.workers.length;
    const stored = [cache.setAsync('a', 1), cache.setAsync('b', 2)];
    while (started.workers.length === warden) await turn();
    await end(started.workers[warden]!);
    expect(await Promise.all(stored)).toEqual([true, true]);
    expect(started.workers.length).toBe(warden + 2);
    expect(cache.stats().pool).toMatchObject({ tasks: 2, failures: 0 });
  });

  it('in the middle of a set leaves the key with its old value', async () => {
    using started = new StartedWorkers();
    const gate = new Gate();
    const cache = await caches.create<GateTypes>(gateOptions({ threads: 1 }));
    fill(cache, 'gated');
    cache.type('gated').set('key', 'before');
    const outcome = rejectionOf(cache.type('gated').setAsync('key', FULL));
    await gate.arrived();
    await end(started.live.at(-1)!);
    expect((await outcome).code).toBe('VELOCACHE_WORKER');
    expect(cache.type('gated').get('key')).toBe('before');
    gate.open();
    expect(await cache.type('gated').setAsync('key', 'behind')).toBe(true);
    await settled(cache, 3);
    expect(cache.verify()).toEqual([]);
  });

  it(
    `at any moment costs one task at most, and leaks nothing, seed ${SEED}`,
    async () => {
      const random = new Random(SEED);
      const cache = await caches.create({
        capacity: '32mb',
        types: { default: { crc: true } },
        pool: { send: 'always', threads: 2, queue: 2 },
      });
      const { bytesUsed } = cache.stats();
      using started = new StartedWorkers();
      let kills = 0;
      let failures = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const pending = Array.from({ length: PER_ROUND }, (_, i) => operate(cache, random, `k${i}`));
        for (let left = random.below(TURNS); left > 0; left--) await turn();
        const { live } = started;
        if (live.length > 0) {
          kills += 1;
          await end(live[random.below(live.length)]!);
        }
        failures += (await Promise.all(pending)).filter((outcome) => outcome === 'failed').length;
        expect(failures).toBeLessThanOrEqual(kills);
      }
      expect(kills).toBeGreaterThan(ROUNDS / 2);
      expect(cache.stats().pool).toMatchObject({ failures, running: 0, waiting: 0 });
      await settled(cache, 2 + started.live.length);
      expect(cache.verify()).toEqual([]);
      cache.clearAll();
      expect(cache.stats().bytesUsed).toBe(bytesUsed);
      expect(await cache.setAsync('last', 'value')).toBe(true);
      expect(await cache.getAsync('last')).toBe('value');
    },
    TIMEOUT_MS,
  );
});

/** A set and a get behind it, whose value must be whole; or 'failed', if a worker died over either. */
async function operate(cache: Cache, random: Random, key: string): Promise<'done' | 'failed'> {
  const value = { key, text: String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(400_000)) };
  const isRead = random.below(2) === 0;
  try {
    if (isRead) {
      const found = (await cache.getAsync(key)) as typeof value | undefined;
      if (found !== undefined) {
        expect(found.key).toBe(key);
        expect(found.text).toBe(found.text[0]!.repeat(found.text.length));
      }
    } else {
      expect(await cache.setAsync(key, value)).toBe(true);
      expect(cache.get(key)).toEqual(value);
    }
    return 'done';
  } catch (error) {
    if ((error as { code?: string }).code !== 'VELOCACHE_WORKER') throw error;
    return 'failed';
  }
}

describe('the workers', () => {
  it('end when there has been nothing to do, which is no death; and start again', async () => {
    const cache = await caches.create({ pool: { send: 'always', threads: 2, idle: '20ms' } });
    using started = new StartedWorkers();
    await Promise.all([cache.setAsync('a', 1), cache.setAsync('b', 2)]);
    await Promise.all(started.live.map((worker) => once(worker, 'exit')));
    expect(cache.stats()).toMatchObject({ threads: 2, deaths: 0 });
    expect(await cache.getAsync('a')).toBe(1);
  });

  it('have ended when close has', async () => {
    const cache = await caches.create({ pool: { send: 'always', threads: 2 } });
    using started = new StartedWorkers();
    await Promise.all([cache.setAsync('a', 1), cache.setAsync('b', 2)]);
    expect(started.live.length).toBeGreaterThan(0);
    await cache.close();
    expect(started.live).toEqual([]);
  });

  it('that never get through their start are given up, with the tasks that wait for them', async () => {
    const cache = await caches.create({ pool: { send: 'always', threads: 1 } });
    const kill = (worker: Worker): void => void worker.terminate();
    process.on('worker', kill);
    const outcomes = await Promise.all([rejectionOf(cache.setAsync('a', 1)), rejectionOf(cache.setAsync('b', 2))]);
    process.off('worker', kill);
    expect(outcomes.map(({ code }) => code)).toEqual(['VELOCACHE_WORKER', 'VELOCACHE_WORKER']);
    expect(await cache.setAsync('c', 3)).toBe(true);
    expect([cache.has('a'), cache.has('b'), cache.get('c')]).toEqual([false, false, 3]);
  });

  it('fail with the reason where the module lacks a function, or does not load', async () => {
    const module = 'data:text/javascript,export default {}';
    const lacking = await caches.create<GateTypes>(gateOptions({ module }));
    const error = await rejectionOf(lacking.setAsync('key', 1));
    expect(error.code).toBe('VELOCACHE_WORKER');
    expect(error.message).toContain('types.gated.reduce');
    const absent = await caches.create<GateTypes>(gateOptions({ module: 'file:///nowhere/functions.js' }));
    expect(await rejectionOf(absent.setAsync('key', 1))).toMatchObject({ code: 'VELOCACHE_WORKER' });
    expect(absent.stats().pool).toMatchObject({ tasks: 0, failures: 1 });
  });
});

const USE = `
  import { createCache } from 'velocache';
  const cache = await createCache({ capacity: '8mb', pool: { send: 'always', threads: 2 } });
  const stored = await cache.setAsync('key', 'value');`;

describe('the process', () => {
  it.concurrent.each([
    ['with a pool at rest', `${USE} console.log(stored);`, 'true'],
    ['behind what is under way', `${USE} cache.getAsync('key').then(console.log);`, 'value'],
    [
      'behind what waits',
      `${USE} for (let i = 0; i < 100; i++) cache.setAsync('k' + i, i).then((is) => i === 99 && console.log(is));`,
      'true',
    ],
    ['behind close', `${USE} await cache.close(); console.log('closed');`, 'closed'],
  ])('ends by itself: %s', async (_, code, printed) => {
    const { hung, status, stdout, stderr } = await runModule(code);
    expect({ hung, status, stdout, stderr }).toEqual({ hung: false, status: 0, stdout: `${printed}\n`, stderr: '' });
  });

  it('loads no native addon with a pool in use', async () => {
    const { stdout } = await runModule(`${USE}
      const { sharedObjects } = process.report.getReport();
      console.log(sharedObjects.length > 0, sharedObjects.filter((file) => file.endsWith('.node')).length);`);
    expect(stdout).toBe('true 0\n');
  });

  it('loses no worker when a thread with a pool ends', async () => {
    const { hung, status, stdout } = await runModule(`${USE}
      import { Worker } from 'node:worker_threads';
      const code = \`
        import { attachCache } from 'velocache';
        import { parentPort, workerData } from 'node:worker_threads';
        const cache = attachCache(workerData);
        await cache.setAsync('nested', 1);
        parentPort.postMessage(await cache.getAsync('nested'));
        cache.setAsync('more', 'x'.repeat(100_000));\`;
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(code.replace('velocache', import.meta.resolve('velocache')))), { workerData: cache.handle });
      console.log(await new Promise((resolve) => worker.once('message', resolve)));
      await worker.terminate();
      while (cache.stats().threads > 4) await new Promise((resolve) => setImmediate(resolve));
      console.log(cache.verify().length, await cache.setAsync('key', 2));
      await cache.close();`);
    expect({ hung, status, stdout }).toEqual({ hung: false, status: 0, stdout: '1\n0 true\n' });
  });
});
