/**
 * Keeps the cache a warden. A warden ends with the thread that started it; every attached thread sees its line close,
 * and one compare-exchange on the warden word decides who starts the next:
 *
 *     threadId + 1   that thread is the warden        -(threadId + 1)   that thread is starting one        0  none
 *
 * The others look again after a while: they join the new warden, or, if the starter has died meanwhile, take its turn.
 */
import { threadId, Worker } from 'node:worker_threads';
import { compareExchange, load } from '#atomics';
import { HEADER } from '../../native-free/index.js';
import type { CacheHandle } from './handle.js';
import type { Member } from './member.js';

const LOOK_AGAIN_MS = 250;
/** Looks before a starter that hasn't finished is passed over; starting takes some 100 ms. */
const STARTER_LOOKS = 8;

export class WardenKeeper {
  readonly #member: Member;
  readonly #handle: CacheHandle<unknown>;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #starterSeen = 0;
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
    });
  }

  #replace(): void {
    const { meta } = this.#member.arena;
    const word = load(meta, HEADER.wardenThread);
    const isMyTurn =
      word === this.#lost + 1 || (word < 0 && word === this.#starterSeen && this.#looks >= STARTER_LOOKS);
    if (isMyTurn && compareExchange(meta, HEADER.wardenThread, word, -(threadId + 1)) === word) {
      this.#looks = 0;
      this.#start().then(
        () => this.#member.join(),
        () => this.#lookAgain(),
      );
      return;
    }
    this.#looks = word === this.#starterSeen ? this.#looks + 1 : 0;
    this.#starterSeen = word;
    this.#lookAgain();
  }

  #lookAgain(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), LOOK_AGAIN_MS);
    this.#timer.unref();
  }

  #look(): void {
    if (!this.#member.isOpen) return;
    this.#member.join();
    if (!this.#member.isWatched) this.#replace();
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
