/** The end of a flight whose thread finds the value by itself, which another has stored between the miss and the claim. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { BUILT } from '../concurrency/lockstep/harness.js';

/** Posts what the fetch came to, and which of these were called from the claim on. */
const FETCHER = `
  const { parentPort, workerData } = require('node:worker_threads');
  (async () => {
    const { createCache } = await import('velocache');
    const { Flights } = await import(workerData.built + 'src/engine/flights.js');
    const { Member } = await import(workerData.built + 'src/cache/member.js');
    let isClosing = false;
    const codec = {
      encode: (value) => Buffer.from(value),
      decode: (bytes) => {
        if (isClosing) cache.close();
        return Buffer.from(bytes).toString();
      },
    };
    const cache = await createCache({ capacity: '1mb', pool: false, pressure: false, types: { default: { codec } } });
    const calls = [];
    const { claim } = Flights.prototype;
    Flights.prototype.claim = function (...args) {
      const claimed = claim.apply(this, args);
      Flights.prototype.claim = claim;
      cache.set('key', 'stored');
      isClosing = workerData.isClosing;
      for (const [prototype, name] of [[Flights.prototype, 'end'], [Member.prototype, 'wakeWaiters']]) {
        const own = prototype[name];
        prototype[name] = function (...args) {
          calls.push(name);
          return own.apply(this, args);
        };
      }
      return claimed;
    };
    const value = await cache.fetch('key', () => 'loaded');
    const inTime = [...calls];
    if (!isClosing) await cache.close();
    parentPort.postMessage([value, ...inTime]);
  })();`;

it.each([
  ['wakes who waits', false, ['end', 'wakeWaiters']],
  ['is left to the thread’s leaving if the codec has closed the cache: its slot may be another’s', true, []],
] as const)('%s', async (_, isClosing, calls) => {
  const worker = new Worker(FETCHER, { eval: true, workerData: { built: BUILT, isClosing } });
  expect(await once(worker, 'message')).toEqual([['stored', ...calls]]);
  await worker.terminate();
});
