/**
 * The words by which the controller and the threads of a lockstep run talk, in a SharedArrayBuffer of their own. Only
 * the thread that holds the baton touches the words of a run, so plain loads and stores do; the baton itself is passed
 * by an atomic store. The words are set anew for each run: it is a function of them alone.
 */
export type Control = Int32Array<SharedArrayBuffer>;

export const CONTROL = {
  /** Counts runs; threads wait for the next. */
  run: 0,
  /** Threads that have attached to this run's arena, and threads that are through with it. */
  arrived: 1,
  done: 2,
  /** The thread whose turn it is: 1 to n, or EPILOGUE; 0 before the first. */
  baton: 3,
  random: 4,
  step: 5,
  /** Bit per thread that has operations left. */
  live: 6,
  stepMax: 7,
  /** 0: switch at random, one turn in `rarity`; 1: switch where the plan says. */
  mode: 8,
  rarity: 9,
  /** Thread to die, and the turn of its own at which it does; 0 for none. */
  victim: 10,
  victimTurn: 11,
  /** Set when the victim has died. */
  isDead: 12,
  failed: 13,
  /** Pairs (step, thread to go on), ascending; and how many. */
  plan: 16,
  planLength: 15,
  /** Records of operations; and how many. */
  logLength: 14,
  /** Set once the arena is as the scenario wants it: before that its hash key isn't there to be read. */
  ready: 63,
  log: 64,
} as const;

/** The baton behind the last operation. */
export const EPILOGUE = 100;

export const FAILED_STEPS = 1;
export const FAILED_ERROR = 2;

/** thread, operation index, key, id, first step, last step, result, clock in ms at its beginning. */
export const RECORD_WORDS = 8;
export const RECORDS_MAX = 512;
/** UTF-8 of a JSON array of sentences, behind its length, after the records. */
export const TEXT: number = CONTROL.log + RECORDS_MAX * RECORD_WORDS;
export const TEXT_BYTES = 16_384;
export const CONTROL_BYTES: number = TEXT * 4 + 4 + TEXT_BYTES;

/** How long anybody waits for a turn before the run counts as stuck for real, which is a fault of the harness. */
export const TURN_MS = 20_000;

/** Result of an operation that its thread did not live to see the end of. */
export const UNFINISHED = -100;

export interface ThreadData {
  readonly scenario: number;
  readonly threadId: number;
  readonly threads: number;
  readonly control: SharedArrayBuffer;
  readonly buffers: readonly SharedArrayBuffer[];
  readonly clock: SharedArrayBuffer;
}
