/** Emptying pages: which are tried, and who goes for whom. `verify` must find nothing behind each test (engines.ts). */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Donors, PAGE_TRIES_MAX } from '../../../src/engine/donors.js';
import { PageMover } from '../../../src/engine/page-mover.js';
import { UNLIMITED } from '../../../src/policies/type-rules.js';
import { pattern, useEngines } from '../../support/engines.js';
import { slotOf } from '../../support/inside.js';

/** Four of them fill a page. */
const VALUE_BYTES = 900;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('emptying a page', () => {
  const engines = useEngines();

  it('tries others, each once, where nothing can be emptied', () => {
    const engine = engines.create({ capacityBytes: 1 << 20, pageBytes: 4_096 });
    for (let i = 0; i < 400; i++) engine.set(`k${i}`, pattern(VALUE_BYTES, i));
    const tried: number[] = [];
    vi.spyOn(PageMover.prototype, 'emptyLocked').mockImplementation((_, page) => {
      tried.push(page);
    });
    expect(engine.store.trim(1)).toBe(0);
    expect(tried.length).toBe(PAGE_TRIES_MAX);
    expect(new Set(tried).size).toBe(PAGE_TRIES_MAX);
  });

  it('takes nothing of more importance for what was used a moment ago', () => {
    const shares = [UNLIMITED, { ...UNLIMITED, importance: 0 }];
    const engine = engines.create({ capacityBytes: 1 << 20, pageBytes: 4_096, types: 2, shares });
    const [standard, optional] = [40, 4].map((count, type) => Array.from({ length: count }, (_, i) => `${type} ${i}`));
    for (const key of standard!) engine.set(key, pattern(VALUE_BYTES, 1), { type: 0 });
    for (const key of optional!) engine.set(key, pattern(VALUE_BYTES, 1), { type: 1 });
    for (const key of optional!) engine.get(key, 1);
    const page = engine.layout.pageOf(slotOf(engine, optional![0]!, 1)!.ref);
    vi.spyOn(Donors.prototype, 'pageLocked').mockReturnValueOnce(page);
    expect(engine.store.trim(1)).toBe(4_096);
    expect(standard!.filter((key) => engine.has(key, 0))).toEqual(standard);
    expect(optional!.filter((key) => engine.has(key, 1))).toEqual([]);
  });
});
