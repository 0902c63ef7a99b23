/**
 * Where the accounts of users lie: a region of stripes, each with a lock, an undo journal, buckets and records. The
 * fields are those of native-free/README.md, section 13.
 */
import { alignUp, ceilPower } from './bits.js';
import { journalWords } from './journal.js';

export const STRIPE = { lock: 0, free: 2, fresh: 3, active: 4, granules: 5, entries: 6, journal: 16 } as const;
export const STRIPE_JOURNAL_ENTRIES = 48;

export const USER = {
  hash0: 0,
  hash1: 1,
  next: 2,
  generation: 3,
  granules: 4,
  entries: 5,
  oldest: 6,
  youngest: 7,
  activity: 8,
} as const;
const USER_WORDS = 10;

/** What a shard's lists of users are owed, behind its directory; the first word is 0 at rest. */
export const USER_OPERATION = {
  pending: 0,
  inRef: 1,
  inGranules: 2,
  hash0: 3,
  hash1: 4,
  outRef: 5,
  outGranules: 6,
  stripes: 7,
} as const;
export const USER_OPERATION_WORDS = 8;

/** Records are numbered in 20 bits and some, beside 11 bits of generation. */
export const USERS_MAX: number = 2 ** 20;
const USERS_PER_STRIPE = 1024;
const STRIPES_MIN = 4;
const STRIPES_MAX = 64;
/** Users fall into stripes at random: a stripe has room for so many standard deviations more than its share. */
const DEVIATIONS = 6;

export class UsersRegion {
  /** Words in all; 0 if there are no users. */
  readonly words: number;
  readonly stripes: number;
  /** Records of each stripe, and buckets. */
  readonly records: number;
  readonly buckets: number;
  readonly #base: number;
  readonly #stripeWords: number;
  readonly #bucketsOffset: number;
  readonly #recordsOffset: number;

  /** Room for `users` users with entries, from word `base` of segment 0 on. */
  constructor(base: number, users: number) {
    this.#base = base;
    this.stripes = users === 0 ? 0 : Math.min(STRIPES_MAX, Math.max(STRIPES_MIN, ceilPower(users / USERS_PER_STRIPE)));
    const share = this.stripes === 0 ? 0 : users / this.stripes;
    this.records = Math.ceil(share + DEVIATIONS * Math.sqrt(share));
    this.buckets = ceilPower(this.records);
    this.#bucketsOffset = alignUp(STRIPE.journal + journalWords(STRIPE_JOURNAL_ENTRIES), 16);
    this.#recordsOffset = this.#bucketsOffset + this.buckets;
    this.#stripeWords = alignUp(this.#recordsOffset + this.records * USER_WORDS, 16);
    this.words = this.stripes * this.#stripeWords;
  }

  /** The stripe that a user's first hash chooses. */
  stripeOf(hash0: number): number {
    return hash0 & (this.stripes - 1);
  }

  stripe(number: number): number {
    return this.#base + number * this.#stripeWords;
  }

  /** Index of the head of the bucket for a hash. */
  bucket(stripe: number, hash0: number): number {
    return this.stripe(stripe) + this.#bucketsOffset + ((hash0 >>> 8) & (this.buckets - 1));
  }

  /** Records are numbered over all stripes. */
  stripeOfRecord(record: number): number {
    return Math.floor(record / this.records);
  }

  firstRecord(stripe: number): number {
    return stripe * this.records;
  }

  record(record: number): number {
    const stripe = this.stripeOfRecord(record);
    return this.stripe(stripe) + this.#recordsOffset + (record - stripe * this.records) * USER_WORDS;
  }
}
