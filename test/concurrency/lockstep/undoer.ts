/**
 * A thread that plays three: one that changes a structure and dies at a step of it, one that looks on without a lock, and one that
 * undoes what the first has left and uses its memory again. Posts what the looks came to.
 */
import { parentPort } from 'node:worker_threads';
import { SHARD } from '../../../native-free/index.js';
import { WORD_GENERATION, WORD_NEXT } from '../../../src/engine/item.js';
import { Landing } from '../../../src/engine/landing.js';
import type { Operation } from './scenario.js';
import { World } from './world.js';

const HOOK = Symbol.for('velocache.checkpoint');
const DEATH = Symbol('death');
const hooks = globalThis as unknown as Record<symbol, (() => void) | undefined>;
const DYING = 2;
const LOOKING = 3;
const common = { forbidden: [], hot: false, threads: [] } as const;

const set = (key: number, bytes: number): Operation => ({ kind: 'set', key, bytes });
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function under<T>(hook: (() => void) | undefined, work: () => T): T {
  const before = hooks[HOOK];
  hooks[HOOK] = hook;
  try {
    return work();
  } finally {
    hooks[HOOK] = before;
  }
}

/** Does the work up to a step and no further. False if it ended before. */
function dieAt(step: number, work: () => unknown): boolean {
  let left = step;
  try {
    under(() => {
      if (--left === 0) throw DEATH;
    }, work);
    return false;
  } catch (error) {
    if (error !== DEATH) throw error;
    return true;
  }
}

/** A large item whose last piece lies on a page with room that others leave, so that a trim moves it. */
const LARGE = {
  ...common,
  name: 'a piece of a chained item is moved',
  pages: 12,
  policy: 'lru',
  evicts: true,
  prepare: [
    ...range(1, 7).map((key) => set(key, 600)),
    set(0, 4_700),
    ...range(7, 13).map((key) => set(key, 600)),
    { kind: 'delete', key: 9 },
    { kind: 'get', key: 0 },
    { kind: 'get', key: 0 },
  ],
} as const;
const STORED_AS = 7;
const MOVE_STEPS = { first: 60, last: 80 };
const LOOK_STEPS = { first: 5, last: 14 };
/** Of the look, between the death and its repair. */
const BETWEEN = [1, 2, 3];

/** What a get finds that meets the death at one step of its own, and the repair at another. */
function moved(): { found: number; isDead: boolean; at: string }[] {
  const other = World.create(LARGE, LOOKING);
  other.store.trim(4_096);
  other.get(0);
  const pristine = other.arena.buffers.map((buffer) => new Uint8Array(buffer).slice());
  const looks: { found: number; isDead: boolean; at: string }[] = [];
  for (let death = MOVE_STEPS.first; death < MOVE_STEPS.last; death++) {
    for (let look = LOOK_STEPS.first; look < LOOK_STEPS.last; look++) {
      for (const between of BETWEEN) {
        for (const [i, buffer] of other.arena.buffers.entries()) new Uint8Array(buffer).set(pristine[i]!);
        const attach = (id: number): World => World.attach(LARGE, other.arena.buffers, other.clock.buffer, id);
        const dying = attach(DYING);
        const looking = attach(LOOKING);
        let step = 0;
        let isDead = false;
        const found = under(
          () => {
            step += 1;
            if (step === look) isDead = dieAt(death, () => dying.store.trim(4_096));
            if (step !== look + between || !isDead) return;
            under(undefined, () => {
              repair(other);
              reuse(other);
            });
          },
          () => looking.get(0),
        );
        looks.push({ found, isDead, at: `death at ${death}, look ${look}, repair ${between} later` });
      }
    }
  }
  return looks;
}

function repair(other: World): void {
  other.arena.owners.markDead(DYING - 1, DYING);
  other.store.begin();
}

/** Stores values in the chunks that have become free. */
function reuse(other: World): void {
  for (const key of range(40, 48)) other.perform(set(key, 600), 7_000 + key);
}

/** Pieces that the walk of a chain goes through at most. */
const PIECES_MAX = 16;

