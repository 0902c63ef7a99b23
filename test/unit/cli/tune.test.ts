import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bestOf } from '../../../src/cli/tune.js';
import { bestSplit, findShares } from '../../../src/cli/tune-shares.js';
import { slabCandidates } from '../../../src/cli/tune-slab.js';
import { formatTuning } from '../../../src/cli/tune-text.js';
import type { Trial } from '../../../src/cli/tuning.js';

describe('bestOf', () => {
  const trial = (hitRatio: number, byteHitRatio: number, wasteShare: number): Trial => ({
    policy: 'lru',
    hitRatio,
    byteHitRatio,
    wasteShare,
  });

  it('goes for the ratio that is favoured', () => {
    const trials = [trial(0.5, 0.5, 0.1), trial(0.6, 0.4, 0.1), trial(0.4, 0.6, 0.1)];
    expect(bestOf(trials, 'objects', 0.001)).toBe(trials[1]);
    expect(bestOf(trials, 'bytes', 0.001)).toBe(trials[2]);
  });

  it('takes nothing for better that lies within the margin', () => {
    const trials = [trial(0.5, 0, 0.1), trial(0.506, 0, 0.095)];
    expect(bestOf(trials, 'objects', 0.007)).toBe(trials[0]);
    expect(bestOf(trials, 'objects', 0.005)).toBe(trials[1]);
  });

  it('takes less waste where ratios are alike, and what came first where all is', () => {
    const trials = [trial(0.5, 0, 0.1), trial(0.5008, 0, 0.1), trial(0.5001, 0, 0.05), trial(0.4, 0, 0)];
    expect(bestOf(trials, 'objects', 0.001)).toBe(trials[2]);
    expect(bestOf(trials.slice(0, 2), 'objects', 0.001)).toBe(trials[0]);
  });
});

describe('formatTuning', () => {
  it('proposes types as they stand in an object literal', () => {
    const measured = { hitRatio: 0.5, byteHitRatio: 0.5 };
    const best: Trial = { policy: 'lru', ...measured, wasteShare: 0.1 };
    const maxShare = { plain: 0.25, 'my-type': 0.25, '7up': 0.25, "it's": 0.25 };
    const text = formatTuning({
      trace: 'a.csv',
      capacity: 2 ** 20,
      favour: 'objects',
      requests: 1,
      margin: 0.001,
      trials: [best],
      best,
      types: { maxShare, policy: 'lru', together: measured, apart: measured },
    });
    const [, literal] = / {2}types: (\{.*\}): /.exec(text)!;
    const shares = Object.fromEntries(Object.entries(maxShare).map(([name, share]) => [name, { maxShare: share }]));
    expect(runInNewContext(`(${literal})`)).toEqual(shares);
    expect(literal).toContain('{ plain: {');
  });
});

describe('bestSplit', () => {
  it('gives the steps to those that gain by them, and one to each at least', () => {
    const needsThree = Array.from({ length: 20 }, (_, i) => (i >= 2 ? 100 : 0));
    const rises = Array.from({ length: 20 }, (_, i) => 10 * (i + 1));
    const flat = new Array<number>(20).fill(5);
    expect(bestSplit([needsThree, rises, flat])).toEqual([3, 16, 1]);
  });
});

describe('findShares', () => {
  /** Type `loop` asks for its 10 keys in turn, type `scan` for a new key every time; all of 100 bytes. */
  function mixed() {
    const ids = new Map<string, number>();
    const numbered = (key: string): number => {
      if (!ids.has(key)) ids.set(key, ids.size);
      return ids.get(key)!;
    };
    const requests = Array.from({ length: 2_000 }, (_, at) =>
      at % 2 === 0 ? numbered(`loop:${(at / 2) % 10}`) : numbered(`scan:${at}`),
    );
    const keys = [...ids.keys()];
    return { requests: Int32Array.from(requests), keys, sizes: new Int32Array(keys.length).fill(100) };
  }

  it('keeps a scan from crowding out a loop that would fit', () => {
    // Together the loop comes round after 20 objects, and 15 fit.
    const found = findShares({ trace: mixed(), bytes: 1_500, policy: 'lru', favour: 'objects' });
    expect(found!.together.hits).toBe(0);
    expect(found!.apart).toMatchObject({ requests: 2_000, hits: 990, bytesHit: 99_000 });
    expect(found!.shares['loop']).toBeGreaterThanOrEqual(0.7);
    expect(found!.shares['scan']! + found!.shares['loop']!).toBeCloseTo(1);
  });

  it('finds none where keys name no types, or only one', () => {
    const trace = mixed();
    const named = (name: (key: string) => string) => ({ ...trace, keys: trace.keys.map(name) });
    for (const other of [named((key) => key.replace(':', '')), named((key) => `a:${key}`)]) {
      expect(findShares({ trace: other, bytes: 1_500, policy: 'lru', favour: 'objects' })).toBeUndefined();
    }
  });
});

describe('slabCandidates', () => {
  const trace = (sizes: number[]) => ({
    keys: sizes.map((_, id) => `key-${id}`),
    requests: Int32Array.from(sizes, (_, id) => id),
    sizes: Int32Array.from(sizes),
  });

  it('finds chunks that the entries fill', () => {
    // A header of 12 bytes, a key of 8 with its padding, a value of 364: 384 together.
    const [best] = slabCandidates(trace([364, 364, 364]), 16_384);
    expect(best!.minChunk).toBe(384);
  });

  it('offers fewer classes where more of them lose less', () => {
    const sizes = Array.from({ length: 2_000 }, (_, i) => 20 + i);
    const candidates = slabCandidates(trace(sizes), 131_072);
    expect(candidates.length).toBeGreaterThanOrEqual(2);
    expect(candidates[0]!.growthFactor).toBeLessThan(candidates.at(-1)!.growthFactor);
  });

  it('has none for a trace without sizes', () => {
    expect(slabCandidates(trace([0, 0]), 16_384)).toEqual([]);
  });
});
