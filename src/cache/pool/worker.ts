/**
 * What a worker of a pool does. It attaches to the cache with its first task, as a thread like any other, and detaches when
 * told to leave, so that its end is no death.
 */
import { workerData } from 'node:worker_threads';
import { load } from '#atomics';
import { copyBytes } from '../../../native-free/index.js';
import type { Opened, Packer } from '../../codecs/packer.js';
import { READ_VALUE } from '../../engine/reader.js';
import { BusyError, ClosedError, CodecError, ItemTooLargeError } from '../../errors.js';
import type { Cache } from '../cache.js';
import { attachPoolWorker } from '../create.js';
import type { AttachFunctions } from '../functions.js';
import type { SpaceSetup } from '../key-space.js';
import type { Member } from '../member.js';
import type { TypePlan } from '../plan.js';
import { beginKey, Putter } from '../putter.js';
import { ExchangeBuffer } from './exchange.js';
import type { Failure, Handed, PoolWorkerData, ReadAnswer, ReadTask, StoreAnswer, StoreTask } from './tasks.js';

/** What a worker has of a type. */
export interface WorkerSpace {
  readonly member: Member;
  readonly plan: TypePlan;
  readonly packer: Packer;
  readonly putter: Putter;
}

interface Attached {
  readonly cache: Cache<unknown>;
  readonly spaces: readonly WorkerSpace[];
}

let attaching: Promise<Attached> | undefined;

async function attach(): Promise<Attached> {
  const { handle, module } = workerData as PoolWorkerData;
  const functions = module === undefined ? undefined : await functionsOf(module);
  const { cache, setups } = attachPoolWorker(handle, functions);
  const spaces = setups.map((setup: SpaceSetup) => ({ ...setup, putter: new Putter(setup, undefined) }));
  return { cache, spaces };
}

async function functionsOf(module: string): Promise<AttachFunctions> {
  const { default: functions } = (await import(module)) as { default?: AttachFunctions };
  if (typeof functions !== 'object' || functions === null)
    throw new TypeError(`${module} has no default export of functions`);
  return functions;
}

/** Attaches this worker, unless it is. */
export async function attached(): Promise<Attached> {
  attaching ??= attach();
  try {
    return await attaching;
  } catch (error) {
    attaching = undefined;
    throw error;
  }
}

/** Stores the bytes of a task, unless it has been called off. */
export async function store({
  memory,
  typeId,
  key,
  length,
  form,
  version,
  placement,
}: StoreTask): Promise<StoreAnswer> {
  try {
    const { spaces } = await attached();
    const { packer, putter } = spaces[typeId]!;
    const { bytes, recall } = new ExchangeBuffer(memory);
    if (load(recall, 0) !== 0) return { kind: 'called-off' };
    const startMs = performance.now();
    const stored = packer.finish(bytes.subarray(0, length), form, version, putter.besideBytes(key, placement));
    const outcome = putter.put(key, stored, packer.form, placement, undefined, recall);
    return { kind: 'stored', outcome, ns: nsSince(startMs) };
  } catch (error) {
    return failure(error);
  }
}

/** Reads an entry, as a `get` does, down to the bytes of its codec. */
export async function read({ memory, typeId, key, newest }: ReadTask): Promise<ReadAnswer> {
  try {
    const { spaces } = await attached();
    const { member, packer } = spaces[typeId]!;
    const buffer = new ExchangeBuffer(memory);
    if (load(buffer.recall, 0) !== 0) return { kind: 'called-off' };
    const startMs = performance.now();
    beginKey(member, key, typeId);
    const { reader } = member.store;
    if (!reader.read(member.store.key, READ_VALUE, true))
      return { kind: 'read', found: undefined, ns: nsSince(startMs) };
    const { landing, length, form, payloadBytes } = reader;
    const opened = packer.open(form, landing.bytes, landing.start, landing.start + length, newest);
    const ns = nsSince(startMs);
    return { kind: 'read', found: { ...handOver(opened, buffer), payloadBytes }, ns };
  } catch (error) {
    return failure(error);
  }
}

/** Puts the codec's bytes into the buffer that was given, or into one that has room for them. */
export function handOver(opened: Opened, given: ExchangeBuffer): Handed {
  const { codec, version, bytes, start, end } = opened;
  const body = bytes.subarray(start, end);
  const isRoomy = body.length <= given.bytes.length;
  const buffer = isRoomy ? given : ExchangeBuffer.create(body.length);
  copyBytes(buffer.bytes, 0, body);
  return { codec, version, length: body.length, memory: isRoomy ? undefined : buffer.memory };
}

/** Detaches from the cache; a later task would attach again. */
export async function leave(): Promise<void> {
  const leaving = attaching;
  attaching = undefined;
  await leaving?.then(({ cache }) => cache.close());
}

/** The answer to a task that could not be done. */
export function failure(error: unknown): Failure {
  if (error instanceof BusyError) return { kind: 'busy' };
  if (error instanceof ClosedError) return { kind: 'closed' };
  if (error instanceof ItemTooLargeError) return { kind: 'too-large', itemBytes: error.itemBytes };
  if (error instanceof CodecError) return { kind: 'unreadable', message: error.message };
  return { kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function nsSince(startMs: number): number {
  return (performance.now() - startMs) * 1e6;
}
