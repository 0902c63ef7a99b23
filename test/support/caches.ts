/** Caches of one test: made through here they are verified whenever they are closed, at the latest behind the test. */
import { type Cache, type CacheOptions, createCache } from 'velocache';
import { afterEach, expect } from 'vitest';

export interface Caches {
  /** Creates a cache, 8 MiB unless told otherwise. */
  create<T extends object = { default: unknown }>(options?: Partial<CacheOptions<T>>): Promise<Cache<T>>;
  /** Takes care of a cache that was made or attached elsewhere. */
  adopt<C extends Closable>(cache: C): C;
}

type Closable = Pick<Cache, 'verify' | 'close'>;

/** Call it once in a `describe`, or at the top of a file. */
export function useCaches(): Caches {
  let closings: (() => Promise<void>)[] = [];
  let problems: string[] = [];
  afterEach(async () => {
    const pending = closings;
    closings = [];
    for (const close of pending) await close();
    const found = problems;
    problems = [];
    expect(found, 'violations that verify() found').toEqual([]);
  });
  function adopt<C extends Closable>(cache: C): C {
    const close = cache.close.bind(cache);
    cache.close = async () => {
      problems.push(...verifyIfOpen(cache));
      await close();
    };
    closings.push(() => cache.close());
    return cache;
  }
  return {
    adopt,
    create: async <T extends object>(options?: Partial<CacheOptions<T>>) =>
      adopt(await createCache<T>({ capacity: '8mb', ...options })),
  };
}

function verifyIfOpen(cache: Closable): string[] {
  try {
    return cache.verify();
  } catch (error) {
    if ((error as { code?: string }).code === 'VELOCACHE_CLOSED') return [];
    throw error;
  }
}

/** The code and message of what `action` throws; fails if it throws nothing. */
export function errorOf(action: () => unknown): { code: unknown; message: string } {
  try {
    action();
  } catch (error) {
    return error as { code: unknown; message: string };
  }
  return expect.fail('nothing was thrown');
}

/** The same for a promise. */
export async function rejectionOf(promise: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error as { code: unknown; message: string },
  );
  return outcome ?? expect.fail('nothing was thrown');
}
