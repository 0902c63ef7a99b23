/** Engines of one test: `verify` must find nothing behind it. */
import { afterEach, expect } from 'vitest';
import { Engine, type EngineOptions } from './engine.js';

export interface Engines {
  create(options?: EngineOptions): Engine;
}

/** Call it once in a `describe`, or at the top of a file. */
export function useEngines(): Engines {
  let engines: Engine[] = [];
  afterEach(() => {
    const made = engines;
    engines = [];
    for (const engine of made) expect(engine.verify(), 'violations that verify() found').toEqual([]);
  });
  return {
    create(options?: EngineOptions): Engine {
      const engine = Engine.create(options);
      engines.push(engine);
      return engine;
    },
  };
}

/** `length` bytes that tell their seed. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (seed * 31 + i * 7) & 0xff;
  return bytes;
}
