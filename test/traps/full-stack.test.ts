/** TRAPS 8, by the means of the language alone: the stack is full somewhere within an operation, and the thread lives on. */
import { setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { Engine } from '../support/engine.js';
import { pattern } from '../support/engines.js';

// Optimized code has few frames, and overflows where it enters one.
setFlagsFromString('--no-opt');
setFlagsFromString('--no-maglev');

const [OLD, SMALL, CHAINED] = [pattern(300, 1), pattern(100, 2), pattern(30_000, 3)];
const OPERATIONS: readonly ((engine: Engine) => unknown)[] = [
  (engine) => engine.set('key 5', SMALL),
  (engine) => engine.set('key 5', OLD),
  (engine) => engine.set('chained', CHAINED),
  (engine) => engine.get('chained'),
  (engine) => engine.delete('chained') || engine.set('chained', CHAINED),
  (engine) => engine.store.clear(0) || engine.set('new', SMALL),
];
/** Times that an operation comes to its end before a dive does. */
const ENDS = 20;

function filled(): Engine {
  const engine = Engine.create({ capacityBytes: 1 << 20, itemBytesMax: 100_000 });
  for (let i = 0; i < 60; i++) engine.set(`key ${i}`, OLD);
  return engine;
}

/** Fills the stack, and tries on the way back: from frame to frame there is room for a little more. Returns what cut it short. */
function cutsOf(act: () => unknown): unknown[] {
  const cuts: unknown[] = [];
  let ended = 0;
  const attempt = (): void => {
    try {
      act();
      ended += 1;
    } catch (error) {
      // Nothing more: the stack is still full.
      cuts.push(error);
    }
  };
  const dive = (): void => {
    try {
      dive();
    } catch (error) {
      if (ended < ENDS) attempt();
      throw error;
    }
  };
  expect(dive).toThrow();
  expect(ended).toBe(ENDS);
  return cuts;
}

it('8: operations that a full stack cuts short, wherever it does, leave all in order', () => {
  const engine = filled();
  const places = new Set<string | undefined>();
  for (const act of OPERATIONS) {
    for (const cut of cutsOf(() => act(engine))) {
      if (cut instanceof RangeError) places.add(cut.stack?.split('\n')[1]);
    }
    expect(engine.verify()).toEqual([]);
  }
  // Within sections too, which the next operation has to repair.
  expect(places.size).toBeGreaterThan(20);
  expect(engine.stats().recoveries).toBeGreaterThan(10);
  const control = filled();
  for (const act of OPERATIONS) for (let i = 0; i < ENDS; i++) act(control);
  for (const { store } of [engine, control]) store.clear(-1);
  expect(engine.stats()).toMatchObject({ entries: 0, bytesUsed: 0, bytesFree: control.stats().bytesFree });
});
