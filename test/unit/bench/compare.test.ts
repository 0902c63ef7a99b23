import { describe, expect, it } from 'vitest';
import { ratiosOf, wordFor } from '../../../bench/compare/ratios.js';
import { HELP, parseOptions } from '../../../bench/options.js';

const KNOWN = ['peers', 'gc', 'compare'];

describe('ratios', () => {
  it('are taken round by round', () => {
    const round = (baseNs: number, ownNs: number) => ({
      base: [{ name: 'get', ns: baseNs }],
      own: [{ name: 'get', ns: ownNs }],
    });
    // The machine slows down by a factor of ten: it meets both.
    const [ratio] = ratiosOf([round(100, 50), round(1_000, 500), round(200, 100)]);
    expect(ratio).toEqual({ name: 'get', baseNs: 200, ownNs: 100, ratio: { median: 0.5, p25: 0.5, p75: 0.5 } });
    expect(ratiosOf([])).toEqual([]);
  });

  it('say nothing with 1 in their middle half, or of few rounds', () => {
    expect(wordFor({ p25: 0.9, median: 0.95, p75: 1 }, 10)).toBe('1.00 is within');
    expect(wordFor({ p25: 0.9, median: 0.95, p75: 0.99 }, 10)).toBe('faster');
    expect(wordFor({ p25: 1.01, median: 1.1, p75: 1.2 }, 10)).toBe('SLOWER');
    expect(wordFor({ p25: 1.01, median: 1.1, p75: 1.2 }, 4)).toBe('too few rounds');
  });
});

describe('options of the benches', () => {
  it('give compare the word behind it, and run it only when it is named', () => {
    expect(parseOptions([], KNOWN)).toMatchObject({ names: ['peers', 'gc'], base: '' });
    expect(parseOptions(['compare', 'main'], KNOWN)).toMatchObject({ names: ['compare'], base: 'main' });
    expect(parseOptions(['gc', 'compare', '../base'], KNOWN)).toMatchObject({
      names: ['gc', 'compare'],
      base: '../base',
    });
    expect(() => parseOptions(['compare'], KNOWN)).toThrow('compare needs');
    expect(() => parseOptions(['compare', 'main', 'other'], KNOWN)).toThrow('unknown bench "other"');
  });

  it('name the binaries of Node, by default the one that runs', () => {
    expect(parseOptions(['gc'], KNOWN)?.nodes).toEqual([process.execPath]);
    expect(parseOptions(['gc', '--nodes', '/a/node,/b/node'], KNOWN)?.nodes).toEqual(['/a/node', '/b/node']);
  });

  it('are all in the help', () => {
    for (const option of ['items', 'full', 'workload', 'rounds', 'nodes', 'slice', 'traces', 'payloads', 'above']) {
      expect(HELP).toContain(`\n  --${option} `);
    }
  });
});
