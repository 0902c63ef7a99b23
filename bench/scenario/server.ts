/** The process of a server: starts a thread for each core, and tells of its memory all the time. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { DemoTypes } from '../../src/cli/values.js';
import type { Cache, CacheStats } from '../../src/index.js';
import type {
  CacheReport,
  ServerCommand,
  ServerNews,
  ServerPlan,
  ThreadCommand,
  ThreadData,
  ThreadNews,
  ThreadReport,
} from './messages.js';
import { createVeloCache } from './velo-store.js';

const RSS_EVERY_MS = 50;

const plan = JSON.parse(process.argv[2]!) as ServerPlan;
const cache: Cache<DemoTypes> | undefined =
  plan.side === 'after' ? await createVeloCache(plan.capacityBytes) : undefined;
const data: ThreadData = { bodies: plan.bodies, handle: cache?.handle };
const threads = Array.from(
  { length: plan.threads },
  () => new Worker(new URL('./server-thread.js', import.meta.url), { workerData: data, execArgv: [] }),
);
let atBegin: { readonly stats: CacheStats | undefined; readonly cpu: NodeJS.CpuUsage } | undefined;

function tell(news: ServerNews): void {
  process.send?.(news);
}

/** The next word of each thread. */
async function hear(): Promise<ThreadNews[]> {
  return (await Promise.all(threads.map((thread) => once(thread, 'message')))).map(([news]) => news as ThreadNews);
}

async function command(commands: readonly ThreadCommand[]): Promise<ThreadNews[]> {
  const heard = hear();
  for (const [i, thread] of threads.entries()) thread.postMessage(commands[i]);
  return heard;
}

function evictedSince(now: CacheStats, before: CacheStats | undefined): Record<string, number> {
  const causes = ['size', 'share', 'quota', 'pressure'] as const;
  return Object.fromEntries(causes.map((cause) => [cause, now.removals[cause] - (before?.removals[cause] ?? 0)]));
}

function cacheReport(): CacheReport | undefined {
  if (cache === undefined) return undefined;
  const stats = cache.stats();
  const before = atBegin?.stats;
  return {
    evictions: evictedSince(stats, before),
    expirations: stats.expirations - (before?.expirations ?? 0),
    bytesInUse: stats.capacityBytes - stats.bytesFree,
    entries: stats.entries,
    tasks: stats.pool.tasks - (before?.pool.tasks ?? 0),
  };
}

async function obey(order: ServerCommand): Promise<void> {
  if (order.kind === 'fill') {
    await command(order.held.map((held) => ({ kind: 'fill', held })));
    tell({ kind: 'filled' });
  } else if (order.kind === 'warm-up') {
    await command(threads.map(() => order));
    tell({ kind: 'warm' });
  } else if (order.kind === 'begin') {
    atBegin = { stats: cache?.stats(), cpu: process.cpuUsage() };
    for (const thread of threads) thread.postMessage(order);
  } else {
    const news = await command(threads.map(() => order));
    const reports = news.flatMap((one): ThreadReport[] => (one.kind === 'report' ? [one.report] : []));
    const { user, system } = process.cpuUsage(atBegin?.cpu);
    tell({ kind: 'report', report: { threads: reports, cpuMs: (user + system) / 1e3, cache: cacheReport() } });
  }
}

for (const thread of threads) thread.on('error', (error) => tell({ kind: 'died', why: String(error) }));
process.on('message', (order: ServerCommand) => void obey(order));
process.on('disconnect', () => process.exit());
const news = await hear();
tell({ kind: 'listening', ports: news.flatMap((one) => (one.kind === 'listening' ? [one.port] : [])) });
setInterval(() => tell({ kind: 'rss', bytes: process.memoryUsage.rss() }), RSS_EVERY_MS);
