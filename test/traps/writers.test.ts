/**
 * TRAPS 8, 9, 11, 12 and 14: operations cut short before each of their atomic operations. Here the thread lives on, or
 * is declared dead between two calls; test/concurrency kills real threads, and walks the interleavings (10, 18, 19).
 */
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { cutAt } from '../support/cut.js';
import { Engine } from '../support/engine.js';
import { pattern } from '../support/engines.js';
import { runModule } from '../support/process.js';

const OLD = pattern(300, 1);
const KEYS = 60;
/** More steps than any operation here has. */
const STEPS_MAX = 5_000;

interface Operation {
  readonly title: string;
  readonly act: (engine: Engine) => void;
  /** What `key 5` may be afterwards: undefined for a miss. */
  readonly outcomes: readonly (Uint8Array | undefined)[];
  /** Other keys may be gone. */
  readonly evicts?: boolean;
}

const SMALL = pattern(200, 2);
const CHAINED = pattern(30_000, 3);
const OPERATIONS: Operation[] = [
  { title: 'set, same class', act: (e) => e.set('key 5', pattern(300, 9)), outcomes: [OLD, pattern(300, 9)] },
  { title: 'set, another class', act: (e) => e.set('key 5', SMALL), outcomes: [OLD, SMALL] },
  { title: 'set with idle', act: (e) => e.set('key 5', SMALL, { idleMs: 1_000, ttlMs: 500 }), outcomes: [OLD, SMALL] },
  { title: 'set, chained', act: (e) => e.set('key 5', CHAINED), outcomes: [OLD, CHAINED] },
  { title: 'set of a new key', act: (e) => e.set('new', SMALL), outcomes: [OLD] },
  { title: 'delete', act: (e) => e.delete('key 5'), outcomes: [OLD, undefined] },
  { title: 'delete of a chained item', act: (e) => e.delete('chained'), outcomes: [OLD] },
  { title: 'get', act: (e) => e.get('key 5'), outcomes: [OLD] },
  { title: 'get of a chained item', act: (e) => e.get('chained'), outcomes: [OLD] },
  { title: 'clear', act: (e) => e.store.clear(0), outcomes: [OLD, undefined], evicts: true },
  { title: 'sweep', act: (e) => e.store.sweeper.step(64), outcomes: [OLD] },
  { title: 'a walk', act: (e) => e.keys(), outcomes: [OLD] },
  { title: 'verify', act: (e) => e.verify(), outcomes: [OLD] },
  { title: 'sets that split buckets', act: (e) => fill(e, 'more', 12, 40), outcomes: [OLD] },
];

function fill(engine: Engine, name: string, count: number, length: number): void {
  for (let i = 0; i < count; i++) engine.set(`${name} ${i}`, pattern(length, i));
}

function filled(): Engine {
  const engine = Engine.create({ capacityBytes: 1 << 20, itemBytesMax: 100_000 });
  for (let i = 0; i < KEYS; i++) engine.set(`key ${i}`, OLD);
  engine.set('chained', CHAINED);
  fill(engine, 'brief', 5, 100);
  for (let i = 0; i < 5; i++) engine.set(`brief ${i}`, SMALL, { ttlMs: 10 });
  engine.clock.advance(50);
  return engine;
}

/** Compares by bytes: expect's own equality is slow on arrays of tens of thousands. */
function isOneOf(found: Uint8Array | undefined, outcomes: readonly (Uint8Array | undefined)[]): boolean {
  return outcomes.some((outcome) =>
    outcome === undefined || found === undefined ? outcome === found : Buffer.compare(outcome, found) === 0,
  );
}

function check(engine: Engine, { outcomes, evicts }: Operation, where: string): void {
  expect(isOneOf(engine.get('key 5'), outcomes), where).toBe(true);
  for (let i = 6; i < KEYS && evicts !== true; i++) expect(isOneOf(engine.get(`key ${i}`), [OLD]), where).toBe(true);
  expect(engine.verify(), where).toEqual([]);
  expect(engine.set('key 5', SMALL), where).toBe(1);
  expect(isOneOf(engine.get('key 5'), [SMALL]), where).toBe(true);
}

