/** TRAPS 8, by the means of the language alone: the stack is full somewhere within an operation, and the thread lives on. */
import { setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { Engine } from '../support/engine.js';
import { pattern } from '../support/engines.js';

// Optimized code has few frames, and overflows where it enters one.
setFlagsFromString('--no-opt');
setFlagsFromString('--no-maglev');

it('8: an operation that an overflow of the stack cuts short, wherever it does, leaves all in order', () => {
  const engine = Engine.create({ capacityBytes: 1 << 20, itemBytesMax: 100_000 });
  const [old, chained] = [pattern(300, 1), pattern(30_000, 2)];
  for (let i = 0; i < 60; i++) engine.set(`key ${i}`, old);
  const cuts: unknown[] = [];
  let ended = 0;
  const attempt = (): void => {
    try {
      engine.set('deep', chained);
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
      // On the way back: from frame to frame there is room for a little more of the operation.
      if (ended < 20) attempt();
      throw error;
    }
  };
  expect(dive).toThrow();
  expect(ended).toBe(20);
  const overflows = cuts.filter((cut) => cut instanceof RangeError);
  const places = new Set(overflows.map(({ stack }) => stack?.split('\n')[1]));
  expect(places.size).toBeGreaterThan(5);
  expect(engine.get('key 5')).toEqual(old);
  expect(engine.get('deep')).toEqual(chained);
  expect(engine.verify()).toEqual([]);
});
