/** Sequences short enough to be followed with a pencil. */
import { describe, expect, it } from 'vitest';
import { type ALL_POLICIES, create, replay, type Sequence, type Setup, stored } from './support.js';

/** The hits of a sequence as a string, H for each hit and - for each miss, and what is stored after it. */
function run(name: (typeof ALL_POLICIES)[number], sequence: Sequence, setup: Setup): { hits: string; left: number[] } {
  const policy = create(name, sequence, setup);
  const hits = replay(policy, sequence).map((isHit) => (isHit ? 'H' : '-'));
  return { hits: hits.join(''), left: stored(policy, sequence) };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, id) => id);
}

describe('lru', () => {
  it('evicts what was used least recently', () => {
    // 4 finds 2 the oldest, because 1 was used again; then 2 finds 3.
    expect(run('lru', { ids: [1, 2, 3, 1, 4, 2] }, { capacity: 3 })).toEqual({ hits: '---H--', left: [1, 2, 4] });
  });

  it('evicts as many as a large object needs', () => {
    const sequence = { ids: [1, 2, 3, 4, 3], sizes: [3, 3, 4, 5, 4] };
    expect(run('lru', sequence, { capacity: 10, unit: 'bytes' })).toEqual({ hits: '----H', left: [3, 4] });
  });
});

describe('sieve', () => {
  it('passes over what was asked for, once, and evicts where the hand stands', () => {
    // 4: the hand clears 1 and evicts 2. 5: it goes on from 3, which nobody asked for.
    expect(run('sieve', { ids: [1, 2, 3, 1, 4, 5] }, { capacity: 3 })).toEqual({ hits: '---H--', left: [1, 4, 5] });
    // 6: the hand clears 4, evicts 5, and has reached the newest end. 7: it starts again from 1.
    const longer = { ids: [1, 2, 3, 1, 4, 5, 4, 6, 7] };
    expect(run('sieve', longer, { capacity: 3 })).toEqual({ hits: '---H--H--', left: [4, 6, 7] });
  });

  it('goes round once when all were asked for', () => {
    expect(run('sieve', { ids: [1, 2, 2, 1, 3] }, { capacity: 2 })).toEqual({ hits: '--HH-', left: [2, 3] });
  });
});

describe('s3-fifo', () => {
  // The small queue holds 2, the main one 18, the ghosts are 18.
  const setup = { capacity: 20 };

  it('lets objects that were asked for twice go on to the main queue', () => {
    // 20 evicts 0, 21 evicts 1; 22 finds 2, asked for twice, moves it, and evicts 3, asked for once.
    const { hits, left } = run('s3-fifo', { ids: [...upTo(20), 2, 2, 3, 20, 21, 22] }, setup);
    expect(hits.slice(20)).toBe('HHH---');
    expect(left).toEqual([2, ...upTo(23).slice(4)]);
  });

  it('takes ghosts back into the main queue, where they outlast the small one', () => {
    // 20 evicts 0, which comes back; twenty new objects then empty the small queue, and 0 is still there.
    const ids = [...upTo(21), 0, ...upTo(41).slice(21), 0];
    const { hits } = run('s3-fifo', { ids }, setup);
    expect(hits.at(21)).toBe('-');
    expect(hits.at(-1)).toBe('H');
  });

  it('forgets ghosts beyond nine tenths of the capacity', () => {
    // 0 to 18 have left: the ghosts are 1 to 18. 0 enters the small queue again, and twenty more sweep it out.
    const ids = [...upTo(39), 0, ...upTo(59).slice(39), 0];
    expect(run('s3-fifo', { ids }, setup).hits).toBe('-'.repeat(61));
  });

  it('sends an object of the main queue round once for each use', () => {
    // 1 to 18 come back as ghosts and fill the main queue; 20 is one too many there. So 21 makes the main queue give
    // one up: 1, asked for once more, goes round, and 2 leaves.
    const back = [...upTo(20), ...upTo(39).slice(20), ...upTo(19).slice(1)];
    const { left } = run('s3-fifo', { ids: [...back, 1, 20, 21] }, setup);
    expect(left).toEqual([1, ...upTo(19).slice(3), 20, 21, 38]);
  });

  it('counts the uses that go round one by one', () => {
    // 1 was asked for twice, all others of the main queue once: when 21 comes, all go round, then 1 again, and 2 leaves.
    const back = [...upTo(20), ...upTo(39).slice(20), ...upTo(19).slice(1)];
    const { left } = run('s3-fifo', { ids: [...back, 1, ...upTo(19).slice(1), 20, 20, 21] }, setup);
    expect(left).toEqual([1, ...upTo(19).slice(3), 20, 21, 38]);
  });

  it("doesn't store what isn't smaller than the small queue", () => {
    const sequence = { ids: [1, 1, 2, 2], sizes: [10, 10, 9, 9] };
    expect(run('s3-fifo', sequence, { capacity: 100, unit: 'bytes' })).toEqual({ hits: '---H', left: [2] });
  });
});

describe('w-tinylfu', () => {
  // A window of one; four in the main region, three of them protected.
  const setup = { capacity: 5 };
  const twice = upTo(5).flatMap((id) => [id, id]);

  it('keeps what is asked for more often, and the victim if both are alike', () => {
    // 5 pushes 4 out of the window, which was asked for as often as 0. 6 and 7 push out 5 and 6, asked for less often.
    expect(run('w-tinylfu', { ids: [...twice, 5, 6, 7] }, setup).left).toEqual([0, 1, 2, 3, 7]);
  });

  it('admits a candidate that was asked for more often than the victim', () => {
    // 4, rejected when 5 came, has three requests when 6 pushes it out again; 0 has two.
    expect(run('w-tinylfu', { ids: [...twice, 5, 4, 6] }, setup).left).toEqual([1, 2, 3, 4, 6]);
  });

  it('protects what is asked for in the main region', () => {
    // 0 is asked for there. 10 to 13, four times each, push out 1, 2 and 3 in turn; 13 then meets 10, not 0, and loses.
    const often = [10, 11, 12, 13, 14].flatMap((id) => [id, id, id, id]);
    expect(run('w-tinylfu', { ids: [...twice, 0, ...often] }, setup).left).toEqual([0, 10, 11, 12, 14]);
  });
});

describe('opt', () => {
  it('evicts what is asked for last, or never', () => {
    // At 3 the choice is between 1, due next, and 2; then 3, which is never due, goes.
    expect(run('opt', { ids: [1, 2, 3, 1, 2] }, { capacity: 2 })).toEqual({ hits: '---H-', left: [1, 2] });
    const longer = { ids: [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5] };
    expect(run('opt', longer, { capacity: 3 }).hits).toBe('----HH-HH--H');
  });

  it('weighs distance by size in bytes, and stores nothing for the last time', () => {
    // At 3, object 1 costs 6 bytes for two requests, object 2 costs 2 for three.
    const sequence = { ids: [1, 2, 3, 3, 1, 2], sizes: [6, 2, 3, 3, 6, 2] };
    expect(run('opt', sequence, { capacity: 9, unit: 'bytes' })).toEqual({ hits: '---H-H', left: [] });
  });
});
