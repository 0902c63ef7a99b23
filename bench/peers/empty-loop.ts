import type { Contender } from './contender.js';

/** No cache at all: what a thread more brings on this machine at this moment. */
export const emptyLoop: Contender = {
  name: 'empty loop',
  prepare: async () => ({ share: undefined, close: async () => {} }),
  open: async () => ({ get: { one: spin }, set: { one: spin } }),
};

function spin(item: number): number {
  let bits = item;
  for (let i = 0; i < 100; i++) bits = (Math.imul(bits, 0x01000193) ^ (bits >>> 15)) & 0x7fffffff;
  return bits;
}
