/**
 * The asynchronous operations on the key space of one type. Each is done in place, or sent to the pool of this thread if
 * that is worth it. Values are packed and unpacked in place, since to clone one for a worker costs as much; what a worker
 * does is everything between the codec's bytes and the arena: compressing, framing, storing, and back.
 */
import { copyBytes } from '../../../native-free/index.js';
import type { Opened, Packer } from '../../codecs/packer.js';
import { GLOBAL_COUNTER } from '../../engine/causes.js';
import { READ_PRESENCE, READ_VALUE } from '../../engine/reader.js';
import { STORED } from '../../engine/writer.js';
import { BusyError, ClosedError, CodecError, ItemTooLargeError, WorkerError } from '../../errors.js';
import type { Member } from '../member.js';
import type { TypePlan } from '../plan.js';
import { beginKey, type Placement, type Putter } from '../putter.js';
import { getsCompressed, OffloadCosts, setsCompressed, type TripCost } from './costs.js';
import type { Parts, Tasks } from './crew.js';
import { Errand } from './errand.js';
import type { ExchangeBuffer } from './exchange.js';
import type { PendingSets } from './pending-sets.js';
import type { Pool } from './pool.js';
import type { PoolPlan } from './pool-options.js';
import type { Failure, ReadFound } from './tasks.js';

/** What the types of a cache share in one thread. */
export interface Offloading {
  /** Undefined where everything is done in place. */
  readonly pool: Pool | undefined;
  readonly plan: PoolPlan | false;
  readonly pending: PendingSets;
  readonly trip: TripCost;
}

export interface OffloadSpace {
  readonly member: Member;
  readonly typeId: number;
  readonly plan: TypePlan;
  readonly packer: Packer;
  readonly putter: Putter;
  readonly itemBytesMax: number;
}

/** What a `get` makes of what was read. */
export interface Findings<V> {
  /** The value of a codec's bytes, counted as a hit; or as a miss, if it can't be had. */
  value(key: string, opened: Opened, payloadBytes: number): V | undefined;
  miss(): undefined;
  /** A miss, too: the stored bytes are none of a packer's making. */
  unreadable(error: unknown): undefined;
}

/** Room for a value by what the one before expanded to; one that takes more gets a buffer of its worker's making. */
const ROOM_BYTES_MAX = 2 ** 24;

type Name = 'store' | 'read' | 'load';
type Done<N extends Name> = Exclude<Tasks[N]['answer'], Failure>;

/** What `encode` has made, and in which form. */
interface Encoded {
  readonly bytes: Uint8Array;
  readonly form: number;
}

export interface Cargo<N extends Name> {
  readonly buffer: ExchangeBuffer;
  readonly task: Tasks[N]['task'];
  /** What the worker takes along. */
  readonly parts?: Parts;
}

export class Offload {
  readonly #shared: Offloading;
  readonly #space: OffloadSpace;
  readonly #sets: OffloadCosts;
  readonly #gets: OffloadCosts;
  /** The pool, where its workers have the functions that a set of this type may need. */
  readonly #setPool: Pool | undefined;
  /** Bytes of the latest value over its stored bytes: how much room the next one is given. */
  #expansion = 1;

  constructor(shared: Offloading, space: OffloadSpace) {
    this.#shared = shared;
    this.#space = space;
    this.#sets = new OffloadCosts(shared.trip, setsCompressed(space.plan.compression));
    this.#gets = new OffloadCosts(shared.trip, getsCompressed(space.plan.compression));
    const hasFunctions = shared.plan !== false && shared.plan.module !== undefined;
    this.#setPool = hasFunctions || space.plan.overflow !== 'reduce' ? shared.pool : undefined;
  }

