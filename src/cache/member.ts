/**
 * A thread's membership of a cache: its owner slot, its store, and its line to the warden.
 *
 * The line is a message port whose far end the warden holds: when this thread dies, the warden sees it close. When it
 * closes on this side, the warden has died, and one of the attached threads starts another (see `warden-keeper.ts`).
 */
import { MessageChannel, type MessagePort, postMessageToThread, threadId } from 'node:worker_threads';
import { compareExchange, load, store as storeWord, wait } from '#atomics';
import {
  Arena,
  HEADER,
  Layout,
  ManualClock,
  OWNER_SLOTS,
  SharedClock,
  STATE_CLOSED,
  STATE_OPEN,
} from '../../native-free/index.js';
import { LOCK_WAIT_MS } from '../engine/context.js';
import { SizeClasses } from '../engine/size-classes.js';
import { SharedStore } from '../engine/store.js';
import { ClosedError, HandleError, ThreadsError } from '../errors.js';
import { createEnginePolicy } from '../policies/engine-policies.js';
import { TypeRules } from '../policies/type-rules.js';
import { UserQuotas } from '../policies/user-quotas.js';
import { type CacheHandle, checkHandle } from './handle.js';
import { fromWarden, type JoinMessage, LEAVE, type WakeMessage } from './messages.js';

/** How long attaching waits for a slot of a dead thread to be freed, and in which steps. */
const SLOT_WAIT_STEPS = 25;
const SLOT_WAIT_MS = 10;
/** Operations of a thread between two looks at the clock, where others keep the shared tick. */
const UNCLOCKED_MAX = 64;
/** So far behind is the shared tick when its ticker is gone, or without a core: 250 ms. */
const LATE_TICKS = 25;
/** Between two looks of a thread whose next operation may be as long in coming. */
const SLOW_TICKS = 10;
/** How often a thread that leaves asks for a lock that is held behind a death. */
const LEAVE_TRIES = 3;

