/** Has a thread kill an operation at every step; see deaths.ts. */
import { Worker } from 'node:worker_threads';
import { DEATHS, type DeathCase, type DeathMode, type DeathsData, type DeathsReport } from './death-cases.js';
import { BUILT } from './harness.js';

/** Each mode takes one step in `every` of the operation, and one in `stride` of its recovery. */
export function killAtEveryStep(
  deathCase: DeathCase,
  modes: readonly DeathMode[],
  every: number,
  stride: number,
  root: string = BUILT,
): Promise<DeathsReport> {
  const workerData: DeathsData = { deathCase: DEATHS.indexOf(deathCase), modes, every, stride };
  const worker = new Worker(`${root}test/concurrency/lockstep/deaths.js`, {
    workerData,
    execArgv: ['--conditions=velocache-checkpoints'],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
