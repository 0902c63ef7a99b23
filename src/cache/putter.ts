/** How stored bytes get into the engine under a key: the same in the thread that sets and in a worker of its pool. */
import type { Words } from '#atomics';
import { HEADER, spanTicks } from '../../native-free/index.js';
import { GLOBAL_COUNTER, REJECT } from '../engine/causes.js';
import { CUT_SHORT, type Draft } from '../engine/drafts.js';
import type { Flight } from '../engine/flights.js';
import { KEY_ILL_FORMED, KEY_NOT_STRING, KEY_OK } from '../engine/key.js';
import { PAYLOAD_BESIDE_BYTES } from '../engine/payloads.js';
import { besideBytes } from '../engine/rounding.js';
import type { SharedStore } from '../engine/store.js';
import { BUSY } from '../engine/writer.js';
import { BusyError, ItemTooLargeError, KeyError, StreamError } from '../errors.js';
import { isShortened } from '../policies/pressure.js';
import type { Coarsener } from './coarsener.js';
import type { Member } from './member.js';
import type { TypePlan } from './plan.js';
import type { PendingSets } from './pool/pending-sets.js';

/** How an entry is to live, and whose it is. */
export interface Placement {
  /** Milliseconds; 0 for no bound. */
  readonly ttlMs: number;
  readonly idleMs: number;
  /** Checked; the entry is this user's if there is a share. */
  readonly user: string | undefined;
  /** Granules that the user's tier allows; undefined for an entry of nobody. */
  readonly shareGranules: number | undefined;
}

export interface PutterSetup {
  readonly member: Member;
  readonly typeId: number;
  readonly plan: TypePlan;
  readonly itemBytesMax: number;
  /** Makes values of the type smaller; undefined where it doesn't. */
  readonly coarsener: Coarsener | undefined;
}

export class Putter {
  readonly #member: Member;
  readonly #store: SharedStore;
  readonly #typeId: number;
  readonly #itemBytesMax: number;
  readonly #coarsener: Coarsener | undefined;
  readonly #importance: number;
  readonly #isCompressed: boolean;
  readonly #dedupes: boolean;
  readonly #pending: PendingSets | undefined;
  readonly #lifetime = { deadline: 0, idleTicks: 0 };

  /** `pending`: the sets of this thread that its pool has yet to store; a put overtakes those of its key, but not one for a flight. */
  constructor({ member, typeId, plan, itemBytesMax, coarsener }: PutterSetup, pending: PendingSets | undefined) {
    this.#member = member;
    this.#store = member.store;
    this.#typeId = typeId;
    this.#itemBytesMax = itemBytesMax;
    this.#coarsener = coarsener;
    this.#importance = plan.importance;
    this.#isCompressed = plan.compression !== undefined;
    this.#dedupes = plan.dedupes;
    this.#pending = pending;
  }

