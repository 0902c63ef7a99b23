/** The controller: starts a scenario's threads once, then has them do one run after the other, each from its words. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { CONTROL, CONTROL_BYTES, RECORD_WORDS, TEXT, type ThreadData, TURN_MS } from './control.js';
import { type Entry, judge } from './history.js';
import { RUNNABLE } from './pairs.js';
import type { Scenario } from './scenario.js';
import { layoutFor } from './world.js';

/** The built package; planted bugs run on a copy of it. */
export const BUILT: string = fileURLToPath(new URL('../../../dist/', import.meta.url));

const STEPS_MAX = 60_000;

/** Behind the codes of CONTROL.failed. */
const FAILURES = ['', 'a thread does not come to an end', 'an operation threw'];

export interface Schedule {
  /** For what is drawn: who goes on at parks, and, without a plan, at every step. */
  readonly seed: number;
  /** Without a plan, one step in so many is a switch. */
  readonly rarity?: number;
  /** The thread that begins, then pairs: step, and who goes on there. */
  readonly plan?: { readonly start: number; readonly switches: readonly (readonly [number, number])[] };
  readonly victim?: { readonly thread: number; readonly turn: number };
}

export interface Run {
  readonly steps: number;
  readonly hasDied: boolean;
  /** Step at which each thread ended its last operation; 0 for one that didn't. */
  readonly ends: readonly number[];
  /** Nothing when every outcome is allowed. */
  readonly problems: readonly string[];
}

export class Lockstep {
  readonly scenario: Scenario;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #text: Uint8Array;
  readonly #workers: readonly Worker[];
  readonly #errors: string[] = [];
  #run = 0;

  private constructor(scenario: Scenario, root: string) {
    this.scenario = scenario;
    const shared = new SharedArrayBuffer(CONTROL_BYTES);
    this.#control = new Int32Array(shared, 0, TEXT + 1);
    this.#text = new Uint8Array(shared, TEXT * 4 + 4);
    const buffers = layoutFor(scenario)
      .segments()
      .map((bytes) => new SharedArrayBuffer(bytes));
    const clock = new SharedArrayBuffer(16);
    const threads = scenario.threads.length;
    this.#workers = scenario.threads.map((_, i) => {
      const data: ThreadData = {
        scenario: RUNNABLE.indexOf(scenario),
        threadId: i + 1,
        threads,
        control: shared,
        buffers,
        clock,
      };
      const worker = new Worker(`${root}test/concurrency/lockstep/thread.js`, {
        workerData: data,
        execArgv: ['--conditions=velocache-checkpoints'],
      });
      worker.on('error', (error) => this.#errors.push(String(error)));
      return worker;
    });
  }

  /** The scenario must be one of RUNNABLE: its threads find it there. */
  static async start(scenario: Scenario, root: string = BUILT): Promise<Lockstep> {
    const lockstep = new Lockstep(scenario, root);
    await Promise.all(lockstep.#workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
    return lockstep;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  run(schedule: Schedule): Run {
    this.#arm(schedule);
    const control = this.#control;
    const threads = this.scenario.threads.length;
    Atomics.store(control, CONTROL.run, ++this.#run);
    Atomics.notify(control, CONTROL.run);
    const end = Date.now() + TURN_MS + 5_000;
    for (;;) {
      const done = Atomics.load(control, CONTROL.done);
      if (done === threads) return this.#collect();
      if (Date.now() > end) throw new Error(`the harness is stuck: ${done} of ${threads} threads are through`);
      Atomics.wait(control, CONTROL.done, done, 1_000);
    }
  }

  #arm({ seed, rarity = 8, plan, victim }: Schedule): void {
    const control = this.#control;
    control.fill(0, CONTROL.arrived);
    // The generator never leaves 0, and seeds that differ in one bit must not draw alike.
    control[CONTROL.random] = Math.imul(seed + 1, 0x9e3779b1) || 1;
    control[CONTROL.live] = this.scenario.threads.reduce((live, _, i) => live | (1 << (i + 1)), 0);
    control[CONTROL.stepMax] = STEPS_MAX;
    control[CONTROL.rarity] = rarity;
    control[CONTROL.victim] = victim?.thread ?? 0;
    control[CONTROL.victimTurn] = victim?.turn ?? 0;
    if (plan === undefined) return;
    control[CONTROL.mode] = 1;
    [[0, plan.start] as const, ...plan.switches].forEach((pair, i) => {
      control.set(pair, CONTROL.plan + i * 2);
    });
    control[CONTROL.planLength] = plan.switches.length + 1;
  }

  #collect(): Run {
    const control = this.#control;
    const said = JSON.parse(new TextDecoder().decode(this.#text.slice(0, control[TEXT]!)) || '[]') as string[];
    const entries = this.#entries();
    const judged =
      control[CONTROL.failed] === 0 ? judge(this.scenario, entries) : [FAILURES[control[CONTROL.failed]!]!];
    return {
      steps: control[CONTROL.step]!,
      hasDied: control[CONTROL.isDead] !== 0,
      ends: this.scenario.threads.map((_, i) => entries.findLast(({ thread }) => thread === i + 1)?.last ?? 0),
      problems: [...judged, ...said],
    };
  }

  #entries(): Entry[] {
    const control = this.#control;
    return Array.from({ length: control[CONTROL.logLength]! }, (_, i) => {
      const at = CONTROL.log + i * RECORD_WORDS;
      const [thread, index, key, id, first, last, result, nowMs] = control.subarray(at, at + RECORD_WORDS);
      const program = this.scenario.threads[thread! - 1];
      // Looks of the epilogue belong to no program.
      const operation = program === undefined ? ({ kind: 'get', key: key! } as const) : program[index!]!;
      return {
        thread: thread!,
        operation,
        key: key!,
        id: id!,
        first: first!,
        last: last!,
        result: result!,
        nowMs: nowMs!,
      };
    });
  }
}
