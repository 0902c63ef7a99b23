/**
 * What becomes of the bytes of a write stream. They gather in private memory until they fill a page, which then goes to the
 * arena, where nobody sees it before the end. A value of less than a page is set at the end like any other.
 */
import { FORM_BYTES, FORM_FRAME, type StreamedFrame } from '../../codecs/frame.js';
import type { Packer } from '../../codecs/packer.js';
import { REJECT } from '../../engine/causes.js';
import { CROWDED, CUT_SHORT, DRAFTS_MAX, Draft, OUT_OF_BOUNDS } from '../../engine/drafts.js';
import { paddedKey } from '../../engine/item.js';
import { BUSY, NO_ROOM, STORED } from '../../engine/writer.js';
import { BusyError, ItemTooLargeError, StreamError } from '../../errors.js';
import type { Member } from '../member.js';
import { beginKey, cutShort, isOwnedBy, type Placement, type Putter } from '../putter.js';

/** What a key space has for its streams. */
export interface StreamSpace {
  readonly member: Member;
  readonly typeId: number;
  readonly packer: Packer;
  readonly putter: Putter;
  readonly itemBytesMax: number;
}

const STAGE_BYTES_MIN = 4_096;

export class Intake {
  readonly #space: StreamSpace;
  readonly #key: string;
  readonly #placement: Placement;
  /** Bytes that the value is to have; undefined if nobody said. */
  readonly #size: number | undefined;
  readonly #frame: StreamedFrame | undefined;
  readonly #frameBytes: number;
  readonly #keyBytes: number;
  readonly #draft: Draft;
  /** What has not gone to the arena: the bytes of the item's stream behind those in the draft's pieces. */
  #stage: Uint8Array;
  #staged = 0;
  /** Bytes that have come. */
  #bytes = 0;
  /** Why it can't be stored, if it can't: what else comes is counted and dropped. */
  #refusal: number | undefined;

