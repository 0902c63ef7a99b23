/**
 * One thread's side of the turns. The hook stands before every atomic operation and journaled store of the engine; the
 * thread that holds the baton draws there who goes on, from the run's own random numbers or from its plan. So no
 * controller need be woken for a step, and a run is a function of its words, whatever the machine does.
 *
 * A lock's park is a turn given up. No real time passes for the engine: `performance.now` is a counter here, and
 * `Atomics.wait` on the arena's words returns at once.
 */
import { CONTROL, type Control, EPILOGUE, FAILED_STEPS, TURN_MS } from './control.js';

/** Thrown through the engine to end a thread in the middle; no part of it catches this. */
export const DEATH: unique symbol = Symbol('death');
/** Thrown to leave a run that can't go on. */
export const GIVEN_UP: unique symbol = Symbol('given up');

const HOOK = Symbol.for('velocache.checkpoint');
const parkForReal = Atomics.wait;
/** What a park takes of a lock's bound: little, so that no bound is reached while a recovery has turns to take. */
const PARK_MS = 0.05;
/** Looks before a thread parks: the other is mostly back at once. */
const LOOKS = 300;

export class Turns {
  readonly #control: Control;
  readonly #thread: number;
  #turn = 0;
  #nowMs = 0;

  constructor(control: Control, thread: number) {
    this.#control = control;
    this.#thread = thread;
    globalThis.performance.now = () => this.#nowMs;
    (Atomics as unknown as Record<string, unknown>)['wait'] = () => 'timed-out';
  }

  /** Waits until the baton is this thread's, or that of `baton`. */
  await(baton: number = this.#thread): void {
    awaitWord(this.#control, CONTROL.baton, baton);
  }

  /** Parks while the word has the value; for the time between two runs. */
  idle(index: number, value: number): void {
    parkForReal(this.#control, index, value, TURN_MS);
  }

  begin(): void {
    this.#turn = 0;
    this.#nowMs = 0;
    (globalThis as unknown as Record<symbol, unknown>)[HOOK] = (operation: string) => this.#stop(operation);
  }

  /** No stops from here on. */
  end(): void {
    (globalThis as unknown as Record<symbol, unknown>)[HOOK] = undefined;
  }

  #stop(operation: string): void {
    const control = this.#control;
    const step = ++control[CONTROL.step]!;
    this.#turn += 1;
    if (control[CONTROL.victim] === this.#thread && this.#turn === control[CONTROL.victimTurn]) throw DEATH;
    if (step > control[CONTROL.stepMax]!) {
      control[CONTROL.failed] = FAILED_STEPS;
      throw GIVEN_UP;
    }
    const isPark = operation === 'wait';
    // Among the living a park only means: let the others go on. With a dead owner about, parks must run out in the end.
    if (isPark && control[CONTROL.isDead] !== 0) this.#nowMs += PARK_MS;
    const next = isPark ? this.#other() : this.#choose(step);
    if (next !== this.#thread) this.#pass(next);
  }

  /** Gives the turn to another thread, if there is one. */
  giveUp(): void {
    this.#stop('wait');
  }

  /** This thread has no more operations: the baton goes to another, or, behind the last, to the epilogue. */
  leave(): void {
    const control = this.#control;
    control[CONTROL.live]! &= ~(1 << this.#thread);
    const next = control[CONTROL.live] === 0 ? EPILOGUE : this.#other();
    Atomics.store(control, CONTROL.baton, next);
    Atomics.notify(control, CONTROL.baton);
  }

  #choose(step: number): number {
    const control = this.#control;
    if (control[CONTROL.mode] === 0) {
      return draw(control, control[CONTROL.rarity]!) === 0 ? this.#other() : this.#thread;
    }
    for (let i = 0; i < control[CONTROL.planLength]!; i++) {
      if (control[CONTROL.plan + i * 2] !== step) continue;
      const next = control[CONTROL.plan + i * 2 + 1]!;
      return (control[CONTROL.live]! & (1 << next)) === 0 ? this.#thread : next;
    }
    return this.#thread;
  }

  /** Another thread that has operations left, drawn at random; this one if there is none. */
  #other(): number {
    const control = this.#control;
    const others = control[CONTROL.live]! & ~(1 << this.#thread);
    if (others === 0) return this.#thread;
    const count = [1, 2, 3].filter((thread) => (others & (1 << thread)) !== 0);
    return count[count.length === 1 ? 0 : draw(control, count.length)]!;
  }

  #pass(next: number): void {
    Atomics.store(this.#control, CONTROL.baton, next);
    Atomics.notify(this.#control, CONTROL.baton);
    this.await();
  }
}

/** Waits until the word has the value; throws when that takes so long that something is broken. */
export function awaitWord(control: Control, index: number, value: number): void {
  for (let look = 0; look < LOOKS; look++) if (Atomics.load(control, index) === value) return;
  const end = Date.now() + TURN_MS;
  for (;;) {
    const seen = Atomics.load(control, index);
    if (seen === value) return;
    if (Date.now() > end) throw new Error(`no turn came: word ${index} is ${seen}, not ${value}`);
    parkForReal(control, index, seen, 1_000);
  }
}

/** Next of the run's random numbers, below `bound` (xorshift32). */
export function draw(control: Control, bound: number): number {
  let x = control[CONTROL.random]!;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  control[CONTROL.random] = x;
  return (x >>> 0) % bound;
}