/** Milliseconds on the monotonic clock that all threads of the process share. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

export class Member {
  readonly arena: Arena;
  readonly store: SharedStore;
  readonly slot: number;
  readonly isManual: boolean;
  /** Called when the warden has events for this thread. */
  onEvents: () => void = () => {};
  /** Called when flights that this thread has to do with may have ended. */
  onFlights: () => void = () => {};
  /** Called when the level of pressure has changed. */
  onPressure: () => void = () => {};
  /** Streams of this thread that are open: told when it leaves the cache. */
  readonly streams: Set<{ leave(): void }> = new Set();
  /** Called when this thread has left the cache. */
  onDetached: () => void = () => {};
  /** Called when the line to the warden has closed and the cache is open. */
  onWardenGone: (lostThread: number) => void = () => {};
  #line: MessagePort | undefined;
  #lineThread = -1;
  #isDetached = false;
  /** Operations until this thread looks at the clock, and how many there are between two looks; the tick at the last one. */
  #unclocked = 1;
  #untilClock = 1;
  #clockedTick = 0;
  readonly #clock: SharedClock;

  /** Attaches this thread to an arena, which `format` has made ready or is about to. */
  constructor(handle: CacheHandle<unknown>, arena: Arena, lockWaitMs: number = LOCK_WAIT_MS) {
    this.arena = arena;
    this.slot = claimSlot(arena);
    // The slot may have been another's.
    arena.owners.setVitals(this.slot, 0, 0, 0);
    this.isManual = handle.clock !== undefined;
    this.#clock = clockOf(handle, arena);
    const { arena: config, growthFactor, itemBytesMax, types, policy } = handle.plan;
    this.store = new SharedStore({
      arena,
      classes: new SizeClasses(config.pageBytes, config.chunkBytesMin, growthFactor),
      clock: this.#clock,
      slot: this.slot,
      threadId,
      itemBytesMax,
      weakMemory: process.arch !== 'x64' && process.arch !== 'ia32',
      policy: createEnginePolicy(policy, arena.meta, arena.layout, this.#clock),
      rules: new TypeRules(arena.meta, arena.layout, types),
      quotas: new UserQuotas(),
      lockWaitMs,
    });
  }

  static create(handle: CacheHandle<unknown>, arena: Arena): Member {
    const member = new Member(handle, arena);
    member.store.format();
    if (!member.isManual) member.#clock.publish();
    return member;
  }

  /** `lockWaitMs`: how long its operations wait for a shard. */
  static attach(handle: CacheHandle<unknown>, lockWaitMs?: number): Member {
    checkHandle(handle);
    const arena = Arena.attach(new Layout(handle.plan.arena), handle.buffers);
    if (!arena.matches(handle.configHash)) throw new HandleError('handle does not match the memory that it comes with');
    if (load(arena.meta, HEADER.state) !== STATE_OPEN) throw new ClosedError();
    return new Member(handle, arena, lockWaitMs);
  }

  get isOpen(): boolean {
    return !this.#isDetached && this.arena.meta[HEADER.state] === STATE_OPEN;
  }

  /** Before each operation: throws if the cache is closed, repairs what an abandoned operation has left. */
  begin(): void {
    if (!this.isOpen) throw new ClosedError();
    this.store.begin();
    if (--this.#unclocked <= 0) this.publishClock();
  }

  /**
   * Moves the shared clock up to the present, unless a test drives it. That keeps the tick close to the truth where no event loop turns: a busy
   * thread does so every 64 operations, and one at each whose operations lie apart, or who finds the tick as far behind as no ticker leaves it.
   */
  publishClock(): void {
    if (this.isManual) {
      this.#unclocked = UNCLOCKED_MAX;
      return;
    }
    const isLate = this.#clock.publish() >= LATE_TICKS;
    const tick = this.#clock.coarse();
    const isSlow = ((tick - this.#clockedTick) | 0) >= SLOW_TICKS;
    this.#clockedTick = tick;
    this.#untilClock = isLate || isSlow ? 1 : Math.min(UNCLOCKED_MAX, this.#untilClock * 2);
    this.#unclocked = this.#untilClock;
  }

  /** Opens a line to the warden, if there is one that this thread has no line to. */
  join(): void {
    const warden = load(this.arena.meta, HEADER.wardenThread) - 1;
    if (warden < 0 || warden === this.#lineThread || !this.isOpen) return;
    const { port1, port2 } = new MessageChannel();
    this.#hangUp();
    this.#line = port1;
    this.#lineThread = warden;
    port1.on('message', (message: unknown) => this.#hear(message));
    port1.on('close', () => this.#lineClosed(port1));
    port1.unref();
    const join: JoinMessage = { velocache: this.arena.id, kind: 'join', slot: this.slot, threadId, port: port2 };
    postMessageToThread(warden, join, [port2]).catch(() => this.#lineClosed(port1));
  }

  #hear(message: unknown): void {
    if (message === fromWarden.events) this.onEvents();
    else if (message === fromWarden.flights) this.onFlights();
    else if (message === fromWarden.pressure) this.onPressure();
    // No operation of this thread is under way while it handles a message: what is open was abandoned.
    else if (message === fromWarden.repair) this.store.begin();
  }

  /** Tells the threads that wait for flights that have ended in this one. Who isn't reached looks by itself in time. */
  wakeWaiters(): void {
    if (!this.store.flights.hasEnded) return;
    const slots = this.store.flights.takeEnded();
    if (slots.includes(this.slot)) queueMicrotask(() => this.onFlights());
    const others = slots.filter((slot) => slot !== this.slot);
    const message: WakeMessage = { wake: others };
    if (others.length > 0) this.#line?.postMessage(message);
  }

  /** Closes the line in life: the warden reads the message before it sees the line close, and takes it for no death. */
  #hangUp(): void {
    const line = this.#line;
    this.#line = undefined;
    line?.postMessage(LEAVE);
    line?.close();
  }

  #lineClosed(line: MessagePort): void {
    if (this.#line !== line) return;
    const lost = this.#lineThread;
    this.#line = undefined;
    this.#lineThread = -1;
    if (this.isOpen) this.onWardenGone(lost);
  }

  /** Whether this thread has a line to a warden. */
  get isWatched(): boolean {
    return this.#line !== undefined;
  }

  /** Says which kinds of events this thread listens for. */
  listen(kinds: number): void {
    const { meta, owners } = this.arena;
    owners.setListens(this.slot, kinds);
    // The upper bits count the changes, so that the warden can't take back what it didn't see.
    for (let tries = 0; tries < 1_000; tries++) {
      const word = load(meta, HEADER.listening);
      if (compareExchange(meta, HEADER.listening, word, (word + 0x100) | kinds | 0) === word) return;
    }
  }

  /** Ends the cache for all threads. */
  endCache(): void {
    storeWord(this.arena.meta, HEADER.state, STATE_CLOSED);
    this.detach();
  }

  /** Leaves the cache: this thread only. */
  detach(): void {
    if (this.#isDetached) return;
    this.store.begin();
    this.#isDetached = true;
    const { owners } = this.arena;
    const hasLetGo = this.#dropStreams() && this.#endFlights() && !this.store.context.hasAbandoned;
    this.#hangUp();
    owners.setListens(this.slot, 0);
    // What it can't let go of, since a lock can't be had, is the warden's to recover, as that of a dead thread.
    if (hasLetGo) owners.release(this.slot, threadId);
    else owners.markDead(this.slot, threadId);
    for (const stream of this.streams) stream.leave();
    this.onDetached();
  }

  /** What streams of this thread hold; of a cache that has ended it is nobody's. False if a lock could not be had. */
  #dropStreams(): boolean {
    if (load(this.arena.meta, HEADER.state) !== STATE_OPEN) return true;
    for (let tries = 0; tries < LEAVE_TRIES; tries++) if (this.store.dropStreams()) return true;
    return false;
  }

  /** The flights of a cache that has ended are nobody's. False if one could not be ended. */
  #endFlights(): boolean {
    if (load(this.arena.meta, HEADER.state) !== STATE_OPEN) return true;
    let hasEnded = false;
    for (let tries = 0; tries < LEAVE_TRIES && !hasEnded; tries++) {
      hasEnded = this.store.flights.endOfOwner(this.slot, threadId);
    }
    this.wakeWaiters();
    return hasEnded;
  }
}

/** Waits a moment for the warden to free the slots of dead threads, if all are taken. */
function claimSlot(arena: Arena): number {
  for (let step = 0; step < SLOT_WAIT_STEPS; step++) {
    const slot = arena.owners.claim(threadId);
    if (slot >= 0) return slot;
    wait(arena.meta, HEADER.magic, arena.meta[HEADER.magic]!, SLOT_WAIT_MS);
  }
  throw new ThreadsError(OWNER_SLOTS);
}

function clockOf(handle: CacheHandle<unknown>, arena: Arena): SharedClock {
  if (handle.clock !== undefined) return ManualClock.from(handle.clock).shared();
  // performance.now() is cheaper than process.hrtime() and runs at the same pace, from another zero in each thread.
  const zero = monotonicMs() - performance.now() - handle.epochMs;
  return new SharedClock(arena.meta, HEADER.tick, () => performance.now() + zero);
}
