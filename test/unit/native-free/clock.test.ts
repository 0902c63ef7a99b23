/** Ticks of 10 ms that wrap after 497 days; the shared tick decides far from a deadline, the machine near it. */
import { describe, expect, it } from 'vitest';
import {
  ClockError,
  COARSE_TICKS_MAX,
  isBefore,
  ManualClock,
  SharedClock,
  SPAN_MS_MAX,
  spanTicks,
} from '../../../native-free/index.js';
import { watchAtomics } from '../../support/cut.js';

const DAY_MS = 86_400_000;
/** Just before the tick becomes negative, and just before it becomes 0 again. */
const WRAPS_MS = [2 ** 31 * 10, 2 ** 32 * 10];

function make(nowMs: number) {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const time = { ms: nowMs };
  const clock = new SharedClock(words, 3, () => time.ms);
  // A cache's clock counts from its creation, so the tick is never half a wrap behind.
  words[3] = (nowMs / 10 - 1) | 0;
  clock.publish();
  return { words, time, clock };
}

describe('SharedClock', () => {
  it('is not moved back by a thread that was held up between its reading and its store', () => {
    const { words, time, clock } = make(1_000);
    const ahead = new SharedClock(words, 3, () => 1_300);
    const stops: boolean[] = [];
    while (stops.at(-1) !== false) {
      words[3] = 100;
      time.ms = 1_200;
      let left = stops.length;
      let isHeldUp = false;
      const holdUp = (): void => {
        if (left-- !== 0) return;
        isHeldUp = true;
        ahead.publish();
      };
      watchAtomics(holdUp, () => clock.publish());
      expect(clock.coarse(), `held up at ${stops.length}`).toBe(isHeldUp ? 130 : 120);
      stops.push(isHeldUp);
    }
    expect(stops.length).toBeGreaterThan(2);
  });

  it('publishes its tick, and never moves it back', () => {
    const { words, time, clock } = make(1_239);
    expect([words[3], clock.coarse(), clock.precise()]).toEqual([123, 123, 123]);
    time.ms = 1_100;
    expect(clock.publish()).toBe(0);
    expect(clock.coarse()).toBe(123);
    time.ms = 1_260;
    expect(clock.publish()).toBe(3);
    expect(clock.coarse()).toBe(126);
  });

  it.each([0, 1_000, 1_003.7, ...WRAPS_MS.flatMap((wrap) => [wrap - 1_000, wrap - 1, wrap, wrap + 1_000])])(
    'from %d ms: a deadline is never early, and at most 10 ms late',
    (start) => {
      for (const span of [1, 10, 15, 999.5, 60_000, 7 * DAY_MS, SPAN_MS_MAX]) {
        const { time, clock } = make(start);
        const deadline = clock.deadline(span);
        expect(deadline).not.toBe(0);
        // Tick 0 stands for no deadline, so what falls on it, once in 497 days, falls on the next.
        const late = deadline === 1 ? 20 : 10;
        for (const [after, hasPassed] of [
          [0, false],
          [span / 2, false],
          [span - 0.01, false],
          [span + late, true],
        ] as const) {
          time.ms = start + after;
          clock.publish();
          expect(clock.hasPassed(deadline), `${span} ms, after ${after}`).toBe(hasPassed);
        }
      }
    },
  );

  it('asks the machine when the shared tick may be stale, and only then', () => {
    const { time, clock } = make(1_000);
    let asked = 0;
    const counting = new SharedClock(new Int32Array(new SharedArrayBuffer(64)), 0, () => {
      asked += 1;
      return 0;
    });
    expect(counting.hasPassed(COARSE_TICKS_MAX + 1)).toBe(false);
    expect(asked).toBe(0);
    expect(counting.hasPassed(COARSE_TICKS_MAX)).toBe(false);
    expect(asked).toBe(1);
    // A ticker that died: the tick stands still, and the deadline is seen all the same.
    const deadline = clock.deadline(900);
    time.ms = 1_900;
    expect(clock.coarse()).toBe(100);
    expect(clock.hasPassed(deadline)).toBe(true);
  });

  it('compares ticks across the wrap', () => {
    expect([isBefore(1, 2), isBefore(2, 1), isBefore(1, 1)]).toEqual([true, false, false]);
    expect([isBefore(0x7fffffff, -0x80000000), isBefore(-0x80000000, 0x7fffffff)]).toEqual([true, false]);
    expect([isBefore(-1, 0), isBefore(0, -1), isBefore(-1, 5)]).toEqual([true, false, true]);
  });

  it('spans: 248 days fit a comparison', () => {
    expect([spanTicks(1), spanTicks(10), spanTicks(11)]).toEqual([1, 1, 2]);
    expect(spanTicks(SPAN_MS_MAX)).toBeLessThan(2 ** 31 - COARSE_TICKS_MAX);
    expect(SPAN_MS_MAX).toBe(248 * DAY_MS);
  });
});

function codedError(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ClockError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('ManualClock', () => {
  it('moves when told, for all who share its buffer', () => {
    const clock = new ManualClock(500);
    const other = ManualClock.from(clock.buffer);
    clock.advance(250.5);
    expect([clock.now(), other.now(), other.shared().precise(), other.shared().coarse()]).toEqual([
      750.5, 750.5, 75, 75,
    ]);
    other.set(1_000);
    expect(clock.now()).toBe(1_000);
  });

  it('never moves back, nor to a time that is none, nor further than deadlines are told apart', () => {
    const clock = new ManualClock(500);
    const times = [499, -1, Number.NaN, Number.POSITIVE_INFINITY, '600', undefined, 500 + SPAN_MS_MAX + 1];
    for (const ms of times) expect(codedError(() => clock.set(ms as number))).toMatch(/^VELOCACHE_OPTION: nowMs is /);
    for (const ms of [-1, Number.NaN, SPAN_MS_MAX + 1, '5', undefined])
      expect(codedError(() => clock.advance(ms as number))).toMatch(/^VELOCACHE_OPTION: ms is /);
    expect(clock.now()).toBe(500);
    expect(new ManualClock().now()).toBe(0);
    clock.advance(SPAN_MS_MAX);
    clock.set(2 * SPAN_MS_MAX);
    expect(clock.now()).toBe(2 * SPAN_MS_MAX);
  });

  it('begins at any time from 0 on', () => {
    expect(new ManualClock(10 * SPAN_MS_MAX).now()).toBe(10 * SPAN_MS_MAX);
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5'])
      expect(codedError(() => new ManualClock(ms as number))).toMatch(/^VELOCACHE_OPTION: nowMs is /);
  });

  it.each([null, 16, new ArrayBuffer(16), new SharedArrayBuffer(8), { byteLength: 16 }])(
    'is not made over the buffer of something else: %o',
    (buffer) => {
      const outcome = codedError(() => ManualClock.from(buffer as unknown as SharedArrayBuffer));
      expect(outcome).toMatch(/^VELOCACHE_OPTION: buffer is .*: must be that of a ManualClock$/);
    },
  );

  it('goes past the wrap of the ticks', () => {
    const clock = new ManualClock(2 ** 32 * 10 - 5);
    const shared = clock.shared();
    const deadline = shared.deadline(100);
    clock.advance(94);
    expect([shared.hasPassed(deadline), shared.precise()]).toEqual([false, 8]);
    clock.advance(11);
    expect(shared.hasPassed(deadline)).toBe(true);
  });
});
