import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { sweepAll } from '../src/cache/sweep.js';
import { attachments } from '../src/cache/thread-caches.js';
import { LeapingClock } from '../src/cli/leaping-clock.js';
import { DEMO_FUNCTIONS } from '../src/cli/limits.js';
import { LoadThread } from '../src/cli/load-thread.js';
import type { Answer, Command, DemoWorkerData, LoadWorkerData, ReplayWorkerData } from '../src/cli/messages.js';
import { Pacer } from '../src/cli/pacer.js';
import { WARM_UP_MS_MAX } from '../src/cli/profile.js';
import { ReplayThread } from '../src/cli/replay-thread.js';
import type { DemoTypes } from '../src/cli/values.js';
import { attachCache, type Cache, ManualClock } from '../src/index.js';

/** A thread of the demo: attaches to the cache, does what the main thread tells it to, and leaves when told. */
interface Service {
  /** Until it can be told anything. */
  readonly opened: Promise<void>;
  readonly obey: (command: Command) => Promise<void> | void;
}

const now = (): number => performance.now();

function serveLoad(cache: Cache<DemoTypes>, data: LoadWorkerData, answer: (message: Answer) => void): Service {
  const stop = new AbortController();
  const thread = new LoadThread(cache, data, now, stop.signal);
  const obey = async ({ kind }: Command): Promise<void> => {
    if (kind === 'warm-up') {
      await thread.warmUp(WARM_UP_MS_MAX);
      answer({ kind: 'warm' });
    } else if (kind === 'start') {
      await thread.run();
      answer({ kind: 'done', tally: thread.tally });
    } else if (kind === 'stop') stop.abort();
  };
  return { opened: thread.open(), obey };
}

function serveReplay(cache: Cache<DemoTypes>, data: ReplayWorkerData, answer: (message: Answer) => void): Service {
  const clock = new LeapingClock(ManualClock.from(data.clock), () => sweep(cache));
  const pacer = new Pacer(data.pacer, data.participants, clock);
  const thread = new ReplayThread(cache, pacer, data.participant, data.capacityBytes);
  const obey = (command: Command): void => {
    if (command.kind === 'chunk') {
      thread.run(command.chunk);
      answer({ kind: 'chunk' });
    } else if (command.kind === 'stop') {
      pacer.leave(data.participant);
      answer({ kind: 'done', tally: thread.tally });
    }
  };
  return { opened: Promise.resolve(), obey };
}

/** Removes what is over. Only the thread that moves the clock does so, while the others wait for it. */
function sweep(cache: Cache<DemoTypes>): void {
  const { member } = [...attachments().values()].find((attachment) => attachment.cache === cache)!;
  member.begin();
  sweepAll(member.store.sweeper);
}

async function serve(port: MessagePort, data: DemoWorkerData): Promise<void> {
  const answer = (message: Answer): void => port.postMessage(message);
  const cache = attachCache(data.handle, data.mode === 'load' ? DEMO_FUNCTIONS : {});
  const { opened, obey } = data.mode === 'load' ? serveLoad(cache, data, answer) : serveReplay(cache, data, answer);
  port.on('message', async (command: Command) => {
    if (command.kind !== 'leave') return obey(command);
    await cache.close();
    port.close();
  });
  await opened;
  answer({ kind: 'ready' });
}

if (parentPort === null) throw new Error('this module is the entry point of a worker thread');
await serve(parentPort, workerData as DemoWorkerData);
