/** A type at its share makes room by its own entries, however many that takes. */
import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { pattern, useEngines } from '../../support/engines.js';

describe('the share of a type', () => {
  const engines = useEngines();

  it.each([1, 4])('many small entries make room for a large one, in %i shards', (shards) => {
    const engine = engines.create({
      capacityBytes: 1 << 19,
      pageBytes: 4_096,
      shards,
      shares: [{ ...UNLIMITED, maxShare: 0.25 }],
    });
    for (let i = 0; i < 1_500; i++) engine.set(`small ${i}`, pattern(40, i));
    expect(engine.set('large', pattern(60_000, 1))).toBe(1);
    expect(engine.stats().byType[0]!.bytesUsed).toBeLessThanOrEqual((1 << 19) / 4);
    expect(engine.stats().byType[0]!.entries).toBeGreaterThan(500);
  });
});