describe('8: an operation abandoned by a thread that lives on', () => {
  it.each(OPERATIONS)('at any step: $title', (operation) => {
    for (let step = 0; step < STEPS_MAX; step++) {
      const engine = filled();
      if (!cutAt(step, () => operation.act(engine))) return expect(step).toBeGreaterThan(0);
      check(engine, operation, `step ${step}`);
    }
    return expect.fail('never came to its end');
  });

  it('again and again in one engine, with evictions and page moves', () => {
    const engine = filled();
    for (let step = 0; step < 400; step++) {
      cutAt(step * 3, () => fill(engine, `round ${step}`, 40, step % 2 === 0 ? 100 : 2_000));
      if (step % 10 === 0) expect(engine.verify(), `step ${step}`).toEqual([]);
    }
    expect(engine.verify()).toEqual([]);
    engine.store.clear(-1);
    expect(engine.stats()).toMatchObject({ entries: 0, bytesUsed: 0 });
  });

  it('by time-outs of vm', () => {
    const engine = filled();
    const sandbox = vm.createContext({ act: (i: number) => fill(engine, `vm ${i % 50}`, 3, 3_000) });
    let timeouts = 0;
    for (let i = 0; i < 30; i++) {
      try {
        vm.runInContext('for (let i = 0; ; i++) act(i)', sandbox, { timeout: 3 });
      } catch {
        timeouts += 1;
      }
      expect(engine.verify(), `time-out ${i}`).toEqual([]);
    }
    expect(timeouts).toBe(30);
    engine.store.clear(-1);
    expect(engine.stats()).toMatchObject({ entries: 0, bytesUsed: 0 });
  });
});

describe('9: exit handlers of a thread that abandoned an operation', () => {
  it('may call the cache: it repairs its own section, and does not wait for itself', async () => {
    const { hung, stdout, stderr } = await runModule(`
      import { createCache } from 'velocache';
      const cache = await createCache({ capacity: '8mb' });
      cache.set('key', 'old');
      process.on('exit', () => console.log(cache.get('key'), cache.set('key', 'last'), cache.verify().length));
      const { exchange } = Atomics;
      Atomics.exchange = () => { Atomics.exchange = exchange; process.exit(0); };
      cache.set('key', 'new');`);
    expect({ hung, stdout, stderr }).toEqual({ hung: false, stdout: 'new true 0\n', stderr: '' });
  });
});

describe('11, 12 and 14: recovery from a death', () => {
  it.each(OPERATIONS)('at any step, twice, and by two: $title', (operation) => {
    for (let step = 0; step < STEPS_MAX; step++) {
      const survivor = filled();
      const dying = survivor.join(7);
      if (!cutAt(step, () => operation.act(dying))) return expect(step).toBeGreaterThan(0);
      const third = survivor.join(8);
      expect(survivor.store.recovery.recoverOwner(dying.slot, 7)).toBe(true);
      expect(survivor.store.recovery.recoverOwner(dying.slot, 7)).toBe(true);
      // The chunks that the repair made free are used again; a late second repairer must not touch them.
      fill(third, 'reuse', 20, 300);
      expect(third.store.recovery.recoverOwner(dying.slot, 7)).toBe(true);
      expect(survivor.arena.owners.threadOf(dying.slot), `step ${step}`).toBe(-1);
      check(survivor, operation, `step ${step}`);
      expect(survivor.stats().deaths).toBe(1);
      survivor.store.clear(-1);
      expect(survivor.stats(), `step ${step}`).toMatchObject({ entries: 0, bytesUsed: 0, bytesPayload: 0 });
    }
    return expect.fail('never came to its end');
  });

  it.each(OPERATIONS.slice(1, 7))('by a repairer that dies too, at any of its steps: $title', (operation) => {
    for (let step = 1; step < 60; step += 7) {
      for (let repair = 0; repair < STEPS_MAX; repair++) {
        const survivor = filled();
        const [dying, repairer] = [survivor.join(7), survivor.join(8)];
        if (!cutAt(step, () => operation.act(dying))) return expect(step).toBeGreaterThan(1);
        const isCut = cutAt(repair, () => repairer.store.recovery.recoverOwner(dying.slot, 7));
        const where = `step ${step}, repair ${repair}`;
        // Each may hold a lock that the recovery of the other needs: the first round tells of both deaths.
        survivor.store.recovery.recoverOwner(repairer.slot, 8);
        survivor.store.recovery.recoverOwner(dying.slot, 7);
        expect(survivor.store.recovery.recoverOwner(repairer.slot, 8), where).toBe(true);
        expect(survivor.store.recovery.recoverOwner(dying.slot, 7), where).toBe(true);
        check(survivor, operation, where);
        if (!isCut) break;
      }
    }
    return undefined;
  });
});
