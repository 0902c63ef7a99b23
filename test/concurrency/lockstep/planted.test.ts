/**
 * Goal: the suites of this folder can fail. Method: each bug below is planted in a copy of the built package, and the
 * suite that is there for it must find something. A bug that is no longer found, or whose place is no longer found,
 * fails here.
 */
import { describe, expect, it } from 'vitest';
import { DEATHS, type DeathMode } from './death-cases.js';
import { Lockstep, type Schedule } from './harness.js';
import { killAtEveryStep } from './kill-all.js';
import { RUNNABLE } from './pairs.js';
import { type Plant, withPlant } from './plant.js';
import { aroundDeath } from './schedules.js';

type Look = (root: string) => Promise<readonly string[]>;

/** The first problems that a scenario's schedules lead to. */
function schedules(name: string, of: () => Iterable<Schedule>): Look {
  return async (root) => {
    const lockstep = await Lockstep.start(RUNNABLE.find((scenario) => scenario.name === name)!, root);
    try {
      for (const schedule of of()) {
        const { problems } = lockstep.run(schedule);
        if (problems.length !== 0) return problems;
      }
      return [];
    } finally {
      await lockstep.close();
    }
  };
}

/** Every schedule that begins with the second thread and has one switch, within its first steps. */
function* oneSwitch(steps = 60): Generator<Schedule> {
  for (let step = 1; step < steps; step++) yield { seed: 1, plan: { start: 2, switches: [[step, 1]] } };
}

/** The second thread dies at each of its turns, in schedules of several kinds. */
function* dying(): Generator<Schedule> {
  for (let seed = 1; seed <= 12; seed++) {
    for (let turn = 20; turn < 90; turn++) {
      yield { seed: seed * 100 + turn, rarity: 2 + (seed % 6), victim: { thread: 2, turn } };
    }
  }
}

function kills(name: string, modes: readonly DeathMode[], stride = 17): Look {
  return async (root) => {
    const deathCase = DEATHS.find((candidate) => candidate.name === name)!;
    return (await killAtEveryStep(deathCase, modes, 1, stride, root)).problems;
  };
}

