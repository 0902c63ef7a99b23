/** lmdb with its own defaults, but for `noSync`, which spares it the disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contender, Lane, Prepared, Setup } from './contender.js';
import { byteOf, bytesOf, objectOf, poolOf, type RiderObject, scoreOf } from './values.js';

/** Puts that are awaited together: lmdb gathers them into transactions. */
const PUTS = 1_000;

async function open(setup: Setup, keys: readonly string[], share: unknown): Promise<Lane> {
  // Only the lanes that need it load its native addon.
  const lmdb = await import('lmdb');
  const encoding = setup.kind === 'bytes' ? 'binary' : 'msgpack';
  const db = lmdb.open<unknown, string>({ path: share as string, encoding, noSync: true, mapSize: 4 * 2 ** 30 });
  const value: (item: number) => unknown = poolOf<unknown>(
    setup.kind === 'bytes'
      ? (item) => Buffer.from(bytesOf(item, setup.valueBytes))
      : (item) => objectOf(item, setup.valueBytes),
  );
  const set = async (items: readonly number[]): Promise<number[]> => {
    const done = await Promise.all(items.map((item) => db.put(keys[item]!, value(item))));
    return items.filter((_, i) => !done[i]);
  };
  const get =
    setup.kind === 'bytes'
      ? (item: number): number => byteOf(db.getBinary(keys[item]!), item)
      : (item: number): number => scoreOf(db.get(keys[item]!) as RiderObject | undefined);
  return { get: { one: get }, set: { many: set, batch: PUTS } };
}

export const lmdb: Contender = {
  name: 'lmdb',
  async prepare(): Promise<Prepared> {
    const folder = await mkdtemp(join(tmpdir(), 'velocache-bench-'));
    return { share: join(folder, 'db'), close: () => rm(folder, { recursive: true, force: true }) };
  },
  open,
};
