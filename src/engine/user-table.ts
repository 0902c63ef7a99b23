/**
 * The accounts of users: records, found by two hashes, and a list of each user's entries, oldest first, which goes
 * through the headers of the entries over all shards (native-free/README.md, section 13). Everything here is guarded by
 * the lock of the user's stripe, of which a thread holds one at a time, and is written through that stripe's journal.
 */
import {
  acquire,
  isHeldBy,
  Journal,
  LOCK_BUSY,
  LOCK_FREE,
  release,
  STRIPE,
  STRIPE_JOURNAL_ENTRIES,
  USER,
  type UsersRegion,
} from '../../native-free/index.js';
import { GLOBAL_COUNTER } from './causes.js';
import type { Context } from './context.js';
import { FLAG_OWNED, flagsOf, OWNED, ownedWord, WORD_SIZES } from './item.js';
import type { QuotaPolicy } from './ports.js';
import type { User } from './user.js';

/** No record, or no stripe. */
export const NONE = -1;

const GENERATION_SHIFT = 21;
const GENERATION_MASK = 0x7ff;
const RECORD_MASK = 0x1fffff;

export class UserTable {
  readonly region: UsersRegion;
  readonly #context: Context;
  readonly #meta: Int32Array;
  readonly #journal: Journal;
  readonly #policy: QuotaPolicy;
  #held = NONE;

  constructor(context: Context, policy: QuotaPolicy) {
    this.#context = context;
    this.#policy = policy;
    this.#meta = context.meta;
    this.region = context.layout.users;
    this.#journal = new Journal(context.arena.words, STRIPE_JOURNAL_ENTRIES);
    context.repairStripe = () => this.#repairHeld();
  }

  /** The stripe that this thread holds, or NONE. */
  get held(): number {
    return this.#held;
  }

