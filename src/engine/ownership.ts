/**
 * What binds an entry in a shard to its user's list in a stripe: two locks, two journals, and a redo record between
 * them (native-free/README.md, section 13). The transaction that changes the shard also writes what the list is owed;
 * behind its commit, still under the shard's lock, that is paid. Whoever repairs the shard pays it first.
 */
import { load } from '#atomics';
import { USER_OPERATION as OPERATION, STRIPE, USER } from '../../native-free/index.js';
import type { Context } from './context.js';
import type { User } from './user.js';
import { NONE, type UserTable } from './user-table.js';

/** What stands for a user's name. */
export type UserHashes = Pick<User, 'hash0' | 'hash1'>;

const IN = 1;
const OUT = 2;
const MOVE = 4;

/** What `reserveLocked` says: the user has, or will have, a record; all are taken; or the lock can't be had. */
export const RESERVED = 0;
export const NO_RECORD = 1;
const STRIPE_BUSY = 2;

/** The lock of a stripe can't be had behind a commit: ends the section, whose shard is marked for repair. */
export const SECTION_BUSY: Error = new Error('the lock of a stripe of users could not be had');

export class Ownership {
  readonly #context: Context;
  readonly #table: UserTable;
  readonly #offset: number;

  constructor(context: Context, table: UserTable) {
    this.#context = context;
    this.#table = table;
    this.#offset = context.layout.userOperationOffset;
  }

  /** Takes the lock of the user's stripe, until the operation is paid, if there is a record for the user. */
  reserveLocked(user: UserHashes): number {
    if (!this.#table.enter(this.#table.region.stripeOf(user.hash0))) return STRIPE_BUSY;
    if (this.#table.findLocked(user.hash0, user.hash1) !== NONE || this.#table.hasFreeLocked()) return RESERVED;
    this.#table.leave();
    return NO_RECORD;
  }

  /** Notes that the entry at `ref` goes on the user's list; its stripe is reserved. In the transaction in hand. */
  noteInLocked(shard: number, ref: number, granules: number, user: UserHashes): void {
    this.#set(shard, OPERATION.inRef, ref);
    this.#set(shard, OPERATION.inGranules, granules);
    this.#set(shard, OPERATION.hash0, user.hash0);
    this.#set(shard, OPERATION.hash1, user.hash1);
    this.#note(shard, IN, this.#table.held, 0);
  }

  /** Notes that an owned entry leaves its list. In the transaction in hand. */
  noteOutLocked(shard: number, ref: number, granules: number): void {
    const record = this.#table.ownerOf(ref);
    if (record === NONE) return;
    this.#set(shard, OPERATION.outRef, ref);
    this.#set(shard, OPERATION.outGranules, granules);
    this.#note(shard, OUT, this.#table.region.stripeOfRecord(record), 8);
  }

  /** Notes that an owned entry moves to another chunk. In the transaction in hand. */
  noteMoveLocked(shard: number, from: number, to: number): void {
    const record = this.#table.ownerOf(from);
    if (record === NONE) return;
    this.#set(shard, OPERATION.inRef, to);
    this.#set(shard, OPERATION.outRef, from);
    this.#note(shard, MOVE, this.#table.region.stripeOfRecord(record), 8);
  }

  /** Means nothing until the transaction is committed in which `pending` is written. */
  #set(shard: number, field: number, value: number): void {
    this.#context.meta[shard + this.#offset + field] = value;
  }

  #get(shard: number, field: number): number {
    return this.#context.meta[shard + this.#offset + field]!;
  }

