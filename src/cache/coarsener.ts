/**
 * What a type does before it evicts for its share, where `overflow` says so: cold values are made smaller, by the
 * user's reducer or by compression. Each is copied out of shared memory, made smaller under no lock, and stored if the entry
 * is still what it was (engine/rewriter.ts). Where one can't be made smaller, the rest is
 * left to LRU.
 */
import { TICK_MS } from '../../native-free/index.js';
import type { Packer } from '../codecs/packer.js';
import { TYPE_COUNTER } from '../engine/causes.js';
import { CHANGED, type CopiedEntry, SMALLER } from '../engine/rewriter.js';
import type { SharedStore } from '../engine/store.js';
import { STORED } from '../engine/writer.js';
import { fail } from './failures.js';
import type { Migrator } from './migrator.js';
import type { Reducer } from './reducer.js';

/** Entries that one set may make smaller: what is missing then is evicted. */
const REDUCTIONS_MAX = 4;

/** What a coarsener needs to know of its cache. */
export interface CoarsenerSetup {
  readonly store: SharedStore;
  readonly typeId: number;
  readonly type: string;
  readonly packer: Packer;
  /** Brings older values up to date before they are made smaller. */
  readonly migrator: Migrator;
  /** The user's reducer; without one values are compressed. */
  readonly reduce: Reducer<never> | undefined;
  /** Before each operation: throws if the cache is closed. */
  readonly begin: () => void;
}

interface Packed {
  readonly bytes: Uint8Array;
  readonly form: number;
}

export class Coarsener {
  readonly #setup: CoarsenerSetup;
  #isRunning = false;
  #cursor = 0;

  constructor(setup: CoarsenerSetup) {
    this.#setup = setup;
  }

  /** Whether a value of so many bytes under the prepared key, and of the prepared user, needs others of its type to become smaller. */
  isDue(bytes: number, isIdle: boolean, isOwned: boolean): boolean {
    // What a reducer itself stores doesn't call it again.
    return !this.#isRunning && this.#setup.store.excess(bytes, isIdle, isOwned) > 0;
  }

  /** Makes some cold values smaller. Other operations may run within: `prepare` readies the store's key and user anew, and is to be called behind it too. */
  makeRoom(bytes: number, isIdle: boolean, isOwned: boolean, prepare: () => void): void {
    this.#isRunning = true;
    // Where a time-out of vm cuts the reducer short, nothing below runs; the end of the turn comes all the same.
    queueMicrotask(() => {
      this.#isRunning = false;
    });
    const { store } = this.#setup;
    try {
      for (let i = 0; i < REDUCTIONS_MAX; i++) {
        if (i > 0 && store.excess(bytes, isIdle, isOwned) <= 0) return;
        const entry = this.#cold();
        if (entry === undefined || !this.#shrink(entry)) return;
        prepare();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** A cold entry of a shard that has one, each shard in turn. */
  #cold(): CopiedEntry | undefined {
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
  #shrink(entry: CopiedEntry): boolean {
    const { store, typeId, begin } = this.#setup;
    const packed = this.#setup.reduce === undefined ? this.#compacted(entry) : this.#reduced(entry);
    begin();
    if (packed === undefined) return false;
    store.key.prepare(entry.key, typeId);
    const outcome = store.rewrite(entry, packed.bytes, packed.form, SMALLER);
    if (outcome === STORED) store.context.count(typeId, TYPE_COUNTER.reductions, 1);
    return outcome === STORED || outcome === CHANGED;
  }

  /** What the reducer makes of an entry; undefined if nothing. */
  #reduced(entry: CopiedEntry): Packed | undefined {
    const { store, typeId, type, reduce, packer, migrator } = this.#setup;
    const { key, form, start, keyBytes, length, ticksUnused } = entry;
    try {
      const { bytes: source } = store.reader.landing;
      const isOfBytes = packer.isBytes(form, source, start, start + length);
      const stored = packer.unpackWhole(form, source, start, start + length);
      const { unpackedVersion, version } = packer;
      if (unpackedVersion > version) return undefined;
      const value = migrator.migrated(stored, unpackedVersion);
      if (value === undefined && unpackedVersion < version) return undefined;
      const info = { type, key, bytes: keyBytes + length, ageMs: ticksUnused * TICK_MS };
      const result: unknown = reduce!(value as never, info);
      if (result === undefined) return undefined;
      const bytes = isOfBytes && result instanceof Uint8Array ? packer.packBytes(result) : packer.pack(result);
      return { bytes, form: packer.form };
    } catch (error) {
      fail(store, 'reduce', typeId, type, error);
      return undefined;
    }
  }

  /** The same value compressed, if it is large and gets smaller. */
  #compacted({ form, start, length }: CopiedEntry): Packed | undefined {
    const { store, typeId, type, packer } = this.#setup;
    try {
      const bytes = packer.compact(form, store.reader.landing.bytes.subarray(start, start + length));
      return bytes && { bytes, form: packer.form };
    } catch (error) {
      fail(store, 'reduce', typeId, type, error);
      return undefined;
    }
  }
}