  /** Opens a section on a stripe. False if its lock can't be had within its bound, which is counted. */
  enter(stripe: number): boolean {
    const { arena, token, lockWaitMs } = this.#context;
    const at = this.region.stripe(stripe);
    this.#held = stripe;
    this.#context.holdsStripe = true;
    const got = acquire(this.#context.meta, at + STRIPE.lock, token, arena.owners, lockWaitMs);
    if (got === LOCK_BUSY) {
      this.#forget();
      this.#context.countGlobal(GLOBAL_COUNTER.lockTimeouts, 1);
      return false;
    }
    this.#journal.begin(at + STRIPE.journal);
    if (got !== LOCK_FREE) this.#journal.recover(at + STRIPE.journal);
    return true;
  }

  leave(): void {
    release(this.#context.meta, this.region.stripe(this.#held) + STRIPE.lock);
    this.#forget();
  }

  #forget(): void {
    this.#held = NONE;
    this.#context.holdsStripe = false;
  }

  /** Undoes what this thread left open in a stripe when it abandoned an operation, and lets go of it. */
  #repairHeld(): void {
    const { meta, token } = this.#context;
    const at = this.region.stripe(this.#held);
    if (this.#held !== NONE && isHeldBy(meta, at + STRIPE.lock, token)) {
      this.#journal.recover(at + STRIPE.journal);
      release(meta, at + STRIPE.lock);
    }
    this.#forget();
  }

  /** A journaled store to a word of segment 0. */
  write(index: number, value: number): void {
    this.#journal.write(0, index, value);
  }

  commit(): void {
    this.#journal.commit();
  }

  /** A word of a record. */
  get(record: number, field: number): number {
    return this.#meta[this.region.record(record) + field]!;
  }

  /** The user's record, or NONE. The user's stripe is held. */
  findLocked(hash0: number, hash1: number): number {
    for (
      let link = this.#meta[this.region.bucket(this.#held, hash0)]!;
      link !== 0;
      link = this.get(link - 1, USER.next)
    ) {
      if (this.get(link - 1, USER.hash0) === hash0 && this.get(link - 1, USER.hash1) === hash1) return link - 1;
    }
    return NONE;
  }

  /** Whether the stripe has a record for one user more. */
  hasFreeLocked(): boolean {
    const at = this.region.stripe(this.#held);
    return this.#meta[at + STRIPE.free] !== 0 || this.#meta[at + STRIPE.fresh]! < this.region.records;
  }

  /** Gives a new user a record, in the transaction in hand; NONE if there is none left. */
  claimLocked(hash0: number, hash1: number): number {
    if (!this.hasFreeLocked()) return NONE;
    const at = this.region.stripe(this.#held);
    let record = this.#meta[at + STRIPE.free]! - 1;
    if (record >= 0) {
      this.write(at + STRIPE.free, this.get(record, USER.next));
    } else {
      const fresh = this.#meta[at + STRIPE.fresh]!;
      record = this.region.firstRecord(this.#held) + fresh;
      this.write(at + STRIPE.fresh, fresh + 1);
    }
    const words = this.region.record(record);
    const bucket = this.region.bucket(this.#held, hash0);
    this.write(words + USER.hash0, hash0);
    this.write(words + USER.hash1, hash1);
    this.write(words + USER.next, this.#meta[bucket]!);
    this.write(bucket, record + 1);
    this.#add(at + STRIPE.active, 1);
    this.#meta[words + USER.activity] = 0;
    return record;
  }

  /** Takes a record without entries off its bucket and frees it, in the transaction in hand. */
  #dropLocked(record: number): void {
    const at = this.region.stripe(this.#held);
    const words = this.region.record(record);
    let link = this.region.bucket(this.#held, this.get(record, USER.hash0));
    while (this.#meta[link] !== record + 1) link = this.region.record(this.#meta[link]! - 1) + USER.next;
    this.write(link, this.get(record, USER.next));
    this.write(words + USER.next, this.#meta[at + STRIPE.free]!);
    this.write(at + STRIPE.free, record + 1);
    this.#add(words + USER.generation, 1);
    this.#add(at + STRIPE.active, -1);
  }

  /** Puts a new entry on the young end of a user's list, in the transaction in hand, and notes the user's activity. */
  linkLocked(record: number, ref: number, granules: number): void {
    const activity = this.region.record(record) + USER.activity;
    // A hint, in no transaction: a death leaves the old one or the new.
    this.#meta[activity] = this.#policy.active(this.#meta[activity]!, this.#context.clock.coarse());
    this.#writeEntry(ref, OWNED.owner, this.#ownerWord(record));
    this.#appendLocked(record, ref);
    this.#account(record, granules, 1);
  }

  #appendLocked(record: number, ref: number): void {
    const youngest = this.get(record, USER.youngest);
    this.#writeEntry(ref, OWNED.older, youngest);
    this.#writeEntry(ref, OWNED.younger, 0);
    this.#joinLocked(record, youngest, ref);
    this.write(this.region.record(record) + USER.youngest, ref);
  }

  /** Takes an entry off its user's list, in the transaction in hand; the last one takes the record with it. */
  unlinkLocked(record: number, ref: number, granules: number): void {
    this.#joinLocked(record, this.older(ref), this.younger(ref));
    this.#account(record, granules, -1);
    if (this.get(record, USER.entries) === 0) this.#dropLocked(record);
  }

  /** Puts `to`, a copy of the entry at `from`, in its place on the list, in the transaction in hand. */
  moveLocked(record: number, from: number, to: number): void {
    this.#writeEntry(to, OWNED.owner, this.#ownerWord(record));
    const older = this.older(from);
    const younger = this.younger(from);
    this.#joinLocked(record, older, to);
    this.#joinLocked(record, to, younger);
  }

  /** Moves an entry to the young end of its list. Its own transaction. */
  renewLocked(record: number, ref: number): void {
    if (this.get(record, USER.youngest) === ref) return;
    this.#joinLocked(record, this.older(ref), this.younger(ref));
    this.#appendLocked(record, ref);
    this.commit();
  }

  /** Makes two entries neighbours; 0 is the end of the list. */
  #joinLocked(record: number, older: number, younger: number): void {
    const words = this.region.record(record);
    if (older === 0) this.write(words + USER.oldest, younger);
    else this.#writeEntry(older, OWNED.younger, younger);
    if (younger === 0) this.write(words + USER.youngest, older);
    else this.#writeEntry(younger, OWNED.older, older);
  }

  #account(record: number, granules: number, sign: number): void {
    const words = this.region.record(record);
    const at = this.region.stripe(this.#held);
    this.#add(words + USER.granules, sign * granules);
    this.#add(words + USER.entries, sign);
    this.#add(at + STRIPE.granules, sign * granules);
    this.#add(at + STRIPE.entries, sign);
  }

  #add(index: number, delta: number): void {
    this.write(index, this.#meta[index]! + delta);
  }

  #writeEntry(ref: number, field: number, value: number): void {
    this.#journal.write(this.#context.arena.segmentOf(ref), this.#entryWord(ref, field), value);
  }

  #entryWord(ref: number, field: number): number {
    const { arena } = this.#context;
    const at = arena.wordIndex(ref);
    return at + ownedWord(flagsOf(arena.wordsOf(ref)[at + WORD_SIZES]!)) + field;
  }

  #readEntry(ref: number, field: number): number {
    return this.#context.arena.wordsOf(ref)[this.#entryWord(ref, field)]!;
  }

  older(ref: number): number {
    return this.#readEntry(ref, OWNED.older);
  }

  younger(ref: number): number {
    return this.#readEntry(ref, OWNED.younger);
  }

  mark(ref: number): number {
    return this.#readEntry(ref, OWNED.mark);
  }

  /** Notes the last use that the list knows of. Under the lock of the entry's shard; a hint, in no transaction. */
  setMark(ref: number, mark: number): void {
    this.#context.arena.wordsOf(ref)[this.#entryWord(ref, OWNED.mark)] = mark;
  }

  #ownerWord(record: number): number {
    return (record + 1) | ((this.get(record, USER.generation) & GENERATION_MASK) << GENERATION_SHIFT);
  }

  /**
   * The record of an entry's user, NONE for nobody's. Under the lock of the entry's shard or of the user's stripe: a
   * record doesn't change hands while it has entries.
   */
  ownerOf(ref: number): number {
    const { arena } = this.#context;
    if ((flagsOf(arena.wordsOf(ref)[arena.wordIndex(ref) + WORD_SIZES]!) & FLAG_OWNED) === 0) return NONE;
    const word = this.#readEntry(ref, OWNED.owner);
    const record = (word & RECORD_MASK) - 1;
    if (record < 0 || record >= this.region.records * this.region.stripes) return NONE;
    return this.#ownerWord(record) === word ? record : NONE;
  }

  /** Whether an entry is the user's. As for `ownerOf`. */
  isOf(ref: number, user: User): boolean {
    const record = this.ownerOf(ref);
    return (
      record !== NONE && this.get(record, USER.hash0) === user.hash0 && this.get(record, USER.hash1) === user.hash1
    );
  }

  /**
   * Walks a user's list from its oldest entry on until `visit` says false. False if the list doesn't agree with itself:
   * a link that leads out of the arena or to what isn't the user's, or not back, or not to the end.
   */
  walkLocked(record: number, visit: (ref: number) => boolean): boolean {
    const { layout } = this.#context;
    let before = 0;
    let left = this.get(record, USER.entries);
    for (let ref = this.get(record, USER.oldest); ref !== 0; ref = this.younger(ref)) {
      const page = layout.pageOf(ref);
      if (page < 0 || page >= layout.pages || left-- === 0) return false;
      if (this.ownerOf(ref) !== record || this.older(ref) !== before) return false;
      if (!visit(ref)) return true;
      before = ref;
    }
    return left === 0 && this.get(record, USER.youngest) === before;
  }

  /** Gives up a list that doesn't agree with itself: its entries are nobody's from then on. Its own transaction. */
  giveUpLocked(record: number): void {
    const words = this.region.record(record);
    const at = this.region.stripe(this.#held);
    this.#add(at + STRIPE.granules, -this.get(record, USER.granules));
    this.#add(at + STRIPE.entries, -this.get(record, USER.entries));
    for (const field of [USER.granules, USER.entries, USER.oldest, USER.youngest]) this.write(words + field, 0);
    this.#dropLocked(record);
    this.commit();
  }

  /** Calls `visit` for each record in use of the stripe that is held; it may free the one that it is called with. */
  eachLocked(visit: (record: number) => void): void {
    const first = this.region.firstRecord(this.#held);
    const fresh = this.#meta[this.region.stripe(this.#held) + STRIPE.fresh]!;
    for (let record = first; record < first + fresh; record++) if (this.get(record, USER.entries) !== 0) visit(record);
  }

  /** Records on the free list of the stripe that is held; more than it has if the list meets itself. */
  freeLocked(): number {
    let free = 0;
    const { records } = this.region;
    let link = this.#meta[this.region.stripe(this.#held) + STRIPE.free]!;
    for (; link !== 0 && free <= records; link = this.get(link - 1, USER.next)) free++;
    return free;
  }

  /** Sums over all stripes, read under no lock. */
  sum(field: number): number {
    let total = 0;
    for (let stripe = 0; stripe < this.region.stripes; stripe++)
      total += this.#meta[this.region.stripe(stripe) + field]!;
    return total;
  }
}
