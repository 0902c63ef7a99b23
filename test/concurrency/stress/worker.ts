/** One thread of the stress run: does all operations on a few hot keys and writes down what happened. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachCache, type Cache, type KeySpace } from 'velocache';
import { Random } from '../../../src/cli/random.js';
import { bytesOf, objectOf, stampOf } from '../support/stamped.js';
import {
  BRIEF_TTL_MS,
  CHAINED_BYTES_MAX,
  CHAINED_BYTES_MIN,
  FUNCTIONS,
  KEYS,
  LATE_MS_MAX,
  OBJECT_TYPES,
  type StressData,
  type StressOutcome,
  type StressTypes,
} from './plan.js';

const SEQ_BITS = 24;
/** Sizes of values shift every so many operations. */
const SHIFT_OPERATIONS = 3_000;
const FIELDS = 5;

class StressThread {
  readonly #data: StressData;
  readonly #cache: Cache<StressTypes>;
  readonly #random: Random;
  readonly #stamps: Int32Array;
  readonly #log: Int32Array;
  #logged = 0;
  #seq = 0;
  #done = 0;
  #busy = 0;
  #hits = 0;
  readonly #problems: string[] = [];

  constructor(data: StressData) {
    this.#data = data;
    this.#cache = attachCache(data.handle, FUNCTIONS);
    this.#random = new Random(data.seed);
    this.#stamps = new Int32Array(data.stamps);
    this.#log = new Int32Array(data.operations * FIELDS * 2);
  }

  run(): StressOutcome {
    const { operations, untilMs } = this.#data;
    const until = performance.now() + untilMs;
    const capacity = this.#log.length / FIELDS - KEYS.length * 2;
    while (this.#done < operations && this.#logged < capacity && performance.now() < until) this.#step();
    const log = this.#log.slice(0, this.#logged * FIELDS);
    return { operations: log, problems: this.#problems, done: this.#done, busy: this.#busy, hits: this.#hits };
  }

  #step(): void {
    this.#done += 1;
    try {
      this.#operate(this.#random.next(), this.#key());
    } catch (error) {
      if ((error as { code?: string }).code === 'VELOCACHE_BUSY') this.#busy += 1;
      else this.#problem((error as Error).stack ?? String(error));
    }
  }

  #operate(choice: number, key: number): void {
    if (choice < 0.42) {
      this.#get(key);
      return;
    }
    if (choice < 0.66) {
      this.#set(key);
      return;
    }
    if (choice < 0.74) {
      this.#fill();
      return;
    }
    if (choice < 0.87) {
      this.#delete(key);
      return;
    }
    if (choice < 0.92) {
      this.#peek(key);
      return;
    }
    if (choice < 0.95) return void this.#space(key).touch(this.#name(key));
    if (choice < 0.97) return void this.#space(key).has(this.#name(key));
    if (choice < 0.985) {
      this.#getMany();
      return;
    }
    if (choice < 0.9855) {
      this.#iterate();
      return;
    }
    if (choice < 0.9858) {
      this.#clear();
      return;
    }
    this.#get(key);
  }

  #key(): number {
    const chained = KEYS.indexOf('chained');
    const isChained = this.#random.next() < this.#data.chainedShare;
    const [from, to] = isChained ? [chained, KEYS.length] : [0, chained];
    return from + Math.floor(this.#random.next() * (to - from));
  }

