/**
 * The policies against figures that others have measured on the same traces: `TRACES=DIR npx vitest run FILE`, where DIR
 * holds the traces and their reference.tsv. Takes some minutes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Mode, Reference } from '../../../../bench/reference.js';
import { loadTrace, traceNames } from '../../../../bench/traces.js';
import type { NumberedTrace } from '../../../../src/cli/numbered-trace.js';
import { type LoneCache, replayAlone } from '../../../../src/cli/replay-alone.js';

const FOLDER = process.env['TRACES'] ?? '';
const isThere = existsSync(join(FOLDER, 'reference.tsv'));
if (!isThere) process.stdout.write('left out: TRACES names no folder of traces with a reference.tsv\n');

const NAMES = { lru: 'LRU', sieve: 'SIEVE', 's3-fifo': 'S3-FIFO' } as const;
const SHARES_PERCENT = [1, 3, 10, 30];
const WITHIN_POINTS = 0.1;
const ADAPTIVE = ['W-TinyLFU-adaptive', 'W-TinyLFU-climber'];
const ADAPTIVE_WITHIN_POINTS = 0.5;
const MINUTES_MS = 60_000;

function hitPercent(trace: NumberedTrace, policy: LoneCache['policy'], unit: LoneCache['unit'], size: number): number {
  const { hits, requests } = replayAlone(trace, { policy, unit, size, favour: 'objects' });
  return (hits / requests) * 100;
}

describe.skipIf(!isThere)('known figures', () => {
  it.each([
    ['arc-oltp', 'lru', 250, 16.47],
    ['arc-oltp', 'lru', 500, 23.45],
    ['arc-oltp', 'lru', 1_000, 32.83],
    ['arc-oltp', 'lru', 2_000, 42.47],
    ['scarab-recs', 'lru', 100_000, 75.91],
    ['scarab-recs', 'arc', 100_000, 76.09],
    ['scarab-recs', 'opt', 100_000, 79.25],
  ] as const)('%s, %s with %i objects: %f', async (name, policy, objects, percent) => {
    const trace = await loadTrace(FOLDER, name);
    expect(hitPercent(trace, policy, 'objects', objects).toFixed(2)).toBe(percent.toFixed(2));
  });
});

describe.skipIf(!isThere).each(['count', 'bytes'] as const)('reference.tsv, %s', (mode) => {
  it(
    'has the hit ratios of lru, sieve and s3-fifo, cell by cell, and of w-tinylfu in the mean',
    async () => {
      const { wrong, gaps, cells } = await compare(mode);
      expect(wrong).toEqual([]);
      expect(cells).toBeGreaterThanOrEqual(40);
      const means = gaps.map((gap) => Math.abs(gap / cells));
      expect(Math.min(...means)).toBeLessThanOrEqual(ADAPTIVE_WITHIN_POINTS);
    },
    30 * MINUTES_MS,
  );
});

/** Cells that differ, and the sum of w-tinylfu's distances from each of its references. */
async function compare(mode: Mode): Promise<{ wrong: string[]; gaps: number[]; cells: number }> {
  const reference = Reference.from(FOLDER);
  const unit = mode === 'count' ? 'objects' : 'bytes';
  const wrong: string[] = [];
  const gaps = ADAPTIVE.map(() => 0);
  let cells = 0;
  for (const name of traceNames(FOLDER)) {
    if (reference.find(mode, name, 1, 'LRU') === undefined) continue;
    const trace = await loadTrace(FOLDER, name);
    const total = mode === 'count' ? trace.keys.length : trace.sizes.reduce((sum, size) => sum + size, 0);
    for (const percent of SHARES_PERCENT) {
      const size = Math.floor((total * percent) / 100);
      cells += 1;
      for (const [policy, known] of Object.entries(NAMES) as [keyof typeof NAMES, string][]) {
        const found = hitPercent(trace, policy, unit, size);
        const expected = reference.find(mode, name, percent, known)!.hitPercent;
        if (Math.abs(found - expected) > WITHIN_POINTS)
          wrong.push(`${name} ${percent} % ${policy}: ${found}, ${expected}`);
      }
      const found = hitPercent(trace, 'w-tinylfu', unit, size);
      for (const [i, known] of ADAPTIVE.entries()) {
        gaps[i]! += found - reference.find(mode, name, percent, known)!.hitPercent;
      }
    }
  }
  return { wrong, gaps, cells };
}
