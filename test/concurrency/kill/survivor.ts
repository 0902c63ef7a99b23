/** A survivor: does everything with the cache, checks and times it, until the round is over. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type CacheHandle } from 'velocache';
import { Random } from '../../../src/cli/random.js';
import { Board, type BoardBuffers, WORD } from './board.js';
import { functionsFor, type KillTypes } from './keys.js';
import { Load } from './load.js';

export interface SurvivorData {
  readonly handle: CacheHandle<KillTypes>;
  readonly board: BoardBuffers;
  readonly lane: number;
  readonly lanes: number;
  readonly writer: number;
  readonly survivor: number;
  readonly seed: number;
}

/** Between two turns of its event loop. */
const SLICE_MS = 10;

const data = workerData as SurvivorData;
const cache = attachCache(data.handle, functionsFor(data.handle));
const board = new Board(data.board);
const load = new Load(cache, board, data, new Random(data.seed));
parentPort?.postMessage('attached');
try {
  while (board.get(WORD.stop) === 0) {
    const until = performance.now() + SLICE_MS;
    let ops = 0;
    for (; performance.now() < until; ops++) load.timedStep(data.survivor);
    board.add(WORD.survivorOps, ops);
    await new Promise((resolve) => setImmediate(resolve));
  }
} catch (error) {
  board.report('error', `survivor: ${(error as Error).stack ?? error}`);
}
await cache.close();
