/**
 * Operations drawn at random against the model. `FC_SEED=<the seed in the title>` has a run again, and
 * `FC_PATH=<the path in the report>` its shrunk counterexample.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { Engine, type EngineOptions } from '../support/engine.js';
import { seedFrom } from '../support/random.js';
import { type Bounds, Model, operations } from './model.js';

const SEED = seedFrom('FC_SEED');
const { FC_PATH: PATH } = process.env;

const SMALL = fc.integer({ min: 0, max: 600 });
const SINGLE = fc.integer({ min: 0, max: 4_000 });
const CHAINED = fc.integer({ min: 4_000, max: 60_000 });
const LARGE = fc.integer({ min: 60_000, max: 131_000 });

interface Case {
  readonly title: string;
  readonly engine: EngineOptions;
  readonly bounds: Bounds;
  readonly isRoomy: boolean;
  readonly runs: number;
}

const mixed = fc.oneof(
  { weight: 6, arbitrary: SMALL },
  { weight: 3, arbitrary: SINGLE },
  { weight: 2, arbitrary: CHAINED },
);
const wild = fc.oneof({ weight: 8, arbitrary: mixed }, { weight: 1, arbitrary: LARGE });

const CASES: Case[] = [
  {
    title: 'roomy: exactly the model',
    engine: { capacityBytes: 8 << 20, types: 2 },
    bounds: { keys: 40, types: 2, sizes: mixed },
    isRoomy: true,
    runs: 20,
  },
  {
    title: 'roomy, four shards, many small keys: exactly the model',
    engine: { capacityBytes: 16 << 20, shards: 4, types: 3 },
    bounds: { keys: 2_000, types: 3, sizes: SMALL },
    isRoomy: true,
    runs: 15,
  },
  {
    title: 'eight segments of 1 MiB, roomy: exactly the model',
    engine: { capacityBytes: 8 << 20, segmentBytes: 1 << 20, shards: 2 },
    bounds: { keys: 40, types: 1, sizes: mixed },
    isRoomy: true,
    runs: 15,
  },
  {
    title: 'tiny, pages of 16 KiB: the last value or a miss',
    engine: { capacityBytes: 1 << 20, pageBytes: 16_384, itemBytesMax: 131_072 },
    bounds: { keys: 100, types: 1, sizes: wild },
    isRoomy: false,
    runs: 30,
  },
  {
    title: 'tiny, pages of 4 KiB, four shards, two types: the last value or a miss',
    engine: { capacityBytes: 1 << 20, pageBytes: 4_096, shards: 4, types: 2, itemBytesMax: 131_072 },
    bounds: { keys: 300, types: 2, sizes: wild },
    isRoomy: false,
    runs: 30,
  },
  {
    title: 'three segments of 1 MiB, full: the last value or a miss',
    engine: { capacityBytes: 3 << 20, segmentBytes: 1 << 20, shards: 2, itemBytesMax: 500_000 },
    bounds: { keys: 300, types: 1, sizes: fc.oneof(mixed, LARGE, fc.integer({ min: 200_000, max: 490_000 })) },
    isRoomy: false,
    runs: 15,
  },
];

describe(`model (FC_SEED=${SEED})`, () => {
  it.each(CASES)('$title', ({ engine, bounds, isRoomy, runs }) => {
    const property = fc.property(operations(bounds), (steps) => {
      new Model(Engine.create(engine), bounds.types, isRoomy).run(steps);
    });
    fc.assert(property, { seed: SEED, numRuns: runs, ...(PATH === undefined ? {} : { path: PATH }) });
  });
});
