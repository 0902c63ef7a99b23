/**
 * Keeps the cache a warden. A warden ends with the thread that started it; every attached thread sees its line close,
 * and one compare-exchange on the warden word decides who starts the next:
 *
 *     threadId + 1   that thread is the warden        -(threadId + 1)   that thread is starting one        0  none
 *
 * The others say hello to the starter and look again after a while: they join the new warden, or, once the hello proves
 * the starter dead, one of them takes its turn by another compare-exchange. A starter whose warden fails starts another.
 */
import { threadId, Worker } from 'node:worker_threads';
import { compareExchange, load } from '#atomics';
import { HEADER } from '../../native-free/index.js';
import type { CacheHandle } from './handle.js';
import { sayHello } from './hello.js';
import type { Member } from './member.js';

/** Between two looks; starting takes some 100 ms. */
const LOOK_AGAIN_MS = 100;
/** Before a thread whose warden could not start starts another. */
const FAILED_MS = 1_000;

export class WardenKeeper {
  readonly #member: Member;
  readonly #handle: CacheHandle<unknown>;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStarting = false;
  /** The starter that has yet to answer a hello of this thread. */
  #asked = -1;
  /** The last warden that this thread had a line to, or tried to have. */
  #lost = -1;

  constructor(member: Member, handle: CacheHandle<unknown>) {
    this.#member = member;
    this.#handle = handle;
    member.onWardenGone = (lost) => {
      this.#lost = lost;
      this.#replace();
    };
  }

  /** Starts the first warden; resolves when it watches. */
  async startFirst(): Promise<void> {
    compareExchange(this.#member.arena.meta, HEADER.wardenThread, 0, -(threadId + 1));
    await this.#start();
    this.#member.join();
  }

  /** Joins the warden that there is; sees to it that there will be one. */
  look(): void {
    if (!this.#member.isOpen) return;
    this.#member.join();
    if (!this.#member.isWatched) this.#replace();
  }

  #start(): Promise<void> {
    const worker = new Worker(new URL('../../workers/warden.js', import.meta.url), {
      workerData: this.#handle,
      name: 'velocache-warden',
      execArgv: [],
    });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.once('message', () => {
        worker.unref();
        resolve();
      });
      // A warden that fails is replaced when its lines close; its error must not end the process.
      worker.on('error', (error) => {
        process.emitWarning(error instanceof Error ? error : String(error), { code: 'VELOCACHE_WARDEN' });
        reject(error);
      });
      worker.once('exit', () => reject(new Error('the warden ended while it started')));
    });
  }

  #replace(): void {
    const { meta } = this.#member.arena;
    const word = load(meta, HEADER.wardenThread);
    const starter = -word - 1;
    if (word === this.#lost + 1 || (starter === threadId && !this.#isStarting)) this.#take(word);
    else if (starter >= 0 && starter !== threadId && starter !== this.#asked) void this.#ask(starter);
    this.#lookAgain();
  }

  /** Starts a warden if the word is still this one. */
  #take(word: number): void {
    const { meta } = this.#member.arena;
    if (compareExchange(meta, HEADER.wardenThread, word, -(threadId + 1)) !== word) return;
    this.#isStarting = true;
    this.#start().then(
      () => {
        this.#isStarting = false;
        this.#member.join();
      },
      // The listener for its error tells why.
      () =>
        setTimeout(() => {
          this.#isStarting = false;
        }, FAILED_MS).unref(),
    );
  }

  async #ask(starter: number): Promise<void> {
    this.#asked = starter;
    const isAlive = await sayHello(starter, this.#member.arena.id);
    this.#asked = -1;
    if (!isAlive && this.#member.isOpen) this.#take(-(starter + 1));
  }

  #lookAgain(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), LOOK_AGAIN_MS);
    this.#timer.unref();
  }

  /** Waits for a warden of this thread's to end, after the cache has been closed. */
  async ended(): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined || worker.threadId < 0) return;
    worker.ref();
    await new Promise((resolve) => worker.once('exit', resolve));
  }
}
