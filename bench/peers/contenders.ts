import { cacheable } from './cacheable.js';
import type { Contender } from './contender.js';
import { emptyLoop } from './empty-loop.js';
import { keyv } from './keyv.js';
import { lmdb } from './lmdb.js';
import { lruCache } from './lru-cache.js';
import { memcached } from './memcached.js';
import { nodeCache } from './node-cache.js';
import { redis } from './redis.js';
import { isOnPath } from './server.js';
import { sharedMap } from './sharedmap.js';
import { near, withoutTtl, withTtl } from './velocache.js';

export const OWN: string = withoutTtl.name;
export const OWN_TTL: string = withTtl.name;
/** Measured against it on hot objects only. */
export const NEAR: Contender = near;
export const NEAR_PEER: Contender = lruCache;
export const EMPTY: string = emptyLoop.name;

const CONTENDERS: readonly Contender[] = [
  withoutTtl,
  withTtl,
  lmdb,
  sharedMap,
  lruCache,
  nodeCache,
  keyv,
  cacheable,
  ...redis,
  ...memcached,
  emptyLoop,
];

export function contenderNamed(name: string): Contender {
  return [...CONTENDERS, near].find((contender) => contender.name === name)!;
}

/** Those with `only` in their name, with velocache and the empty loop in any case. Says which can't run here. */
export function contendersHere(only: string): Contender[] {
  const programs = [...new Set(CONTENDERS.flatMap(({ program }) => program ?? []))];
  const missing = programs.filter((program) => !isOnPath(program));
  for (const program of missing) process.stdout.write(`  left out: there is no ${program} on the PATH\n`);
  return CONTENDERS.filter(({ name, program }) => {
    if (program !== undefined && missing.includes(program)) return false;
    return name === OWN || name === EMPTY || name.includes(only);
  });
}
