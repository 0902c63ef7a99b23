/** Values that come in pieces, and items that are held to be read so: their bounds, what they leave behind, and who passes them over. */
import { describe, expect, it } from 'vitest';
import { InvariantError, OWNER_INTENT_COUNT, RING_WORDS, SHARD } from '../../../native-free/index.js';
import { REJECT } from '../../../src/engine/causes.js';
import { CROWDED, CUT_SHORT, DRAFTS_MAX, Draft, OUT_OF_BOUNDS } from '../../../src/engine/drafts.js';
import { HOLDS_MAX, Hold } from '../../../src/engine/holds.js';
import { paddedKey, WORD_NEXT } from '../../../src/engine/item.js';
import { NO_ROOM, STORED } from '../../../src/engine/writer.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { cutAt } from '../../support/cut.js';
import { Engine, type EngineOptions } from '../../support/engine.js';
import { chainOf, setWord, slotOf } from '../../support/inside.js';

const PAGE = 16_384;
const OPTIONS: EngineOptions = { capacityBytes: 4 << 20, pageBytes: PAGE, itemBytesMax: 400_000 };
const LIFETIME = { deadline: 0, idleTicks: 0 };
/** Bytes that a user may have. */
const QUOTA = 16 * PAGE;

/** A value on its way in, as a stream has it. */
class Incoming {
  readonly draft: Draft;
  readonly #engine: Engine;
  readonly #key: string;
  readonly #user: string | undefined;
  readonly #quotaBytes: number;
  #rest: Uint8Array;
  readonly #bytes: number;

  constructor(engine: Engine, key: string, value: Uint8Array, user?: string, quotaBytes = 2_000_000) {
    this.#engine = engine;
    this.#quotaBytes = quotaBytes;
    this.#key = key;
    this.#user = user;
    this.draft = new Draft(0, false, user !== undefined);
    this.#prepare();
    const valueAt = paddedKey(engine.store.key.byteLength);
    this.#rest = new Uint8Array(valueAt + value.length);
    engine.store.key.writeTo(this.#rest, 0);
    this.#rest.set(value, valueAt);
    this.#bytes = value.length;
  }

  #prepare(): void {
    const { store } = this.#engine;
    store.begin();
    store.key.prepare(this.#key, 0);
    if (this.#user !== undefined) store.user.prepare(this.#user, this.#quotaBytes / 8);
  }

  /** Sends a page; with `size` pages are reserved for so many bytes. */
  page(size?: number): number {
    const { store } = this.#engine;
    this.#prepare();
    const room = store.roomOf(this.draft);
    const pages = size === undefined ? 0 : store.draftPagesFor(size);
    const outcome = store.append(this.draft, this.#rest.subarray(0, room), pages, this.#user !== undefined);
    if (outcome === STORED) this.#rest = this.#rest.subarray(room);
    return outcome;
  }

  /** Sends all whole pages. */
  pages(): number {
    let outcome = STORED;
    while (outcome === STORED && this.#rest.length >= this.#engine.store.roomOf(this.draft)) outcome = this.page();
    return outcome;
  }

  end(): number {
    this.#prepare();
    return this.#engine.store.publish(this.draft, this.#rest, this.#bytes, LIFETIME, this.#user !== undefined);
  }

  abandon(): void {
    this.#prepare();
    this.#engine.store.abandon(this.draft);
  }
}

function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8) * 7 + seed) & 0xff);
}

/** Faster than an assertion on arrays. */
function isSame(found: Uint8Array | undefined, expected: Uint8Array): boolean {
  return found !== undefined && Buffer.compare(found, expected) === 0;
}

/** Chunks in use, by class, and what is reserved. */
function taken(engine: Engine): string {
  const chunks = engine.stats().classes.map(({ chunksUsed }) => chunksUsed);
  return `${chunks.join()} with ${engine.arena.owners.reservedPages()} reserved`;
}

function hold(engine: Engine, key: string): Hold | undefined {
  engine.store.begin();
  engine.store.key.prepare(key, 0);
  const held = new Hold();
  if (!engine.store.hold(held)) return undefined;
  engine.store.keep(held);
  return held;
}

