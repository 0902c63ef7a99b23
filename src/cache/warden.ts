/**
 * The warden: a small thread of the cache's own that watches while every other event loop may be busy. It keeps the
 * shared clock, removes what has expired, notices deaths and recovers from them, asks owners of locks held for long
 * whether they have abandoned them, and wakes listeners. If it dies, another is started (warden-keeper.ts): nothing
 * that it knows is needed by its successor, which asks every attached thread anew.
 *
 * What proves a death: the thread's line closes, or the port in a hello does, unanswered. Time never does.
 */
import type { MessagePort } from 'node:worker_threads';
import { compareExchange, load, store as storeWord } from '#atomics';
import { HEADER, OWNER_SLOTS, SHARD, STRIPE } from '../../native-free/index.js';
import { LEVELS } from '../policies/type-rules.js';
import { sayHello } from './hello.js';
import type { Member } from './member.js';
import { answerHello, fromWarden, isMessage, isWake, type JoinMessage, LEAVE } from './messages.js';
import type { PressureKeeper } from './pressure-keeper.js';
import type { RankKeeper } from './rank-keeper.js';
import { SWEEP_ROUND_MS, sweepSlice } from './sweep.js';

/** Between two rounds: the resolution of the clock. */
const ROUND_MS: number = SWEEP_ROUND_MS;
/** A lock held this long by one owner has it asked. */
const HELD_MS_MAX = 50;
/** Slots without a line are asked this often: their thread may have died while it attached. */
const PROBE_MS = 500;

/** The level at which threads have nothing to give back. */
const NORMAL = LEVELS.indexOf('normal');

interface Line {
  readonly slot: number;
  readonly threadId: number;
  readonly port: MessagePort;
}

export class Warden {
  readonly #member: Member;
  readonly #threadId: number;
  readonly #lines = new Map<number, Line>();
  /** Threads that have yet to answer a hello, by slot. */
  readonly #hellos = new Map<number, number>();
  /** Deaths whose recovery is not finished: a lock could not be had. */
  readonly #unfinished = new Map<number, number>();
  /** The large lock, and those of shards, of stripes of users and of the log. */
  readonly #locks: readonly number[];
  /** Lock words seen held, by lock, and since when. */
  readonly #held: { token: number; sinceMs: number }[];
  readonly #publish: () => void;
  readonly #pressure: PressureKeeper | undefined;
  readonly #ranks: RankKeeper | undefined;
  #eventHead: number;
  /** The level of pressure that was told last. */
  #level: number;
  #probedMs = 0;

