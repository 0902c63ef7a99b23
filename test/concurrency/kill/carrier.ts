/** A thread between the run and a victim: attached itself, idle, and taken down together with the victim. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { attachCache } from 'velocache';
import type { VictimData } from './victim-data.js';

attachCache((workerData as VictimData).handle);
const victim = new Worker(new URL('./victim.js', import.meta.url), { workerData });
victim.on('message', (message: unknown) => parentPort?.postMessage(message));