  /** What the packer needs to know of an item whose value it may compress; the key has not been checked. */
  besideBytes(key: string, { idleMs, user, shareGranules }: Placement): number {
    if (!this.#isCompressed || typeof key !== 'string') return 0;
    const isOwned = user !== undefined && shareGranules !== undefined;
    // The same for all keys, so that equal values are compressed alike.
    if (this.#dedupes && !isOwned) return PAYLOAD_BESIDE_BYTES;
    return besideBytes(Buffer.byteLength(key), idleMs !== 0, isOwned);
  }

  /**
   * Stores bytes in a form; with a flight, only if that stands. STORED, NO_ROOM, LOST, or CALLED_OFF by `recall`. Throws
   * VELOCACHE_KEY, VELOCACHE_ITEM_TOO_LARGE and VELOCACHE_BUSY.
   */
  put(key: string, bytes: Uint8Array, form: number, placement: Placement, flight?: Flight, recall?: Words): number {
    this.#begin(key, placement);
    const itemBytes = this.#store.key.byteLength + bytes.length;
    if (itemBytes > this.#itemBytesMax) throw new ItemTooLargeError(itemBytes, this.#itemBytesMax);
    // The user's code, which runs in the making of room, may have the codec overwrite them.
    const isCoarse = this.#isCoarse(bytes.length, placement);
    const stored = isCoarse ? new Uint8Array(bytes) : bytes;
    const isOwned = this.#prepare(key, stored.length, placement, isCoarse);
    // What was loaded came before a set that is under way, whichever is stored first.
    if (flight === undefined) this.#pending?.overtake(this.#typeId, key);
    return this.#concluded(
      this.isRefused()
        ? this.#store.refuse(stored.length, REJECT.pressure, flight, recall)
        : this.#store.set(stored, form, this.#lifetime, isOwned, flight, recall),
    );
  }

  /**
   * Stores bytes that have come in pieces, the last of them as `rest`, as `put` does such as are there at once; the draft is done
   * with in any case. Throws VELOCACHE_STREAM too, if nothing is left of it.
   */
  publish(key: string, draft: Draft, rest: Uint8Array, valueBytes: number, placement: Placement): number {
    this.#begin(key, placement);
    const isOwned = this.#prepare(key, valueBytes, placement, this.#isCoarse(valueBytes, placement));
    this.#pending?.overtake(this.#typeId, key);
    if (this.isRefused()) {
      this.#store.abandon(draft);
      return this.#concluded(this.#store.refuse(valueBytes, REJECT.pressure));
    }
    const outcome = this.#store.publish(draft, rest, valueBytes, this.#lifetime, isOwned);
    if (outcome === CUT_SHORT) throw cutShort();
    return this.#concluded(outcome);
  }

  /** Does what a set does that finds no room. */
  refuse(key: string, valueBytes: number, reason: number): number {
    beginKey(this.#member, key, this.#typeId);
    this.#pending?.overtake(this.#typeId, key);
    return this.#concluded(this.#store.refuse(valueBytes, reason));
  }

  #concluded(outcome: number): number {
    if (this.#store.flights.hasEnded) this.#member.wakeWaiters();
    if (outcome === BUSY) throw new BusyError('set');
    return outcome;
  }

  /** Begins a set: readies the store's key and, for an entry that will be a user's, its user. */
  #begin(key: string, placement: Placement): void {
    beginKey(this.#member, key, this.#typeId);
    if (isOwnedBy(placement)) this.#store.user.prepare(placement.user!, placement.shareGranules!);
  }

  /**
   * Readies the store for the rest of a set, whose key and user stay prepared; has values of the type made smaller if `isCoarse`.
   * Returns whether the entry will be a user's.
   */
  #prepare(key: string, valueBytes: number, placement: Placement, isCoarse: boolean): boolean {
    const { ttlMs, idleMs } = placement;
    const isOwned = isOwnedBy(placement);
    if (isCoarse) {
      const prepare = (): void => this.#begin(key, placement);
      this.#coarsener!.makeRoom(valueBytes, idleMs !== 0, isOwned, prepare);
      prepare();
    }
    this.#lifetime.deadline = ttlMs === 0 ? 0 : this.#deadline(ttlMs);
    this.#lifetime.idleTicks = idleMs === 0 ? 0 : spanTicks(idleMs);
    return isOwned;
  }

  /** Whether values of the type must be made smaller for one of so many bytes under the prepared key. */
  #isCoarse(valueBytes: number, placement: Placement): boolean {
    const coarsener = this.#coarsener;
    if (coarsener === undefined || this.isRefused()) return false;
    return coarsener.isDue(valueBytes, placement.idleMs !== 0, isOwnedBy(placement));
  }

  /** Whether pressure refuses sets of this type now. A plain look: a moment sooner or later is as good. */
  isRefused(): boolean {
    return this.#importance < this.#store.context.meta[HEADER.leastImportance]!;
  }

  /** The deadline of an entry stored now; pressure brings that of less important types nearer. */
  #deadline(ttlMs: number): number {
    const { context } = this.#store;
    const shift = isShortened(this.#importance) ? context.meta[HEADER.ttlShift]! : 0;
    if (shift === 0) return context.clock.deadline(ttlMs);
    context.countGlobal(GLOBAL_COUNTER.ttlsShortened, 1);
    return context.clock.deadline(ttlMs / 2 ** shift);
  }
}

/** Whether an entry counts for its user's quota. */
export function isOwnedBy({ user, shareGranules }: Placement): boolean {
  return user !== undefined && shareGranules !== undefined;
}

/** A step of a stream was cut short, by a full stack or a time-out of `vm`. */
export function cutShort(): StreamError {
  return new StreamError('a write of the stream was cut short before it was done, so nothing of it is stored');
}

/** Every operation on a key begins here. Throws VELOCACHE_CLOSED and VELOCACHE_KEY. */
export function beginKey(member: Member, key: string, typeId: number): void {
  member.begin();
  const outcome = member.store.key.prepare(key, typeId);
  if (outcome !== KEY_OK) throw new KeyError(key, keyProblem(outcome));
}

function keyProblem(outcome: number): string {
  if (outcome === KEY_NOT_STRING) return 'must be a non-empty string';
  if (outcome === KEY_ILL_FORMED) return 'must hold no lone surrogate, under which two keys would become one';
  return 'must be at most 65,535 bytes of UTF-8';
}
