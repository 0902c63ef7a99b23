/** Sets that are refused: counted by their reason, and the old value of the key is gone. */
import { describe, expect, it } from 'vitest';
import { REJECT, REJECT_REASONS } from '../../../src/engine/causes.js';
import { pattern, useEngines } from '../../support/engines.js';

describe('a set refused beforehand', () => {
  const engines = useEngines();

  it.each(REJECT_REASONS)('for %s is counted by that reason and type, and in the sums', (reason) => {
    const engine = engines.create({ types: 2 });
    engine.set('key', pattern(10, 1), { type: 1 });
    engine.set('key', pattern(10, 1), { type: 0 });
    engine.hashOf('key', 1);
    expect(engine.store.refuse(20, REJECT[reason])).toBe(0);
    expect([engine.has('key', 1), engine.has('key', 0)]).toEqual([false, true]);
    engine.hashOf('absent', 1);
    expect(engine.store.refuse(20, REJECT[reason])).toBe(0);
    const none = Object.fromEntries(REJECT_REASONS.map((name) => [name, 0]));
    const { rejects, rejectsByReason, byType } = engine.stats();
    expect({ rejects, rejectsByReason }).toEqual({ rejects: 2, rejectsByReason: { ...none, [reason]: 2 } });
    expect(byType.map((stats) => stats.rejects)).toEqual([0, 2]);
  });
});
