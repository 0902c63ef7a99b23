/** The threads of a round: starts them, ends them, and notes every death. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CacheHandle } from 'velocache';
import { HEADER } from '../../../native-free/index.js';
import type { Board } from './board.js';
import type { KillTypes } from './keys.js';
import type { SurvivorData } from './survivor.js';
import { ON_PURPOSE, type VictimData } from './victim-data.js';
import { wayNumber } from './ways.js';

/** A thread that was told to end and hasn't after this long counts as one that hangs. */
const END_MS_MAX = 60_000;

export interface Hand {
  readonly worker: Worker;
  readonly threadId: number;
  readonly ended: Promise<unknown>;
}

export class Crew {
  handle!: CacheHandle<KillTypes>;
  readonly #board: Board;
  readonly #hands = new Set<Hand>();
  #warden: Int32Array = new Int32Array(16);

  constructor(board: Board) {
    this.#board = board;
  }

  /** Starts the thread that makes the cache. */
  async found(): Promise<Hand> {
    const creator = this.#start('bystander', { handle: undefined });
    const [handle] = (await once(creator.worker, 'message')) as [CacheHandle<KillTypes>];
    this.handle = handle;
    this.#warden = new Int32Array(handle.buffers[0]!);
    return creator;
  }

  /** Starts an idle attached thread. */
  async startBystander(): Promise<Hand> {
    const hand = this.#start('bystander', { handle: this.handle });
    await once(hand.worker, 'message');
    return hand;
  }

  startSurvivor(data: Omit<SurvivorData, 'handle' | 'board'>): Hand {
    return this.#start('survivor', { ...data, handle: this.handle, board: this.#board.buffers });
  }

  startVictim(data: Omit<VictimData, 'handle' | 'board'>, resourceLimits?: object): Hand {
    const script = data.way === 'terminate parent' ? 'carrier' : 'victim';
    return this.#start(script, { ...data, handle: this.handle, board: this.#board.buffers }, resourceLimits);
  }

  #start(script: string, workerData: object, resourceLimits: object = {}): Hand {
    const worker = new Worker(new URL(`./${script}.js`, import.meta.url), {
      workerData,
      resourceLimits,
      stdout: false,
    });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const hand = { worker, threadId: worker.threadId, ended };
    worker.on('error', (error: Error & { code?: string }) => {
      if (error.message === ON_PURPOSE || error.code === 'ERR_WORKER_OUT_OF_MEMORY') return;
      this.#board.report('error', `${script}: ${error.stack ?? error}`);
    });
    this.#hands.add(hand);
    ended.then(() => this.#hands.delete(hand));
    return hand;
  }

  /** Ends a thread from outside. */
  async kill(hand: Hand, way: Parameters<typeof wayNumber>[0]): Promise<void> {
    this.#board.logKill(wayNumber(way));
    void hand.worker.terminate();
    await this.waitEnd(hand, way);
  }

  /** Waits for a thread that is ending. False if it doesn't. */
  async waitEnd(hand: Hand, what: string): Promise<boolean> {
    const timer = new AbortController();
    const ended = await Promise.race([hand.ended.then(() => true), pause(END_MS_MAX, timer.signal).then(() => false)]);
    timer.abort();
    if (!ended) this.#board.report('hang', `a thread has not ended (${what})`);
    return ended;
  }

  /** The thread that owns the warden that is being started just now, or -1. */
  starter(): number {
    const word = Atomics.load(this.#warden, HEADER.wardenThread);
    return word < 0 ? -word - 1 : -1;
  }

  hasWarden(): boolean {
    return Atomics.load(this.#warden, HEADER.wardenThread) > 0;
  }

  /** The warden's thread, or -1. */
  wardenThread(): number {
    return Atomics.load(this.#warden, HEADER.wardenThread) - 1;
  }

  /** Threads of this crew that have not ended. */
  get size(): number {
    return this.#hands.size;
  }

  handOf(threadId: number): Hand | undefined {
    return [...this.#hands].find((hand) => hand.threadId === threadId);
  }

  async dismiss(): Promise<void> {
    await Promise.all([...this.#hands].map(({ worker }) => worker.terminate()));
  }
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
