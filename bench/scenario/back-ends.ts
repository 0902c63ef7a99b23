/** Where values come from when the cache hasn't them: after a while, as text. */
import { setTimeout as pause } from 'node:timers/promises';
import { keyOf } from '../../src/cli/profile.js';
import type { DemoType, Keyed } from '../../src/cli/values.js';
import type { Bodies } from './bodies.js';
import { LOADS } from './workload.js';

export class BackEnds {
  readonly #bodies: Bodies;

  constructor(bodies: Bodies) {
    this.#bodies = bodies;
  }

  async load(type: DemoType, thing: number): Promise<Keyed> {
    await pause(LOADS[type].backEndMs);
    return this.make(type, thing);
  }

  /** At once, for what was loaded before the measurement. */
  make(type: DemoType, thing: number): Keyed {
    const value = JSON.parse(this.#bodies.textOf(type, thing)) as Keyed;
    if (value.key !== keyOf(type, thing)) throw new Error(`the back end of ${type} answered with "${value.key}"`);
    return value;
  }
}
