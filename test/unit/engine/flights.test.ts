/** The table of loads in flight, as one thread and as several engines of one arena see it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLIGHT, OUTCOME_TEXT_MAX, SHARD } from '../../../native-free/index.js';
import { CONDITION_BROKEN } from '../../../src/engine/context.js';
import {
  CLAIMED,
  type Claim,
  ENDED,
  FAILED,
  JOINED,
  NOT_STORED,
  NOTHING,
  OWN,
  TAKEN_OVER,
  UNCLAIMED,
} from '../../../src/engine/flights.js';
import { LOST, NO_ROOM, STORED } from '../../../src/engine/writer.js';
import type { Engine } from '../../support/engine.js';
import { pattern, useEngines } from '../../support/engines.js';

const LEASE_MS = 1_000;
const FOREVER = { deadline: 0, idleTicks: 0 };

function claim(engine: Engine, key: string, type = 0): Claim {
  engine.store.begin();
  engine.store.key.prepare(key, type);
  return engine.store.flights.claim(engine.store.key, engine.clock.shared().deadline(LEASE_MS));
}

function publish(engine: Engine, key: string, { flight }: Claim, bytes = 100): number {
  engine.store.begin();
  engine.store.key.prepare(key, 0);
  return engine.store.set(pattern(bytes, 1), 0, FOREVER, false, flight);
}

function flightsIn(engine: Engine, key: string): number {
  return engine.meta[engine.shardOf(key) + SHARD.flights]!;
}

describe('flights', () => {
  const engines = useEngines();

  it('one thread has a flight, others join it, until its value is stored', () => {
    const one = engines.create();
    const two = one.join(2);
    const own = claim(one, 'key');
    expect(own.outcome).toBe(CLAIMED);
    expect(claim(one, 'key')).toEqual({ ...own, outcome: OWN });
    expect(one.store.flights.isAwaited(own.flight)).toBe(false);
    const joined = claim(two, 'key');
    expect(joined).toEqual({ ...own, outcome: JOINED });
    expect(one.store.flights.isAwaited(own.flight)).toBe(true);
    expect(two.store.flights.isUnderWay(joined.flight)).toBe(true);
    expect(publish(one, 'key', own)).toBe(STORED);
    expect(one.store.flights.takeEnded()).toEqual([two.slot]);
    expect(two.store.flights.stands(joined.flight)).toBe(false);
    expect(two.store.flights.outcomeOf(joined.flight)).toBeUndefined();
    expect(two.get('key')).toEqual(pattern(100, 1));
    expect(publish(one, 'key', own, 50), 'the same flight again').toBe(LOST);
    expect(flightsIn(one, 'key')).toBe(0);
  });

  it.each([100, 30_000])(
    'a value of %d bytes may be stored for it by another thread, as long as it stands',
    (bytes) => {
      const one = engines.create();
      const [worker, waiter] = [one.join(2), one.join(3)];
      const own = claim(one, 'key');
      claim(waiter, 'key');
      expect(publish(worker, 'key', own, bytes)).toBe(STORED);
      expect(worker.store.flights.takeEnded()).toEqual([waiter.slot]);
      expect([one.store.flights.stands(own.flight), flightsIn(one, 'key')]).toEqual([false, 0]);
      expect(one.get('key')).toEqual(pattern(bytes, 1));
      const next = claim(one, 'key');
      expect(one.store.flights.endOfOwner(one.slot, one.threadId)).toBe(true);
      expect(publish(worker, 'key', next, 50), 'behind the end of its thread').toBe(LOST);
      expect(claim(waiter, 'key').outcome).toBe(CLAIMED);
      expect(publish(worker, 'key', next, 50), 'behind the claim of another').toBe(LOST);
      expect(one.get('key')).toEqual(pattern(bytes, 1));
    },
  );

  it.each([100, 30_000])('set, delete and clear end a flight: a value of %d bytes is not stored', (bytes) => {
    const one = engines.create({ types: 2 });
    const two = one.join(2);
    const changes: [() => void, boolean][] = [
      [() => two.set('key', pattern(10, 2)), true],
      [() => two.delete('key'), false],
      [() => two.delete('key'), false],
      [() => two.store.clear(0), false],
      [() => two.store.clear(-1), false],
    ];
    for (const [change, isThere] of changes) {
      const own = claim(one, 'key');
      expect(own.outcome).toBe(CLAIMED);
      change();
      expect(one.store.flights.stands(own.flight)).toBe(false);
      expect(publish(one, 'key', own, bytes)).toBe(LOST);
      expect(one.get('key')).toEqual(isThere ? pattern(10, 2) : undefined);
    }
    const own = claim(one, 'key');
    two.store.clear(1);
    two.set('key', pattern(10, 2), { type: 1 });
    two.delete('other');
    expect(publish(one, 'key', own, bytes), 'behind changes of others').toBe(STORED);
  });

  it('a value without room leaves its flight to be ended; the flight that is lost leaves the entry', () => {
    const one = engines.create();
    const own = claim(one, 'key');
    one.store.key.prepare('key', 0);
    expect(one.store.refuse(10, 0, own.flight)).toBe(NO_ROOM);
    expect(one.store.flights.stands(own.flight)).toBe(true);
    one.set('key', pattern(10, 1));
    one.store.key.prepare('key', 0);
    expect(one.store.refuse(10, 0, own.flight)).toBe(LOST);
    expect(one.get('key')).toEqual(pattern(10, 1));
  });

  it('tells those who wait how a flight ended, for the last sixteen of a shard', () => {
    const one = engines.create();
    const two = one.join(2);
    const flights = Array.from({ length: 17 }, (_, i) => {
      const { flight } = claim(one, `key ${i}`);
      claim(two, `key ${i}`);
      const kind = [FAILED, NOTHING, NOT_STORED][i % 3]!;
      expect(one.store.flights.end(flight, kind, pattern(i * 20, i))).toBe(true);
      return { flight, kind, text: pattern(Math.min(i * 20, OUTCOME_TEXT_MAX), i) };
    });
    expect(two.store.flights.outcomeOf(flights[0]!.flight)).toBeUndefined();
    for (const { flight, kind, text } of flights.slice(1)) {
      expect(two.store.flights.outcomeOf(flight)).toEqual({ kind, text });
    }
  });

  it('writes no outcome that nobody waits for', () => {
    const one = engines.create();
    const alone = claim(one, 'alone');
    one.store.flights.end(alone.flight, FAILED, pattern(10, 1));
    expect(one.store.flights.outcomeOf(alone.flight)).toBeUndefined();
    expect(one.store.flights.end(alone.flight, ENDED)).toBe(false);
  });

  it('ends when nobody waits any more, and tells its owner so', () => {
    const one = engines.create();
    const two = one.join(2);
    const { flight } = claim(one, 'key');
    claim(two, 'key');
    expect(one.store.flights.endUnawaited(flight)).toBe(false);
    two.store.flights.leave(flight);
    expect(two.store.flights.takeEnded()).toEqual([one.slot]);
    expect(one.store.flights.endUnawaited(flight)).toBe(true);
    expect(one.store.flights.stands(flight)).toBe(false);
    expect(one.store.flights.endUnawaited(flight), 'once more').toBe(true);
  });

  it('is taken over when its lease is over, by one; the late value is lost', () => {
    const one = engines.create();
    const two = one.join(2);
    const three = one.join(3);
    const late = claim(one, 'key');
    claim(three, 'key');
    one.clock.advance(LEASE_MS);
    expect(three.store.flights.isUnderWay(late.flight)).toBe(false);
    const taken = claim(two, 'key');
    expect(taken.outcome).toBe(TAKEN_OVER);
    expect(taken.flight).toMatchObject({ at: late.flight.at });
    expect(taken.flight.number).not.toBe(late.flight.number);
    expect(two.store.flights.takeEnded()).toEqual([three.slot]);
    expect(claim(three, 'key').outcome).toBe(JOINED);
    expect(publish(one, 'key', late)).toBe(LOST);
    expect(publish(two, 'key', taken)).toBe(STORED);
  });

  it('of a dead thread goes with the recovery, as does its waiting for others', () => {
    const one = engines.create({ shards: 4 });
    const two = one.join(2);
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
    for (const key of keys.slice(0, 10)) expect(claim(two, key).outcome).toBe(CLAIMED);
    const own = keys.slice(10).map((key) => claim(one, key));
    for (const key of keys.slice(10)) expect(claim(two, key).outcome).toBe(JOINED);
    for (const key of keys.slice(0, 10)) expect(claim(one, key).outcome).toBe(JOINED);
    one.arena.owners.markDead(two.slot, 2);
    expect(claim(one, keys[0]!).outcome, 'before the recovery').toBe(TAKEN_OVER);
    expect(one.store.recovery.recoverOwner(two.slot, 2)).toBe(true);
    expect(one.store.flights.takeEnded()).toContain(one.slot);
    for (const { flight } of own) expect(one.store.flights.isAwaited(flight)).toBe(false);
    for (const key of keys.slice(1, 10)) expect(claim(one, key).outcome).toBe(CLAIMED);
    for (const key of keys) one.delete(key);
  });

  it('has eight places for a hash; those that are over are given away', () => {
    const one = engines.create({ flights: 8 });
    const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`);
    const outcomes = keys.map((key) => claim(one, key).outcome);
    expect(outcomes).toEqual([...Array(8).fill(CLAIMED), UNCLAIMED, UNCLAIMED]);
    one.delete(keys[3]!);
    expect(claim(one, keys[8]!).outcome).toBe(CLAIMED);
    one.clock.advance(LEASE_MS);
    expect(claim(one, keys[9]!).outcome).toBe(CLAIMED);
    expect(flightsIn(one, 'key 0')).toBe(8);
  });

  it('there are none without room for them', () => {
    const one = engines.create({ flights: 0 });
    expect(claim(one, 'key').outcome).toBe(UNCLAIMED);
    expect(one.set('key', pattern(10, 1))).toBe(STORED);
    expect(one.delete('key')).toBe(true);
    one.store.clear(-1);
  });

  it('an emptied shard forgets its flights', () => {
    const one = engines.create();
    one.set('key', pattern(10, 1));
    const own = claim(one, 'flying');
    one.meta[own.flight.shard + SHARD.condition] = CONDITION_BROKEN;
    one.set('another', pattern(10, 1));
    expect(one.stats().shardsEmptied).toBe(1);
    expect(publish(one, 'flying', own)).toBe(LOST);
    expect(one.verify()).toEqual([]);
  });

  it('verify() finds a table that does not add up', () => {
    const one = engines.create({ types: 2 });
    const { flight } = claim(one, 'key');
    const damages: [number, number, RegExp][] = [
      [flight.shard + SHARD.flights, 2, /1 flights, counted 2/],
      [flight.at + FLIGHT.hash, one.hashOf('key') ^ 0x00ff0000, /not in a place of its hash/],
      [flight.at + FLIGHT.type, 7, /has type 7/],
      [flight.at + FLIGHT.owner, one.store.context.token + 512, /of a thread that is not attached/],
    ];
    for (const [word, value, sentence] of damages) {
      const before = one.meta[word]!;
      one.meta[word] = value;
      expect(one.verify().join()).toMatch(sentence);
      one.meta[word] = before;
    }
    expect(one.verify()).toEqual([]);
  });

  it('property: one flight for a key, and a value is stored only if nothing came between', () => {
    const engine = engines.create({ shards: 2, flights: 16 });
    const threads = [engine, engine.join(2), engine.join(3)];
    const key = fc.integer({ min: 0, max: 2 }).map((n) => `key ${n}`);
    const thread = fc.integer({ min: 0, max: 2 });
    const step = fc.tuple(fc.constantFrom('claim', 'publish', 'set', 'delete', 'end', 'clear'), thread, key);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        engine.store.clear(-1);
        const holders = new Map<string, number>();
        const claims = new Map<string, Claim>();
        for (const [what, t, name] of steps) {
          const mine = `${t} ${name}`;
          const isHolder = holders.get(name) === t;
          if (what === 'claim') {
            const result = claim(threads[t]!, name);
            const expected = !holders.has(name) ? CLAIMED : isHolder ? OWN : JOINED;
            expect(result.outcome).toBe(expected);
            if (expected !== CLAIMED) continue;
            holders.set(name, t);
            claims.set(mine, result);
          } else if (what === 'publish') {
            const known = claims.get(mine);
            if (known === undefined) continue;
            expect(publish(threads[t]!, name, known)).toBe(isHolder ? STORED : LOST);
            if (isHolder) holders.delete(name);
          } else if (what === 'end') {
            const known = claims.get(mine);
            if (known === undefined) continue;
            expect(threads[t]!.store.flights.end(known.flight, FAILED)).toBe(isHolder);
            if (isHolder) holders.delete(name);
          } else if (what === 'clear') {
            threads[t]!.store.clear(0);
            holders.clear();
          } else {
            if (what === 'set') threads[t]!.set(name, pattern(20, t));
            else threads[t]!.delete(name);
            holders.delete(name);
          }
        }
        expect(engine.verify()).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
