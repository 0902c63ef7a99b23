/**
 * Gives entries another value in place: a smaller one, for types that would rather lose detail than entries, or one of
 * a newer version. Three steps, between which anything may happen and no lock is held:
 *
 * 1. `cold` copies a cold entry of a type to private memory, `copy` that of a key, with a proof of what it was.
 * 2. The caller makes another value of it, by whatever code.
 * 3. `rewrite` stores that value if the proof still holds. The entry keeps its place in the index: its mark, times and
 *    user; so it is as cold as before.
 *
 * The proof: the index holds the very ref, and for a chained item its generation, for any other the sequence of its
 * chain of buckets stands as it did. A neighbour's change moves that sequence too: then the entry is left as it is.
 */
import { BUCKET, BUCKET_GRANULES, USER } from '../../native-free/index.js';
import { CAUSE } from './causes.js';
import type { Chains } from './chains.js';
import type { Context } from './context.js';
import type { Evictor } from './evictor.js';
import { expiryOf, NOT_EXPIRED } from './expiry.js';
import { type IndexTable, Place } from './index-table.js';
import {
  FLAG_CHAINED,
  FLAG_IDLE,
  FLAG_OWNED,
  FORM_SHIFT,
  flagsOf,
  formOf,
  headerBytes,
  idleWord,
  keyBytesOf,
  OWNED,
  ownedWord,
  packSizes,
  paddedKey,
  WORD_GENERATION,
  WORD_HASH,
  WORD_SIZES,
} from './item.js';
import type { Items } from './items.js';
import type { Key } from './key.js';
import type { Landing } from './landing.js';
import { type Ownership, RESERVED, type UserHashes } from './ownership.js';
import type { PagePool } from './page-pool.js';
import { markOf } from './quota.js';
import type { References } from './references.js';
import type { Shares } from './shares.js';
import { NONE, type UserTable } from './user-table.js';
import { BUSY, type Lifetime, NO_ROOM, STORED, type Writer } from './writer.js';

/** The entry is not what it was: it was replaced, removed, moved or has expired, or a neighbour has changed. */
export const CHANGED = 3;

/** A sequence of 31 bits may come round in minutes: older proofs prove nothing. */
const PROOF_TICKS_MAX = 6_000;
/** What `rewrite` may take for a value: fewer bytes of chunks than the old one has, no more than these, or what it needs. */
export const SMALLER: number = -1;
export const NO_LARGER: number = 0;
export const ANY_SIZE: number = Number.POSITIVE_INFINITY;

/** Of an entry's flags, what its new value has too. */
const KEPT_FLAGS = FLAG_IDLE | FLAG_OWNED;

/** An entry as it was when it was copied. */
export interface CopiedEntry {
  readonly key: string;
  /** Form of the value, 0 for bytes. */
  readonly form: number;
  /** The value: `length` bytes at `start` of the landing, until the next read. */
  readonly start: number;
  readonly length: number;
  readonly keyBytes: number;
  /** It is a user's. */
  readonly isOwned: boolean;
  /** Time since the entry's last use, in ticks. */
  readonly ticksUnused: number;
  readonly proof: Proof;
}