const PLANTS: readonly (Plant & { readonly look: Look })[] = [
  {
    name: 'a record that is published before it is written',
    file: 'native-free/append-log.js',
    from: 'const at = this.#endOf(number);',
    to: 'const at = this.#endOf(number); store(this.#words, this.#base + COUNT, number + 1);',
    look: kills('appends to the log', ['recovery']),
  },
  {
    name: 'a log that doesn’t look again under its lock',
    file: 'native-free/append-log.js',
    from: 'const isNext = this.count === seen;',
    to: 'const isNext = true;',
    look: schedules('append and append', oneSwitch),
  },
  {
    name: 'a reader without the second look at the sequence',
    file: 'src/engine/reader.js',
    from: 'if (!this.#seqlock.isValid(words, at, sequence) || !isWhole)',
    to: 'if (!isWhole)',
    look: schedules('delete, set in its chunk, and get', oneSwitch),
  },
  {
    name: 'a removal that leaves the sequence as it is',
    file: 'src/engine/items.js',
    from: 'this.#index.openLocked(place.primary);',
    to: '',
    look: schedules('delete, set of another bucket in its chunk, and get', oneSwitch),
  },
  {
    name: 'a miss that does not ask whether the bucket was split',
    file: 'src/engine/reader.js',
    from: ' && meta[shard + SHARD.bucketCount] === count;',
    to: ';',
    look: schedules('split and get', oneSwitch),
  },
  {
    name: 'a chained copy without the second look at the generation',
    file: 'src/engine/reader.js',
    from: 'this.#isChained(ref) && words[at + WORD_GENERATION] === generation;',
    to: 'this.#isChained(ref);',
    look: schedules('chained item set anew in its chunks, and get', oneSwitch),
  },
  {
    name: 'a chained copy that takes an item of one chunk for its own',
    file: 'src/engine/reader.js',
    from: 'this.#isChained(ref) && words[at + WORD_GENERATION]',
    to: 'words[at + WORD_GENERATION]',
    look: schedules('a chained item that gives way to one that looks like it', oneSwitch),
  },
  {
    name: 'a proof that does not ask for the sequence',
    file: 'src/engine/proofs.js',
    from: 'if (!this.#isUnchanged(proof))',
    to: 'if (false)',
    look: schedules('a near get and a delete', oneSwitch),
  },
  {
    name: 'a proof whose sequence was noted behind the copy',
    file: 'src/engine/proofs.js',
    from: 'return this.#isUnchanged(proof) ? proof : undefined;',
    to: 'return Object.assign(proof, { sequence: Atomics.load(proof.words, proof.at) });',
    look: schedules('a near get and a replacement', oneSwitch),
  },
  {
    name: 'a proof that forgets the deadline',
    file: 'src/engine/proofs.js',
    from: 'if (time !== 0 && this.#expiry(proof, time) !== NOT_EXPIRED)',
    to: 'if (false)',
    look: schedules('a near get and the end of a deadline', oneSwitch),
  },
  {
    name: 'a split that leaves the sequence of the old bucket as it is',
    file: 'src/engine/index-table.js',
    from: 'this.openLocked(source);',
    to: '',
    look: schedules('a near get, a split, and a change in the new bucket', oneSwitch),
  },
  {
    name: 'a replacement that keeps the old chunk',
    file: 'src/engine/writer.js',
    from: 'this.#items.releaseChunksLocked(shard, old, oldSizes);',
    to: '',
    look: schedules('set and set', oneSwitch),
  },
  {
    name: 'a commit that closes the sequences before it empties the journal',
    file: 'native-free/journal.js',
    from: 'checkpoint();\n        // The store that decides',
    to: 'checkpoint();\n        if (this.#open !== 0) this.#closeSequences(this.#open);\n        // The store that decides',
    look: schedules('a writer that dies, beside a reader', dying),
  },
  {
    name: 'a recovery that sets sequences back',
    file: 'native-free/journal.js',
    from: 'this.#closeSequences(load(this.#meta, base + OPEN_COUNT));',
    to: `for (let i = 0; i < this.#meta[base + OPEN_COUNT]; i++) {
            const address = this.#meta[base + OPEN_FIRST + i];
            const words = this.#segments[address >>> SEGMENT_SHIFT];
            if ((words[address & WORD_MASK] & 1) !== 0) store(words, address & WORD_MASK, words[address & WORD_MASK] - 1);
        }
        store(this.#meta, base + OPEN_COUNT, 0);`,
    look: schedules('a writer that dies, beside a reader', aroundDeath),
  },
  {
    name: 'a recovery that leaves sequences odd',
    file: 'native-free/journal.js',
    from: 'this.#closeSequences(load(this.#meta, base + OPEN_COUNT));',
    to: '',
    look: kills('set that replaces, in the class', ['recovery']),
  },
  {
    name: 'an undo that leaves out the last entry',
    file: 'native-free/journal.js',
    from: 'let i = load(this.#meta, base + COUNT) - 1;',
    to: 'let i = load(this.#meta, base + COUNT) - 2;',
    look: kills('set of a new key', ['takeover']),
  },
  {
    name: 'an undo in the order of the stores',
    file: 'native-free/journal.js',
    from: 'for (let i = load(this.#meta, base + COUNT) - 1; i >= 0; i--) {',
    to: 'for (let i = 0, n = load(this.#meta, base + COUNT); i < n; i++) {',
    look: kills('set that replaces, in the class', ['recovery']),
  },
  {
    name: 'a lock taken from the dead without a repair',
    file: 'src/engine/context.js',
    from: 'got !== LOCK_LEFT && ',
    to: '',
    look: kills('set of a new key', ['takeover']),
  },
  {
    name: 'a recovery that keeps the pages the dead had taken',
    file: 'src/engine/recovery.js',
    from: 'this.#pages.reclaimSpareLocked(shard);',
    to: '',
    look: kills('set in a class that has no page', ['recovery']),
  },
  {
    name: 'a recovery that only enters the shards of the dead itself',
    file: 'src/engine/recovery.js',
    from: 'if (isAtRest && load(this.#context.meta, shard + SHARD.lock) === 0)',
    to: 'if (!isHeldBy(this.#context.meta, shard + SHARD.lock, token))',
    look: kills('set that replaces a chained item by another', ['twice'], 37),
  },
  {
    name: 'a repair that forgets what a list of a user is owed',
    file: 'src/engine/recovery.js',
    from: 'if (!this.#ownership.settleLocked(shard))',
    to: 'if (false)',
    look: kills('set of a user with entries', ['takeover']),
  },
  {
    name: 'a repair that asks what is owed before the stripe is undone',
    file: 'src/engine/ownership.js',
    from: 'return this.#visit(stripes & 0xff) && this.#visit(stripes >>> 8) && this.#tryPayLocked(shard);',
    to: 'return this.#tryPayLocked(shard);',
    look: kills('delete in the middle of a list', ['recovery']),
  },
  {
    name: 'a debt to a list that is struck off behind the payment, not with it',
    file: 'src/engine/ownership.js',
    from: 'this.#table.write(shard + this.#offset + OPERATION.pending, this.#get(shard, OPERATION.pending) & ~what);',
    to: `this.#table.commit();
        this.#table.commit(); // Only for its stop, at which a death may come.
        this.#context.meta[shard + this.#offset + OPERATION.pending] = this.#get(shard, OPERATION.pending) & ~what;`,
    look: kills('set that replaces an entry of another user', ['recovery']),
  },
  {
    name: 'a page that a section let go of, given to the pool by a later section of its thread',
    file: 'src/engine/context.js',
    from: 'this.releasing = NONE;',
    to: '',
    look: kills('delete of the last of a page, of a user', ['refused']),
  },
  {
    name: 'a move that takes the links of a list from the copy of the chunk',
    file: 'src/engine/user-table.js',
    from: `const older = this.older(from);
        const younger = this.younger(from);
        this.#joinLocked(record, older, to);
        this.#joinLocked(record, to, younger);`,
    to: `const older = this.older(to);
        const younger = this.younger(to);
        this.#joinLocked(record, older, to);
        this.#joinLocked(record, to, younger);`,
    look: schedules('neighbours on a list, one of which is moved', () => oneSwitch(600)),
  },
  {
    name: 'a victim that is evicted without a look at whose it is now',
    file: 'src/engine/quota.js',
    from: 'if (!this.#table.isOf(ref, user))',
    to: 'if (false)',
    look: schedules('a victim whose chunk goes to another user', () => oneSwitch(200)),
  },
  {
    name: 'a loaded value that is stored without a look at its flight',
    file: 'src/engine/writer.js',
    from: 'return this.#flight === undefined || this.#flights.stands(this.#flight) ? STORED : LOST;',
    to: 'return STORED;',
    look: schedules('a delete of an absent key, and a load of it', () => oneSwitch(120)),
  },
  {
    name: 'a delete of an absent key that leaves its flight alone',
    file: 'src/engine/writer.js',
    from: `const hasEnded = this.#flights.endOfLocked(shard, key.hash);
        if (!this`,
    to: `const hasEnded = false;
        if (!this`,
    look: schedules('a delete of an absent key, and a load of it', () => oneSwitch(120)),
  },
  {
    name: 'a clear that leaves flights alone',
    file: 'src/engine/store.js',
    from: 'this.flights.endOfTypeLocked(shard, type);',
    to: ';',
    look: schedules('a clear and a load', () => oneSwitch(120)),
  },
  {
    name: 'a flight that can be claimed twice',
    file: 'src/engine/flights.js',
    from: 'if (!this.#isOver(this.#at)) {',
    to: 'if (false) {',
    look: schedules('two loads', () => oneSwitch(120)),
  },
  {
    name: 'a flight that ends in a transaction before that of its value',
    file: 'src/engine/writer.js',
    from: `this.#flights.endOfLocked(shard, key.hash);
        this.#index.openLocked`,
    to: `this.#flights.endOfLocked(shard, key.hash);
        this.#context.journal.commit();
        this.#index.openLocked`,
    look: kills('value for the flight of another', ['recovery']),
  },
  {
    name: 'a recovery that forgets the flights of the dead',
    file: 'src/engine/recovery.js',
    from: '|| !this.#flights.endOfOwner(slot, threadId)',
    to: '',
    look: kills('load of an absent key', ['recovery']),
  },
  {
    name: 'a recovery that forgets what streams of the dead had reserved',
    file: 'src/engine/recovery.js',
    from: 'meta[arena.owners.reserved(slot, intent)] = 0;',
    to: '',
    look: kills('stream to a new key', ['recovery']),
  },
  {
    name: 'a piece that is put behind the last one without the journal',
    file: 'src/engine/chains.js',
    from: 'journal.write(arena.segmentOf(tail), arena.wordIndex(tail) + WORD_NEXT, ref);',
    to: 'arena.wordsOf(tail)[arena.wordIndex(tail) + WORD_NEXT] = ref;',
    look: kills('stream to a new key', ['recovery']),
  },
  {
    name: 'a stream whose intent is cleared behind its publication, not with it',
    file: 'src/engine/writer.js',
    from: `this.#chains.clearIntentLocked(intent);
        this.#publishLocked(shard, key, head, flags, valueBytes, lifetime);`,
    to: `this.#publishLocked(shard, key, head, flags, valueBytes, lifetime);
        this.#chains.clearIntentLocked(intent);
        this.#context.journal.commit();`,
    look: kills('stream of whole pages', ['recovery']),
  },
  {
    name: 'a pointer that is published and stays taken',
    file: 'src/engine/references.js',
    from: 'this.#context.write(this.taken + REFERENCE.type, 0);',
    to: '',
    look: schedules('a value stored by two at once', oneSwitch),
  },
  {
    name: 'a pointer that leaves and keeps its reference',
    file: 'src/engine/items.js',
    from: 'this.#references.releaseLocked(shard, ref, sizes);',
    to: ';',
    look: schedules('two entries of a value that leave at once', oneSwitch),
  },
  {
    name: 'a reference that is given back to whatever payload has its key',
    file: 'src/engine/payloads.js',
    from: '[this.#headAt() + PAYLOAD.serial] === serial;',
    to: '[this.#headAt() + PAYLOAD.serial] !== undefined;',
    look: kills('delete of what names an evicted value that is stored anew', ['recovery']),
  },
  {
    name: 'a count that is lowered in one transaction, and the reference struck off in the next',
    file: 'src/engine/payloads.js',
    from: `this.#context.write(record + REFERENCE.type, 0);
        const count`,
    to: `const later = this.#context.leave.bind(this.#context);
        this.#context.leave = (shard) => {
            delete this.#context.leave;
            this.#context.journal.commit(); // Only for its stop, at which a death may come.
            this.#context.meta[record + REFERENCE.type] = 0;
            later(shard);
        };
        const count`,
    look: kills('delete of one of several of a value', ['recovery']),
  },
  {
    name: 'a payload that is taken and not counted',
    file: 'src/engine/payloads.js',
    from: 'this.#setCountLocked(count + 1);',
    to: '',
    look: schedules('a value stored by two at once', oneSwitch),
  },
  {
    name: 'a payload that is stored over another of its key',
    file: 'src/engine/writer.js',
    from: 'if (this.#payload !== undefined && this.#findLocked(shard, key))',
    to: 'if (false)',
    look: schedules('a value stored by two at once', oneSwitch),
  },
  {
    name: 'a recovery that forgets the references of the dead',
    file: 'src/engine/recovery.js',
    from: 'return layout.references.words === 0 || this.#payloads.settleSlot(slot);',
    to: 'return true;',
    look: kills('delete of one of several of a value', ['recovery']),
  },
  {
    name: 'a pointer that is followed only once',
    file: 'src/engine/reader.js',
    from: 'const POINTERS_MAX = 16;',
    to: 'const POINTERS_MAX = 1;',
    look: schedules('a value replaced while it is read', () => oneSwitch(80)),
  },
  {
    name: 'a pointer to nothing that is removed without a look at what it names by now',
    file: 'src/engine/payloads.js',
    from: ' && isSame(place.ref))',
    to: ')',
    look: schedules('a key set anew while its pointer to an evicted value is read', () => oneSwitch(80)),
  },
  {
    name: 'a delete that does not look at what its pointer names',
    file: 'src/engine/store.js',
    from: 'if (this.context.layout.payloadTypeOf(this.key.type) >= 0)',
    to: 'if (false)',
    look: schedules('a pointer to an evicted value that is deleted', () => oneSwitch()),
  },
  {
    name: 'an eviction that does not ask for a place on the list of releases',
    file: 'src/engine/references.js',
    from: 'if (!this.isFull(shard))',
    to: 'if (true)',
    look: kills('sweep of more pointers than may wait', ['recovery']),
  },
];

describe('planted bugs are found', () => {
  for (const plant of PLANTS) {
    it(plant.name, async () => {
      expect(await withPlant(plant, plant.look)).not.toEqual([]);
    });
  }
});
