/** Families of schedules that more than one test goes through. */
import type { Schedule } from './harness.js';

/** Steps at which a get has noted the sequence; turns within the set; steps from the death on. */
const NOTED = [3, 4, 5];
const TURNS = { first: 14, last: 84, every: 2 };
const STEPS_AFTER = 9;

/**
 * For scenarios with somebody to recover: thread 3 begins a get, thread 2 works until it dies, thread 3 goes on for a
 * few steps, thread 1 recovers, thread 3 ends its get. So a get notes the sequence before the death, sees what is
 * undone later, and looks at the sequence again behind the recovery.
 */
export function* aroundDeath(): Generator<Schedule> {
  for (const noted of NOTED) {
    for (let turn = TURNS.first; turn < TURNS.last; turn += TURNS.every) {
      for (let after = 1; after < STEPS_AFTER; after++) {
        yield {
          // Who follows a thread that has ended is drawn.
          seed: turn + after,
          plan: {
            start: 3,
            switches: [
              [noted, 2],
              [noted + turn + after, 1],
            ],
          },
          victim: { thread: 2, turn },
        };
      }
    }
  }
}