/** What proves a copy of the large item, and the pieces that it then is: none of the numbers may stand for two chains. */
function proofOf(world: World): { generation: number; pieces: string } {
  world.get(0);
  const { arena } = world;
  const head = world.store.reader.place.ref;
  const pieces: number[] = [];
  for (let ref = head; ref !== 0 && pieces.length < PIECES_MAX; ref = wordOf(ref, WORD_NEXT)) pieces.push(ref);
  return { generation: wordOf(head, WORD_GENERATION), pieces: pieces.join() };

  function wordOf(ref: number, word: number): number {
    return arena.wordsOf(ref)[arena.wordIndex(ref) + word]!;
  }
}

/** For each step at which a move dies: the proof behind its repair, and behind a move that is done then. */
function proofs(): (readonly [undone: ReturnType<typeof proofOf>, done: ReturnType<typeof proofOf>])[] {
  return range(MOVE_STEPS.first, MOVE_STEPS.last).map((death) => {
    const other = World.create(LARGE, LOOKING);
    other.store.trim(4_096);
    other.get(0);
    const dying = World.attach(LARGE, other.arena.buffers, other.clock.buffer, DYING);
    dieAt(death, () => dying.store.trim(4_096));
    repair(other);
    const undone = proofOf(other);
    other.store.trim(4_096);
    return [undone, proofOf(other)] as const;
  });
}

const KEYS = 56;
const SPLIT = {
  ...common,
  name: 'a bucket is split',
  pages: 8,
  prepare: range(0, KEYS).map((key) => set(key, 40)),
} as const;

/** Keys that a scan yields that begins beside a split whose thread dies, and goes on behind its repair and a split that is done. */
function scanned(): { deaths: number; splits: number; twice: number } {
  const counts = { deaths: 0, splits: 0, twice: 0 };
  for (let death = 1; ; death++) {
    const other = World.create(SPLIT, DYING);
    const dying = World.attach(SPLIT, other.arena.buffers, other.clock.buffer, DYING);
    const shard = other.arena.layout.shard(0);
    const buckets = (): number => other.arena.meta[shard + SHARD.bucketCount]!;
    const before = buckets();
    if (!dieAt(death, () => dying.perform(set(KEYS, 40), 5_000))) return counts;
    counts.deaths += 1;
    if (buckets() === before) continue;
    counts.splits += 1;
    other.arena.owners.markDead(DYING - 1, DYING);
    const { scanner } = other.store;
    const groups = scanner.groups(0)!;
    const keys: string[] = [];
    for (let group = 0; group < groups; group++) {
      keys.push(...scanner.keys(0, group, groups, 0)!);
      if (group === 0) other.perform(set(KEYS + 1, 40), 6_000);
    }
    counts.twice += keys.length - new Set(keys).size;
  }
}

const CHAINED_BYTES = 5_000;
/** Where a chained item has its length, one of a single chunk has the first bytes of its key: here they look like 12,288. */
const MISLEADING = '\0\x30\0\0';
const REUSED = {
  ...common,
  name: 'the chunk of a chained item gets another',
  pages: 6,
  evicts: true,
  names: ['chained', ...range(1, 25).map((key) => `${MISLEADING}${key}`)],
  prepare: [set(0, CHAINED_BYTES)],
} as const;
const REUSE_STEPS = 40;

/** Lengths that a get asks memory for whose item is deleted, and its chunks used again, at a step of it. */
function asked(): number[] {
  const lengths: number[] = [];
  const { forUser } = Landing.prototype;
  Landing.prototype.forUser = function (length: number): void {
    lengths.push(length);
    forUser.call(this, length);
  };
  for (let stop = 1; stop <= REUSE_STEPS; stop++) {
    const other = World.create(REUSED, DYING);
    const looking = World.attach(REUSED, other.arena.buffers, other.clock.buffer, DYING);
    let step = 0;
    const replace = (): void => {
      other.perform({ kind: 'delete', key: 0 }, 1);
      for (const key of range(1, 25)) other.perform(set(key, 900), 100 + key);
    };
    under(
      () => {
        step += 1;
        if (step === stop) under(undefined, replace);
      },
      () => looking.get(0),
    );
  }
  Landing.prototype.forUser = forUser;
  return lengths;
}

parentPort?.postMessage({
  moved: moved(),
  proofs: proofs(),
  storedAs: STORED_AS,
  scanned: scanned(),
  asked: asked(),
  CHAINED_BYTES,
});
