import { describe, expect, it } from 'vitest';
import { PendingSets } from '../../../../src/cache/pool/pending-sets.js';

/** Notes a set under each name, 'type:key'; returns the names that have been called off. */
function pendingWith(pending: PendingSets, names: readonly string[]): string[] {
  const calledOff: string[] = [];
  for (const name of names) {
    const [type, key] = name.split(':') as [string, string];
    pending.add(Number(type), key, () => calledOff.push(name));
  }
  return calledOff;
}

describe('pending sets', () => {
  it('are overtaken by their own key and type only, and once', () => {
    const pending = new PendingSets();
    const calledOff = pendingWith(pending, ['0:a', '0:b', '1:a']);
    pending.overtake(0, 'c');
    pending.overtake(2, 'a');
    expect(calledOff).toEqual([]);
    pending.overtake(0, 'a');
    pending.overtake(0, 'a');
    expect(calledOff).toEqual(['0:a']);
  });

  it('are overtaken by the next of their key', () => {
    const calledOff = pendingWith(new PendingSets(), ['0:a', '0:a', '0:b']);
    expect(calledOff).toEqual(['0:a']);
  });

  it('are overtaken by a clearing of their type, or of all', () => {
    const pending = new PendingSets();
    const calledOff = pendingWith(pending, ['0:a', '0:b', '1:a', '2:a']);
    pending.overtakeAll(0);
    expect(calledOff).toEqual(['0:a', '0:b']);
    pending.overtakeAll(-1);
    expect(calledOff).toEqual(['0:a', '0:b', '1:a', '2:a']);
  });

  it('are forgotten when they are done; one that was overtaken takes nothing else with it', () => {
    const pending = new PendingSets();
    const calledOff: string[] = [];
    const first = (): void => void calledOff.push('first');
    const second = (): void => void calledOff.push('second');
    pending.add(0, 'key', first);
    pending.add(0, 'key', second);
    pending.remove(0, 'key', first);
    pending.overtake(0, 'key');
    expect(calledOff).toEqual(['first', 'second']);
    pending.add(0, 'key', first);
    pending.remove(0, 'key', first);
    pending.overtake(0, 'key');
    pending.overtakeAll(-1);
    expect(calledOff).toEqual(['first', 'second']);
  });
});
