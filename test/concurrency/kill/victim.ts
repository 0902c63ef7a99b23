/** A victim: does everything with the cache until it is ended, or ends itself in the way that it was told. */
import vm from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type Cache } from 'velocache';
import { Random } from '../../../src/cli/random.js';
import { Board } from './board.js';
import { functionsFor, type KillTypes, keyOf } from './keys.js';
import { Load } from './load.js';
import { ON_PURPOSE, type VictimData } from './victim-data.js';
import { type WayName, wayNumber } from './ways.js';

const ABANDONS = 8;
const STACK_TRIES = 40;
/** Frames from one of them to the next. */
const STACK_STEP = 3;

class Victim {
  readonly #cache: Cache<KillTypes>;
  readonly #board: Board;
  readonly #load: Load;
  readonly #random: Random;
  readonly #way: WayName;

  constructor(data: VictimData) {
    this.#cache = attachCache(data.handle, functionsFor(data.handle));
    this.#board = new Board(data.board);
    this.#random = new Random(data.seed);
    this.#load = new Load(this.#cache, this.#board, data, this.#random);
    this.#way = data.way;
  }

  async run(delayMs: number): Promise<void> {
    const until = performance.now() + delayMs;
    if (this.#way.startsWith('terminate')) for (;;) this.#load.step();
    if (this.#way === 'heap exhausted') this.#exhaustHeap();
    while (performance.now() < until) this.#load.step();
    if (this.#random.next() < 0.5) process.on('exit', () => this.#steps(5));
    await this.#end();
  }

  async #end(): Promise<void> {
    switch (this.#way) {
      case 'exit in encode':
        return this.#setWith(() => this.#exit());
      case 'exit, handler calls':
        process.on('exit', () => this.#steps(30));
        return this.#exit();
      case 'uncaught error':
        if (this.#random.next() < 0.5) return this.#setWith(() => this.#throw());
        return this.#throw();
      case 'abandon, exit':
        process.on('exit', () => this.#steps(30));
        this.#abandonByVm();
        return this.#exit();
      case 'abandon by vm':
      case 'abandon by vm, idle':
      case 'abandon by stack':
        return this.#abandonAll();
      default:
        return this.#exit();
    }
  }

  #exit(): void {
    this.#board.logKill(wayNumber(this.#way));
    process.exit(0);
  }

  #throw(): never {
    this.#board.logKill(wayNumber(this.#way));
    throw new Error(ON_PURPOSE);
  }

  /** Foreign code inside a set: a getter of the value. */
  #setWith(getter: () => void): void {
    const value = {
      before: 'x'.repeat(200),
      get bomb(): number {
        getter();
        return 1;
      },
    };
    this.#cache.type('object').set(keyOf(0), value as never);
  }

  #steps(count: number): void {
    for (let i = 0; i < count; i++) this.#load.step();
  }

  async #abandonAll(): Promise<void> {
    for (let i = 0; i < ABANDONS; i++) {
      if (this.#way === 'abandon by stack') this.#abandonByStack();
      else this.#abandonByVm();
      this.#board.logKill(wayNumber(this.#way));
      // What it left open is then found by the warden, which asks this thread.
      if (this.#way === 'abandon by vm, idle') await new Promise((resolve) => setTimeout(resolve, 80));
      this.#steps(1 + Math.floor(this.#random.next() * 100));
    }
    process.exit(0);
  }

  #abandonByVm(): void {
    const context = vm.createContext({ step: () => this.#load.step(), cache: this.#cache, key: keyOf(1) });
    const timeout = 1 + Math.floor(this.#random.next() * 4);
    try {
      vm.runInContext('for (;;) { step(); cache.type("small").has(key); }', context, { timeout });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    }
  }

  /**
   * Lets the stack overflow at many depths inside operations: sinks to where it is full, and tries on the way up.
   * Returns how many frames above that the caller is.
   */
  #abandonByStack(): number {
    let height = 0;
    try {
      height = this.#abandonByStack() + 1;
      if (height <= STACK_TRIES * STACK_STEP && height % STACK_STEP === 0) this.#load.step();
    } catch (error) {
      if (!isOverflow(error)) throw error;
    }
    return height;
  }

  #exhaustHeap(): never {
    const kept: unknown[] = [];
    this.#board.logKill(wayNumber(this.#way));
    for (let i = 0; ; i++) {
      this.#load.step();
      kept.push(new Array(200).fill(i), this.#cache.type('object').get(keyOf(500 + (i % 500))));
    }
  }
}

/**
 * A stack overflow, bare or as the cause of what a codec threw. Asked where the stack is all but full: what overflows
 * here must throw as an overflow, too, so no pattern may have to be compiled, for which V8 throws a SyntaxError.
 */
function isOverflow(error: unknown): boolean {
  if (error instanceof RangeError) return error.message.includes('call stack');
  return error instanceof Error && error.cause !== undefined && isOverflow(error.cause);
}

const data = workerData as VictimData;
const victim = new Victim(data);
parentPort?.postMessage('attached');
try {
  await victim.run(data.delayMs);
} catch (error) {
  if ((error as Error).message !== ON_PURPOSE) {
    new Board(data.board).report('error', `victim (${data.way}): ${(error as Error).stack ?? error}`);
  }
  throw error;
}
