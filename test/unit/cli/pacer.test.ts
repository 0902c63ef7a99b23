import { describe, expect, it } from 'vitest';
import { Pacer } from '../../../src/cli/pacer.js';

/** A clock that remembers how it was moved. */
class RecordingClock {
  readonly moves: number[] = [];

  set(nowMs: number): void {
    this.moves.push(nowMs);
  }
}

function createPacer(threads: number): { pacer: Pacer; moves: number[] } {
  const clock = new RecordingClock();
  return { pacer: new Pacer(Pacer.bufferFor(threads), threads, clock), moves: clock.moves };
}

describe('Pacer', () => {
  it('lets a single thread through, moving the clock with it', () => {
    const { pacer, moves } = createPacer(1);
    expect([pacer.enter(0, 0, 0), pacer.enter(0, 1, 50), pacer.enter(0, 1, 50), pacer.enter(0, 4, 90)]).toEqual(
      new Array(4).fill(true),
    );
    expect(moves).toEqual([50, 90]);
  });

  it('does not move the clock while a thread may still be in an earlier step', () => {
    const { pacer, moves } = createPacer(3);
    pacer.announce(0, 2, 200);
    pacer.announce(1, 1, 100);
    expect(moves).toEqual([]);
    pacer.announce(2, 3, 300);
    expect(moves).toEqual([100]);
    pacer.announce(1, 4, 400);
    expect(moves).toEqual([100, 200]);
  });

  it('lets several threads into one step at once', () => {
    const { pacer, moves } = createPacer(2);
    pacer.announce(0, 1, 100);
    expect(pacer.enter(1, 1, 100)).toBe(true);
    expect(pacer.enter(0, 1, 100)).toBe(true);
    expect(moves).toEqual([100]);
  });

  it('goes on without threads that have left', () => {
    const { pacer, moves } = createPacer(2);
    pacer.leave(0);
    expect(pacer.enter(1, 1, 10)).toBe(true);
    pacer.leave(1);
    expect(moves).toEqual([10]);
  });

  it('releases who would wait once it is stopped', () => {
    const { pacer, moves } = createPacer(2);
    pacer.stop();
    expect(pacer.enter(0, 1, 10)).toBe(false);
    expect(pacer.announce(0, 2, 20)).toBe(false);
    expect(moves).toEqual([]);
  });

  it('keeps all its state in its buffer', () => {
    const { pacer, moves } = createPacer(2);
    const other = new RecordingClock();
    const attached = new Pacer(pacer.buffer, 2, other);
    pacer.announce(0, 1, 100);
    attached.announce(1, 2, 200);
    expect(moves).toEqual([]);
    expect(other.moves).toEqual([100]);
  });
});
