/** What the rounding says of an item beforehand is what the engine then takes for it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { besideBytes, itemChunkBytes } from '../../../src/engine/rounding.js';
import { Engine } from '../../support/engine.js';

const SEED = Number(process.env['FC_SEED'] ?? 2_718);

it(`an item takes the chunks that were expected, whatever it has beside its value (seed ${SEED})`, () => {
  const engine = Engine.create({ capacityBytes: 8 << 20, users: 16 });
  const length = fc.oneof(fc.nat(2_000), fc.nat(200_000));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      length,
      fc.boolean(),
      fc.boolean(),
      (keyBytes, bytes, isIdle, isOwned) => {
        const key = 'k'.repeat(keyBytes);
        const options = { ...(isIdle && { idleMs: 60_000 }), ...(isOwned && { user: 'ada' }) };
        expect(engine.set(key, new Uint8Array(bytes), options)).toBe(1);
        const expected = itemChunkBytes(engine.classes, besideBytes(keyBytes, isIdle, isOwned) + bytes);
        expect(engine.stats().bytesUsed).toBe(expected);
        engine.delete(key);
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});
