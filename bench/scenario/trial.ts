/** One server under one load: filled with what it would hold by then, measured, and at last asked for all it can. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Held, History } from './history.js';
import type { ServerPlan, ServerReport, Side, UsersCommand, UsersPlan, UsersReport } from './messages.js';
import { Crash, type Memory, ServerProcess } from './server-process.js';

/** For what has been started to come to rest. */
const IDLE_MS = 1_500;
/** Parts of the measured time for which users come in, and then don't think. */
const RAMP_PART = 8;
const RUSH_PART = 8;
const PART_MS_MIN = 1_000;

export interface TrialPlan {
  readonly server: ServerPlan;
  readonly users: number;
  readonly seed: number;
  readonly seconds: number;
  readonly historyMs: number;
  /** What data may take of the memory of a server before. */
  readonly bytesDataMax: number;
  /** What the process may take; from what it takes without data, if there is no server before that tells. */
  readonly bytesMax: number | undefined;
}

export interface Outcome {
  readonly side: Side;
  readonly users: number;
  /** Undefined if it lived. */
  readonly crash: string | undefined;
  /** Resident bytes before it held anything, and the most that it was allowed. */
  readonly bytesIdle: number;
  readonly bytesMax: number;
  /** While it was measured, or up to its crash. */
  readonly memory: Memory;
  readonly measured: Measured | undefined;
}

export interface Measured {
  readonly server: ServerReport;
  readonly users: UsersReport;
  /** When users don't think. */
  readonly rush: { readonly server: ServerReport; readonly users: UsersReport } | undefined;
}

export async function runTrial(plan: TrialPlan): Promise<Outcome> {
  const { threads, side } = plan.server;
  // V8 is told what the process may have: it collects harder before it gives up.
  const server = new ServerProcess(plan.server, Math.ceil(plan.bytesDataMax / threads / 2 ** 20));
  let [bytesIdle, memory]: [number, Memory] = [Number.NaN, { mean: Number.NaN, peak: Number.NaN }];
  const outcome = (crash: string | undefined, measured?: Measured): Outcome => {
    return { side, users: plan.users, crash, bytesIdle, bytesMax: server.bytesMax, memory, measured };
  };
  try {
    const { ports } = await server.next('listening');
    bytesIdle = await warmUp(server);
    server.bytesMax = plan.bytesMax ?? bytesIdle + plan.bytesDataMax;
    const measured = await measure(server, plan, ports, (taken) => {
      memory = taken;
    });
    return outcome(undefined, measured);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    if (Number.isNaN(memory.peak)) memory = server.takeMemory();
    return outcome(error.message);
  } finally {
    await server.stop();
  }
}

/** Returns what the server takes without data. */
async function warmUp(server: ServerProcess): Promise<number> {
  const warm = server.next('warm');
  server.tell({ kind: 'warm-up' });
  await warm;
  server.takeMemory();
  await server.alive(pause(IDLE_MS));
  return server.takeMemory().mean;
}

async function measure(
  server: ServerProcess,
  plan: TrialPlan,
  ports: readonly number[],
  remember: (memory: Memory) => void,
): Promise<Measured> {
  const { users, seed, historyMs, seconds } = plan;
  const history = new History({ users, seed, windowMs: historyMs, threads: plan.server.threads });
  history.run(historyMs - (seconds * 1_000) / 2);
  await fill(server, heldByThread(history, plan.server));
  const crowd = new Crowd({ users, seed, ports, windowMs: historyMs, next: history.requests.next });
  try {
    await server.alive(pause(partMs(seconds, RAMP_PART)));
    server.takeMemory();
    const steady = await observe(server, crowd, 'begin', seconds * 1_000);
    remember(server.takeMemory());
    return { ...steady, rush: await rush(server, crowd, partMs(seconds, RUSH_PART)) };
  } finally {
    crowd.leave();
  }
}

/** A server that lived through all that was measured may not live through this. */
async function rush(server: ServerProcess, crowd: Crowd, ms: number): Promise<Measured['rush']> {
  try {
    return await observe(server, crowd, 'rush', ms);
  } catch (error) {
    if (error instanceof Crash) return undefined;
    throw error;
  }
}

function partMs(seconds: number, part: number): number {
  return Math.max(PART_MS_MIN, (seconds * 1_000) / part);
}

/** Of a cache that all threads share, each thread stores a part. */
function heldByThread(history: History, { side, threads }: ServerPlan): Held[][] {
  const numbers = Array.from({ length: threads }, (_, thread) => thread);
  if (side === 'before') return numbers.map((thread) => history.heldBy(thread));
  const all = history.heldByAll();
  return numbers.map((thread) => all.filter((_, i) => i % threads === thread));
}

async function fill(server: ServerProcess, held: readonly (readonly Held[])[]): Promise<void> {
  const filled = server.next('filled');
  server.tell({ kind: 'fill', held });
  await filled;
}

async function observe(
  server: ServerProcess,
  crowd: Crowd,
  how: 'begin' | 'rush',
  ms: number,
): Promise<{ server: ServerReport; users: UsersReport }> {
  server.tell({ kind: 'begin' });
  crowd.tell(how);
  await server.alive(pause(ms));
  const [users, { report }] = await Promise.all([crowd.report(), reportOf(server)]);
  return { users, server: report };
}

function reportOf(server: ServerProcess): Promise<{ readonly report: ServerReport }> {
  const report = server.next('report');
  server.tell({ kind: 'end' });
  return report;
}

/** The users, in a process of their own. */
class Crowd {
  readonly #child: ReturnType<typeof fork>;

  constructor(plan: UsersPlan) {
    this.#child = fork(fileURLToPath(new URL('./users.js', import.meta.url)), [JSON.stringify(plan)]);
  }

  tell(kind: UsersCommand['kind']): void {
    this.#child.send({ kind });
  }

  async report(): Promise<UsersReport> {
    const heard = once(this.#child, 'message');
    const gone = once(this.#child, 'exit').then(() => {
      throw new Error("the users' process ended");
    });
    // It ends when it is told to leave, and nobody waits for a report then.
    gone.catch(() => undefined);
    this.tell('end');
    return (await Promise.race([heard, gone]))[0] as UsersReport;
  }

  leave(): void {
    this.#child.kill('SIGKILL');
  }
}
