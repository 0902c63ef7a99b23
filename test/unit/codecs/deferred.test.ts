/** A property that is read when it is first asked for, against a plain data property. */
import { deepStrictEqual } from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { defer } from '../../../src/codecs/deferred.js';

function deferred(value: unknown = [1, 2]): { owner: Record<string, unknown>; reads: () => number } {
  const owner: Record<string, unknown> = { a: 1, heavy: null, z: 2 };
  let reads = 0;
  defer(owner, 'heavy', () => {
    reads += 1;
    return value;
  });
  return { owner, reads: () => reads };
}

const PLAIN = { a: 1, heavy: [1, 2], z: 2 };
const DATA = { writable: true, enumerable: true, configurable: true };

describe('a deferred property', () => {
  it('is read once, when it is first asked for, and is a plain one from then on', () => {
    const { owner, reads } = deferred();
    expect([Object.keys(owner), reads(), 'get' in Object.getOwnPropertyDescriptor(owner, 'heavy')!]).toEqual([
      ['a', 'heavy', 'z'],
      0,
      true,
    ]);
    const first = owner['heavy'];
    expect([first, owner['heavy'] === first, reads()]).toEqual([[1, 2], true, 1]);
    expect(Object.getOwnPropertyDescriptor(owner, 'heavy')).toEqual({ value: first, ...DATA });
    expect(Object.keys(owner)).toEqual(['a', 'heavy', 'z']);
  });

  it.each<[string, (owner: Record<string, unknown>) => unknown]>([
    ['JSON', (owner) => JSON.parse(JSON.stringify(owner))],
    ['structuredClone', (owner) => structuredClone(owner)],
    ['a spread', (owner) => ({ ...owner })],
    ['Object.assign', (owner) => Object.assign({}, owner)],
    ['entries', (owner) => Object.fromEntries(Object.entries(owner))],
    ['the object itself', (owner) => owner],
  ])('%s sees the value', (_, copy) => {
    const { owner, reads } = deferred();
    deepStrictEqual(copy(owner), PLAIN);
    expect(reads()).toBe(1);
  });

  it('written to or deleted, never reads', () => {
    const { owner, reads } = deferred();
    owner['heavy'] = 'mine';
    expect(Object.getOwnPropertyDescriptor(owner, 'heavy')).toEqual({ value: 'mine', ...DATA });
    const other = deferred();
    const { get } = Object.getOwnPropertyDescriptor(other.owner, 'heavy')!;
    delete other.owner['heavy'];
    expect([Object.keys(other.owner), reads(), other.reads()]).toEqual([['a', 'z'], 0, 0]);
    // A getter that somebody has kept brings nothing back.
    expect([get!.call(other.owner), Object.hasOwn(other.owner, 'heavy')]).toEqual([[1, 2], false]);
  });

  it('works behind a Proxy, by inheritance, and in a copy by descriptors', () => {
    const proxied = deferred();
    const proxy = new Proxy(proxied.owner, {});
    expect([proxy['heavy'], proxy['heavy'], proxied.reads()]).toEqual([[1, 2], [1, 2], 1]);
    const { owner, reads } = deferred();
    const child = Object.create(owner) as Record<string, unknown>;
    expect([child['heavy'], Object.hasOwn(child, 'heavy'), reads()]).toEqual([[1, 2], false, 1]);
    const parent = deferred().owner;
    const heir = Object.create(parent) as Record<string, unknown>;
    heir['heavy'] = 'own';
    expect([heir['heavy'], Object.hasOwn(heir, 'heavy'), parent['heavy']]).toEqual(['own', true, [1, 2]]);
    const copied = deferred();
    const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(copied.owner)) as typeof owner;
    expect([copy['heavy'], copy['heavy'], copied.reads()]).toEqual([[1, 2], [1, 2], 1]);
  });

  it('written to through a Proxy', () => {
    const { owner, reads } = deferred();
    new Proxy(owner, {})['heavy'] = 3;
    expect([owner['heavy'], reads()]).toEqual([3, 0]);
  });

  it('in a frozen object is read all the same, once, and not written to', () => {
    const { owner, reads } = deferred();
    Object.freeze(owner);
    expect([owner['heavy'], owner['heavy'], reads()]).toEqual([[1, 2], [1, 2], 1]);
    expect(() => {
      owner['heavy'] = 1;
    }).toThrow(TypeError);
    expect(owner['heavy']).toEqual([1, 2]);
  });

  it('in a sealed object is read and written to', () => {
    const { owner, reads } = deferred();
    Object.seal(owner);
    owner['heavy'] = 1;
    expect([owner['heavy'], reads()]).toEqual([1, 0]);
  });

  it('throws what the read throws, each time', () => {
    const owner: Record<string, unknown> = { heavy: null };
    let reads = 0;
    defer(owner, 'heavy', () => {
      reads += 1;
      throw new RangeError('no');
    });
    expect(() => owner['heavy']).toThrow(RangeError);
    expect(() => owner['heavy']).toThrow(RangeError);
    expect(reads).toBe(2);
    owner['heavy'] = 5;
    expect(owner['heavy']).toBe(5);
  });
});
