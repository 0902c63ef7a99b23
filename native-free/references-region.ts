/**
 * Where a shard keeps the references that its pointers have left behind, and sums of its pointers. The fields are those of
 * native-free/README.md, section 20.
 */

/** Words of a reference to a payload, on a list as in an owner record: its type + 1, content key (two words), serial. */
export const REFERENCE = { type: 0, hash: 1, check: 2, serial: 3 } as const;
const REFERENCE_WORDS = 4;

/** Sums of the pointers of a type in a shard: how many, and the bytes that were stored for them. */
export const POINTERS = { entries: 0, bytesLow: 1, bytesHigh: 2 } as const;
const POINTERS_WORDS = 4;
const REFERENCES_HEADER = 16;

export class ReferencesRegion {
  /** Words in all; 0 where no type stores equal values once. */
  readonly words: number;
  /** References that the list has room for. */
  readonly capacity: number;
  readonly #offset: number;
  readonly #listOffset: number;

  /** For so many types, `offset` words from the start of a shard record. */
  constructor(offset: number, types: number, capacity: number) {
    this.capacity = types === 0 ? 0 : capacity;
    this.#offset = offset;
    this.#listOffset = offset + REFERENCES_HEADER + types * POINTERS_WORDS;
    this.words = types === 0 ? 0 : REFERENCES_HEADER + types * POINTERS_WORDS + this.capacity * REFERENCE_WORDS;
  }

  /** Index of the count of references on a shard's list. */
  releases(shard: number): number {
    return shard + this.#offset;
  }

  /** Index of the sums of a type, by its place among those that store equal values once. */
  sums(shard: number, place: number): number {
    return shard + this.#offset + REFERENCES_HEADER + place * POINTERS_WORDS;
  }

  /** Index of a reference on a shard's list. */
  record(shard: number, position: number): number {
    return shard + this.#listOffset + position * REFERENCE_WORDS;
  }
}
