/**
 * A thread that plays both sides of a set that is called off: the set stops at each of its steps in turn, and there it is
 * called off and its key deleted. Posts, for each step, what came of it.
 */
import { parentPort } from 'node:worker_threads';
import type { Scenario } from './scenario.js';
import { makeValue } from './values.js';
import { World } from './world.js';

const HOOK = Symbol.for('velocache.checkpoint');
const SETTER = 2;
/** Id of the value that is called off; the one before it has 1. */
const NEW = 9;
/** More steps than any of these sets has. */
const STEPS_MAX = 2_000;
const OPTIONS = { deadline: 0, idleTicks: 0 };

export interface Step {
  /** Answers of the engine to the set and to the delete. */
  readonly set: number;
  readonly deleted: number;
  /** The id of the value that the key has in the end; 0 for none. */
  readonly found: number;
  readonly problems: readonly string[];
}

export interface Recalled {
  readonly bytes: number;
  readonly steps: readonly Step[];
}

const hooks = globalThis as unknown as Record<symbol, ((operation: string) => void) | undefined>;
let nowMs = 0;
globalThis.performance.now = () => nowMs;
Object.assign(Atomics, {
  wait: () => {
    nowMs += 2;
    return 'timed-out';
  },
});

function scenarioOf(bytes: number): Scenario {
  const prepare = [{ kind: 'set', key: 0, bytes }] as const;
  return { name: `a set of ${bytes} bytes is called off`, forbidden: [], pages: 12, prepare, threads: [] };
}

/** Undefined if the set has fewer steps. */
function play(scenario: Scenario, bytes: number, stop: number): Step | undefined {
  const deleter = World.create(scenario, SETTER);
  const setter = World.attach(scenario, deleter.arena.buffers, deleter.clock.buffer, SETTER);
  const recall = new Int32Array(new SharedArrayBuffer(4));
  let step = 0;
  let deleted: number | undefined;
  hooks[HOOK] = () => {
    step += 1;
    if (step !== stop) return;
    hooks[HOOK] = undefined;
    recall[0] = 1;
    deleted = deleter.perform({ kind: 'delete', key: 0 }, 0);
  };
  setter.store.key.prepare('k0', 0);
  const set = setter.store.set(makeValue(0, NEW, bytes), 0, OPTIONS, false, undefined, recall);
  hooks[HOOK] = undefined;
  if (deleted === undefined) return undefined;
  return { set, deleted, found: deleter.get(0), problems: [...deleter.problems(), ...deleter.leaks()] };
}

function playAll(bytes: number): Recalled {
  const scenario = scenarioOf(bytes);
  const steps: Step[] = [];
  for (let stop = 1; stop < STEPS_MAX; stop++) {
    const step = play(scenario, bytes, stop);
    if (step === undefined) break;
    steps.push(step);
  }
  return { bytes, steps };
}

parentPort?.postMessage([40, 9_000].map(playAll));
