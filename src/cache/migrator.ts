/**
 * Brings values of older versions up to date as they are read. The entry is looked up once more, now with a proof of what it
 * is, migrated under no lock, and stored if the proof still holds (engine/rewriter.ts). Whatever keeps it from being
 * stored, the reader gets the migrated value.
 */
import { HEADER } from '../../native-free/index.js';
import type { Packer } from '../codecs/packer.js';
import type { MigrationChain } from '../codecs/versions.js';
import { TYPE_COUNTER } from '../engine/causes.js';
import { ANY_SIZE, type CopiedEntry, NO_LARGER } from '../engine/rewriter.js';
import type { SharedStore } from '../engine/store.js';
import { STORED } from '../engine/writer.js';
import { ValueError } from '../errors.js';
import { fail } from './failures.js';

/** What a migrator needs to know of its cache. */
export interface MigratorSetup {
  readonly store: SharedStore;
  readonly typeId: number;
  readonly type: string;
  readonly importance: number;
  readonly packer: Packer;
  readonly chain: MigrationChain;
  readonly itemBytesMax: number;
  /** Before each operation: throws if the cache is closed. */
  readonly begin: () => void;
}

interface Unpacked {
  readonly value: unknown;
  readonly version: number;
}

export class Migrator {
  readonly #setup: MigratorSetup;
  /** Keys whose values are being migrated. */
  readonly #underWay = new Set<string>();

  constructor(setup: MigratorSetup) {
    this.#setup = setup;
  }

  /**
   * The value of this thread's version for one that was stored in another, or undefined: counted as of a newer version, or
   * as a failed migration, which is told as well.
   */
  migrated(value: unknown, version: number): unknown {
    const { store, typeId, type, packer, chain } = this.#setup;
    if (version === packer.version) return value;
    if (version > packer.version) {
      store.context.count(typeId, TYPE_COUNTER.newerVersions, 1);
      return undefined;
    }
    try {
      return chain.apply(value, version);
    } catch (error) {
      fail(store, 'migrate', typeId, type, error);
      return undefined;
    }
  }

  /** The same for the entry of a key, which was just read; stores what an older value became. */
  read(key: string, value: unknown, version: number): unknown {
    const { store, typeId, type, packer } = this.#setup;
    if (version > packer.version) return this.migrated(value, version);
    if (this.#underWay.has(key)) {
      fail(store, 'migrate', typeId, type, new ValueError('a migration reads the entry that it migrates'));
      return undefined;
    }
    this.#begin(key);
    try {
      return this.#migrate(key, value, version);
    } finally {
      this.#underWay.delete(key);
    }
  }

  #begin(key: string): void {
    const underWay = this.#underWay;
    // Where a time-out of vm cuts a migration short, nothing behind it runs; the end of the turn comes all the same.
    if (underWay.size === 0) queueMicrotask(() => underWay.clear());
    underWay.add(key);
  }

  #migrate(key: string, value: unknown, version: number): unknown {
    const { store, packer } = this.#setup;
    this.#prepare(key);
    const entry = store.copy();
    if (entry === undefined) return this.#finish(key, undefined, this.migrated(value, version));
    // What was copied, and not what was read, is what the proof is of.
    const { form, start, length } = entry;
    const found = this.#unpack(form, store.reader.landing.bytes, start, start + length);
    if (found === undefined) return undefined;
    const current = this.migrated(found.value, found.version);
    return found.version < packer.version ? this.#finish(key, entry, current) : current;
  }

  /** Stores a migrated value if it can; returns a private copy of it, as the next read will. */
  #finish(key: string, entry: CopiedEntry | undefined, value: unknown): unknown {
    const { store, typeId, type, packer } = this.#setup;
    // The migration may have ended the cache.
    this.#prepare(key);
    if (value === undefined) return undefined;
    let bytes: Uint8Array;
    try {
      bytes = packer.pack(value);
    } catch (error) {
      fail(store, 'migrate', typeId, type, error);
      return undefined;
    }
    const { form } = packer;
    // The codec may have run the user's code.
    this.#prepare(key);
    if (entry !== undefined) this.#store(entry, bytes, form);
    return this.#unpack(form, bytes, 0, bytes.length)?.value;
  }

  #store(entry: CopiedEntry, bytes: Uint8Array, form: number): void {
    const { store, typeId, itemBytesMax, importance } = this.#setup;
    if (store.key.byteLength + bytes.length > itemBytesMax) return;
    // Under a pressure that refuses sets of the type, none of its entries grows.
    const isRefused = importance < store.context.meta[HEADER.leastImportance]!;
    const outcome = store.rewrite(entry, bytes, form, isRefused ? NO_LARGER : ANY_SIZE);
    if (outcome === STORED) store.context.count(typeId, TYPE_COUNTER.migrations, 1);
  }

  #prepare(key: string): void {
    const { store, typeId, begin } = this.#setup;
    begin();
    store.key.prepare(key, typeId);
  }

  #unpack(form: number, source: Uint8Array, start: number, end: number): Unpacked | undefined {
    const { store, typeId, type, packer } = this.#setup;
    try {
      const value = packer.unpack(form, source, start, end);
      return { value, version: packer.unpackedVersion };
    } catch (error) {
      fail(store, 'decode', typeId, type, error);
      return undefined;
    }
  }
}
