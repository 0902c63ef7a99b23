import { Worker } from 'node:worker_threads';
import { attachCache, type CacheHandle } from 'velocache';
import { describe, expect, it } from 'vitest';
import { HEADER } from '../../../native-free/index.js';
import { functionsFor, type KillTypes } from './keys.js';

const CREATOR = new URL('../../../dist/test/concurrency/kill/bystander.js', import.meta.url);

/** Waits for what the event loop brings about, bounded. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

type Handle = CacheHandle<KillTypes>;

async function createdBy(creator: Worker): Promise<Handle> {
  return new Promise<Handle>((resolve) => creator.once('message', resolve));
}

it('a warden that ended with its creator is replaced, and its own death is noticed', async () => {
  const creator = new Worker(CREATOR, { workerData: {} });
  const handle = await createdBy(creator);
  const cache = attachCache(handle, functionsFor(handle));
  expect(cache.stats().threads).toBe(3);
  await creator.terminate();
  await until(() => cache.stats().deaths === 2 && cache.stats().threads === 2);
  const { deaths, threads } = cache.stats();
  // Dead: the creator and its warden. Attached: this thread and the new warden, which is its own.
  expect({ deaths, threads }).toEqual({ deaths: 2, threads: 2 });
  expect(cache.verify()).toEqual([]);
  await cache.close();
});

describe('a thread that died while it started a warden', () => {
  /** The word as such a thread leaves it. */
  async function orphan(word: Int32Array): Promise<void> {
    const starter = new Worker('', { eval: true });
    const { threadId } = starter;
    await new Promise((resolve) => starter.once('exit', resolve));
    Atomics.store(word, 0, -(threadId + 1));
  }

  const wordOf = (handle: Handle) => new Int32Array(handle.buffers[0] as SharedArrayBuffer, HEADER.wardenThread * 4, 1);

  it('is taken over from by another that is attached', async () => {
    const creator = new Worker(CREATOR, { workerData: {} });
    const handle = await createdBy(creator);
    const cache = attachCache(handle, functionsFor(handle));
    const word = wordOf(handle);
    const first = word[0];
    await orphan(word);
    await until(() => word[0]! > 0 && word[0] !== first);
    expect([word[0]! > 0, word[0] === first]).toEqual([true, false]);
    await creator.terminate();
    await cache.close();
  });

  it('is taken over from by one that attaches when all others are dead', async () => {
    const creator = new Worker(CREATOR, { workerData: {} });
    const handle = await createdBy(creator);
    await creator.terminate();
    const word = wordOf(handle);
    await orphan(word);
    const cache = attachCache(handle, functionsFor(handle));
    await until(() => word[0]! > 0 && cache.stats().threads === 2);
    expect([word[0]! > 0, cache.stats().threads]).toEqual([true, 2]);
    await cache.close();
  });
});
