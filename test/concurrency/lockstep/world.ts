/** A tiny arena for a scenario, and one thread's store on it. Runs in the threads only: it is the code under test. */
import {
  Arena,
  assert,
  Layout,
  LOG_MOVED,
  ManualClock,
  OWNER_INTENT_COUNT,
  OWNER_INTENTS,
  OWNER_SLOTS,
  RECORD_KIND,
  SHARD,
} from '../../../native-free/index.js';
import { GLOBAL_COUNTERS, REMOVAL_CAUSES, TYPE_COUNTERS } from '../../../src/engine/causes.js';
import { Draft } from '../../../src/engine/drafts.js';
import { CLAIMED, FAILED, type Flight, JOINED, TAKEN_OVER } from '../../../src/engine/flights.js';
import { Hold } from '../../../src/engine/holds.js';
import { paddedKey } from '../../../src/engine/item.js';
import { KEY_OK, Key } from '../../../src/engine/key.js';
import type { ReadProof } from '../../../src/engine/proofs.js';
import { ANY_SIZE, SMALLER } from '../../../src/engine/rewriter.js';
import { SizeClasses } from '../../../src/engine/size-classes.js';
import { SharedStore } from '../../../src/engine/store.js';
import { BUSY, LOST, STORED } from '../../../src/engine/writer.js';
import { createEnginePolicy, type EnginePolicy, policyWordsOf } from '../../../src/policies/engine-policies.js';
import { TypeRules, UNLIMITED } from '../../../src/policies/type-rules.js';
import { UserQuotas } from '../../../src/policies/user-quotas.js';
import { hashOf } from '../../support/hash.js';
import { idOf, type Operation, type Scenario } from './scenario.js';
import { ANY_KEY, makeValue, readValue } from './values.js';

export const PAGE_BYTES = 4_096;
const CLOCK_START_MS = 1_000;
const RANDOM = [1, 2, 3, 4] as const;
/** Four stripes, with a few records each. */
const USERS = 8;
/** One set of places. */
const FLIGHTS = 8;
const LEASE_MS = 1_000;
const READ_PRESENCE = 0;
const READ_VALUE = 1;
/** Stands for a key in the records of the log. */
const LOGGED = 63;

const FAILURE = new TextEncoder().encode('["Error","","no value"]');

const classes = new SizeClasses(PAGE_BYTES, 64, 1.15);
const layouts = new Map<string, Layout>();

/** The layout with just so many pages. */
export function layoutFor({
  pages,
  shards = 1,
  userBytes = 0,
  policy = 'lru',
  logBytes = 0,
  releases = 0,
}: Scenario): Layout {
  const users = userBytes === 0 ? 0 : USERS;
  const name = `${pages} pages, ${shards} shards, ${users} users, ${policy}, ${logBytes} of log, ${releases} releases`;
  let layout = layouts.get(name);
  for (let capacityBytes = PAGE_BYTES; layout === undefined; capacityBytes += PAGE_BYTES) {
    const tried = layoutOf(capacityBytes, shards, users, policy, logBytes, releases);
    if (tried.pages >= pages) layout = tried;
  }
  layouts.set(name, layout);
  return layout;
}

function layoutOf(
  capacityBytes: number,
  shards: number,
  users: number,
  policy: EnginePolicy,
  logBytes: number,
  releases: number,
): Layout {
  return new Layout({
    capacityBytes,
    pageBytes: PAGE_BYTES,
    chunkBytesMin: 64,
    shards,
    types: releases === 0 ? 1 : 2,
    dedupes: releases === 0 ? [] : [0],
    releases,
    countersPerType: TYPE_COUNTERS,
    countersGlobal: GLOBAL_COUNTERS,
    ...policyWordsOf({ name: policy, favour: 'objects' }, capacityBytes, shards),
    removalCauses: REMOVAL_CAUSES.length,
    evictionRecords: 8,
    eventWords: 256,
    segmentBytes: 2 ** 30,
    users,
    flights: FLIGHTS,
    logBytes,
  });
}