  /** Throws VELOCACHE_CLOSED, VELOCACHE_KEY, and VELOCACHE_ITEM_TOO_LARGE by `size`. */
  constructor(space: StreamSpace, key: string, placement: Placement, size: number | undefined) {
    beginKey(space.member, key, space.typeId);
    this.#space = space;
    this.#key = key;
    this.#placement = placement;
    this.#size = size;
    this.#frame = space.packer.streamed();
    const head = this.#frame?.head() ?? new Uint8Array(0);
    this.#frameBytes = head.length;
    this.#draft = new Draft(
      this.#frame === undefined ? FORM_BYTES : FORM_FRAME,
      placement.idleMs !== 0,
      isOwnedBy(placement),
    );
    this.#keyBytes = space.member.store.key.byteLength;
    this.#checkFits(size ?? 0);
    this.#stage = new Uint8Array(this.#valueAt);
    this.#stageHead(head);
  }

  /** Where the value begins in the item's stream. */
  get #valueAt(): number {
    return paddedKey(this.#keyBytes) + this.#frameBytes;
  }

  /** The key may take more than a page, too. */
  #stageHead(frame: Uint8Array): void {
    this.#space.member.store.key.writeTo(this.#stage, 0);
    this.#stage.set(frame, paddedKey(this.#keyBytes));
    this.#staged = this.#stage.length;
  }

  #checkFits(valueBytes: number): void {
    const { itemBytesMax } = this.#space;
    const itemBytes = this.#keyBytes + this.#frameBytes + valueBytes;
    if (itemBytes > itemBytesMax) throw new ItemTooLargeError(itemBytes, itemBytesMax);
  }

  /**
   * Takes the next bytes. Returns how many pages they filled. Throws VELOCACHE_ITEM_TOO_LARGE, VELOCACHE_STREAM,
   * VELOCACHE_BUSY and VELOCACHE_CLOSED: the intake is to be abandoned then.
   */
  add(bytes: Uint8Array): number {
    const total = this.#bytes + bytes.length;
    this.#checkFits(total);
    if (this.#size !== undefined && total > this.#size) throw this.#sizeError(`more, ${total} so far`);
    this.#bytes = total;
    if (this.#refusal !== undefined) return 0;
    this.#frame?.add(bytes);
    let pages = 0;
    for (let at = 0; at < bytes.length && this.#refusal === undefined; ) {
      at += this.#gather(bytes, at);
      pages += this.#spill();
    }
    return pages;
  }

  #sizeError(came: string): StreamError {
    return new StreamError(`size is ${this.#size} bytes, and the stream has ${came}: nothing of it is stored`);
  }

  /** Gathers up to a page. Returns how many bytes it took. */
  #gather(bytes: Uint8Array, at: number): number {
    const room = Math.max(this.#space.member.store.roomOf(this.#draft), this.#staged);
    const part = Math.min(bytes.length - at, room - this.#staged);
    const needed = this.#staged + part;
    if (needed > this.#stage.length)
      this.#growTo(Math.min(room, Math.max(needed, this.#stage.length * 2, STAGE_BYTES_MIN)));
    this.#stage.set(bytes.subarray(at, at + part), this.#staged);
    this.#staged = needed;
    return part;
  }

  #growTo(length: number): void {
    const stage = new Uint8Array(length);
    stage.set(this.#stage.subarray(0, this.#staged));
    this.#stage = stage;
  }

  /** Sends what fills pages to the arena. Returns how many. */
  #spill(): number {
    const { store } = this.#space.member;
    let sent = 0;
    let pages = 0;
    for (let room = store.roomOf(this.#draft); this.#staged - sent >= room; room = store.roomOf(this.#draft)) {
      if (!this.#append(this.#stage.subarray(sent, sent + room))) return pages;
      sent += room;
      pages += 1;
    }
    if (sent === 0) return 0;
    this.#stage.copyWithin(0, sent, this.#staged);
    this.#staged -= sent;
    return pages;
  }

  /** False if there is no room. */
  #append(piece: Uint8Array): boolean {
    const { member, typeId, putter } = this.#space;
    const { user, shareGranules } = this.#placement;
    beginKey(member, this.#key, typeId);
    if (putter.isRefused()) {
      this.#refuse(REJECT.pressure);
      return false;
    }
    const { store } = member;
    const isOwned = isOwnedBy(this.#placement);
    if (isOwned) store.user.prepare(user!, shareGranules!);
    const pages = this.#size === undefined ? 0 : store.draftPagesFor(this.#valueAt + this.#size);
    const outcome = store.append(this.#draft, piece, pages, isOwned);
    if (outcome === NO_ROOM) this.#refuse(this.#draft.reason);
    else if (outcome !== STORED) throw this.#problem(outcome);
    return outcome === STORED;
  }

  #refuse(reason: number): void {
    this.#refusal = reason;
    this.#space.member.store.abandon(this.#draft);
    this.#stage = new Uint8Array(0);
    this.#staged = 0;
  }

  #problem(outcome: number): Error {
    const { store } = this.#space.member;
    if (outcome === BUSY) return new BusyError('writeStream');
    if (outcome === CROWDED)
      return new StreamError(
        `${DRAFTS_MAX} streams of this thread have taken memory, which is the most that may at a time`,
      );
    if (outcome === CUT_SHORT) return cutShort();
    const bytes = store.draftPagesMax * store.context.layout.config.pageBytes;
    const wanted =
      outcome === OUT_OF_BOUNDS && this.#size !== undefined ? `the ${this.#size} bytes of \`size\`` : 'more';
    return new StreamError(`streams may have ${bytes} bytes together, and others leave no room for ${wanted}`);
  }

  /** Stores what has come. False if there is no room that the rules allow: then the key is absent. */
  finish(): boolean {
    if (this.#size !== undefined && this.#bytes !== this.#size) throw this.#sizeError(`${this.#bytes}`);
    return this.#finish() === STORED;
  }

  #finish(): number {
    const { putter, packer } = this.#space;
    const placement = this.#placement;
    const valueBytes = this.#frameBytes + this.#bytes;
    const draft = this.#draft;
    if (this.#refusal !== undefined) return putter.refuse(this.#key, valueBytes, this.#refusal);
    const rest = this.#stage.subarray(0, this.#staged);
    if (draft.pieces > 0) {
      this.#writeFrame();
      return putter.publish(this.#key, draft, rest, valueBytes, placement);
    }
    const value = rest.subarray(this.#valueAt);
    const bytes = packer.packBytes(value, putter.besideBytes(this.#key, placement));
    return putter.put(this.#key, bytes, packer.form, placement);
  }

  /** The frame, whose CRC is known now, lies behind the key: in the draft's pieces, or what they don't have of it in the stage. */
  #writeFrame(): void {
    if (this.#frame === undefined) return;
    const { member } = this.#space;
    const at = paddedKey(this.#keyBytes);
    const head = this.#frame.head();
    const sent = this.#valueAt + this.#bytes - this.#staged;
    const inDraft = Math.max(0, Math.min(head.length, sent - at));
    if (inDraft < head.length) this.#stage.set(head.subarray(inDraft), at + inDraft - sent);
    member.begin();
    if (inDraft > 0 && !member.store.overwrite(this.#draft, at, head.subarray(0, inDraft))) throw cutShort();
  }

  /** Lets go of all memory. Nothing is stored of what has not been by then. */
  abandon(): void {
    const { member } = this.#space;
    this.#stage = new Uint8Array(0);
    if (!member.isOpen) return;
    member.begin();
    member.store.abandon(this.#draft);
  }
}