interface Proof {
  readonly shard: number;
  readonly hash: number;
  readonly ref: number;
  /** First bucket of its chain. */
  readonly primary: number;
  readonly isChained: boolean;
  /** The generation of a chained item, the chain's sequence for any other. */
  readonly stands: number;
  readonly tick: number;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class Rewriter {
  readonly #context: Context;
  readonly #index: IndexTable;
  readonly #pages: PagePool;
  readonly #items: Items;
  readonly #chains: Chains;
  readonly #evictor: Evictor;
  readonly #shares: Shares;
  readonly #ownership: Ownership;
  readonly #users: UserTable;
  readonly #writer: Writer;
  readonly #references: References;
  readonly #landing: Landing;
  readonly #place = new Place();
  readonly #lifetime = { deadline: 0, idleTicks: 0 };
  readonly #owner: { -readonly [K in keyof UserHashes]: UserHashes[K] } = { hash0: 0, hash1: 0 };

  constructor(
    context: Context,
    index: IndexTable,
    pages: PagePool,
    items: Items,
    chains: Chains,
    evictor: Evictor,
    shares: Shares,
    ownership: Ownership,
    users: UserTable,
    writer: Writer,
    references: References,
    landing: Landing,
  ) {
    this.#context = context;
    this.#index = index;
    this.#pages = pages;
    this.#items = items;
    this.#chains = chains;
    this.#evictor = evictor;
    this.#shares = shares;
    this.#ownership = ownership;
    this.#users = users;
    this.#writer = writer;
    this.#references = references;
    this.#landing = landing;
  }

  /** Copies a cold entry of a type in a shard; undefined if none was found, or a lock can't be had. */
  cold(shard: number, type: number): CopiedEntry | undefined {
    if (this.#evictor.isEmptyOf(shard, type)) return undefined;
    // Nothing is allocated inside the section: no entry of one chunk is longer.
    this.#landing.forScratch(this.#context.classes.singleBytesMax);
    if (!this.#context.enter(shard)) return undefined;
    const position = this.#evictor.coldLocked(shard, type);
    if (position === 0) {
      this.#context.leave(shard);
      return undefined;
    }
    return this.#copyAt(shard, position & -BUCKET_GRANULES, position & (BUCKET_GRANULES - 1));
  }

  /** Copies the key's entry; undefined if it has none that is live, or a lock can't be had. */
  copy(key: Key): CopiedEntry | undefined {
    const shard = this.#context.shardOf(key.hash);
    this.#landing.forScratch(this.#context.classes.singleBytesMax);
    if (!this.#context.enter(shard)) return undefined;
    const place = this.#place;
    place.primary = this.#index.primaryLocked(shard, key.hash);
    if (this.#index.findLocked(place, key, this.#chains) && this.#isLiveLocked(place))
      return this.#copyAt(shard, place.bucket, place.slot);
    this.#context.leave(shard);
    return undefined;
  }

  /** Copies the entry of a slot, and lets go of the shard. */
  #copyAt(shard: number, bucket: number, slot: number): CopiedEntry | undefined {
    const { arena, clock } = this.#context;
    const slots = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const ref = slots[at + BUCKET.refs + slot * 2]!;
    const words = arena.wordsOf(ref);
    const itemAt = arena.wordIndex(ref);
    const sizes = words[itemAt + WORD_SIZES]!;
    const hash = words[itemAt + WORD_HASH]!;
    const primary = this.#index.primaryLocked(shard, hash);
    const isChained = (flagsOf(sizes) & FLAG_CHAINED) !== 0;
    const stands = isChained ? words[itemAt + WORD_GENERATION]! : this.#sequenceOf(primary);
    const time = slots[at + BUCKET.times + slot * 2]!;
    const ticksUnused = this.#items.ticksUnused(shard, slots[at + BUCKET.tags + slot]!, time);
    const keyBytes = keyBytesOf(sizes);
    const start = paddedKey(keyBytes);
    const length = this.#items.valueBytes(ref);
    const isCopied = isChained ? this.#copyPinned(shard, ref, start + length) : this.#copyLocked(shard, ref, length);
    if (!isCopied) return undefined;
    const key = decoder.decode(this.#landing.bytes.subarray(0, keyBytes));
    const proof = { shard, hash, ref, primary, isChained, stands, tick: clock.coarse() };
    const isOwned = (flagsOf(sizes) & FLAG_OWNED) !== 0;
    return { key, form: formOf(flagsOf(sizes)), start, length, keyBytes, isOwned, ticksUnused, proof };
  }

  /**
   * A copied entry whose proof allows for one change of a chain, which this thread has made since: a transaction moves a sequence on by
   * two. The entry as it is if that is another's chain, or if there was any other change.
   */
  allowingFor(entry: CopiedEntry, primary: number): CopiedEntry {
    const { proof } = entry;
    const stands = (proof.stands + 2) | 0;
    if (proof.isChained || primary !== proof.primary || this.#sequenceOf(primary) !== stands) return entry;
    return { ...entry, proof: { ...proof, stands } };
  }

  /** Copies the key and value of an item of one chunk, and lets go of the shard. */
  #copyLocked(shard: number, ref: number, length: number): boolean {
    const { arena } = this.#context;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    const sizes = words[at + WORD_SIZES]!;
    const from = at + (headerBytes(flagsOf(sizes)) >>> 2);
    this.#landing.copyFrom(words, arena.bytesOf(ref), from, paddedKey(keyBytesOf(sizes)) + length);
    this.#context.leave(shard);
    return true;
  }

  /** The same for a chained one, under a pin and no lock. */
  #copyPinned(shard: number, ref: number, streamBytes: number): boolean {
    const intent = this.#chains.pinLocked(shard, ref);
    this.#context.leave(shard);
    if (intent === 0) return false;
    this.#landing.forScratch(streamBytes);
    const isCopied = this.#chains.copyOut(ref, 0, streamBytes, this.#landing.bytes, 0);
    // A pin that can't be let go of now is let go of by this thread's next operation.
    if (!this.#context.enter(shard)) return false;
    this.#chains.unpinLocked(shard, intent);
    this.#context.leave(shard);
    return isCopied;
  }

  /**
   * Stores a value in place of the entry's, whose key is prepared, if it takes at most `growthMax` granules of chunks more:
   * STORED; NO_ROOM if it would take more or finds no room; CHANGED; BUSY. A larger value must fit into its type's share as it
   * stands, and that of a user's entry into free memory, since the user's quota can't be asked.
   */
  rewrite({ proof }: CopiedEntry, key: Key, value: Uint8Array, form: number, growthMax: number): number {
    const { shard } = proof;
    if (!this.#references.enter(shard)) return BUSY;
    if (!this.#holdsLocked(proof)) return this.#leave(shard, CHANGED);
    const { arena, classes } = this.#context;
    const words = arena.wordsOf(proof.ref);
    const at = arena.wordIndex(proof.ref);
    const old = flagsOf(words[at + WORD_SIZES]!);
    this.#lifetime.idleTicks = (old & FLAG_IDLE) === 0 ? 0 : words[at + idleWord(old)]!;
    this.#lifetime.deadline = (old & FLAG_IDLE) === 0 ? 0 : words[at + idleWord(old) + 1]!;
    const kept = (old & KEPT_FLAGS) | (form << FORM_SHIFT);
    const bytes = headerBytes(kept) + paddedKey(key.byteLength) + value.length;
    const isSingle = bytes <= classes.singleBytesMax;
    const flags = isSingle ? kept : kept | FLAG_CHAINED;
    const growth = this.#items.granules(key.byteLength, value.length, flags) - this.#items.granulesAt(proof.ref);
    if (growth > growthMax) return this.#leave(shard, NO_ROOM);
    if (growth > 0 && !this.#shares.fits(key.type, growth)) return this.#leave(shard, NO_ROOM);
    const evicts = growth <= 0 || (flags & FLAG_OWNED) === 0;
    if (isSingle) return this.#rewriteSingleLocked(proof, key, value, flags, classes.classFor(bytes), evicts);
    this.#context.leave(shard);
    return this.#rewriteChained(proof, key, value, flags, evicts);
  }

  #rewriteSingleLocked(
    proof: Proof,
    key: Key,
    value: Uint8Array,
    flags: number,
    classId: number,
    evicts: boolean,
  ): number {
    const { shard } = proof;
    const hasRoom = evicts
      ? this.#evictor.makeRoomLocked(shard, classId, key.type)
      : this.#pages.findsRoomLocked(shard, classId);
    if (!hasRoom) return this.#leave(shard, NO_ROOM);
    const outcome = this.#prepareLocked(proof);
    if (outcome !== STORED) return this.#leave(shard, outcome);
    const ref = this.#pages.allocateLocked(shard, classId);
    this.#writer.fillSingle(ref, key, value, flags, this.#lifetime);
    this.#publishLocked(proof, key, ref, flags, value.length);
    return this.#leave(shard, STORED);
  }

  #rewriteChained(proof: Proof, key: Key, value: Uint8Array, flags: number, evicts: boolean): number {
    const { shard } = proof;
    const { meta } = this.#context;
    const lifetime: Lifetime = { ...this.#lifetime };
    const intent = this.#context.freeIntent();
    if (intent === 0) return BUSY;
    const built = this.#writer.build(key, value, flags, lifetime, intent, evicts);
    // What can't be let go of now stays on the intent, and this thread's next operation lets go of it.
    if (!this.#references.enter(shard)) return BUSY;
    const outcome = built === STORED ? this.#prepareLocked(proof) : built;
    if (outcome !== STORED) {
      if (meta[intent] !== 0) this.#chains.abandonLocked(shard, intent);
      return this.#leave(shard, outcome);
    }
    const head = meta[intent]!;
    this.#items.renewGenerationLocked(shard, head);
    this.#chains.clearIntentLocked(intent);
    this.#publishLocked(proof, key, head, flags, value.length);
    this.#context.recountIntents();
    return this.#leave(shard, STORED);
  }

  /** Asks behind all that makes room whether the proof holds, and reserves the stripe of the entry's user. */
  #prepareLocked(proof: Proof): number {
    if (!this.#holdsLocked(proof)) return CHANGED;
    const record = this.#users.ownerOf(proof.ref);
    if (record === NONE) return STORED;
    this.#owner.hash0 = this.#users.get(record, USER.hash0);
    this.#owner.hash1 = this.#users.get(record, USER.hash1);
    return this.#ownership.reserveLocked(this.#owner) === RESERVED ? STORED : BUSY;
  }

  /** Puts a filled chunk into the entry's slot, and commits. `#place` is the entry's. */
  #publishLocked({ shard, ref: old }: Proof, key: Key, ref: number, flags: number, valueBytes: number): void {
    const { arena } = this.#context;
    const { primary, bucket, slot } = this.#place;
    const slots = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    const tag = slots[at + BUCKET.tags + slot]!;
    const time = slots[at + BUCKET.times + slot * 2]!;
    const oldSizes = arena.wordsOf(old)[arena.wordIndex(old) + WORD_SIZES]!;
    const oldBytes = this.#items.valueBytes(old);
    this.#index.openLocked(primary);
    if (this.#users.ownerOf(old) !== NONE) {
      arena.wordsOf(ref)[arena.wordIndex(ref) + ownedWord(flags) + OWNED.mark] = markOf(tag, time);
      const granules = this.#items.granules(key.byteLength, valueBytes, flags);
      this.#ownership.noteInLocked(shard, ref, granules, this.#owner);
    }
    this.#index.writeSlotLocked(bucket, slot, tag, ref, time);
    const sizes = packSizes(key.byteLength, key.type, flags);
    if (this.#references.isPointer(sizes)) this.#references.publishLocked(shard, ref, sizes);
    this.#items.accountReplacedLocked(shard, sizes, valueBytes, oldSizes, oldBytes);
    this.#items.releaseChunksLocked(shard, old, oldSizes);
    this.#items.finishRemovalLocked(shard, old, oldSizes, oldBytes, CAUSE.replaced, tag, time);
  }

  /** Whether the entry is what it was when it was copied, and live; `#place` is its place then. */
  #holdsLocked({ shard, hash, ref, primary, isChained, stands, tick }: Proof): boolean {
    const { arena, clock } = this.#context;
    const place = this.#place;
    if ((clock.coarse() - tick) >>> 0 > PROOF_TICKS_MAX) return false;
    if (!this.#index.locateRefLocked(shard, hash, ref, place)) return false;
    const words = arena.wordsOf(ref);
    const at = arena.wordIndex(ref);
    // A chunk may hold another item by now, and a split may have brought the entry to another chain.
    if (((flagsOf(words[at + WORD_SIZES]!) & FLAG_CHAINED) !== 0) !== isChained) return false;
    if (isChained && words[at + WORD_GENERATION] !== stands) return false;
    if (!isChained && (place.primary !== primary || this.#sequenceOf(primary) !== stands)) return false;
    return this.#isLiveLocked(place);
  }

  #isLiveLocked({ bucket, slot, ref }: Place): boolean {
    const { arena, clock } = this.#context;
    const slots = arena.wordsOf(bucket);
    const at = arena.wordIndex(bucket);
    return expiryOf(clock, slots, at, slot, arena.wordsOf(ref), arena.wordIndex(ref)) === NOT_EXPIRED;
  }

  #sequenceOf(primary: number): number {
    const { arena } = this.#context;
    return arena.wordsOf(primary)[arena.wordIndex(primary) + BUCKET.sequence]!;
  }

  #leave(shard: number, outcome: number): number {
    this.#context.leave(shard);
    return outcome;
  }
}