const key = new Key(RANDOM[2], RANDOM[3]);
const HOT: string[] = [];
for (let i = 0; HOT.length < 64; i++) if ((hashOf(key, `k${i}`) & 7) === 0) HOT.push(`k${i}`);

const KEYS = HOT.map((_, i) => i);

function nameOf(scenario: Scenario, key: number): string {
  return scenario.names?.[key] ?? (scenario.hot === true ? HOT[key]! : `k${key}`);
}

/** What an operation came to: a get, the id of the write or 0; others, the engine's answer. */
export type Result = number;

export class World {
  readonly store: SharedStore;
  readonly clock: ManualClock;
  readonly threadId: number;
  readonly arena: Arena;
  readonly #scenario: Scenario;
  /** The flight that this thread claimed last, and that of another that it waits for. */
  #flight: Flight | undefined;
  #awaited: Flight | undefined;
  /** The value that this thread has on its way in: what is left of it, its bytes, and whether it is a user's. */
  #incoming: { draft: Draft; rest: Uint8Array; bytes: number; isOwned: boolean } | undefined;
  #hold: Hold | undefined;
  readonly #kept = new Map<number, { proof: ReadProof; result: Result }>();

  /** Thread ids here are those of the run, from 1; a thread's slot is one less. */
  private constructor(arena: Arena, clock: ManualClock, scenario: Scenario, threadId: number) {
    this.arena = arena;
    this.clock = clock;
    this.threadId = threadId;
    this.#scenario = scenario;
    const shared = clock.shared();
    this.store = new SharedStore({
      arena,
      classes,
      clock: shared,
      slot: threadId - 1,
      threadId,
      itemBytesMax: 4 * PAGE_BYTES,
      weakMemory: false,
      policy: createEnginePolicy(
        { name: scenario.policy ?? 'lru', favour: 'objects' },
        arena.meta,
        arena.layout,
        shared,
      ),
      rules: new TypeRules(
        arena.meta,
        arena.layout,
        Array.from({ length: arena.layout.config.types }, () => UNLIMITED),
      ),
      quotas: new UserQuotas(),
    });
  }

  /** Makes the arena with owners 1 to `owners`, as the scenario wants it to be before the threads begin. */
  static create(scenario: Scenario, owners: number): World {
    const arena = Arena.create(layoutFor(scenario), { configHash: 1, random: RANDOM });
    for (let id = 1; id <= owners; id++) arena.owners.claim(id);
    const world = new World(arena, new ManualClock(CLOCK_START_MS), scenario, 1);
    world.store.format();
    scenario.prepare.forEach((operation, i) => {
      world.perform(operation, i + 1);
    });
    return world;
  }

  static attach(
    scenario: Scenario,
    buffers: readonly SharedArrayBuffer[],
    clock: SharedArrayBuffer,
    threadId: number,
  ): World {
    return new World(Arena.attach(layoutFor(scenario), buffers), ManualClock.from(clock), scenario, threadId);
  }

