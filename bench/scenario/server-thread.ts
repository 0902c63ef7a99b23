/** A thread that takes requests: `GET /TYPE/NUMBER` on a port of its own, answered in JSON out of its store. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { DemoType } from '../../src/cli/values.js';
import { BackEnds } from './back-ends.js';
import { Bodies } from './bodies.js';
import type { Held } from './history.js';
import type { ThreadCommand, ThreadData, ThreadNews } from './messages.js';
import type { Store } from './store.js';
import { TtlStore } from './ttl-store.js';
import { VeloStore } from './velo-store.js';
import { Window } from './window.js';
import { TYPES } from './workload.js';

/** Things stored between two turns of the event loop. */
const FILL_STRIDE = 64;

/** Reads of the warm-up: of each type so many things, so often. They are none that users ask for. */
const WARM_THINGS = 8;
const WARM_ROUNDS = 60;
const WARM_FIRST = 1_000_000_000;

const { bodies, handle } = workerData as ThreadData;
const backEnds = new BackEnds(new Bodies(bodies));
const store: Store = handle === undefined ? new TtlStore(backEnds) : new VeloStore(handle, backEnds);
let window: Window | undefined;

function tell(news: ThreadNews): void {
  parentPort!.postMessage(news);
}

async function answer({ url }: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, type, thing] = (url ?? '').split('/') as [string, DemoType, string];
  const startMs = performance.now();
  const { value, isHit } = await store.read(type, Number(thing));
  window?.read(performance.now() - startMs, isHit);
  const text = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function fill(held: readonly Held[]): Promise<void> {
  for (const [i, { type, thing, ageMs }] of held.entries()) {
    store.fill(type, thing, ageMs);
    if (i % FILL_STRIDE === 0) await setImmediate();
  }
  tell({ kind: 'filled' });
}

/** What a server takes that answers requests: code, workers, the young generation at its size. None of it is data. */
async function warmUp(): Promise<void> {
  for (let round = 0; round < WARM_ROUNDS; round++) {
    const numbers = Array.from({ length: WARM_THINGS }, (_, i) => WARM_FIRST + i);
    const reads = TYPES.flatMap((type) => numbers.map((thing) => store.read(type, thing)));
    for (const { value } of await Promise.all(reads)) JSON.stringify(value);
  }
  tell({ kind: 'warm' });
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
// As long as the run: an idle connection is a user that thinks.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => tell({ kind: 'listening', port: (server.address() as AddressInfo).port }));
parentPort!.on('message', async (command: ThreadCommand) => {
  if (command.kind === 'fill') return fill(command.held);
  if (command.kind === 'warm-up') return warmUp();
  if (command.kind === 'begin') window = new Window();
  else if (window !== undefined) tell({ kind: 'report', report: window.end() });
});