  #name(key: number): string {
    return this.#data.names[key]!;
  }

  #space(key: number): KeySpace<unknown> {
    return this.#cache.type(KEYS[key]!) as KeySpace<unknown>;
  }

  #stamp(): number {
    return Atomics.add(this.#stamps, 0, 1) + 1;
  }

  #note(key: number, value: number, isRead: boolean, begin: number, end: number): void {
    this.#log.set([key, value, isRead ? 1 : 0, begin, end], this.#logged * FIELDS);
    this.#logged += 1;
  }

  #set(key: number): void {
    const type = KEYS[key]!;
    const seq = ++this.#seq;
    const ttlMs = type === 'brief' ? BRIEF_TTL_MS : 0;
    const stamp = { keyId: key, writer: this.#data.thread, seq, bornMs: Math.floor(nowMs()), ttlMs };
    const isObject = OBJECT_TYPES.includes(type);
    const value = isObject ? objectOf(stamp, this.#size(key)) : bytesOf(stamp, this.#size(key));
    const begin = this.#stamp();
    const isStored = isObject
      ? this.#space(key).set(this.#name(key), value)
      : this.#space(key).setBytes(this.#name(key), value as Uint8Array);
    // A set without room has removed the old value: a delete.
    this.#note(key, isStored ? (this.#data.thread << SEQ_BITS) | seq : 0, false, begin, this.#stamp());
  }

  #size(key: number): number {
    if (KEYS[key] === 'chained') return this.#random.between(CHAINED_BYTES_MIN, CHAINED_BYTES_MAX);
    const scale = Math.floor(this.#done / SHIFT_OPERATIONS) % 2 === 0 ? 60 : 1_500;
    return 24 + Math.floor(this.#random.next() * scale);
  }

  /** Makes others leave, and chains of buckets long. */
  #fill(): void {
    const bytes = new Uint8Array(this.#size(0) * (this.#data.chainedShare > 0 ? 4 : 2));
    this.#cache.setBytes(this.#random.pick(this.#data.fillers), bytes);
  }

  #delete(key: number): void {
    const begin = this.#stamp();
    this.#space(key).delete(this.#name(key));
    this.#note(key, 0, false, begin, this.#stamp());
  }

  #clear(): void {
    const begin = this.#stamp();
    this.#cache.type('packed').clear();
    const end = this.#stamp();
    KEYS.forEach((type, key) => {
      if (type === 'packed') this.#note(key, 0, false, begin, end);
    });
  }

  #get(key: number): void {
    const beganMs = nowMs();
    const begin = this.#stamp();
    const value = this.#space(key).get(this.#name(key));
    this.#saw(key, value, begin, this.#stamp(), beganMs);
  }

  #peek(key: number): void {
    const beganMs = nowMs();
    const begin = this.#stamp();
    const value = this.#space(key).peek(this.#name(key));
    this.#saw(key, value, begin, this.#stamp(), beganMs);
  }

  #getMany(): void {
    const keys = KEYS.map((type, key) => (type === 'packed' ? key : -1)).filter((key) => key >= 0);
    const begin = this.#stamp();
    const values = this.#cache.type('packed').getMany(keys.map((key) => this.#name(key)));
    const end = this.#stamp();
    values.forEach((value, i) => {
      this.#saw(keys[i]!, value, begin, end, 0);
    });
  }

  #iterate(): void {
    const seen = new Set<string>();
    for (const key of this.#cache.type('structured').keys()) {
      if (!this.#data.names.includes(key)) this.#problem(`keys() gave ${JSON.stringify(key.slice(0, 40))}`);
      if (seen.has(key)) this.#problem(`keys() gave ${key} twice`);
      seen.add(key);
    }
  }

  #saw(key: number, value: unknown, begin: number, end: number, beganMs: number): void {
    if (value === undefined) return;
    this.#hits += 1;
    const stamp = stampOf(value);
    if (typeof stamp === 'string') {
      this.#problem(`key ${key} (${KEYS[key]}): ${stamp}`);
      return;
    }
    if (stamp.keyId !== key) {
      this.#problem(`key ${key} (${KEYS[key]}): the value of key ${stamp.keyId}`);
      return;
    }
    this.#note(key, (stamp.writer << SEQ_BITS) | stamp.seq, true, begin, end);
    const lateMs = beganMs - stamp.bornMs - stamp.ttlMs;
    if (stamp.ttlMs > 0 && beganMs > 0 && lateMs > LATE_MS_MAX) this.#problem(`key ${key} served ${lateMs} ms late`);
  }

  #problem(text: string): void {
    this.#problems.push(`thread ${this.#data.thread}: ${text}`);
  }
}

/** The same in all threads, and small enough for 32 bits. */
function nowMs(): number {
  return (Number(process.hrtime.bigint() / 1_000_000n) % 2 ** 30) + 0;
}

const thread = new StressThread(workerData as StressData);
parentPort?.postMessage(thread.run());
