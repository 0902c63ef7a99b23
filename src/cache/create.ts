/** Creating a cache, and attaching to one. */
import { randomFillSync } from 'node:crypto';
import { Arena, type ArenaIdentity, LAYOUT_VERSION, Layout } from '../../native-free/index.js';
import { MemoryError, OptionError } from '../errors.js';
import { Cache, spaceSetups } from './cache.js';
import { type AttachFunctions, checkFunctions, functionsIn, functionsOf, withoutFunctions } from './functions.js';
import { type Gauge, isGauge } from './gauge.js';
import { type CacheHandle, checkHandle } from './handle.js';
import type { SpaceSetup } from './key-space.js';
import { Member, monotonicMs } from './member.js';
import { type CacheOptions, resolveOptions } from './options.js';
import { planHash } from './plan.js';
import { TripCost } from './pool/costs.js';
import type { Offloading } from './pool/offload.js';
import { PendingSets } from './pool/pending-sets.js';
import { Pool } from './pool/pool.js';
import { attachments } from './thread-caches.js';
import { tellVitals } from './vitals.js';
import { WardenKeeper } from './warden-keeper.js';

/** Creates a cache that other threads attach to by its `handle`. Resolves when its warden thread watches. */
export async function createCache<T extends object = { default: unknown }>(
  options: CacheOptions<T>,
): Promise<Cache<T>> {
  const plan = resolveOptions(options);
  const configHash = planHash(plan);
  const arena = reserve(new Layout(plan.arena), configHash);
  const handle: CacheHandle<T> = {
    velocache: 'handle',
    layoutVersion: LAYOUT_VERSION,
    configHash,
    plan,
    buffers: arena.buffers,
    epochMs: monotonicMs(),
    clock: options.clock?.buffer,
    gauges: gaugesOf(options),
  };
  // Before the thread attaches: one that attaches without listening would be taken for dead.
  attachments();
  const member = Member.create(handle, arena);
  const keeper = new WardenKeeper(member, handle);
  const offloading = offloadingOf(handle);
  const cache = enroll(
    handle,
    spaceSetups(plan, member, functionsOf(handle, functionsIn(options)), offloading),
    async () => {
      member.endCache();
      await Promise.all([offloading.pool?.close(), keeper.ended()]);
    },
  );
  tellPressure(handle, member);
  await keeper.startFirst();
  return cache;
}

/**
 * Attaches this thread, of any depth, to the cache of a handle; attaching again gives the same object, with the functions that it has.
 * Functions that the cache was created with are to be given again; VELOCACHE_HANDLE_VERSION names one that is missing. A thread whose code
 * knows other versions of a type's values than the creator's gives those, with its migrations.
 */
export function attachCache<T>(handle: CacheHandle<T>, functions: AttachFunctions<NoInfer<T>> = {}): Cache<T> {
  checkHandle(handle);
  checkFunctions(handle, functions);
  const known = attachments().get(Arena.attach(new Layout(handle.plan.arena), handle.buffers).id);
  if (known?.member.isOpen === true) {
    functionsOf(handle, functions, false);
    known.uses += 1;
    return known.cache as Cache<T>;
  }
  const given = functionsOf(handle, functions);
  const member = Member.attach(handle);
  const keeper = new WardenKeeper(member, handle);
  const offloading = offloadingOf(handle);
  const cache = enroll(handle, spaceSetups(handle.plan, member, given, offloading), async () => {
    member.detach();
    await offloading.pool?.close();
  });
  tellPressure(handle, member);
  keeper.look();
  return cache;
}

/**
 * Attaches a worker of a pool: its cache, which has no pool of its own, and what its key spaces are made of. Without
 * `functions` it has none: it is sent nothing that needs them.
 */
export function attachPoolWorker(
  handle: CacheHandle<unknown>,
  functions: AttachFunctions<unknown> | undefined,
): { cache: Cache<unknown>; setups: readonly SpaceSetup[] } {
  if (functions !== undefined) checkFunctions(handle, functions);
  const given = functions === undefined ? withoutFunctions(handle) : functionsOf(handle, functions);
  // Before the thread attaches, as above.
  attachments();
  const member = Member.attach(handle);
  const keeper = new WardenKeeper(member, handle);
  const offloading: Offloading = { pool: undefined, plan: false, pending: new PendingSets(), trip: new TripCost() };
  const setups = spaceSetups(handle.plan, member, given, offloading);
  const cache = enroll(handle, setups, async () => member.detach());
  keeper.look();
  return { cache, setups };
}

function offloadingOf(handle: CacheHandle<unknown>): Offloading {
  const { pool: plan } = handle.plan;
  const pool = plan === false ? undefined : new Pool(handle, plan);
  return { pool, plan, pending: new PendingSets(), trip: new TripCost() };
}

function gaugesOf<T>({ pressure }: CacheOptions<T>): CacheHandle<T>['gauges'] {
  const gauges = Object.entries(pressure || {}).filter(([, source]) => isGauge(source));
  return Object.fromEntries(gauges.map(([name, gauge]) => [name, (gauge as Gauge).buffer]));
}

function reserve(layout: Layout, configHash: number): Arena {
  if (layout.pages < layout.config.shards * 4) {
    throw new OptionError('slab.pageSize', layout.config.pageBytes, 'leaves too few pages: use smaller ones');
  }
  const random = randomFillSync(new Int32Array(4));
  const identity: ArenaIdentity = { configHash, random: [random[0]!, random[1]!, random[2]!, random[3]!] };
  try {
    return Arena.create(layout, identity);
  } catch (error) {
    throw new MemoryError(layout.config.capacityBytes, error);
  }
}

/** Makes the thread's cache object; `end` runs with the last `close`. */
function enroll<T>(handle: CacheHandle<T>, setups: readonly SpaceSetup[], end: () => Promise<void>): Cache<T> {
  const { member } = setups[0]!;
  let ending: Promise<void> | undefined;
  const cache = new Cache<T>(handle, setups, async () => {
    attachment.uses -= 1;
    if (attachment.uses > 0) return;
    if (ending === undefined) {
      if (attachments().get(member.arena.id) === attachment) attachments().delete(member.arena.id);
      ending = end();
    }
    await ending;
  });
  const attachment = { member, cache, uses: 1 };
  attachments().set(member.arena.id, attachment);
  return cache;
}

/** Not of the workers of a pool: they are made to be busy, and nobody waits for their event loops. */
function tellPressure({ plan: { pressure }, epochMs }: CacheHandle<unknown>, member: Member): void {
  if (pressure !== false && (pressure.heap === true || pressure.eventLoop === true)) tellVitals(member, epochMs);
}
