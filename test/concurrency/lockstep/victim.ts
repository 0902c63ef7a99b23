/** A thread that does one operation, says so at one of its steps, and stops there until it is terminated. */
import { parentPort, workerData } from 'node:worker_threads';
import { DEATHS } from './death-cases.js';
import { World } from './world.js';

export interface VictimData {
  readonly deathCase: number;
  /** Step at which it stops. */
  readonly at: number;
  readonly id: number;
  readonly threadId: number;
  readonly buffers: readonly SharedArrayBuffer[];
  readonly clock: SharedArrayBuffer;
}

const HOOK = Symbol.for('velocache.checkpoint');
const { deathCase, at, id, threadId, buffers, clock } = workerData as VictimData;
const scenario = DEATHS[deathCase]!;
const world = World.attach(scenario, buffers, clock, threadId);
const nobody = new Int32Array(new SharedArrayBuffer(4));
let step = 0;

Object.assign(globalThis, {
  [HOOK]: () => {
    step += 1;
    if (step !== at) return;
    parentPort?.postMessage('stopped');
    Atomics.wait(nobody, 0, 0);
  },
});
world.perform(scenario.operation, id);
parentPort?.postMessage('through');
