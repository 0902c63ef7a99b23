/**
 * Entry point of the warden thread (src/cache/warden.ts). workerData: the cache's handle. Posts one message, 'ready',
 * to the thread that started it, once it watches.
 */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import type { CacheHandle } from '../src/cache/handle.js';
import { Member } from '../src/cache/member.js';
import { PressureKeeper } from '../src/cache/pressure-keeper.js';
import { RankKeeper } from '../src/cache/rank-keeper.js';
import { Warden } from '../src/cache/warden.js';

/** Its event loop brings the news of deaths: it must not wait long for a lock that a dead thread may hold. */
const LOCK_WAIT_MS = 2;

let warden: Warden | undefined;
// Before it attaches: a thread that attaches without listening would be taken for dead by another warden.
process.on('workerMessage', (message: unknown) => warden?.receive(message));
const handle = workerData as CacheHandle<unknown>;
const member = Member.attach(handle, LOCK_WAIT_MS);
const { pressure, policy } = handle.plan;
const keeper = pressure === false ? undefined : new PressureKeeper(member, handle, pressure);
const ranks = policy.name === 'adaptive' ? new RankKeeper(member, policy.favour) : undefined;
warden = new Warden(member, threadId, () => member.publishClock(), keeper, ranks);
warden.start();
parentPort?.postMessage('ready');
