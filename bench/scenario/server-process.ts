/** A server's process as the bench sees it: what it says, what memory it takes, and that it dies when that is too much. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ServerCommand, ServerNews, ServerPlan } from './messages.js';

/** What V8 and Node say last when they give up. */
const LAST_WORDS = /FATAL ERROR: .*|ERR_WORKER_OUT_OF_MEMORY.*/;
const STDERR_KEPT = 10_000;

/** The server ended by itself, or had to be ended. */
export class Crash extends Error {}

export interface Memory {
  readonly mean: number;
  readonly peak: number;
}

type NewsOf<K extends ServerNews['kind']> = Extract<ServerNews, { readonly kind: K }>;

export class ServerProcess {
  /** Resident bytes above which it is killed, as a container would. */
  bytesMax: number = Number.POSITIVE_INFINITY;
  readonly #child: ChildProcess;
  readonly #crashed: Promise<never>;
  #rss: number[] = [];
  #said = '';
  #crash: (why: string) => void = () => undefined;
  #isStopping = false;

  constructor(plan: ServerPlan, heapMb: number) {
    const file = fileURLToPath(new URL('./server.js', import.meta.url));
    const execArgv = [`--max-old-space-size=${heapMb}`];
    this.#child = fork(file, [JSON.stringify(plan)], { execArgv, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.#crashed = new Promise((_, reject) => {
      this.#crash = (why) => reject(new Crash(why));
    });
    // Nobody may be waiting for anything at that moment.
    this.#crashed.catch(() => undefined);
    this.#child.on('message', (news: ServerNews) => this.#hear(news));
    this.#child.on('exit', (code, signal) => this.#end(code, signal));
    this.#child.stderr!.on('data', (text: Buffer) => {
      this.#said = (this.#said + text).slice(-STDERR_KEPT);
    });
  }

  /** Rejects with a Crash if the server dies before it. */
  async next<K extends ServerNews['kind']>(kind: K): Promise<NewsOf<K>> {
    const heard = new Promise<NewsOf<K>>((resolve) => {
      const listen = (news: ServerNews): void => {
        if (news.kind !== kind) return;
        this.#child.off('message', listen);
        resolve(news as NewsOf<K>);
      };
      this.#child.on('message', listen);
    });
    return Promise.race([heard, this.#crashed]);
  }

  /** Waits for so long, or rejects with a Crash. */
  async alive(waiting: Promise<void>): Promise<void> {
    await Promise.race([waiting, this.#crashed]);
  }

  tell(command: ServerCommand): void {
    if (this.#child.connected) this.#child.send(command);
  }

  /** Resident bytes since the last call. */
  takeMemory(): Memory {
    const samples = this.#rss;
    this.#rss = [];
    const mean = samples.reduce((sum, bytes) => sum + bytes, 0) / samples.length;
    return { mean, peak: samples.reduce((most, bytes) => Math.max(most, bytes), 0) };
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #hear(news: ServerNews): void {
    if (news.kind === 'died') this.#kill(`a thread died: ${news.why}`);
    if (news.kind !== 'rss') return;
    this.#rss.push(news.bytes);
    if (news.bytes > this.bytesMax) this.#kill('resident memory over the limit');
  }

  #kill(why: string): void {
    this.#crash(why);
    this.#child.kill('SIGKILL');
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopping) return;
    const words = LAST_WORDS.exec(this.#said)?.[0] ?? this.#said.trim().split('\n').at(-1) ?? '';
    this.#crash(`the process ended with ${signal ?? code}: ${words}`);
  }
}