function readAll(engine: Engine, held: Hold, step = 5_000): Uint8Array {
  const value = new Uint8Array(held.length);
  for (let at = 0; at < value.length; ) at += engine.store.readHeld(held, value.subarray(at, at + step));
  return value;
}

/** Pages that a search for one to empty tries. */
const TRIES = 8;

/** An engine that small entries fill. */
function crowded(): Engine {
  const engine = Engine.create({ ...OPTIONS, capacityBytes: 2 << 20 });
  for (let i = 0; i < 1_000; i++) engine.set(`small${i}`, bytesOf(700));
  return engine;
}

/** Uses all small entries of a crowded engine anew, so that of the pages compared one that holds nothing of them is the coldest. */
function warmSmall(engine: Engine): void {
  for (let i = 0; i < 20; i++) engine.set(`small${i}`, bytesOf(700));
  for (let i = 0; i < 1_000; i++) engine.get(`small${i}`);
}

/** The page of each piece of a chain, that of the head first. */
function pagesOf(engine: Engine, head: number): number[] {
  return chainOf(engine, head).map((ref) => engine.layout.pageOf(ref));
}

/** Whether a page is found that can be emptied, where the search begins with `page` and no entry is known to be cold. */
function freesPageFrom(engine: Engine, page: number): boolean {
  const { layout, meta } = engine;
  const shard = layout.shard(0);
  for (let id = 0; id < engine.classes.count; id++) meta[shard + layout.ringsOffset + id * RING_WORDS] = 0;
  meta[shard + SHARD.pageCursor] = page;
  return engine.store.trim(1) > 0;
}

