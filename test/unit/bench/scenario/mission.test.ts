import { describe, expect, it } from 'vitest';
import { atMissionSize, GB, missionMemory, scaledMemory } from '../../../../bench/scenario/mission.js';

describe("the mission's memory", () => {
  const memory = missionMemory();

  it('is a server and its users', () => {
    expect(memory.bytesIdle / GB).toBeCloseTo(0.523, 3);
    expect(memory.bytesPerUser / 1e6).toBeCloseTo(8.082, 3);
  });

  it('has a limit that 1,000 users stay below and 1,500 exceed', () => {
    expect(memory.bytesLimit).toBeGreaterThan(8.5 * GB);
    expect(memory.bytesLimit).toBeLessThan(memory.bytesAtCrash);
    expect(memory.bytesLimit - 8.5 * GB).toBeCloseTo(memory.bytesAtCrash - memory.bytesLimit, 3);
  });

  it('is scaled by its data alone, and back', () => {
    const scaled = scaledMemory(20);
    const idle = 0.1 * GB;
    for (const users of [100, 1_500]) {
      const here = idle + scaled.bytesPerUser * users;
      expect(atMissionSize(here, idle, 20)).toBeCloseTo(idle + memory.bytesPerUser * users, -1);
    }
    expect(scaled.bytesPerUser * 1_000).toBeLessThan(scaled.bytesDataMax);
    expect(scaled.bytesPerUser * 1_500).toBeGreaterThan(scaled.bytesDataMax);
    expect(scaled.bytesCapacity).toBe((3.6 * GB) / 20);
  });
});
