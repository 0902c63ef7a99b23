/** keys() and entries() (rule 7): an entry that lives throughout appears exactly once, whatever else happens. */
import { describe, expect, it } from 'vitest';
import { useCaches } from '../support/caches.js';

const STABLE = 3_000;

describe('iteration', () => {
  const caches = useCaches();

  async function filled(capacity = '32mb') {
    const cache = await caches.create<{ default: number }>({ capacity });
    for (let i = 0; i < STABLE; i++) cache.set(`stable ${i}`, i);
    return cache;
  }

  it('gives every key and entry once when nothing happens', async () => {
    const cache = await filled();
    const keys = [...cache.keys()];
    expect(keys).toHaveLength(STABLE);
    expect(new Set(keys).size).toBe(STABLE);
    expect(new Map(cache.entries())).toEqual(new Map(keys.map((key) => [key, Number(key.slice(7))])));
    expect([...cache]).toHaveLength(STABLE);
  });

  it('while the index grows tenfold, and other entries come and go', async () => {
    const cache = await filled();
    const bytesIndex = cache.stats().bytesIndex;
    const seen = new Map<string, number>();
    let added = 0;
    for (const key of cache.keys()) {
      seen.set(key, (seen.get(key) ?? 0) + 1);
      for (let i = 0; i < 10; i++) cache.set(`other ${added++}`, i);
      cache.delete(`other ${added - 15}`);
      cache.set(`stable ${added % STABLE}`, added);
      if (added > 40_000) break;
    }
    expect(cache.stats().bytesIndex).toBeGreaterThan(bytesIndex);
    const counts = [...seen.values()];
    expect(counts.every((count) => count === 1)).toBe(true);
    // The rest of that walk was cut short, so that it ends: another one must meet every stable key.
    const stable = [...cache.keys()].filter((key) => key.startsWith('stable'));
    expect([stable.length, new Set(stable).size]).toEqual([STABLE, STABLE]);
  });

  it('meets every stable key once in one walk through heavy growth', async () => {
    const cache = await filled();
    const seen: string[] = [];
    let added = 0;
    for (const key of cache.keys()) {
      if (key.startsWith('stable')) seen.push(key);
      if (added < 30_000) for (let i = 0; i < 40; i++) cache.set(`other ${added++}`, i);
    }
    expect([seen.length, new Set(seen).size]).toEqual([STABLE, STABLE]);
    expect(cache.stats().entries).toBe(STABLE + added);
  });

  it('deleting the entry at hand, or all others, is fine', async () => {
    const cache = await filled();
    let met = 0;
    for (const key of cache.keys()) if (cache.delete(key)) met += 1;
    expect([met, cache.stats().entries]).toEqual([STABLE, 0]);
    for (let i = 0; i < STABLE; i++) cache.set(`stable ${i}`, i);
    let steps = 0;
    for (const [key] of cache.entries()) {
      steps += 1;
      if (steps === 1) for (const other of cache.keys()) if (other !== key) cache.delete(other);
    }
    expect(steps).toBe(1);
    expect([...cache.keys()]).toHaveLength(1);
  });

  it('holds no lock between steps: two walks and writes interleave', async () => {
    const cache = await filled();
    const walks = [cache.keys(), cache.keys()];
    const met = [0, 0];
    for (let isDone = false; !isDone; ) {
      isDone = true;
      walks.forEach((walk, i) => {
        if (walk.next().done === true) return;
        met[i] = met[i]! + 1;
        isDone = false;
        expect(cache.set(`stable ${met[i]! % STABLE}`, 1)).toBe(true);
      });
    }
    expect(met).toEqual([STABLE, STABLE]);
  });

  it('a walk that is left early, or cleared under, ends', async () => {
    const cache = await filled();
    for (const _ of cache.keys()) break;
    let steps = 0;
    for (const _ of cache.entries()) {
      if (steps === 0) cache.clear();
      steps += 1;
    }
    expect(steps).toBe(1);
  });

  it('values are those of the moment at which they are reached', async () => {
    const cache = await filled();
    let isFirst = true;
    let changed = 0;
    for (const [, value] of cache.entries()) {
      if (!isFirst) changed += value === -1 ? 1 : 0;
      if (isFirst) for (let i = 0; i < STABLE; i++) cache.set(`stable ${i}`, -1);
      isFirst = false;
    }
    expect(changed).toBe(STABLE - 1);
  });
});
