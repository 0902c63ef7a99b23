/** The keys and values that all contenders store: made once in each thread, before anything is measured. */
import type { Setup } from './contender.js';

/** Bytes of a value where nothing else is said; a small object as JSON text has about as many. */
export const VALUE_BYTES = 137;
/** Values that sets store, over and over. */
const POOL = 1_024;
/** Sets between two refills at most: a stride of a lane. */
export const STRIDE = 128;
/** JSON text of an object without legs, and of a leg. */
const SMALL_BYTES = 130;
const LEG_BYTES = 43;

interface Leg {
  readonly at: number;
  readonly km: number;
  readonly place: string;
}

export interface RiderObject {
  readonly id: number;
  readonly name: string;
  readonly email?: string;
  readonly roles: readonly string[];
  readonly score: number;
  readonly active: boolean;
  readonly legs?: readonly Leg[];
}

export function keyOf(item: number): string {
  return `user:session:${String(item).padStart(8, '0')}`;
}

/** Through a buffer: a string that was put together from parts is a tree until somebody reads it. */
function flatKeyOf(item: number): string {
  return Buffer.from(keyOf(item)).toString('latin1');
}

export function keysOf(setup: Setup): string[] {
  return Array.from({ length: setup.items }, (_, item) => flatKeyOf(item));
}

export function bytesOf(item: number, length: number = VALUE_BYTES): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (item + i * 7) & 0x7f;
  return bytes;
}

/** What is read of bytes: one of the first 64, since all values have them; -1 for a miss. */
export function byteOf(bytes: Uint8Array | undefined, item: number): number {
  return bytes?.[item & 63] ?? -1;
}

export function scoreOf(value: RiderObject | undefined): number {
  return value?.score ?? -1;
}

/** An object of about so many bytes as JSON text: without its address if they are few, with legs if they are many. */
export function objectOf(item: number, length: number = VALUE_BYTES): RiderObject {
  const [id, score, active] = [item, (item % 1_000) / 8, item % 3 !== 0];
  const name = `Rider number ${item % 10_000}`;
  const roles = ['rider', 'member'];
  if (length < SMALL_BYTES) return { id, name, roles, score, active };
  const small = { id, name, email: `rider.${item % 10_000}@velo.example`, roles, score, active };
  const legs = Math.floor((length - SMALL_BYTES) / LEG_BYTES);
  return legs === 0 ? small : { ...small, legs: Array.from({ length: legs }, (_, leg) => legOf(item, leg)) };
}

function legOf(item: number, leg: number): Leg {
  return { at: 1_764_000_000 + item + leg, km: (leg % 40) + 0.5, place: `P${(item + leg) % 1_000}` };
}

export function textOf({ kind, valueBytes }: Setup, item: number): string {
  return kind === 'bytes' ? 'v'.repeat(valueBytes) : JSON.stringify(objectOf(item, valueBytes));
}

export function poolOf<T>(make: (item: number) => T): (item: number) => T {
  const pool = Array.from({ length: POOL }, (_, item) => make(item));
  return (item) => pool[item & (POOL - 1)]!;
}

export interface Source<T> {
  take(item: number): T;
  refill?(): void;
}

/**
 * Where a cache that keeps references takes its values from. A value stored in two entries would be counted once, so values are
 * fresh where memory is looked at: made in a refill, of the items before, while no clock runs.
 */
export function sourceOf<T>({ values }: Setup, make: (item: number) => T): Source<T> {
  if (values === 'pooled') return { take: poolOf(make) };
  const ring: T[] = Array.from({ length: STRIDE }, (_, i) => make(i));
  let taken = 0;
  let made = 0;
  return {
    take: () => ring[taken++ & (STRIDE - 1)]!,
    refill: () => {
      for (; made < taken; made++) ring[made & (STRIDE - 1)] = make(made);
    },
  };
}