describe('a draft', () => {
  it('is seen by nobody before its end, and then whole', () => {
    const engine = Engine.create(OPTIONS);
    const other = engine.join(1);
    const value = bytesOf(100_000);
    expect(engine.set('key', Uint8Array.of(1))).toBe(STORED);
    const incoming = new Incoming(engine, 'key', value);
    expect(incoming.pages()).toBe(STORED);
    expect(other.get('key')).toEqual(Uint8Array.of(1));
    expect(engine.verify()).toEqual([]);
    expect(incoming.end()).toBe(STORED);
    expect(isSame(other.get('key'), value)).toBe(true);
    expect(engine.verify()).toEqual([]);
    expect(engine.arena.owners.reservedPages()).toBe(0);
  });

  it('that is given up behind any of its pages leaves memory as it was', () => {
    const engine = Engine.create(OPTIONS);
    const other = engine.join(1);
    engine.set('key', bytesOf(50_000));
    const before = taken(engine);
    for (let pages = 0; pages <= 6; pages++) {
      const incoming = new Incoming(engine, 'key', bytesOf(6 * PAGE, 2));
      for (let i = 0; i < pages && i < 5; i++) expect(incoming.page()).toBe(STORED);
      incoming.abandon();
      incoming.abandon();
      expect(taken(engine), `${pages} pages`).toBe(before);
      expect(isSame(other.get('key'), bytesOf(50_000))).toBe(true);
    }
    expect(engine.verify()).toEqual([]);
    expect(engine.store.context.hasAbandoned).toBe(false);
  });

  it('stands beside others of its thread, which may all be open at once, and beside sets', () => {
    const engine = Engine.create(OPTIONS);
    const incoming = Array.from(
      { length: DRAFTS_MAX },
      (_, i) => new Incoming(engine, `key${i}`, bytesOf(40_000 + i, i)),
    );
    for (let page = 0; page < 2; page++) for (const one of incoming) expect(one.page()).toBe(STORED);
    const more = new Incoming(engine, 'more', bytesOf(40_000));
    expect(more.page()).toBe(CROWDED);
    expect(engine.set('set', bytesOf(60_000, 7))).toBe(STORED);
    expect(isSame(engine.get('set'), bytesOf(60_000, 7))).toBe(true);
    expect(engine.verify()).toEqual([]);
    incoming.forEach((one, i) => {
      expect(one.end()).toBe(STORED);
      expect(isSame(engine.get(`key${i}`), bytesOf(40_000 + i, i))).toBe(true);
    });
    expect(more.pages()).toBe(STORED);
    expect(more.end()).toBe(STORED);
  });

  it('gets no pages beyond what all drafts may have, of all threads; one that ends makes room for others', () => {
    const engine = Engine.create(OPTIONS);
    const other = engine.join(1);
    const { draftPagesMax } = engine.store;
    expect(draftPagesMax).toBe(Math.floor(engine.layout.pages / 4));
    const big = new Incoming(engine, 'big', bytesOf(390_000));
    const size = (draftPagesMax - 4) * PAGE - 12 * draftPagesMax;
    expect(big.page(size)).toBe(STORED);
    const reserved = engine.arena.owners.reservedPages();
    const left = draftPagesMax - reserved;
    const second = new Incoming(other, 'second', bytesOf(390_000));
    expect(second.page((left + 2) * PAGE)).toBe(OUT_OF_BOUNDS);
    expect(engine.arena.owners.reservedPages()).toBe(reserved);
    const third = new Incoming(other, 'third', bytesOf(390_000));
    for (let i = 0; i < left; i++) expect(third.page()).toBe(STORED);
    expect(third.page()).toBe(OUT_OF_BOUNDS);
    big.abandon();
    expect(third.pages()).toBe(STORED);
    expect(third.end()).toBe(STORED);
    expect(engine.verify()).toEqual([]);
  });

  it('is lost when one of its steps is cut short, wherever, and its memory is not', () => {
    const engine = Engine.create(OPTIONS);
    let steps = 0;
    for (; ; steps++) {
      const before = taken(engine);
      const incoming = new Incoming(engine, 'key', bytesOf(70_000));
      incoming.page();
      if (!cutAt(steps, () => incoming.page())) {
        expect(incoming.pages()).toBe(STORED);
        expect(incoming.end()).toBe(STORED);
        break;
      }
      engine.store.begin();
      const next = incoming.page();
      // A cut before the step has begun changes nothing.
      expect([CUT_SHORT, STORED]).toContain(next);
      incoming.abandon();
      expect(taken(engine), `cut at ${steps}`).toBe(before);
      expect(engine.verify(), `cut at ${steps}`).toEqual([]);
    }
    expect(steps).toBeGreaterThan(5);
  });

  it('of a thread that detaches is let go of', () => {
    const engine = Engine.create(OPTIONS);
    const other = engine.join(1);
    engine.set('held', bytesOf(60_000));
    const before = taken(engine);
    new Incoming(other, 'key', bytesOf(70_000)).pages();
    expect(hold(other, 'held')).toBeDefined();
    expect(other.store.dropStreams()).toBe(true);
    expect(taken(engine)).toBe(before);
    expect(engine.verify()).toEqual([]);
  });

  it('has pages that those who look for a page to empty pass over', () => {
    const engine = crowded();
    const incoming = new Incoming(engine, 'key', bytesOf(390_000));
    expect(incoming.pages()).toBe(STORED);
    expect(incoming.draft.pieces).toBeGreaterThan(2 * TRIES);
    const pages = pagesOf(engine, engine.meta[incoming.draft.intent]!);
    for (const page of pages) expect(freesPageFrom(engine, page), `from page ${page} on`).toBe(true);
    // Of a stream that has ended they are like any other.
    expect(incoming.end()).toBe(STORED);
    warmSmall(engine);
    expect(freesPageFrom(engine, pages[0]!)).toBe(true);
    expect(engine.verify()).toEqual([]);
    expect(engine.has('key')).toBe(false);
  });

  it('finds its way between sets that move pages', () => {
    const engine = Engine.create({ ...OPTIONS, capacityBytes: 2 << 20, itemBytesMax: 500_000 });
    const incoming = new Incoming(engine, 'key', bytesOf(490_000));
    expect(incoming.pages()).toBe(STORED);
    for (let i = 0; i < 3_000; i++) expect(engine.set(`small${i}`, bytesOf(700))).toBe(STORED);
    // Pages of the one class have to go to the other, past a row of pages that can't.
    for (let i = 0; i < 300; i++) expect(engine.set(`large${i}`, bytesOf(3_900))).toBe(STORED);
    expect(incoming.end()).toBe(STORED);
    expect(isSame(engine.get('key'), bytesOf(490_000))).toBe(true);
    expect(engine.verify()).toEqual([]);
    // Its pages are like any other's then.
    for (let i = 0; i < 3_000; i++) expect(engine.set(`small${i}`, bytesOf(700))).toBe(STORED);
    expect(engine.verify()).toEqual([]);
  });

  it('costs nobody else anything once its user is at its quota', () => {
    const engine = Engine.create({ ...OPTIONS, capacityBytes: 2 << 20, users: 8, itemBytesMax: 500_000 });
    for (let i = 0; i < 4_000; i++) engine.set(`other${i}`, bytesOf(700));
    const { evictions } = engine.stats();
    const incoming = new Incoming(engine, 'key', bytesOf(490_000), 'ada', QUOTA);
    // Others' entries are evicted for it, up to seven eighths of its quota.
    while (!incoming.draft.isAtQuota && incoming.draft.pieces * PAGE < QUOTA) {
      const before = engine.stats().evictions;
      const outcome = incoming.page();
      if (incoming.draft.isAtQuota) {
        expect([outcome, engine.stats().evictions]).toEqual([NO_ROOM, before]);
        expect(incoming.draft.reason).toBe(REJECT.quota);
      } else {
        expect(outcome).toBe(STORED);
      }
    }
    expect(incoming.draft.isAtQuota).toBe(true);
    expect(incoming.draft.pieces).toBe(Math.floor(((QUOTA / PAGE) * 7) / 8));
    const after = engine.stats().evictions;
    expect(after).toBeGreaterThan(evictions);
    // What is free is had all the same.
    for (let i = 0; i < 4_000; i++) engine.delete(`other${i}`);
    expect(incoming.page()).toBe(STORED);
    expect(engine.stats().evictions).toBe(after);
    incoming.abandon();
    expect(engine.verify()).toEqual([]);
  });

  it('larger than the share of its type is refused as soon as that is known', () => {
    const engine = Engine.create({ ...OPTIONS, shares: [{ ...UNLIMITED, maxShare: 3 / 256 }] });
    const incoming = new Incoming(engine, 'key', bytesOf(200_000));
    expect(incoming.pages()).toBe(NO_ROOM);
    expect(incoming.draft.reason).toBe(REJECT.share);
    incoming.abandon();
    expect(engine.verify()).toEqual([]);
  });
});

