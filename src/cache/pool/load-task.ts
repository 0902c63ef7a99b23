/**
 * How a worker loads a value: it calls the module of the type, and stores what that returns for the flight of the thread
 * that asks.
 */
import type { MessagePort } from 'node:worker_threads';
import { load as loadWord } from '#atomics';
import { LOST, STORED } from '../../engine/writer.js';
import { BusyError, ItemTooLargeError } from '../../errors.js';
import { wordsOf } from '../load-words.js';
import { importLoader } from '../loader-module.js';
import { ExchangeBuffer } from './exchange.js';
import type { LoadAnswer, LoadTask } from './tasks.js';
import { attached, failure, handOver, type WorkerSpace } from './worker.js';

/** Bytes of the words about an error that go back. */
const WORDS_BYTES_MAX = 2_048;

/** Loads a value, and stores it if its flight stands. */
export async function load(task: LoadTask): Promise<LoadAnswer> {
  const wanted = new Wanted(task.port);
  try {
    const { spaces } = await attached();
    const buffer = new ExchangeBuffer(task.memory);
    if (loadWord(buffer.recall, 0) !== 0) return { kind: 'called-off' };
    return await loadFor(spaces[task.typeId]!, task, buffer, wanted.signal);
  } catch (error) {
    return failure(error);
  } finally {
    wanted.end();
  }
}

/** The signal of a loader: aborted when the far end of the task's port closes. */
class Wanted {
  readonly #port: MessagePort;
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#controller.abort(new DOMException('nobody waits for the value', 'AbortError'));

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('close', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#port.off('close', this.#abort);
    this.#port.close();
  }
}

async function loadFor(
  space: WorkerSpace,
  task: LoadTask,
  buffer: ExchangeBuffer,
  signal: AbortSignal,
): Promise<LoadAnswer> {
  const { plan, packer } = space;
  let encoded: Uint8Array;
  try {
    const loader = await importLoader(plan.name, plan.loader!);
    const value = await loader(task.key, { signal });
    if (signal.aborted) return { kind: 'called-off' };
    if (value === undefined) return { kind: 'loaded', outcome: 'nothing', handed: undefined };
    encoded = packer.encode(value);
  } catch (error) {
    return { kind: 'threw', words: wordsOf(error, WORDS_BYTES_MAX) };
  }
  const { encodedForm: codec, version } = packer;
  const handed = handOver({ codec, version, bytes: encoded, start: 0, end: encoded.length }, buffer);
  return { kind: 'loaded', outcome: keep(space, task, encoded), handed };
}

/** Stores what the codec has made of a value, for the flight. */
function keep(
  { packer, putter }: WorkerSpace,
  { key, placement, flight }: LoadTask,
  encoded: Uint8Array,
): 'stored' | 'unstored' | 'lost' {
  if (flight === undefined) return 'unstored';
  try {
    const stored = packer.finish(encoded, packer.encodedForm, packer.version, putter.besideBytes(key, placement));
    const outcome = putter.put(key, stored, packer.form, placement, flight);
    if (outcome === STORED) return 'stored';
    return outcome === LOST ? 'lost' : 'unstored';
  } catch (error) {
    if (error instanceof ItemTooLargeError || error instanceof BusyError) return 'unstored';
    throw error;
  }
}
