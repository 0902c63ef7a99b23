/** A set that is called off changes nothing, whatever it would have come to. */
import { describe, expect, it } from 'vitest';
import { REJECT } from '../../../src/engine/causes.js';
import { BUSY, CALLED_OFF, NO_ROOM, STORED } from '../../../src/engine/writer.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { Engine } from '../../support/engine.js';

const LIFETIME = { deadline: 0, idleTicks: 0 };
const OLD = Uint8Array.of(1, 2, 3);

function recallOf(word: number): Int32Array<SharedArrayBuffer> {
  const recall = new Int32Array(new SharedArrayBuffer(4));
  recall[0] = word;
  return recall;
}

/** One type that may have 20 KB. */
function engineWithOld(): Engine {
  const engine = Engine.create({
    capacityBytes: 1 << 20,
    itemBytesMax: 200_000,
    shares: [{ ...UNLIMITED, maxShare: 20_000 / (1 << 20) }],
    users: 8,
    userBytes: 5_000,
  });
  expect(engine.set('key', OLD)).toBe(STORED);
  return engine;
}

const CASES = [
  { name: 'of one chunk', bytes: 100, user: undefined, otherwise: STORED },
  { name: 'of several chunks', bytes: 10_000, user: undefined, otherwise: STORED },
  { name: 'beyond the share of its type', bytes: 100_000, user: undefined, otherwise: NO_ROOM },
  { name: 'of a user', bytes: 1_000, user: 'ada', otherwise: STORED },
  { name: 'beyond the quota of its user', bytes: 10_000, user: 'ada', otherwise: NO_ROOM },
];

describe('a set', () => {
  for (const { name, bytes, user, otherwise } of CASES) {
    const setWith = (engine: Engine, word: number): number => {
      engine.store.key.prepare('key', 0);
      if (user !== undefined) engine.store.user.prepare(user, 5_000 / 8);
      return engine.store.set(
        new Uint8Array(bytes).fill(7),
        0,
        LIFETIME,
        user !== undefined,
        undefined,
        recallOf(word),
      );
    };

    it(`${name} that is called off changes nothing`, () => {
      const engine = engineWithOld();
      const before = engine.stats();
      expect(setWith(engine, 1)).toBe(CALLED_OFF);
      const { entries, bytesUsed, rejects, removals } = engine.stats();
      expect({ entries, bytesUsed, rejects, removals }).toEqual({
        entries: before.entries,
        bytesUsed: before.bytesUsed,
        rejects: before.rejects,
        removals: before.removals,
      });
      expect(engine.get('key')).toEqual(OLD);
      expect(engine.store.verify()).toEqual([]);
    });

    it(`${name} that isn't goes on as ever`, () => {
      const engine = engineWithOld();
      expect(setWith(engine, 0)).toBe(otherwise);
      expect(engine.get('key')?.length).toBe(otherwise === STORED ? bytes : undefined);
      // A recall holds for its own set only.
      expect(engine.set('key', OLD)).not.toBe(BUSY);
      expect(engine.get('key')).toEqual(OLD);
      expect(engine.store.verify()).toEqual([]);
    });
  }
});

it('a refusal that is called off lets the old value stand', () => {
  const engine = engineWithOld();
  engine.store.key.prepare('key', 0);
  expect(engine.store.refuse(10, REJECT.pressure, undefined, recallOf(1))).toBe(CALLED_OFF);
  expect(engine.get('key')).toEqual(OLD);
  engine.store.key.prepare('key', 0);
  expect(engine.store.refuse(10, REJECT.pressure, undefined, recallOf(0))).toBe(NO_ROOM);
  expect(engine.get('key')).toBeUndefined();
  expect(engine.stats().rejects).toBe(1);
});