  /** Packs a value, and stores it at once or by a worker. False if it was not stored. */
  async set(key: string, value: unknown, placement: Placement, signal: AbortSignal | undefined): Promise<boolean> {
    const { member, typeId, packer } = this.#space;
    const pool = this.#setPool;
    beginKey(member, key, typeId);
    // A string is packed when it is sent: if it has to wait, it can't change meanwhile, and needs no memory of its own.
    if (typeof value === 'string' && pool !== undefined && this.#isSent(this.#sets, value.length))
      return this.#sendSet(pool, key, value, placement, signal);
    const bytes = packer.encode(value);
    if (pool !== undefined && this.#isSent(this.#sets, bytes.length))
      return this.#sendSet(pool, key, { bytes, form: packer.encodedForm }, placement, signal);
    return this.#setHere(key, bytes, placement);
  }

  #isSent(costs: OffloadCosts, bytes: number): boolean {
    const { plan } = this.#shared;
    return plan !== false && (plan.isAlways || costs.isWorth(bytes));
  }

  #setHere(key: string, bytes: Uint8Array, placement: Placement): boolean {
    const { packer, putter } = this.#space;
    const startMs = performance.now();
    const stored = packer.finish(bytes, packer.encodedForm, packer.version, putter.besideBytes(key, placement));
    const outcome = putter.put(key, stored, packer.form, placement);
    this.#sets.work.note(bytes.length, nsSince(startMs));
    this.#count(GLOBAL_COUNTER.poolInPlace);
    return outcome === STORED;
  }

