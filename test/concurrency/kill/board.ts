/**
 * What the threads of a run share beside the cache: the ledger of what was set, the log of deaths and of long
 * operations, and the findings. All of it is in shared memory, because a victim's last message may die with it.
 *
 * The ledger makes old values visible. Each owned key has one writer at a time, which counts its changes (sets,
 * deletes, clears): `started` moves before a change, `settled` behind it. A reader that has loaded `settled` before a
 * get may see only a value of that change or a later one, and none beyond the `started` that it loads behind it.
 */
import { KEYS_PER_LANE, LANES_MAX } from './keys.js';
import { TextLog } from './text-log.js';

export const WORD = {
  stop: 0,
  sizePhase: 1,
  kills: 2,
  survivorOps: 3,
  checked: 4,
  lateMsMax: 5,
  hits: 6,
} as const;

const HEADER_WORDS = 16;
const KILLS_MAX = 1 << 14;
const LONG_OPS_MAX = 1 << 13;
const OWNED_KEYS = LANES_MAX * KEYS_PER_LANE;
const LONG_OP_FIELDS = 3;

/** Operations shorter than this don't count as stalls. */
export const LONG_OP_MS = 0.2;

export interface BoardBuffers {
  readonly words: SharedArrayBuffer;
  readonly times: SharedArrayBuffer;
  readonly findings: SharedArrayBuffer;
  readonly busy: SharedArrayBuffer;
  readonly zeroMs: number;
}

export interface LongOp {
  readonly startMs: number;
  readonly endMs: number;
  readonly isLarge: boolean;
}

export class Board {
  readonly buffers: BoardBuffers;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly findings: TextLog;
  /** Operations that were refused with VELOCACHE_BUSY, which is allowed, and what stood in their way. */
  readonly busy: TextLog;
  readonly #times: Float64Array<SharedArrayBuffer>;
  readonly #settled: number;
  readonly #lanes: number;

  constructor(buffers: BoardBuffers = freshBuffers()) {
    this.buffers = buffers;
    this.words = new Int32Array(buffers.words);
    this.#times = new Float64Array(buffers.times);
    this.findings = new TextLog(buffers.findings);
    this.busy = new TextLog(buffers.busy);
    this.#settled = HEADER_WORDS + OWNED_KEYS;
    this.#lanes = HEADER_WORDS + OWNED_KEYS * 2;
  }

  /** Milliseconds since the run began, the same in all threads. */
  now(): number {
    return monotonicMs() - this.buffers.zeroMs;
  }

  get(word: number): number {
    return Atomics.load(this.words, word);
  }

  set(word: number, value: number): void {
    Atomics.store(this.words, word, value);
  }

  add(word: number, delta: number): void {
    Atomics.add(this.words, word, delta);
  }

  raise(word: number, value: number): void {
    if (Atomics.load(this.words, word) < value) Atomics.store(this.words, word, value);
  }

  /** Announces a change of an owned key and returns its number; no second writer owns the key. */
  startChange(keyId: number): number {
    return Atomics.add(this.words, HEADER_WORDS + keyId, 1) + 1;
  }

  settleChange(keyId: number, seq: number): void {
    Atomics.store(this.words, this.#settled + keyId, seq);
  }

  started(keyId: number): number {
    return Atomics.load(this.words, HEADER_WORDS + keyId);
  }

  settled(keyId: number): number {
    return Atomics.load(this.words, this.#settled + keyId);
  }

  /** A thread in a lane notes that it begins an operation, or with 0 that it is outside any. */
  noteStart(lane: number, startMs: number): void {
    this.#times[lane] = startMs;
    Atomics.add(this.words, this.#lanes + lane, 1);
  }

  /** When the operation under way in a lane began, or 0. */
  startOf(lane: number): number {
    return this.#times[lane]!;
  }

  logKill(way: number): void {
    const at = Atomics.add(this.words, WORD.kills, 1);
    if (at >= KILLS_MAX) return;
    const from = LANES_MAX + at * 2;
    this.#times[from + 1] = way;
    this.#times[from] = this.now();
  }

  kills(): { atMs: number; way: number }[] {
    const count = Math.min(this.get(WORD.kills), KILLS_MAX);
    const log = Array.from({ length: count }, (_, i) => {
      const from = LANES_MAX + i * 2;
      return { atMs: this.#times[from]!, way: this.#times[from + 1]! };
    });
    // A victim that was killed while it wrote its entry leaves a time of 0.
    return log.filter(({ atMs }) => atMs > 0).sort((a, b) => a.atMs - b.atMs);
  }

  /** For the one thread of a survivor's lane. */
  logLongOp(survivor: number, startMs: number, endMs: number, isLarge: boolean): void {
    const counter = this.#lanes + LANES_MAX + survivor;
    const at = Atomics.load(this.words, counter);
    const from = LANES_MAX + KILLS_MAX * 2 + (survivor * LONG_OPS_MAX + (at % LONG_OPS_MAX)) * LONG_OP_FIELDS;
    this.#times[from] = startMs;
    this.#times[from + 1] = endMs;
    this.#times[from + 2] = isLarge ? 1 : 0;
    Atomics.store(this.words, counter, at + 1);
  }

  /** The long operations of a survivor from the number `since` on, and the number to go on from. */
  longOps(survivor: number, since: number): { ops: LongOp[]; next: number } {
    const next = Atomics.load(this.words, this.#lanes + LANES_MAX + survivor);
    const ops: LongOp[] = [];
    for (let at = Math.max(since, next - LONG_OPS_MAX); at < next; at++) {
      const from = LANES_MAX + KILLS_MAX * 2 + (survivor * LONG_OPS_MAX + (at % LONG_OPS_MAX)) * LONG_OP_FIELDS;
      const [startMs, endMs, large] = [this.#times[from]!, this.#times[from + 1]!, this.#times[from + 2]!];
      ops.push({ startMs, endMs, isLarge: large === 1 });
    }
    return { ops, next };
  }

  /** Something is wrong: `kind` is what the run counts it as. */
  report(kind: FindingKind, text: string): void {
    this.findings.write(`${kind}: ${text}`);
  }
}

export type FindingKind = 'hang' | 'wrong value' | 'bytes lost' | 'error' | 'crash';

export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

function freshBuffers(): BoardBuffers {
  const words = HEADER_WORDS + OWNED_KEYS * 2 + LANES_MAX * 2;
  const times = LANES_MAX + KILLS_MAX * 2 + LANES_MAX * LONG_OPS_MAX * LONG_OP_FIELDS;
  return {
    words: new SharedArrayBuffer(words * 4),
    times: new SharedArrayBuffer(times * 8),
    findings: new TextLog().buffer,
    busy: new TextLog().buffer,
    zeroMs: monotonicMs() - 1,
  };
}
