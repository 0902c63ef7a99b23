/**
 * The atomics of the test build: before each operation, and at each checkpoint, the thread calls the hook that a
 * test has put at `globalThis[Symbol.for('velocache.checkpoint')]`. Chosen by `node --conditions=velocache-checkpoints`.
 */
import type { Pairs, Words } from './atomics.js';

type Hook = (operation: string) => void;

const HOOK = Symbol.for('velocache.checkpoint');

function stop(operation: string): void {
  const hook = (globalThis as unknown as Record<symbol, Hook | undefined>)[HOOK];
  if (hook !== undefined) hook(operation);
}

export function load(words: Words, index: number): number {
  stop('load');
  return Atomics.load(words, index);
}

export function store(words: Words, index: number, value: number): void {
  stop('store');
  Atomics.store(words, index, value);
}

export function add(words: Words, index: number, delta: number): number {
  stop('add');
  return Atomics.add(words, index, delta);
}

export function exchange(words: Words, index: number, value: number): number {
  stop('exchange');
  return Atomics.exchange(words, index, value);
}

export function compareExchange(words: Words, index: number, expected: number, replacement: number): number {
  stop('compareExchange');
  return Atomics.compareExchange(words, index, expected, replacement);
}

export function compareExchangePair(pairs: Pairs, index: number, expected: bigint, replacement: bigint): bigint {
  stop('compareExchangePair');
  return Atomics.compareExchange(pairs, index, expected, replacement);
}

export function wait(words: Words, index: number, expected: number, timeoutMs: number): void {
  stop('wait');
  Atomics.wait(words, index, expected, timeoutMs);
}

export function notify(words: Words, index: number, count: number): void {
  stop('notify');
  Atomics.notify(words, index, count);
}

export function checkpoint(): void {
  stop('checkpoint');
}
