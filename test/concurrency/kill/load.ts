/** What every thread of a run does all the time: all operations at random, each read checked against the ledger. */
import type { Cache, CacheWriteStream, KeySpace, SetOptions } from 'velocache';
import type { Random } from '../../../src/cli/random.js';
import { bytesOf, describe, objectOf, type Stamp, stampOf } from '../support/stamped.js';
import { type Board, LONG_OP_MS, WORD } from './board.js';
import {
  BRIEF_TTL_MS,
  BUSY_USERS,
  CHAINED_PER_LANE,
  CLEARED_KEYS,
  CLEARING_LANE,
  firstChained,
  idOf,
  isOwned,
  KEYS_PER_LANE,
  type KillTypes,
  keyOf,
  SAFE_TYPES,
  sharedKey,
  type TypeName,
  typeOf,
  USERS,
  type Value,
} from './keys.js';
import { describeLocks } from './locks.js';

/** Longer than this for one operation is a hang: the engine's own bounds are shorter. */
export const HANG_MS = 2_000;
/** How late a value may be served while the clock's ticker is being replaced. */
const LATE_MS_MAX = 1_000;
const CHAINED_BYTES_MIN = 20_000;
const CHAINED_BYTES_MAX = 2_500_000;
/** Streams that one thread has open at a time. */
const WRITING_MAX = 5;
const READING_MAX = 3;
const STREAM_ERRORS = ['VELOCACHE_BUSY', 'VELOCACHE_STREAM', 'VELOCACHE_CLOSED', 'RangeError'];
const ITERATION_STEPS = 60;
/** How much larger values are in each phase: sizes shift, so pages must move between slab classes. */
const PHASE_SCALE = [1, 9, 0.3, 3] as const;

interface Operation {
  readonly weight: number;
  readonly isLarge: boolean;
  readonly run: () => void;
}

function isSafe(type: TypeName): boolean {
  return SAFE_TYPES.some((safe) => safe === type);
}

export class Load {
  readonly #cache: Cache<KillTypes>;
  readonly #board: Board;
  readonly #lane: number;
  readonly #lanes: number;
  readonly #writer: number;
  readonly #random: Random;
  readonly #operations: Operation[];
  readonly #weights: number;
  #isLarge = false;
  /** Streams that this thread writes, by their keys, which it changes by nothing else meanwhile; and those that it reads. */
  readonly #writing = new Map<number, { readonly out: CacheWriteStream; readonly rest: Uint8Array }>();
  #reading = 0;

  constructor(
    cache: Cache<KillTypes>,
    board: Board,
    place: { lane: number; lanes: number; writer: number },
    random: Random,
  ) {
    this.#cache = cache;
    this.#board = board;
    this.#lane = place.lane;
    this.#lanes = place.lanes;
    this.#writer = place.writer;
    this.#random = random;
    this.#operations = this.#all();
    this.#weights = this.#operations.reduce((sum, { weight }) => sum + weight, 0);
  }

