/**
 * What a thread tells the warden of itself, ten times a second: how full its heap is, and how late its event loop
 * runs. While the loop is blocked nothing is told; the warden takes the age of the last news for the delay then.
 */
import { getHeapStatistics } from 'node:v8';
import { type Member, monotonicMs } from './member.js';

/** Between two tellings. */
export const VITALS_MS = 100;

/** Milliseconds since the cache was created, of the real clock, modulo 2^32; never 0. */
export function saidNow(epochMs: number): number {
  return (monotonicMs() - epochMs) | 0 || 1;
}

/** Begins to tell, until the thread leaves the cache. Keeps no process alive. */
export function tellVitals(member: Member, epochMs: number): void {
  const { owners } = member.arena;
  let lastMs = performance.now();
  const tell = (delayMs: number): void => {
    const heap = getHeapStatistics();
    owners.setVitals(member.slot, heap.used_heap_size / heap.heap_size_limit, delayMs, saidNow(epochMs));
  };
  tell(0);
  const timer = setInterval(() => {
    if (!member.isOpen) {
      clearInterval(timer);
      return;
    }
    const now = performance.now();
    tell(Math.max(0, now - lastMs - VITALS_MS));
    lastMs = now;
  }, VITALS_MS);
  timer.unref();
}
