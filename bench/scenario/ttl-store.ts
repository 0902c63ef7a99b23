/** The server before: plain objects in a map of each thread, with a TTL and without any other limit. */
import { keyOf } from '../../src/cli/profile.js';
import type { DemoType, Keyed } from '../../src/cli/values.js';
import type { BackEnds } from './back-ends.js';
import { TIME_SCALE } from './mission.js';
import type { Answer, Store } from './store.js';
import { ttlMsOf } from './workload.js';

/** Ten minutes of the mission's time, as such caches have by default. */
const SWEEP_MS = 600_000 / TIME_SCALE;

interface Entry<V> {
  readonly value: V;
  readonly endsMs: number;
}

/** Expires on read and by a sweep, as node-cache does; what is read is handed out as it is. */
export class TtlCache<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#now() < entry.endsMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: V, ttlMs: number): void {
    this.#entries.set(key, { value, endsMs: this.#now() + ttlMs });
  }

  sweep(): void {
    const nowMs = this.#now();
    for (const [key, { endsMs }] of this.#entries) if (nowMs >= endsMs) this.#entries.delete(key);
  }
}

export class TtlStore implements Store {
  readonly #cache = new TtlCache<Keyed>(() => performance.now());
  readonly #backEnds: BackEnds;
  readonly #sweeping: NodeJS.Timeout;

  constructor(backEnds: BackEnds) {
    this.#backEnds = backEnds;
    this.#sweeping = setInterval(() => this.#cache.sweep(), SWEEP_MS);
  }

  async read(type: DemoType, thing: number): Promise<Answer> {
    const key = keyOf(type, thing);
    const found = this.#cache.get(key);
    if (found !== undefined) return { value: found, isHit: true };
    const value = await this.#backEnds.load(type, thing);
    this.#cache.set(key, value, ttlMsOf(type));
    return { value, isHit: false };
  }

  fill(type: DemoType, thing: number, ageMs: number): void {
    this.#cache.set(keyOf(type, thing), this.#backEnds.make(type, thing), ttlMsOf(type) - ageMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
  }
}
