/**
 * The scenario of the mission: one HTTP server with a TTL-only cache of objects in each thread, and the same with
 * velocache, under the same load, each in a process of the same memory limit.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { percent } from '../figures.js';
import { markdown } from '../markdown.js';
import type { BenchOptions } from '../options.js';
import { type BodiesPlan, writeBodies } from './bodies.js';
import type { HeapReport } from './heap-child.js';
import { bytesHeld, History, type HistoryOptions, historyMsFor } from './history.js';
import { SIDES } from './messages.js';
import { DATA_SCALE, GB, missionMemory, scaledMemory, TIME_SCALE } from './mission.js';
import { type Pair, reportOf } from './report.js';
import { type Outcome, runTrial, type TrialPlan } from './trial.js';
import { LOADS, THINK_MS, TYPES } from './workload.js';

/** For the shares of space, which do not depend on it. */
const SAMPLE_USERS = 200;

export async function runScenario({ seconds, users, seed }: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'velocache-scenario-'));
  try {
    const bodies = writeBodies(join(folder, 'bodies'), seed);
    const heap = await measureHeap(bodies);
    const threads = Math.max(2, availableParallelism());
    const { bytesPerUser, bytesDataMax, bytesCapacity } = scaledMemory();
    const historyMs = historyMsFor(bytesPerUser / heap.residentShare, heap.bytesOf, threads, seed);
    process.stdout.write(describe(heap, { users: SAMPLE_USERS, threads, seed, windowMs: historyMs }));
    const pairs: Pair[] = [];
    for (const count of users) {
      const plan = { users: count, seed, seconds, historyMs, bytesDataMax };
      const server = { threads, bodies, capacityBytes: bytesCapacity };
      pairs.push({ users: count, ...(await runBoth(plan, server)) });
    }
    process.stdout.write(`\n${reportOf(pairs)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The server before first: from what it takes without data follows what both may take. */
async function runBoth(
  plan: Omit<TrialPlan, 'server' | 'bytesMax'>,
  server: Omit<TrialPlan['server'], 'side'>,
): Promise<{ before: Outcome; after: Outcome }> {
  const outcomes: Outcome[] = [];
  for (const side of SIDES) {
    // Both may take as much, whatever each takes without data.
    const outcome = await runTrial({ ...plan, bytesMax: outcomes[0]?.bytesMax, server: { ...server, side } });
    const what = outcome.crash ?? `${outcome.measured?.users.answers} answers`;
    process.stdout.write(`  ${plan.users} users, ${side}: ${what}\n`);
    outcomes.push(outcome);
  }
  const [before, after] = outcomes as [Outcome, Outcome];
  return { before, after };
}

async function measureHeap(bodies: BodiesPlan): Promise<HeapReport> {
  const file = fileURLToPath(new URL('./heap-child.js', import.meta.url));
  const child = fork(file, [JSON.stringify(bodies)], { execArgv: ['--expose-gc'] });
  const [[report]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[HeapReport], unknown];
  return report;
}

/** The load, and how it follows from the mission's figures. */
function describe({ bytesOf, residentShare }: HeapReport, options: HistoryOptions): string {
  const history = new History(options);
  history.run(options.windowMs);
  const held = bytesHeld(history, options.threads, bytesOf);
  const all = Object.values(held).reduce((sum, bytes) => sum + bytes, 0);
  const rows = TYPES.map((type) => {
    const { accesses, space, again, meanBytes, backEndMs, ttl } = LOADS[type];
    const shares = [accesses, again, space, held[type] / all].map((share) => percent(share, 0));
    return [type, ...shares, `${meanBytes}`, bytesOf[type].toFixed(0), `${backEndMs} ms`, `${ttl} h`];
  });
  const head = ['type', 'accesses', 'asked before', 'space, mission', 'here', 'JSON', 'object', 'back end', 'TTL'];
  return `${derivation(options, residentShare)}\n${markdown([head, ...rows])}\n`;
}

function derivation({ threads, windowMs }: HistoryOptions, residentShare: number): string {
  const { bytesIdle, bytesPerUser, bytesAtCrash, bytesLimit } = missionMemory();
  const scaled = scaledMemory();
  const gb = (bytes: number): string => `${(bytes / GB).toFixed(2)} GB`;
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
  const hours = (windowMs * TIME_SCALE) / 3_600_000;
  return [
    `  The mission's server before: ${gb(bytesIdle)} and ${mb(bytesPerUser)} for each user, by least squares. At its crash it would`,
    `  have taken ${gb(bytesAtCrash)}; its limit is taken to be midway between that and what it last took, ${gb(bytesLimit)}.`,
    `  Data are a part of ${DATA_SCALE}: ${mb(scaled.bytesPerUser)} a user, ${mb(scaled.bytesDataMax)} at most beside what the server takes without any, a`,
    `  velocache of ${mb(scaled.bytesCapacity)}. An hour of TTLs is ${60 / TIME_SCALE} min. Users think for ${THINK_MS} ms in the mean.`,
    `  ${threads} threads take requests. Objects take ${residentShare.toFixed(2)} times their bytes of resident memory: with ${(windowMs / 1_000).toFixed(0)} s of the`,
    `  load behind it, ${hours.toFixed(1)} h of the mission's time, the server before holds what the mission's did. Both begin there.`,
    '',
  ].join('\n');
}
