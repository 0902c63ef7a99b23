/**
 * A thread that plays both sides of a late renewal: a reader that stops at each of its steps in turn, and a writer that
 * changes the bucket there. Posts, for each stop, whether the entry that nobody has used was over in time.
 */
import { parentPort } from 'node:worker_threads';
import type { Operation, Scenario } from './scenario.js';
import { World } from './world.js';

const HOOK = Symbol.for('velocache.checkpoint');
const READER = 2;
const STOPS = 12;
const IDLE_MS = 300;
const idle = (key: number): Operation => ({ kind: 'set', key, bytes: 40, idleMs: IDLE_MS });
const common = { forbidden: [], pages: 6, hot: true, threads: [] } as const;

interface Late extends Scenario {
  /** What happens before the reader begins, at its stop, and after it. */
  readonly before: readonly Operation[];
  readonly meanwhile: readonly Operation[];
  readonly after: readonly Operation[];
}

const LATE: readonly Late[] = [
  {
    ...common,
    name: 'an entry last used in the same tick is moved into the slot',
    prepare: [idle(0), idle(1)],
    before: [{ kind: 'advance', ms: 50 }],
    meanwhile: [{ kind: 'delete', key: 0 }],
    after: [{ kind: 'advance', ms: 280 }],
  },
  {
    ...common,
    name: 'an entry is stored in the same tick, slot and chunk, and time goes on',
    prepare: [idle(0)],
    before: [],
    meanwhile: [{ kind: 'delete', key: 0 }, idle(1), { kind: 'advance', ms: 50 }],
    after: [{ kind: 'advance', ms: 260 }],
  },
];

function perform(world: World, operations: readonly Operation[]): void {
  for (const operation of operations) world.perform(operation, 9);
}

/** The operation of the reader at its stop, and what a get of key 1 says behind its end. */
function play(late: Late, stop: number): { operation: string | undefined; found: unknown } {
  const writer = World.create(late, READER);
  const reader = World.attach(late, writer.arena.buffers, writer.clock.buffer, READER);
  perform(writer, late.before);
  let step = 0;
  let stopped: string | undefined;
  const hooks = globalThis as unknown as Record<symbol, ((operation: string) => void) | undefined>;
  hooks[HOOK] = (operation) => {
    step += 1;
    if (step !== stop) return;
    hooks[HOOK] = undefined;
    stopped = operation;
    perform(writer, late.meanwhile);
  };
  reader.get(0);
  hooks[HOOK] = undefined;
  perform(writer, late.after);
  return { operation: stopped, found: writer.get(1) };
}

parentPort?.postMessage(
  LATE.map((late) => ({ name: late.name, stops: Array.from({ length: STOPS }, (_, i) => play(late, i + 1)) })),
);
