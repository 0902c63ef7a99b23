/**
 * The compressors' dictionaries of all types, as one thread knows them: each is a record of the append-only log, a byte for the
 * number of the type and the dictionary, and the record's number names it in stored values. Records stay for good, so a
 * value that names one can be read whatever was trained since.
 */
import { LOG_MOVED, RECORD_KIND } from '../../native-free/index.js';
import type { SharedLog } from './shapes.js';

export interface Dictionary {
  /** That of its record. */
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Bytes of the record of a dictionary of so many. */
export function dictionaryRecordBytes(bytes: number): number {
  return 1 + bytes;
}

/** Others may append as often as this before a dictionary is given up. */
const TRIES_MAX = 4;

export class Dictionaries {
  readonly #log: SharedLog;
  /** By the number of the type, the oldest first. */
  readonly #byType: Dictionary[][] = [];
  /** Records of the log that this thread has seen. */
  #seen = 0;

  constructor(log: SharedLog) {
    this.#log = log;
  }

  /** Those of a type that there are by now, the oldest first. */
  of(typeId: number): readonly Dictionary[] {
    const { count } = this.#log;
    for (; this.#seen < count; this.#seen++) {
      if (this.#log.kindOf(this.#seen) === RECORD_KIND.dictionary) this.#takeOver(this.#seen);
    }
    return this.#byType[typeId] ?? NONE;
  }

  #takeOver(id: number): void {
    const record = this.#log.read(id);
    this.#byType[record[0]!] ??= [];
    this.#byType[record[0]!]!.push({ id, bytes: record.subarray(1) });
  }

  /** See `TypeDictionaries.append`. False as well while others append again and again, without room, and without the lock. */
  append(typeId: number, bytes: Uint8Array, known: number): boolean {
    const record = new Uint8Array(dictionaryRecordBytes(bytes.length));
    record[0] = typeId;
    record.set(bytes, 1);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (this.of(typeId).length !== known) return false;
      const outcome = this.#log.append(RECORD_KIND.dictionary, record, this.#seen);
      if (outcome !== LOG_MOVED) return outcome >= 0;
    }
    return false;
  }
}

const NONE: readonly Dictionary[] = [];

/** The dictionaries of one type. */
export class TypeDictionaries {
  readonly #all: Dictionaries;
  readonly #typeId: number;

  constructor(all: Dictionaries, typeId: number) {
    this.#all = all;
    this.#typeId = typeId;
  }

  get count(): number {
    return this.#all.of(this.#typeId).length;
  }

  /** The one that values are compressed with now; undefined before the first. */
  get latest(): Dictionary | undefined {
    const own = this.#all.of(this.#typeId);
    return own[own.length - 1];
  }

  /** The one with that number; undefined if the type has none such. */
  byId(id: number): Dictionary | undefined {
    return this.#all.of(this.#typeId).find((dictionary) => dictionary.id === id);
  }

  /**
   * Appends a dictionary to the log, if the type has as many as were `known` when it was trained: of two threads that train
   * at once, one is late. False if it isn't there then.
   */
  append(bytes: Uint8Array, known: number): boolean {
    return this.#all.append(this.#typeId, bytes, known);
  }
}
