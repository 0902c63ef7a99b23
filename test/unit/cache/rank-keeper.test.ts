/** The warden's part of the adaptive policy, on an engine without threads: a round is called, not waited for. */
import { describe, expect, it } from 'vitest';
import type { Member } from '../../../src/cache/member.js';
import { RankKeeper } from '../../../src/cache/rank-keeper.js';
import { RANK_WORDS } from '../../../src/policies/adaptive/ranks.js';
import { samplesOf } from '../../../src/policies/adaptive.js';
import type { Engine } from '../../support/engine.js';
import { pattern, useEngines } from '../../support/engines.js';

const CAPACITY = 1 << 20;
const VALUE_BYTES = 180;
/** Where the shift of the sample lies behind the ranks. */
const SHIFT = RANK_WORDS + 1;
/** Reports that a round takes. */
const ROUND = 512;

function ranksOf(engine: Engine): number[] {
  const at = engine.layout.policyShared;
  return [...engine.meta.subarray(at, at + RANK_WORDS)];
}

function shiftOf(engine: Engine): number {
  return engine.meta[engine.layout.policyShared + SHIFT]!;
}

function keeperOf(engine: Engine): RankKeeper {
  return new RankKeeper({ arena: engine.arena, store: engine.store } as Member, 'objects');
}

/** Hits of a loop over more than fits, with a round of the keeper after some requests. */
function loop(engine: Engine, keeper: RankKeeper, requests: number, keys: number, perRound: number): number {
  let hits = 0;
  for (let i = 0; i < requests; i++) {
    const key = i % keys;
    if (engine.get(`k${key}`) === undefined) engine.set(`k${key}`, pattern(VALUE_BYTES, key));
    else hits += 1;
    if (i % perRound === 0) keeper.round();
  }
  return hits;
}

describe('the keeper of the ranks', () => {
  const engines = useEngines();

  it('learns from what threads report, and publishes what all of them evict by', () => {
    const engine = engines.create({ policy: 'adaptive', capacityBytes: CAPACITY });
    const before = ranksOf(engine);
    const keeper = keeperOf(engine);
    keeper.round();
    expect(ranksOf(engine)).toEqual(before);
    loop(engine, keeper, 80_000, 8_000, 100);
    const learned = ranksOf(engine);
    expect(learned).not.toEqual(before);
    // The engine holds less than half of the keys, and LRU would hit none.
    expect(loop(engine, keeper, 40_000, 8_000, 100)).toBeGreaterThan(16_000);
  });

  it('leaves the ranks to its successor, which goes on with them until it has learned', () => {
    const engine = engines.create({ policy: 'adaptive', capacityBytes: CAPACITY });
    loop(engine, keeperOf(engine), 80_000, 8_000, 100);
    const learned = ranksOf(engine);
    const successor = keeperOf(engine);
    loop(engine, successor, 40, 8_000, 1);
    expect(ranksOf(engine)).toEqual(learned);
    loop(engine, successor, 40_000, 8_000, 100);
    expect(ranksOf(engine)).not.toEqual(learned);
  });

  it('has half as many keys reported when it is told more than it takes', () => {
    const engine = engines.create({ policy: 'adaptive', capacityBytes: CAPACITY });
    const keeper = keeperOf(engine);
    for (let i = 0; i < 100; i++) engine.set(`k${i}`, pattern(VALUE_BYTES, i));
    keeper.round();
    const shift = shiftOf(engine);
    const samples = samplesOf(engine.meta, engine.layout);
    const reported = (count: number) => {
      for (let i = 0; i < count; i++) samples.report(i, 0, VALUE_BYTES);
    };
    reported(ROUND);
    keeper.round();
    expect(shiftOf(engine)).toBe(shift);
    reported(ROUND * 2);
    keeper.round();
    expect(shiftOf(engine)).toBe(shift + 1);
    // What it had not taken is left out.
    reported(ROUND);
    keeper.round();
    expect(shiftOf(engine)).toBe(shift + 1);
    for (let more = 0; more < 40; more++) {
      reported(ROUND * 2);
      keeper.round();
    }
    expect(shiftOf(engine)).toBe(16);
  });

  it('begins with a sample that fits the capacity', () => {
    const shifts = [1, 4, 16].map((mib) => shiftOf(engines.create({ policy: 'adaptive', capacityBytes: mib << 20 })));
    expect(shifts).toEqual([0, 2, 4]);
  });
});
