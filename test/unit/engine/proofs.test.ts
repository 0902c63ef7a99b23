/** Proofs of what was read: what ends one, and that to use one leaves the same behind as to read. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../native-free/index.js';
import { ENGINE_POLICIES } from '../../../src/policies/engine-policies.js';
import { Engine } from '../../support/engine.js';

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);

describe('a proof of what was read', () => {
  it.each(ENGINE_POLICIES)('leaves the same memory behind when it is used as a read does, by %s', (policy) => {
    const [reading, proving] = [0, 1].map(() =>
      Engine.create({ policy, clock: new ManualClock(1_000), capacityBytes: 1 << 20 }),
    );
    const engines = [reading!, proving!];
    for (const engine of engines) {
      for (let i = 0; i < 400; i++)
        engine.set(`key ${i}`, bytes(100), i % 3 === 0 ? { idleMs: 60_000 } : { ttlMs: i * 100 });
    }
    const names = Array.from({ length: 400 }, (_, i) => `key ${i}`);
    for (let round = 0; round < 20; round++) {
      const proofs = names.map((name) => proving!.prove(name));
      for (const engine of engines) engine.clock.advance(round * 7);
      names.forEach((name, i) => {
        if (i % (round + 1) !== 0) return;
        const isHit = reading!.get(name) !== undefined;
        proving!.store.begin();
        expect([name, proofs[i] !== undefined && proving!.store.proofs.use(proofs[i])]).toEqual([name, isHit]);
      });
      for (const engine of engines) engine.set(`new ${round}`, bytes(60));
    }
    proving!.arena.buffers.forEach((buffer, i) => {
      expect(Buffer.compare(Buffer.from(buffer), Buffer.from(reading!.arena.buffers[i]!)), `buffer ${i}`).toBe(0);
    });
  });

  it('stands until its entry, or a neighbour of it, is changed', () => {
    const engine = Engine.create();
    engine.set('key', bytes(100));
    const changes: (() => unknown)[] = [
      () => engine.set('key', bytes(100)),
      () => engine.delete('key'),
      () => engine.store.clear(0),
      () => engine.rewrite(engine.copy('key')!, bytes(50)),
    ];
    for (const change of changes) {
      engine.set('key', bytes(100));
      const proof = engine.prove('key')!;
      expect([engine.store.proofs.use(proof), engine.store.proofs.use(proof)]).toEqual([true, true]);
      change();
      expect(engine.store.proofs.use(proof)).toBe(false);
    }
  });

  it('says nothing while a writer is at work, and of what was read under a lock', () => {
    const engine = Engine.create();
    engine.set('key', bytes(100));
    const proof = engine.prove('key')!;
    const { words, at, sequence } = proof;
    words[at] = sequence + 1;
    expect(engine.store.proofs.use(proof)).toBe(false);
    expect(engine.prove('key')).toBeUndefined();
    words[at] = sequence;
    expect([engine.store.proofs.use(proof), engine.prove('key') !== undefined]).toEqual([true, true]);
  });

  it('ends with the deadline or the idle time of its entry, which its use renews', () => {
    const engine = Engine.create();
    engine.set('brief', bytes(10), { ttlMs: 100 });
    engine.set('idle', bytes(10), { idleMs: 100 });
    const [brief, idle] = [engine.prove('brief')!, engine.prove('idle')!];
    const { proofs } = engine.store;
    for (let i = 0; i < 9; i++) {
      engine.clock.advance(10);
      expect([proofs.use(brief), proofs.use(idle)]).toEqual([true, true]);
    }
    engine.clock.advance(10);
    expect([proofs.use(brief), proofs.use(idle)]).toEqual([false, true]);
    engine.clock.advance(100);
    expect([proofs.use(idle), engine.has('idle')]).toEqual([true, true]);
    engine.clock.advance(110);
    expect([proofs.use(idle), engine.has('idle')]).toEqual([false, false]);
  });

  it('of an idle time sees that others have read the entry', () => {
    const engine = Engine.create();
    const other = engine.join(1);
    engine.set('idle', bytes(10), { idleMs: 100 });
    const proof = engine.prove('idle')!;
    for (let i = 0; i < 5; i++) {
      engine.clock.advance(80);
      expect(other.get('idle')).toBeDefined();
    }
    expect(engine.store.proofs.use(proof)).toBe(true);
  });

  it('may be asked quickly within 100 ms of a use, with an idle time within its tick, and not within a second of the end', () => {
    const quickTicks = (options: { ttlMs?: number; idleMs?: number }, laterMs = 0): number => {
      const engine = Engine.create();
      engine.set('key', bytes(10), options);
      engine.clock.advance(laterMs);
      const proof = engine.prove('key')!;
      const before = proof.quickUntil - proof.tick;
      expect([before, engine.store.proofs.use(proof)]).toEqual([0, true]);
      return proof.quickUntil - proof.tick;
    };
    expect(quickTicks({})).toBe(10);
    expect([quickTicks({ ttlMs: 60_000 }), quickTicks({ ttlMs: 60_000 }, 58_950)]).toEqual([10, 5]);
    expect([quickTicks({ ttlMs: 60_000 }, 59_000), quickTicks({ ttlMs: 500 })]).toEqual([0, 0]);
    expect([quickTicks({ idleMs: 60_000 }), quickTicks({ idleMs: 500 })]).toEqual([1, 0]);
    expect([quickTicks({ idleMs: 60_000, ttlMs: 60_000 }), quickTicks({ idleMs: 60_000, ttlMs: 900 })]).toEqual([1, 0]);
  });

  it('proves nothing half a turn of the clock later, when its age looks like a time to come', () => {
    const engine = Engine.create();
    engine.set('key', bytes(10));
    const proof = engine.prove('key')!;
    expect(engine.store.proofs.use(proof)).toBe(true);
    for (let half = 0; half < 2; half++) engine.clock.advance(2 ** 30 * 10 + 2_500);
    expect([engine.has('key'), engine.store.proofs.use(proof)]).toEqual([true, false]);
  });

  it('proves nothing once it was not asked for a minute: the sequence may have come round', () => {
    const engine = Engine.create();
    engine.set('key', bytes(10));
    const proof = engine.prove('key')!;
    for (let i = 0; i < 3; i++) {
      engine.clock.advance(60_000);
      expect(engine.store.proofs.use(proof)).toBe(true);
    }
    engine.clock.advance(60_010);
    // As it stands behind 2^31 changes.
    expect(proof.words[proof.at]).toBe(proof.sequence);
    expect(engine.store.proofs.use(proof)).toBe(false);
  });
});
