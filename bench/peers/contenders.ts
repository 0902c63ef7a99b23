import type { Contender } from './contender.js';
import { emptyLoop } from './empty-loop.js';
import { lmdb } from './lmdb.js';
import { lruCache } from './lru-cache.js';
import { redis } from './redis.js';
import { sharedMap } from './sharedmap.js';
import { withoutTtl, withTtl } from './velocache.js';

export const CONTENDERS: readonly Contender[] = [withoutTtl, withTtl, lmdb, lruCache, sharedMap, redis, emptyLoop];

export function contenderNamed(name: string): Contender {
  return CONTENDERS.find((contender) => contender.name === name)!;
}
