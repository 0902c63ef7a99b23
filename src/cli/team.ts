import { Worker } from 'node:worker_threads';
import { messageOf } from './errors.js';
import type { Answer, Command, DemoWorkerData, TraceChunk } from './messages.js';
import type { Tally } from './tally.js';

/** Compiled, the package keeps its folders: from here the worker lies in the same place in every installation. */
const WORKER_URL = new URL('../../workers/demo-worker.js', import.meta.url);

/** Longest wait for a thread to answer; one that is silent for longer is reported as hanging, and ended. */
const ANSWER_MS_MAX = 10_000;
/** Many threads on few cores take a while to start. */
const START_MS_MAX = 30_000;

interface Member {
  readonly name: string;
  readonly worker: Worker;
  readonly answers: Set<Answer['kind']>;
  chunksTaken: number;
  tally: Tally | undefined;
  gone: boolean;
}

/** The worker threads of a demo: starts them, tells them what to do, notices which of them die. */
export class Team {
  /** One sentence for each thread that died or hung. */
  readonly failures: string[] = [];
  readonly #members: Member[];
  readonly #onFailure: () => void;
  #leaving = false;
  #wake: () => void = () => undefined;

  constructor(workers: readonly DemoWorkerData[], onFailure: () => void) {
    this.#onFailure = onFailure;
    this.#members = workers.map((data, i) => this.#enlist(data, `worker ${i + 1}`));
  }

  /** What every thread did; of one that died, it is lost. */
  get tallies(): { name: string; tally: Tally | undefined }[] {
    return this.#members.map(({ name, tally }) => ({ name, tally }));
  }

  tell(command: Command): void {
    for (const { worker, gone } of this.#members) if (!gone) worker.postMessage(command);
  }

  /** Hands one chunk to each thread; they come in the order of the threads. */
  hand(chunks: readonly TraceChunk[]): void {
    for (const [i, { worker, gone }] of this.#members.entries()) {
      const chunk = chunks[i];
      if (chunk !== undefined && !gone)
        worker.postMessage({ kind: 'chunk', chunk }, [chunk.fields.buffer as ArrayBuffer]);
    }
  }

  /** Waits until each thread alive has given this answer, or has taken so long that something is wrong. */
  async all(kind: Answer['kind']): Promise<void> {
    const timeoutMs = kind === 'ready' ? START_MS_MAX : ANSWER_MS_MAX;
    await this.#until(`answer "${kind}"`, timeoutMs, ({ answers }) => answers.has(kind));
  }

  /** Waits until each thread alive has taken this many chunks. */
  async allTaken(chunks: number, timeoutMs: number): Promise<void> {
    await this.#until(`take chunk ${chunks}`, timeoutMs, ({ chunksTaken }) => chunksTaken >= chunks);
  }

  /** Lets the threads leave the cache and end. */
  async dismiss(): Promise<void> {
    this.#leaving = true;
    this.tell({ kind: 'leave' });
    await this.#until('leave', ANSWER_MS_MAX, ({ gone }) => gone);
  }

  #enlist(workerData: DemoWorkerData, name: string): Member {
    const worker = new Worker(WORKER_URL, { workerData, name });
    const member: Member = { name, worker, answers: new Set(), chunksTaken: 0, tally: undefined, gone: false };
    worker.on('message', (answer: Answer) => this.#hear(member, answer));
    worker.on('error', (error) => this.#lose(member, `died: ${messageOf(error)}`));
    worker.on('exit', (code) => this.#end(member, code));
    return member;
  }

  #hear(member: Member, answer: Answer): void {
    if (answer.kind === 'chunk') member.chunksTaken++;
    if (answer.kind === 'done') member.tally = answer.tally;
    member.answers.add(answer.kind);
    this.#wake();
  }

  /** What is lost is reported once: a thread that dies of an error ends after it, one that hangs is ended. */
  #lose(member: Member, how: string): void {
    if (member.gone) return;
    member.gone = true;
    this.failures.push(`${member.name} ${how}`);
    void member.worker.terminate();
    this.#onFailure();
    this.#wake();
  }

  #end(member: Member, exitCode: number): void {
    if (!this.#leaving || exitCode !== 0) this.#lose(member, `ended unexpectedly with code ${exitCode}`);
    member.gone = true;
    this.#wake();
  }

  async #until(what: string, timeoutMs: number, arrived: (member: Member) => boolean): Promise<void> {
    const missing = (): Member[] => this.#members.filter((member) => !member.gone && !arrived(member));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.#wake();
    }, timeoutMs);
    while (missing().length > 0 && !timedOut)
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    clearTimeout(timer);
    for (const member of missing()) this.#lose(member, `did not ${what} within ${timeoutMs / 1_000} s`);
  }
}