  /** `publish` moves the shared clock up to the present; `pressure` is undefined where it is off. */
  constructor(
    member: Member,
    threadId: number,
    publish: () => void,
    pressure: PressureKeeper | undefined,
    ranks: RankKeeper | undefined,
  ) {
    this.#member = member;
    this.#threadId = threadId;
    this.#publish = publish;
    this.#pressure = pressure;
    this.#ranks = ranks;
    this.#eventHead = member.store.events.head;
    this.#level = member.arena.meta[HEADER.level]!;
    const { layout } = member.arena;
    this.#locks = [
      HEADER.largeLock,
      ...Array.from({ length: layout.config.shards }, (_, i) => layout.shard(i) + SHARD.lock),
      ...Array.from({ length: layout.users.stripes }, (_, i) => layout.users.stripe(i) + STRIPE.lock),
      ...(layout.logWords > 0 ? [layout.log] : []),
    ];
    this.#held = this.#locks.map(() => ({ token: 0, sinceMs: 0 }));
  }

  /** Takes office, asks every attached thread for its line, and begins its rounds. */
  start(): void {
    storeWord(this.#member.arena.meta, HEADER.wardenThread, this.#threadId + 1);
    this.#probe();
    setInterval(() => this.#round(), ROUND_MS);
  }

  /** Takes a message from another thread. */
  receive(message: unknown): void {
    if (!isMessage(message)) return;
    // A successor may say hello to this thread, which was thought dead and is about to end.
    if (message.kind === 'hello') answerHello(message);
    else if (message.velocache === this.#member.arena.id) this.#welcome(message);
  }

  #welcome({ slot, threadId, port }: JoinMessage): void {
    const line: Line = { slot, threadId, port };
    this.#lines.set(slot, line);
    // A warden before this one may have died before it told.
    if (this.#level !== NORMAL) port.postMessage(fromWarden.pressure);
    port.on('message', (message: unknown) => {
      if (message === LEAVE) this.#forget(line);
      else if (isWake(message)) this.#wake(message.wake);
    });
    port.on('close', () => {
      if (this.#forget(line)) this.#bury(slot, threadId);
    });
  }

  /** True if this was the slot's current line. */
  #forget(line: Line): boolean {
    if (this.#lines.get(line.slot) !== line) return false;
    this.#lines.delete(line.slot);
    return true;
  }

  /** A thread is dead: recovers from it, now or in the next rounds. */
  #bury(slot: number, threadId: number): void {
    this.#member.store.begin();
    if (this.#member.store.recovery.recoverOwner(slot, threadId)) this.#unfinished.delete(slot);
    else this.#unfinished.set(slot, threadId);
    this.#wake(this.#member.store.flights.takeEnded());
  }

  #hasLine(slot: number, threadId: number): boolean {
    return this.#lines.get(slot)?.threadId === threadId;
  }

  /** Says hello to every slot without a line, unless it has yet to answer the last one or said itself that it is gone. */
  #probe(): void {
    const { owners } = this.#member.arena;
    this.#probedMs = performance.now();
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const threadId = owners.threadOf(slot);
      if (threadId < 0 || threadId === this.#threadId || this.#hasLine(slot, threadId)) continue;
      if (owners.isDead(slot)) this.#bury(slot, threadId);
      else if (this.#hellos.get(slot) !== threadId) void this.#sayHello(slot, threadId);
    }
  }

  async #sayHello(slot: number, threadId: number): Promise<void> {
    const { owners, id } = this.#member.arena;
    this.#hellos.set(slot, threadId);
    const isAlive = await sayHello(threadId, id);
    if (this.#hellos.get(slot) === threadId) this.#hellos.delete(slot);
    if (!isAlive && !this.#hasLine(slot, threadId) && owners.threadOf(slot) === threadId) this.#bury(slot, threadId);
  }

  #round(): void {
    const { arena, store } = this.#member;
    if (!this.#member.isOpen) {
      this.#end();
      return;
    }
    // Another has taken office: this one was thought dead.
    if (load(arena.meta, HEADER.wardenThread) !== this.#threadId + 1) {
      this.#end();
      return;
    }
    store.begin();
    this.#publish();
    for (const [slot, threadId] of this.#unfinished) this.#bury(slot, threadId);
    this.#pressure?.round();
    this.#ranks?.round();
    this.#tellLevel();
    this.#wakeListeners();
    this.#askHolders();
    sweepSlice(store.sweeper, () => performance.now());
    if (performance.now() - this.#probedMs > PROBE_MS) {
      this.#probe();
      this.#forgetListeners();
    }
  }

  /** Has threads look at the flights that they wait for. */
  #wake(slots: readonly number[]): void {
    for (const slot of slots) this.#lines.get(slot)?.port.postMessage(fromWarden.flights);
  }

  /** Threads have memory of their own to give back. */
  #tellLevel(): void {
    const level = this.#member.arena.meta[HEADER.level]!;
    if (level === this.#level) return;
    this.#level = level;
    for (const { port } of this.#lines.values()) port.postMessage(fromWarden.pressure);
  }

  #wakeListeners(): void {
    const { owners } = this.#member.arena;
    const head = this.#member.store.events.head;
    if (head === this.#eventHead) return;
    this.#eventHead = head;
    for (const line of this.#lines.values())
      if (owners.listens(line.slot) !== 0) line.port.postMessage(fromWarden.events);
  }

  /** The owner of a lock that has been held for long may have abandoned it and live on. */
  #askHolders(): void {
    const { meta } = this.#member.arena;
    const now = performance.now();
    for (let i = 0; i < this.#held.length; i++) {
      const seen = this.#held[i]!;
      const token = load(meta, this.#locks[i]!) & ~1;
      if (token !== seen.token) {
        seen.token = token;
        seen.sinceMs = now;
      } else if (token !== 0 && now - seen.sinceMs > HELD_MS_MAX) {
        seen.sinceMs = now;
        this.#lines.get((token >>> 1) & 0xff)?.port.postMessage(fromWarden.repair);
      }
    }
  }

  /** Takes back the kinds of events that no thread listens for any more. */
  #forgetListeners(): void {
    const { meta, owners } = this.#member.arena;
    const word = load(meta, HEADER.listening);
    let kinds = 0;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) if (owners.isLive(slot)) kinds |= owners.listens(slot);
    if ((word & 0xff) !== kinds) compareExchange(meta, HEADER.listening, word, (word & ~0xff) | kinds);
  }

  #end(): void {
    for (const { port } of this.#lines.values()) port.close();
    this.#member.detach();
    process.exit(0);
  }
}