  #all(): Operation[] {
    const small = (weight: number, run: () => void) => ({ weight, isLarge: false, run });
    const large = (weight: number, run: () => void) => ({ weight, isLarge: true, run });
    return [
      small(330, () => this.#read(this.#anyKey(), 'get')),
      small(240, () => this.#set(this.#ownKey())),
      small(120, () => this.#set(this.#writtenKey())),
      small(60, () => this.#delete(this.#ownKey())),
      small(20, () => this.#space(this.#writtenKey()).delete(keyOf(this.#sharedKey()))),
      small(30, () => this.#read(this.#anyKey(), 'peek')),
      small(40, () => this.#touch(this.#anyKey())),
      small(30, () => this.#many()),
      large(20, () => this.#read(this.#anyChained(), 'get')),
      large(16, () => this.#setChained()),
      large(3, () => this.#deleteChained()),
      large(8, () => this.#writeStream()),
      large(4, () => this.#readStream()),
      large(2, () => this.#iterateKeys()),
      large(2, () => this.#iterateEntries()),
      ...(this.#lane === CLEARING_LANE ? [large(0.5, () => this.#clear())] : []),
    ];
  }

  /** One operation of a victim: nothing around it that could fail. */
  step(): void {
    this.#board.noteStart(this.#lane, this.#board.now());
    this.#runOne();
    this.#board.noteStart(this.#lane, 0);
  }

  /** One operation of a survivor: timed. */
  timedStep(survivor: number): void {
    const startMs = this.#board.now();
    this.#board.noteStart(this.#lane, startMs);
    this.#runOne();
    this.#board.noteStart(this.#lane, 0);
    const endMs = this.#board.now();
    if (endMs - startMs > LONG_OP_MS) this.#board.logLongOp(survivor, startMs, endMs, this.#isLarge);
    if (endMs - startMs > HANG_MS) {
      this.#board.report('hang', `an operation of a survivor took ${(endMs - startMs).toFixed(0)} ms`);
    }
  }

  #runOne(): void {
    let at = this.#random.next() * this.#weights;
    const operation = this.#operations.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    this.#isLarge = operation?.isLarge === true;
    try {
      operation?.run();
    } catch (error) {
      if ((error as { code?: string }).code !== 'VELOCACHE_BUSY') throw error;
      this.#noteBusy(error as Error);
    }
  }

  #noteBusy(error: Error): void {
    this.#board.busy.write(`lane ${this.#lane}: ${error.message}; ${describeLocks(this.#cache.handle)}`);
  }

  #below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  #ownKey(): number {
    return this.#lane * KEYS_PER_LANE + this.#below(KEYS_PER_LANE - CHAINED_PER_LANE);
  }

  #sharedKey(): number {
    return sharedKey(this.#random.next(), (bound) => this.#below(bound));
  }

  #writtenKey(): number {
    const keyId = this.#sharedKey();
    return typeOf(keyId) === 'reserved' ? keyId + 1 : keyId;
  }

  #anyKey(): number {
    const choice = this.#random.next();
    if (choice < 0.3) return this.#ownKey();
    if (choice < 0.5) return this.#sharedKey();
    return this.#below(this.#lanes) * KEYS_PER_LANE + this.#below(KEYS_PER_LANE - CHAINED_PER_LANE);
  }

  #anyChained(): number {
    return firstChained(this.#below(this.#lanes)) + this.#below(CHAINED_PER_LANE);
  }

  #space(keyId: number): KeySpace<Value> {
    return this.#cache.type(typeOf(keyId));
  }

  #size(): number {
    const scale = PHASE_SCALE[this.#board.get(WORD.sizePhase) % PHASE_SCALE.length]!;
    return 24 + Math.floor(this.#random.next() ** 2 * 500 * scale);
  }

  /** A set whose value is made by `make`, which may be foreign code that ends the thread. */
  #set(keyId: number): void {
    // A user at quota loses entries of any type.
    const options = isSafe(typeOf(keyId)) ? {} : this.#owner();
    this.#change(keyId, (seq) => {
      const ttlMs = typeOf(keyId) === 'brief' ? BRIEF_TTL_MS : 0;
      const stamp = { keyId, writer: this.#writer, seq, bornMs: Math.floor(this.#board.now()), ttlMs };
      const type = typeOf(keyId);
      if (type === 'object' || type === 'structured' || type === 'limited')
        this.#space(keyId).set(keyOf(keyId), objectOf(stamp, this.#size()), options);
      else this.#space(keyId).setBytes(keyOf(keyId), bytesOf(stamp, this.#size()), options);
    });
  }

  /** Most sets are a user's: a few have much and are at their quota, many have little. */
  #owner(): SetOptions {
    const choice = this.#random.next();
    if (choice < 0.3) return {};
    return { user: `user ${choice < 0.6 ? this.#below(BUSY_USERS) : this.#below(USERS)}` };
  }

  #change(keyId: number, run: (seq: number) => void): void {
    if (!isOwned(keyId)) {
      run(1);
      return;
    }
    const seq = this.#board.startChange(keyId);
    run(seq);
    this.#board.settleChange(keyId, seq);
  }

  #setChained(): void {
    const keyId = this.#ownChained();
    if (this.#writing.has(keyId)) return;
    const bytes = this.#chainedSize();
    this.#change(keyId, (seq) => {
      const stamp = { keyId, writer: this.#writer, seq, bornMs: Math.floor(this.#board.now()), ttlMs: 0 };
      this.#space(keyId).setBytes(keyOf(keyId), bytesOf(stamp, bytes), this.#owner());
    });
  }

  #ownChained(): number {
    return firstChained(this.#lane) + this.#below(CHAINED_PER_LANE);
  }

  #chainedSize(): number {
    return CHAINED_BYTES_MIN * (CHAINED_BYTES_MAX / CHAINED_BYTES_MIN) ** (this.#random.next() ** 2);
  }

  #deleteChained(): void {
    const keyId = this.#ownChained();
    if (!this.#writing.has(keyId)) this.#delete(keyId);
  }

  /** Begins a stream with the first half of its value, or goes on with one: its other half, or none of it. */
  #writeStream(): void {
    const keyId = this.#ownChained();
    const open = this.#writing.get(keyId);
    if (open === undefined) {
      if (this.#writing.size < WRITING_MAX) this.#beginStream(keyId);
      return;
    }
    if (open.out.writableEnded) return;
    if (this.#random.next() < 0.7) open.out.end(open.rest);
    else open.out.destroy();
  }

  #beginStream(keyId: number): void {
    const seq = this.#board.startChange(keyId);
    const stamp = { keyId, writer: this.#writer, seq, bornMs: Math.floor(this.#board.now()), ttlMs: 0 };
    const value = bytesOf(stamp, this.#chainedSize());
    const half = value.length >>> 1;
    const size = this.#random.next() < 0.5 ? { size: value.length } : {};
    const out = this.#space(keyId).writeStream(keyOf(keyId), { ...this.#owner(), ...size });
    this.#writing.set(keyId, { out, rest: value.subarray(half) });
    out.on('error', (error) => this.#lost(error));
    out.on('close', () => {
      this.#writing.delete(keyId);
      if (out.stored !== undefined) this.#board.settleChange(keyId, seq);
    });
    out.write(value.subarray(0, half));
  }

  /** A stream may be refused its room or a lock, and be cut short or closed with its thread: no other error. */
  #lost(error: Error): void {
    const code = (error as { code?: string }).code ?? error.name;
    if (code === 'VELOCACHE_BUSY') this.#noteBusy(error);
    if (!STREAM_ERRORS.includes(code)) this.#board.report('error', `lane ${this.#lane}: a stream: ${error.stack}`);
  }

  #readStream(): void {
    const keyId = this.#anyChained();
    if (this.#reading >= READING_MAX) return;
    const settled = this.#board.settled(keyId);
    const nowMs = this.#board.now();
    const stream = this.#space(keyId).readStream(keyOf(keyId));
    if (stream === undefined) return;
    const parts: Buffer[] = [];
    this.#reading += 1;
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', (error) => this.#lost(error));
    stream.on('end', () => this.#check(keyId, settled, nowMs, new Uint8Array(Buffer.concat(parts))));
    stream.on('close', () => {
      this.#reading -= 1;
    });
  }

  #delete(keyId: number): void {
    this.#change(keyId, () => this.#space(keyId).delete(keyOf(keyId)));
  }

  #clear(): void {
    const seqs = CLEARED_KEYS.map((keyId) => this.#board.startChange(keyId));
    this.#cache.type('small').clear();
    CLEARED_KEYS.forEach((keyId, i) => {
      this.#board.settleChange(keyId, seqs[i]!);
    });
  }

  #read(keyId: number, how: 'get' | 'peek'): void {
    const settled = isOwned(keyId) ? this.#board.settled(keyId) : 0;
    const nowMs = this.#board.now();
    const space = this.#space(keyId);
    this.#check(keyId, settled, nowMs, how === 'get' ? space.get(keyOf(keyId)) : space.peek(keyOf(keyId)));
  }

  #touch(keyId: number): void {
    this.#space(keyId).touch(keyOf(keyId));
    this.#space(keyId).has(keyOf(keyId));
  }

  #many(): void {
    const first = this.#ownKey();
    const type = typeOf(first);
    const ids = Array.from({ length: 8 }, (_, i) => first + i).filter((id) => typeOf(id) === type);
    const settled = ids.map((id) => this.#board.settled(id));
    const nowMs = this.#board.now();
    const values = this.#space(first).getMany(ids.map(keyOf));
    values.forEach((value, i) => {
      this.#check(ids[i]!, settled[i]!, nowMs, value);
    });
    if (this.#random.next() < 0.3) for (const id of ids) this.#set(id);
  }

  #iterateKeys(): void {
    let steps = 0;
    const seen = new Set<string>();
    for (const key of this.#cache.type('object').keys()) {
      if (idOf(key) < 0 || typeOf(idOf(key)) !== 'object')
        this.#wrong(-1, `keys() gave ${JSON.stringify(key.slice(0, 40))}`);
      if (seen.has(key)) this.#wrong(idOf(key), 'keys() gave a key twice');
      seen.add(key);
      if (++steps >= ITERATION_STEPS) return;
    }
  }

  #iterateEntries(): void {
    let steps = 0;
    for (const [key, value] of this.#cache.type('structured').entries()) {
      this.#check(idOf(key), 0, 0, value);
      if (++steps >= ITERATION_STEPS) return;
    }
  }

  #check(keyId: number, settled: number, nowMs: number, value: Value | undefined): void {
    this.#board.add(WORD.checked, 1);
    if (value === undefined) return;
    this.#board.add(WORD.hits, 1);
    const stamp = stampOf(value);
    if (typeof stamp === 'string') {
      this.#wrong(keyId, stamp);
      return;
    }
    if (stamp.keyId !== keyId) {
      this.#wrong(keyId, `the value of ${describe(stamp)}`);
      return;
    }
    if (isOwned(keyId)) this.#checkOrder(stamp, settled);
    if (stamp.ttlMs === 0 || nowMs === 0) return;
    const lateMs = Math.ceil(nowMs - stamp.bornMs - stamp.ttlMs);
    this.#board.raise(WORD.lateMsMax, lateMs);
    if (lateMs > LATE_MS_MAX) this.#wrong(keyId, `served ${lateMs} ms past its deadline`);
  }

  #checkOrder(stamp: Stamp, settled: number): void {
    const { keyId, seq } = stamp;
    if (seq < settled) this.#wrong(keyId, `an old value, ${describe(stamp)}: change ${settled} had returned`);
    const started = this.#board.started(keyId);
    if (seq > started) this.#wrong(keyId, `a value of the future, ${describe(stamp)}: only ${started} had begun`);
  }

  #wrong(keyId: number, text: string): void {
    this.#board.report('wrong value', `lane ${this.#lane} read key ${keyId} (${typeOf(Math.max(0, keyId))}): ${text}`);
  }
}