  async #sendSet(
    pool: Pool,
    key: string,
    value: string | Encoded,
    placement: Placement,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { typeId } = this.#space;
    const { pending } = this.#shared;
    const errand = new Errand(signal);
    const callOff = (): void => errand.callOff();
    pending.add(typeId, key, callOff);
    const entering = pool.enter(errand);
    // What has to wait is copied: the codec overwrites its bytes.
    const source =
      entering === undefined || typeof value === 'string' ? value : { ...value, bytes: new Uint8Array(value.bytes) };
    const pack = (): Cargo<'store'> => this.#packTask(pool, key, source, placement);
    const sent = this.send(pool, errand, 'store', entering, pack, ({ outcome, ns }, { task }) => {
      this.#sets.work.note(task.length, ns);
      return outcome === STORED;
    });
    try {
      return (await Promise.race([sent, errand.aborted])) ?? false;
    } finally {
      pending.remove(typeId, key, callOff);
    }
  }

  #packTask(pool: Pool, key: string, source: string | Encoded, placement: Placement): Cargo<'store'> {
    const { typeId, packer } = this.#space;
    const { bytes, form } =
      typeof source === 'string' ? { bytes: packer.encode(source), form: packer.encodedForm } : source;
    const { length } = bytes;
    const startMs = performance.now();
    const buffer = pool.buffers.acquire(length);
    copyBytes(buffer.bytes, 0, bytes);
    this.#sets.carriage.note(length, nsSince(startMs));
    const { version } = packer;
    return { buffer, task: { memory: buffer.memory, typeId, key, length, form, version, placement } };
  }

  /** The value of a key, read here or by a worker. */
  async get<V>(key: string, signal: AbortSignal | undefined, findings: Findings<V>): Promise<V | undefined> {
    const { member, typeId } = this.#space;
    const { pool } = this.#shared;
    const { reader, key: prepared } = member.store;
    beginKey(member, key, typeId);
    if (pool !== undefined) {
      if (!reader.read(prepared, READ_PRESENCE, false)) return findings.miss();
      if (this.#isSent(this.#gets, reader.payloadBytes))
        return this.#sendGet(pool, key, reader.payloadBytes, signal, findings);
    }
    return this.#getHere(key, findings);
  }

  /** Reads the prepared key. */
  #getHere<V>(name: string, findings: Findings<V>): V | undefined {
    const { packer, member } = this.#space;
    const { reader, key } = member.store;
    const startMs = performance.now();
    this.#count(GLOBAL_COUNTER.poolInPlace);
    if (!reader.read(key, READ_VALUE, true)) return findings.miss();
    const { landing, length, form, payloadBytes } = reader;
    let opened: Opened;
    try {
      opened = packer.open(form, landing.bytes, landing.start, landing.start + length, packer.version);
    } catch (error) {
      return findings.unreadable(error);
    }
    this.#gets.work.note(payloadBytes, nsSince(startMs));
    return findings.value(name, opened, payloadBytes);
  }

  async #sendGet<V>(
    pool: Pool,
    key: string,
    storedBytes: number,
    signal: AbortSignal | undefined,
    findings: Findings<V>,
  ): Promise<V | undefined> {
    const { typeId, packer } = this.#space;
    const errand = new Errand(signal);
    const pack = (): Cargo<'read'> => {
      const room = Math.min(ROOM_BYTES_MAX, Math.ceil(storedBytes * this.#expansion));
      const buffer = pool.buffers.acquire(Math.max(storedBytes, room));
      return { buffer, task: { memory: buffer.memory, typeId, key, newest: packer.version } };
    };
    const sent = this.send(pool, errand, 'read', pool.enter(errand), pack, ({ found, ns }, { buffer }) => {
      if (found === undefined) return findings.miss();
      this.#gets.work.note(found.payloadBytes, ns);
      return findings.value(key, this.#takeOut(pool, found, buffer), found.payloadBytes);
    });
    try {
      return await Promise.race([sent, errand.aborted]);
    } catch (error) {
      if (error instanceof CodecError) return findings.unreadable(error);
      throw error;
    }
  }

  /** A private copy of what a worker has read: codecs never see shared memory. */
  #takeOut(pool: Pool, found: ReadFound, given: ExchangeBuffer): Opened {
    const { codec, version, length, payloadBytes } = found;
    const startMs = performance.now();
    const bytes = pool.buffers.takeOut(found, given);
    this.#expansion = Math.max(1, length / payloadBytes);
    this.#gets.carriage.note(payloadBytes, nsSince(startMs));
    return { codec, version, bytes, start: 0, end: length };
  }

  /** Sends an errand when it has been let in; undefined if it was called off. `pack` runs at once if it is in already. */
  async send<N extends Name, R>(
    pool: Pool,
    errand: Errand,
    name: N,
    entering: Promise<boolean> | undefined,
    pack: () => Cargo<N>,
    receive: (done: Done<N>, cargo: Cargo<N>) => R,
  ): Promise<R | undefined> {
    try {
      if (entering !== undefined && !(await entering)) return undefined;
      try {
        return errand.isCalledOff ? undefined : await this.#carry(pool, errand, name, pack(), receive);
      } finally {
        pool.leave();
      }
    } finally {
      errand.end();
    }
  }

  async #carry<N extends Name, R>(
    pool: Pool,
    errand: Errand,
    name: N,
    cargo: Cargo<N>,
    receive: (done: Done<N>, cargo: Cargo<N>) => R,
  ): Promise<R | undefined> {
    errand.embark(cargo.buffer);
    const { isQuiet } = pool;
    const startMs = performance.now();
    const answer = await this.#run(pool, errand, name, cargo);
    // From here on the recall is nobody's.
    errand.end();
    if (!this.#space.member.isOpen && name !== 'store') throw new ClosedError();
    this.#count(answer.kind === 'failed' ? GLOBAL_COUNTER.poolFailures : GLOBAL_COUNTER.poolTasks);
    try {
      if (isFailure(answer)) return this.#fail(answer, name);
      if (isQuiet && 'ns' in answer) this.#shared.trip.note(nsSince(startMs) - answer.ns);
      return receive(answer as Done<N>, cargo);
    } finally {
      pool.buffers.release(cargo.buffer);
    }
  }

  /** The answer to a task. If the worker dies over it, its buffer is given up: it may write there to its last moment. */
  async #run<N extends Name>(
    pool: Pool,
    errand: Errand,
    name: N,
    { task, parts }: Cargo<N>,
  ): Promise<Tasks[N]['answer']> {
    try {
      return await pool.run(name, task, parts);
    } catch (error) {
      errand.callOff();
      if (!this.#space.member.isOpen) throw new ClosedError();
      this.#count(GLOBAL_COUNTER.poolFailures);
      throw new WorkerError(OPERATIONS[name], error);
    }
  }

  #fail(failure: Failure, name: Name): undefined {
    if (failure.kind === 'called-off') return undefined;
    if (failure.kind === 'busy') throw new BusyError(OPERATIONS[name]);
    if (failure.kind === 'closed') throw new ClosedError();
    if (failure.kind === 'too-large') throw new ItemTooLargeError(failure.itemBytes, this.#space.itemBytesMax);
    if (failure.kind === 'unreadable') throw new CodecError(failure.message);
    throw new WorkerError(OPERATIONS[name], failure.message);
  }

  /** Not behind the thread's `close`: its counters may be another's by then. */
  #count(counter: number): void {
    if (this.#space.member.isOpen) this.#space.member.store.context.countGlobal(counter, 1);
  }
}

const OPERATIONS: Readonly<Record<Name, string>> = { store: 'setAsync', read: 'getAsync', load: 'fetch' };
const DONE: readonly string[] = ['stored', 'read', 'loaded', 'threw'];

function isFailure(answer: Tasks[Name]['answer']): answer is Failure {
  return !DONE.includes(answer.kind);
}

function nsSince(startMs: number): number {
  return (performance.now() - startMs) * 1e6;
}