  /** The stripe of what goes in is in the low byte, that of what goes out or moves in the next. */
  #note(shard: number, what: number, stripe: number, shift: number): void {
    const others = this.#get(shard, OPERATION.stripes) & ~(0xff << shift);
    this.#set(shard, OPERATION.stripes, others | (stripe << shift));
    this.#context.write(shard + this.#offset + OPERATION.pending, this.#get(shard, OPERATION.pending) | what);
  }

  /** Pays what the section's last transaction owes. Throws SECTION_BUSY if a stripe's lock can't be had. */
  payLocked(shard: number): void {
    if (this.#table.region.stripes !== 0 && !this.#tryPayLocked(shard)) throw SECTION_BUSY;
  }

  #tryPayLocked(shard: number): boolean {
    const stripes = this.#get(shard, OPERATION.stripes);
    const pending = this.#get(shard, OPERATION.pending);
    if ((pending & IN) !== 0 && !this.#payInLocked(shard, stripes & 0xff)) return false;
    if ((pending & OUT) !== 0 && !this.#payOutLocked(shard, stripes >>> 8)) return false;
    return (pending & MOVE) === 0 || this.#payMoveLocked(shard, stripes >>> 8);
  }

  #payInLocked(shard: number, stripe: number): boolean {
    const table = this.#table;
    if (table.held !== stripe && !table.enter(stripe)) return false;
    const hash0 = this.#get(shard, OPERATION.hash0);
    const hash1 = this.#get(shard, OPERATION.hash1);
    let record = table.findLocked(hash0, hash1);
    // There is a record, unless another took it between a death and its repair: then the entry is nobody's.
    if (record === NONE) record = table.claimLocked(hash0, hash1);
    if (record !== NONE)
      table.linkLocked(record, this.#get(shard, OPERATION.inRef), this.#get(shard, OPERATION.inGranules));
    this.#settle(shard, IN);
    return true;
  }

  #payOutLocked(shard: number, stripe: number): boolean {
    const table = this.#table;
    if (!table.enter(stripe)) return false;
    const ref = this.#get(shard, OPERATION.outRef);
    const record = table.ownerOf(ref);
    if (record !== NONE) table.unlinkLocked(record, ref, this.#get(shard, OPERATION.outGranules));
    this.#settle(shard, OUT);
    return true;
  }

  #payMoveLocked(shard: number, stripe: number): boolean {
    const table = this.#table;
    if (!table.enter(stripe)) return false;
    const from = this.#get(shard, OPERATION.outRef);
    const record = table.ownerOf(from);
    if (record !== NONE) table.moveLocked(record, from, this.#get(shard, OPERATION.inRef));
    this.#settle(shard, MOVE);
    return true;
  }

  /** The debt goes in the transaction that pays it. */
  #settle(shard: number, what: number): void {
    this.#table.write(shard + this.#offset + OPERATION.pending, this.#get(shard, OPERATION.pending) & ~what);
    this.#table.commit();
    this.#table.leave();
  }

  /** Repair: pays what a section that ended early has left. False if a stripe's lock can't be had. */
  settleLocked(shard: number): boolean {
    if (this.#table.region.stripes === 0) return true;
    const stripes = this.#get(shard, OPERATION.stripes);
    return this.#visit(stripes & 0xff) && this.#visit(stripes >>> 8) && this.#tryPayLocked(shard);
  }

  /** Undoes what the dead may have left in a stripe, the payment among it. */
  #visit(stripe: number): boolean {
    if (!this.#table.enter(stripe)) return false;
    this.#table.leave();
    return true;
  }

  /** For a death: takes over and lets go of each stripe that is locked. False if one can't be had. */
  takeOverStripes(): boolean {
    const { region } = this.#table;
    for (let stripe = 0; stripe < region.stripes; stripe++) {
      if (load(this.#context.meta, region.stripe(stripe) + STRIPE.lock) !== 0 && !this.#visit(stripe)) return false;
    }
    return true;
  }

  /** For a shard that is emptied: what it owes goes with its entries, and lists lose what lies in its pages. */
  forgetShardLocked(shard: number, isInShard: (ref: number) => boolean, granulesOf: (ref: number) => number): boolean {
    for (let stripe = 0; stripe < this.#table.region.stripes; stripe++) {
      if (!this.#table.enter(stripe)) return false;
      this.#table.eachLocked((record) => this.#purgeLocked(record, isInShard, granulesOf));
      this.#table.leave();
    }
    this.#set(shard, OPERATION.pending, 0);
    return true;
  }

  /** What is left is counted anew: the sizes of what goes may be anything. */
  #purgeLocked(record: number, isInShard: (ref: number) => boolean, granulesOf: (ref: number) => number): void {
    const lost: number[] = [];
    let kept = 0;
    const isSound = this.#table.walkLocked(record, (ref) => {
      if (isInShard(ref)) lost.push(ref);
      else kept += granulesOf(ref);
      return true;
    });
    if (!isSound) {
      this.#table.giveUpLocked(record);
      return;
    }
    for (const ref of lost) {
      this.#table.unlinkLocked(record, ref, this.#table.get(record, USER.granules) - kept);
      this.#table.commit();
    }
  }
}