  /** Performs one operation; `fallback` marks what it stores, unless its value has a mark of its own. */
  perform(operation: Operation, fallback: number): Result {
    const { store } = this;
    const id = idOf(operation, fallback);
    store.begin();
    switch (operation.kind) {
      case 'set':
        return this.#set(operation, id);
      case 'get':
      case 'has':
        return this.get(operation.key, operation.kind === 'get' ? READ_VALUE : READ_PRESENCE);
      case 'near':
        return this.#near(operation.key);
      case 'delete':
        this.#prepare(operation.key);
        return store.delete();
      case 'claim':
        return this.#claim(operation.key);
      case 'load':
        return this.#claim(operation.key) === 1 ? this.#publish(operation, id) : LOST;
      case 'publish':
        return this.#publish(operation, id);
      case 'deliver':
        this.#claim(operation.key);
        return this.#publish(operation, id, this.#awaited);
      case 'failing load':
        return this.#claim(operation.key) === 1 ? this.#fail() : 0;
      case 'fail':
        return this.#fail();
      case 'abandon':
        return Number(this.#flight !== undefined && store.flights.endUnawaited(this.#flight));
      case 'leave':
        if (this.#awaited !== undefined) store.flights.leave(this.#awaited);
        return 0;
      case 'rewrite':
        return this.#rewrite(operation.bytes, id);
      case 'migrate':
        return this.#migrate(operation, id);
      case 'append':
        return operation.bytes.reduce((_, bytes, i) => this.#log(bytes, id * 10 + i), 0);
      case 'stream':
        return this.#begin(operation, id) === STORED ? this.#end(operation.key) : BUSY;
      case 'aborted stream':
        this.#begin(operation, id);
        return this.#abort();
      case 'begin stream':
        return this.#begin(operation, id + (operation.after ?? 1));
      case 'end stream':
        return this.#end(operation.key);
      case 'abort stream':
        return this.#abort();
      case 'read stream':
        return this.#holds(operation.key) ? this.#readHeld(operation.key) : this.get(operation.key);
      case 'hold':
        return Number(this.#holds(operation.key));
      case 'read held':
        return this.#readHeld(operation.key);
      case 'advance':
        this.clock.advance(operation.ms);
        return 0;
      case 'clear':
        return Number(store.clear(-1));
      case 'evict payloads':
        return Number(store.clear(1));
      case 'sweep':
        return store.sweeper.step(64);
      case 'recover':
        throw new Error('the thread recovers, not its world');
    }
  }

  /** The number of the record, or what the log said to the last try. */
  #log(bytes: number, id: number): Result {
    const { log } = this.store.context;
    let number = LOG_MOVED;
    // Nobody else appends more often than this in any scenario.
    for (let tries = 0; tries < 8 && number === LOG_MOVED; tries++) {
      number = log.append(RECORD_KIND.shape, makeValue(LOGGED, id, bytes), log.count);
    }
    if (number >= 0) assert(readValue(log.read(number), LOGGED) === id, 'an appended record reads otherwise');
    return number;
  }

  /** Sends the pages of a value to the arena. STORED if it found room for them. */
  #begin(operation: { key: number; bytes: number; user?: string }, id: number): Result {
    const { store } = this;
    const { key, bytes, user } = operation;
    this.#prepare(key);
    if (user !== undefined) store.user.prepare(user, (this.#scenario.userBytes ?? 0) / 8);
    const valueAt = paddedKey(store.key.byteLength);
    const whole = new Uint8Array(valueAt + bytes);
    store.key.writeTo(whole, 0);
    whole.set(makeValue(key, id, bytes), valueAt);
    const draft = new Draft(0, false, user !== undefined);
    this.#incoming = { draft, rest: whole, bytes, isOwned: user !== undefined };
    return this.#append(this.#incoming);
  }

  #append(incoming: { draft: Draft; rest: Uint8Array; bytes: number; isOwned: boolean }): Result {
    const { store } = this;
    const { draft, isOwned } = incoming;
    for (let room = store.roomOf(draft); incoming.rest.length >= room; room = store.roomOf(draft)) {
      const outcome = store.append(draft, incoming.rest.subarray(0, room), 0, isOwned);
      if (outcome !== STORED) {
        this.#abort();
        return BUSY;
      }
      incoming.rest = incoming.rest.subarray(room);
    }
    return STORED;
  }

  #end(key: number): Result {
    const incoming = this.#incoming;
    if (incoming === undefined) return BUSY;
    this.#prepare(key);
    const { draft, rest, bytes, isOwned } = incoming;
    const outcome = this.store.publish(draft, rest, bytes, { deadline: 0, idleTicks: 0 }, isOwned);
    this.#incoming = undefined;
    return outcome;
  }

  #abort(): Result {
    if (this.#incoming !== undefined) this.store.abandon(this.#incoming.draft);
    this.#incoming = undefined;
    return 0;
  }

  #holds(key: number): boolean {
    this.#prepare(key);
    const { store } = this;
    const hold = new Hold();
    this.#hold = store.reader.read(store.key, READ_PRESENCE, false) && store.hold(hold) ? hold : undefined;
    if (this.#hold !== undefined) store.keep(hold);
    return this.#hold !== undefined;
  }

  #readHeld(key: number): Result {
    const hold = this.#hold;
    if (hold === undefined) return 0;
    const value = new Uint8Array(hold.length);
    for (let at = 0; at < value.length; ) at += this.store.readHeld(hold, value.subarray(at, at + 1_500));
    this.store.release(hold);
    this.#hold = undefined;
    return readValue(value, key);
  }

  #rewrite(bytes: number, id: number): Result {
    const { store } = this;
    const { shards } = store.context.layout.config;
    const found = Array.from({ length: shards }, (_, shard) => store.cold(shard, 0)).find((entry) => entry);
    if (found === undefined) return 2;
    const key = KEYS.find((candidate) => nameOf(this.#scenario, candidate) === found.key);
    assert(key !== undefined, `no key has the name ${found.key}`);
    this.#prepare(key);
    return store.rewrite(found, makeValue(key, id, bytes), 0, SMALLER);
  }

  #migrate(operation: Extract<Operation, { kind: 'migrate' }>, id: number): Result {
    this.#prepare(operation.key);
    const found = this.store.copy();
    this.#prepare(operation.key);
    return found === undefined ? 2 : this.store.rewrite(found, contentOf(operation, id), 0, ANY_SIZE);
  }

  get(key: number, want: number = READ_VALUE): Result {
    const { store } = this;
    this.#prepare(key);
    if (!store.reader.read(store.key, want, true)) return 0;
    return want === READ_VALUE ? readValue(store.reader.landing.take(store.reader.length), key) : 1;
  }

  #near(key: number): Result {
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.store.proofs.use(kept.proof)) return kept.result;
    const result = this.get(key);
    const proof = result === 0 ? undefined : this.store.proofs.prove(this.store.key);
    if (proof !== undefined) this.#kept.set(key, { proof, result });
    return result;
  }

  #prepare(key: number): void {
    assert(this.store.key.prepare(nameOf(this.#scenario, key), 0) === KEY_OK, `no name for key ${key}`);
  }

  /** 1: the flight is this thread's now, so whatever it publishes must follow; 0: it is not. */
  #claim(key: number): Result {
    this.#prepare(key);
    const { outcome, flight } = this.store.flights.claim(this.store.key, this.clock.shared().deadline(LEASE_MS));
    const isOwn = outcome === CLAIMED || outcome === TAKEN_OVER;
    if (isOwn) this.#flight = flight;
    if (outcome === JOINED) this.#awaited = flight;
    return Number(isOwn);
  }

  #fail(): Result {
    return Number(this.#flight !== undefined && this.store.flights.end(this.#flight, FAILED, FAILURE));
  }

  #publish(
    operation: Extract<Operation, { kind: 'publish' | 'load' | 'deliver' }>,
    id: number,
    flight: Flight | undefined = this.#flight,
  ): Result {
    this.#prepare(operation.key);
    const value = makeValue(operation.key, id, operation.bytes);
    const none = { shard: 0, at: this.arena.layout.flights.flight(this.arena.layout.shard(0), 0), number: 0 };
    return this.store.set(value, 0, { deadline: 0, idleTicks: 0 }, false, flight ?? none);
  }

  #set(operation: Extract<Operation, { kind: 'set' }>, id: number): Result {
    const { store, clock } = this;
    this.#prepare(operation.key);
    const shared = clock.shared();
    const deadline = operation.ttlMs === undefined ? 0 : shared.deadline(operation.ttlMs);
    const idleTicks = operation.idleMs === undefined ? 0 : operation.idleMs / 10;
    const { user } = operation;
    if (user !== undefined) store.user.prepare(user, (this.#scenario.userBytes ?? 0) / 8);
    return store.set(contentOf(operation, id), 0, { deadline, idleTicks }, user !== undefined);
  }

  /** Whether the flight that this thread claimed last is still what it was. */
  get hasFlight(): boolean {
    return this.#flight !== undefined && this.store.flights.stands(this.#flight);
  }

  /** What is wrong with the structure at rest. */
  problems(): string[] {
    return [...this.store.verify(), ...this.#torn()];
  }

  /** What is wrong with what the records of the log say. */
  #torn(): string[] {
    const { log } = this.store.context;
    const ids = Array.from({ length: log.count }, (_, number) => readValue(log.read(number), LOGGED));
    const sentences = ids.flatMap((id, number) => (id > 0 ? [] : [`record ${number} of the log is torn`]));
    return new Set(ids).size === ids.length ? sentences : [...sentences, 'a record of the log is there twice'];
  }

  /** Pages that streams have reserved, also in records that are free and may be claimed anew. */
  #reserved(): number {
    const { owners, meta } = this.arena;
    let pages = 0;
    for (let slot = 0; slot < OWNER_SLOTS; slot++) {
      const first = owners.record(slot) + OWNER_INTENTS;
      for (let i = 0; i < OWNER_INTENT_COUNT; i++) pages += meta[owners.reserved(slot, first + i * 2)]!;
    }
    return pages;
  }

  /** Deletes what is there, key by key: nothing may be left of values that are stored once. */
  #unshared(): string[] {
    if (this.#scenario.releases === undefined) return [];
    for (const key of KEYS) {
      this.#prepare(key);
      if (this.store.delete() === 2) return [`the delete of key ${key} could not have its lock`];
    }
    this.store.sweeper.step(1);
    const { entries, bytesUsed } = this.store.stats();
    return entries === 0 && bytesUsed === 0 ? [] : [`${bytesUsed} bytes of ${entries} entries are left of no key`];
  }

  /** Removes everything; says what is still taken then, by chunks and by pages. */
  leaks(): string[] {
    this.store.begin();
    if (!this.store.dropStreams()) return ['what streams hold could not be let go of'];
    const left = this.#unshared();
    if (left.length > 0) return left;
    if (!this.store.clear(-1)) return ['the clearing could not have its lock'];
    const { classes, pagesFree, pagesTotal, bytesIndex, shardsEmptied } = this.store.stats();
    const taken = classes.filter(({ chunksUsed }) => chunksUsed !== 0);
    const sentences = taken.map(({ chunkBytes, chunksUsed }) => `${chunksUsed} chunks of ${chunkBytes} bytes leaked`);
    const ofItems = classes.reduce((sum, { pages }) => sum + pages, 0);
    const pages = pagesFree + ofItems + bytesIndex / PAGE_BYTES;
    if (pages !== pagesTotal) sentences.push(`${pages} pages are free, of items or of the index, of ${pagesTotal}`);
    const { active, bytes } = this.store.stats().users;
    if (active !== 0 || bytes !== 0) sentences.push(`${active} users have ${bytes} bytes without an entry`);
    const reserved = this.#reserved();
    if (reserved !== 0) sentences.push(`${reserved} pages are reserved, and no stream is open`);
    const { layout, meta } = this.arena;
    for (let i = 0; i < layout.config.shards; i++) {
      const flights = meta[layout.shard(i) + SHARD.flights]!;
      if (flights !== 0) sentences.push(`${flights} flights are left behind a clearing`);
    }
    if (shardsEmptied !== 0) sentences.push(`${shardsEmptied} shards had to be emptied`);
    return [...sentences, ...this.problems()];
  }
}

function contentOf(operation: { key: number; bytes: number; value?: number }, id: number): Uint8Array {
  return makeValue(operation.value === undefined ? operation.key : ANY_KEY, id, operation.bytes);
}
