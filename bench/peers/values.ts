/** The keys and values that all contenders store: made once in each thread, before anything is measured. */
import type { Setup } from './contender.js';

const VALUE_BYTES = 137;
/** Values that sets store, over and over. */
const POOL = 1_024;

export interface SmallObject {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly score: number;
  readonly active: boolean;
}

export function keyOf(item: number): string {
  return `user:session:${String(item).padStart(8, '0')}`;
}

export function bytesOf(item: number): Uint8Array {
  const bytes = new Uint8Array(VALUE_BYTES);
  for (let i = 0; i < VALUE_BYTES; i++) bytes[i] = (item + i * 7) & 0x7f;
  return bytes;
}

/** About 137 bytes as JSON. */
export function objectOf(item: number): SmallObject {
  return {
    id: item,
    name: `Rider number ${item % 10_000}`,
    email: `rider.${item % 10_000}@velo.example`,
    roles: ['rider', 'member'],
    score: (item % 1_000) / 8,
    active: item % 3 !== 0,
  };
}

export function textOf(setup: Setup, item: number): string {
  return setup.kind === 'bytes' ? 'v'.repeat(VALUE_BYTES) : JSON.stringify(objectOf(item));
}

export function keysOf(setup: Setup): string[] {
  // Through a buffer: a string that was put together from parts is a tree until somebody reads it.
  return Array.from({ length: setup.items }, (_, item) => Buffer.from(keyOf(item)).toString('latin1'));
}

export function poolOf<T>(make: (item: number) => T): (item: number) => T {
  const pool = Array.from({ length: POOL }, (_, item) => make(item));
  return (item) => pool[item & (POOL - 1)]!;
}
