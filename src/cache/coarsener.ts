/**
 * What a type does before it evicts for its share, where `overflow` says so: cold values are made smaller, by the
 * user's reducer or by the codec. Each is copied out of shared memory, made smaller under no lock, and stored if the entry
 * is still what it was (engine/rewriter.ts). Where one can't be made smaller, the rest is
 * left to LRU.
 */
import { compareExchange, load } from '#atomics';
import { TICK_MS } from '../../native-free/index.js';
import type { Codec } from '../codecs/codec.js';
import { GLOBAL_COUNTER, TYPE_COUNTER } from '../engine/causes.js';
import { EVENT } from '../engine/items.js';
import { CHANGED, type ColdEntry } from '../engine/rewriter.js';
import type { SharedStore } from '../engine/store.js';
import { STORED } from '../engine/writer.js';
import type { Alert } from '../policies/alert.js';
import type { Reducer } from './reducer.js';

/** Entries that one set may make smaller: what is missing then is evicted. */
const REDUCTIONS_MAX = 4;
/** Values of more bytes are worth compressing. */
const COMPACT_BYTES_MIN = 10 * 1_024;
/** Between two alerts about the reducer of a type. */
const ALERT_TICKS = 60_000 / TICK_MS;
/** Characters of an error's message that an alert quotes. */
const QUOTE_MAX = 200;

const encoder = new TextEncoder();

/** What a coarsener needs to know of its cache. */
export interface CoarsenerSetup {
  readonly store: SharedStore;
  readonly typeId: number;
  readonly type: string;
  readonly codec: Codec;
  readonly codecsById: readonly (Codec | undefined)[];
  /** The user's reducer; without one the codec compacts values. */
  readonly reduce: Reducer<never> | undefined;
  /** Before each operation: throws if the cache is closed. */
  readonly begin: () => void;
}

interface Packed {
  readonly bytes: Uint8Array;
  readonly codec: number;
}

export class Coarsener {
  readonly #setup: CoarsenerSetup;
  #isRunning = false;
  #cursor = 0;

  constructor(setup: CoarsenerSetup) {
    this.#setup = setup;
  }

  /** Whether a value of so many bytes under the prepared key needs others of its type to become smaller. */
  isDue(bytes: number, isIdle: boolean, isOwned: boolean): boolean {
    // What a reducer itself stores doesn't call it again.
    return !this.#isRunning && this.#setup.store.excess(bytes, isIdle, isOwned) > 0;
  }

  /** Makes some cold values smaller. Other operations may run within: the key is to be prepared anew. */
  makeRoom(key: string, bytes: number, isIdle: boolean, isOwned: boolean): void {
    this.#isRunning = true;
    // Where a time-out of vm cuts the reducer short, nothing below runs; the end of the turn comes all the same.
    queueMicrotask(() => {
      this.#isRunning = false;
    });
    const { store, typeId, begin } = this.#setup;
    try {
      for (let i = 0; i < REDUCTIONS_MAX; i++) {
        if (i > 0 && store.excess(bytes, isIdle, isOwned) <= 0) return;
        const entry = this.#cold();
        if (entry === undefined || !this.#shrink(entry)) return;
        begin();
        store.key.prepare(key, typeId);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** A cold entry of a shard that has one, each shard in turn. */
  #cold(): ColdEntry | undefined {
    const { store, typeId } = this.#setup;
    const { shards } = store.context.layout.config;
    for (let i = 0; i < shards; i++) {
      this.#cursor = (this.#cursor + 1) % shards;
      const entry = store.cold(this.#cursor, typeId);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Makes an entry smaller, unless it has changed. False if it can't be. */
  #shrink(entry: ColdEntry): boolean {
    const { store, typeId, begin } = this.#setup;
    const packed = this.#setup.reduce === undefined ? this.#compacted(entry) : this.#reduced(entry);
    begin();
    if (packed === undefined) return false;
    store.key.prepare(entry.key, typeId);
    const outcome = store.rewrite(entry, packed.bytes, packed.codec);
    if (outcome === STORED) store.context.count(typeId, TYPE_COUNTER.reductions, 1);
    return outcome === STORED || outcome === CHANGED;
  }

  /** What the reducer makes of an entry; undefined if nothing. */
  #reduced(entry: ColdEntry): Packed | undefined {
    const { reduce, codec, type } = this.#setup;
    const { key, keyBytes, length, ticksUnused } = entry;
    try {
      const value = this.#valueOf(entry);
      const info = { type, key, bytes: keyBytes + length, ageMs: ticksUnused * TICK_MS };
      const result: unknown = reduce!(value as never, info);
      if (result === undefined) return undefined;
      if (entry.codec === 0 && result instanceof Uint8Array) return { bytes: result, codec: 0 };
      return { bytes: codec.encode(result), codec: codec.id };
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #valueOf({ codec, start, length }: ColdEntry): unknown {
    const { store, codecsById } = this.#setup;
    const { landing } = store.reader;
    if (codec === 0) return landing.bytes.slice(start, start + length);
    return codecsById[codec]!.decode(landing.bytes, start, start + length);
  }

  /** The same value in fewer bytes, if it is large and the codec knows how. */
  #compacted({ codec: id, start, length }: ColdEntry): Packed | undefined {
    const { store, codecsById } = this.#setup;
    const codec = codecsById[id];
    if (length <= COMPACT_BYTES_MIN || codec?.compact === undefined) return undefined;
    try {
      const bytes = codec.compact(store.reader.landing.bytes.subarray(start, start + length));
      return bytes && { bytes, codec: id };
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Counts a failure, and tells of it unless some thread has in this minute. */
  #fail(error: unknown): void {
    const { store, typeId, type } = this.#setup;
    const { context } = store;
    context.count(typeId, TYPE_COUNTER.reducerFailures, 1);
    const told = context.layout.typeStates + typeId;
    const last = load(context.meta, told);
    const tick = context.clock.precise() || 1;
    // Ticks of two threads may differ by one.
    if (last !== 0 && Math.abs((tick - last) | 0) < ALERT_TICKS) return;
    if (compareExchange(context.meta, told, last, tick) !== last) return;
    context.countGlobal(GLOBAL_COUNTER.alerts, 1);
    const failures = context.sumOf(typeId, TYPE_COUNTER.reducerFailures);
    const alert: Alert = {
      code: 'reducer-failed',
      severity: 'warning',
      figure: failures,
      threshold: 0,
      message: `values of type ${JSON.stringify(type)} could not be made smaller, ${failures} so far: ${quote(error)}`,
      type,
    };
    store.tell(EVENT.alert, encoder.encode(JSON.stringify(alert)));
  }
}

/** What was thrown, which may be anything, in a few words. */
function quote(error: unknown): string {
  try {
    return String(error).slice(0, QUOTE_MAX).toWellFormed().replace(/\s+/g, ' ').trim();
  } catch {
    return 'something without words';
  }
}
