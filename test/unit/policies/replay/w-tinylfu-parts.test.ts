import { describe, expect, it } from 'vitest';
import { FrequencySketch } from '../../../../src/policies/replay/frequency-sketch.js';
import { HillClimber } from '../../../../src/policies/replay/hill-climber.js';

describe('FrequencySketch', () => {
  it('counts, up to 15', () => {
    const sketch = new FrequencySketch(64, 1);
    for (let i = 0; i < 5; i++) sketch.add(3);
    for (let i = 0; i < 40; i++) sketch.add(9);
    expect([sketch.estimate(3), sketch.estimate(9), sketch.estimate(7)]).toEqual([5, 15, 0]);
  });

  it('halves all counters after ten requests for each object', () => {
    const sketch = new FrequencySketch(64, 1);
    expect(sketch.sampleSize).toBe(640);
    for (let i = 0; i < 8; i++) sketch.add(1_000);
    // Spread out, so that no counter is full and every request counts.
    for (let i = 0; i < 631; i++) sketch.add(i % 63);
    const before = sketch.estimate(1_000);
    sketch.add(5);
    expect(before).toBeGreaterThanOrEqual(8);
    expect(sketch.estimate(1_000)).toBe(before >>> 1);
  });

  it('never estimates less than was counted, and keeps that when it grows', () => {
    const sketch = new FrequencySketch(8, 1);
    const counts = Array.from({ length: 8 }, (_, id) => id + 1);
    for (const [id, count] of counts.entries()) for (let i = 0; i < count; i++) sketch.add(id);
    for (const size of [8, 9, 100, 1_000]) {
      sketch.reserve(size);
      for (const [id, count] of counts.entries()) expect(sketch.estimate(id)).toBeGreaterThanOrEqual(count);
    }
    expect(sketch.sampleSize).toBe(10_240);
  });
});

describe('HillClimber', () => {
  const SAMPLE = 100;

  /** One sample with so many hits of a hundred; the step that follows. */
  function sample(climber: HillClimber, hits: number): number {
    for (let i = 0; i < SAMPLE - 1; i++) climber.note(i < hits);
    expect(climber.climb(SAMPLE)).toBe(0);
    climber.note(false);
    return climber.climb(SAMPLE);
  }

  it('grows first, goes on while the hit ratio rises, and turns round when it falls', () => {
    const climber = new HillClimber(16_000);
    // A sixteenth; the jump from nothing to 50 % lets the next step be as large.
    expect(sample(climber, 50)).toBe(1_000);
    expect(sample(climber, 52)).toBe(1_000);
    expect(sample(climber, 53)).toBe(980);
    expect(sample(climber, 51)).toBe(-960);
    expect(sample(climber, 52)).toBe(-941);
  });

  it('starts anew with a full step when the hit ratio jumps', () => {
    const climber = new HillClimber(16_000);
    for (const hits of [50, 51, 52, 53]) sample(climber, hits);
    expect(sample(climber, 20)).toBe(-941);
    expect(sample(climber, 21)).toBe(-1_000);
  });
});