describe('a hold', () => {
  it('reads what was there, whatever becomes of the entry, and frees it at the end', () => {
    const engine = Engine.create(OPTIONS);
    const other = engine.join(1);
    const value = bytesOf(100_000);
    engine.set('key', value);
    const held = hold(engine, 'key')!;
    const half = new Uint8Array(50_000);
    expect(engine.store.readHeld(held, half)).toBe(50_000);
    other.set('key', bytesOf(90_000, 9));
    other.delete('key');
    for (let i = 0; i < 5_000; i++) other.set(`other${i}`, bytesOf(900));
    expect(engine.verify()).toEqual([]);
    expect(isSame(half, value.subarray(0, 50_000))).toBe(true);
    const rest = new Uint8Array(60_000);
    expect(engine.store.readHeld(held, rest)).toBe(50_000);
    expect(isSame(rest.subarray(0, 50_000), value.subarray(50_000))).toBe(true);
    engine.store.release(held);
    engine.store.release(held);
    engine.store.clear(-1);
    expect(engine.stats().classes.every(({ chunksUsed }) => chunksUsed === 0)).toBe(true);
    expect(engine.verify()).toEqual([]);
  });

  it('has pages that those who look for a page to empty pass over, until the last of several ends', () => {
    const engine = crowded();
    const other = engine.join(1);
    engine.set('key', bytesOf(390_000));
    const pages = pagesOf(engine, slotOf(engine, 'key')!.ref);
    const [first, second, third] = [hold(engine, 'key')!, hold(other, 'key')!, hold(engine, 'key')!];
    const frees = (): boolean[] => [0, 7, pages.length - 1].map((i) => freesPageFrom(engine, pages[i]!));
    expect(frees()).toEqual([true, true, true]);
    other.store.release(second);
    expect(frees()).toEqual([true, true, true]);
    engine.store.release(third);
    expect(frees()).toEqual([true, true, true]);
    // Nobody's entry any more, and held all the same.
    other.delete('key');
    expect(frees()).toEqual([true, true, true]);
    expect(isSame(readAll(engine, first), bytesOf(390_000))).toBe(true);
    engine.store.release(first);
    expect(engine.verify()).toEqual([]);
  });

  it('leaves hints that hold up nobody once it has ended', () => {
    const engine = crowded();
    engine.set('key', bytesOf(390_000));
    const pages = pagesOf(engine, slotOf(engine, 'key')!.ref);
    engine.store.release(hold(engine, 'key')!);
    warmSmall(engine);
    const { pagesFree } = engine.stats();
    // The item goes with the first of its pages that is emptied.
    expect(freesPageFrom(engine, pages[7]!)).toBe(true);
    expect(engine.has('key')).toBe(false);
    expect(engine.stats().pagesFree).toBeGreaterThan(pagesFree + 2 * TRIES);
    expect(engine.verify()).toEqual([]);
  });

  it('of a chain that has come to harm says so, and has the shard emptied', () => {
    const engine = Engine.create(OPTIONS);
    engine.set('key', bytesOf(100_000));
    for (const next of [0, 1, slotOf(engine, 'key')!.primary]) {
      const held = hold(engine, 'key')!;
      setWord(engine, chainOf(engine, held.piece)[1]!, WORD_NEXT, next);
      expect(() => readAll(engine, held)).toThrow(InvariantError);
      engine.store.release(held);
      expect(engine.get('key')).toBeUndefined();
      expect(engine.set('key', bytesOf(100_000))).toBe(STORED);
    }
    expect(engine.stats().shardsEmptied).toBe(3);
    expect(engine.verify()).toEqual([]);
  });

  it('that was taken and not kept is let go of by the next operation', () => {
    const engine = Engine.create(OPTIONS);
    engine.set('key', bytesOf(100_000));
    for (let i = 0; i < 2 * HOLDS_MAX; i++) {
      engine.store.begin();
      engine.store.key.prepare('key', 0);
      const held = new Hold();
      expect(engine.store.hold(held)).toBe(true);
      engine.store.begin();
      expect(engine.store.context.hasAbandoned).toBe(false);
      engine.store.release(held);
    }
    engine.delete('key');
    expect(engine.stats().bytesUsed).toBe(0);
    expect(engine.verify()).toEqual([]);
  });

  it('is had for a few items at a time; there are intents left for all else', () => {
    const engine = Engine.create(OPTIONS);
    engine.set('key', bytesOf(60_000));
    const holds = Array.from({ length: HOLDS_MAX }, () => hold(engine, 'key')!);
    expect(hold(engine, 'key')).toBeUndefined();
    expect(HOLDS_MAX + DRAFTS_MAX).toBeLessThanOrEqual(OWNER_INTENT_COUNT - 4);
    expect(engine.set('key', bytesOf(60_000, 2))).toBe(STORED);
    for (const held of holds) {
      expect(isSame(readAll(engine, held), bytesOf(60_000))).toBe(true);
      engine.store.release(held);
    }
    expect(engine.store.context.hasAbandoned).toBe(false);
    expect(engine.verify()).toEqual([]);
  });

  it('is not for items of one chunk, nor for values of a codec', () => {
    const engine = Engine.create(OPTIONS);
    engine.set('small', bytesOf(100));
    engine.set('coded', bytesOf(60_000), { form: 1 });
    expect(hold(engine, 'small')).toBeUndefined();
    expect(hold(engine, 'coded')).toBeUndefined();
    expect(hold(engine, 'absent')).toBeUndefined();
    expect(engine.store.context.hasAbandoned).toBe(false);
  });
});
