/** A thread between the run and a victim: attached itself, idle, and taken down together with the victim. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { attachCache } from 'velocache';
import { functionsFor } from './keys.js';
import type { VictimData } from './victim-data.js';

const { handle } = workerData as VictimData;
attachCache(handle, functionsFor(handle));
const victim = new Worker(new URL('./victim.js', import.meta.url), { workerData });
victim.on('message', (message: unknown) => parentPort?.postMessage(message));
