/**
 * Loads by the module of a type. The thread that asks has the flight; a worker of its pool calls the module, and packs and
 * stores the value for that flight. The codec's bytes come back beside, so that the call that began the load has its value
 * though it was not stored, or is gone again. A port goes along: its closing is what aborts the loader's signal.
 */
import { MessageChannel } from 'node:worker_threads';
import type { Opened } from '../../codecs/packer.js';
import { GLOBAL_COUNTER } from '../../engine/causes.js';
import type { Flight } from '../../engine/flights.js';
import { WorkerError } from '../../errors.js';
import { errorFrom } from '../load-words.js';
import { type Bring, type Landed, LoadFailure } from '../loads.js';
import type { Placement } from '../putter.js';
import { Errand } from './errand.js';
import type { ExchangeBuffer } from './exchange.js';
import type { Cargo, Offload } from './offload.js';
import type { Pool } from './pool.js';
import type { LoadAnswer } from './tasks.js';

export interface PoolShelf<V> {
  readonly typeId: number;
  readonly offload: Offload;
  readonly pool: Pool;
  /** The value of a codec's bytes, of this thread's version; counts as no hit. */
  readonly value: (key: string, opened: Opened) => V | undefined;
  readonly count: (counter: number) => void;
}

type Answer = Extract<LoadAnswer, { readonly kind: 'loaded' | 'threw' }>;

export class PoolLoads<V> {
  readonly #shelf: PoolShelf<V>;

  constructor(shelf: PoolShelf<V>) {
    this.#shelf = shelf;
  }

  /** A load of the key, whose value is stored as `place` says; that may run the user's code, when the load begins. */
  bring(key: string, place: () => Placement): Bring<V> {
    return async (flight, signal) => {
      try {
        // Without an answer it was called off, which nobody is left to hear of.
        return (await this.#send(key, place(), flight, signal)) ?? { kind: 'lost', value: undefined };
      } catch (error) {
        this.#shelf.count(GLOBAL_COUNTER.loadFailures);
        throw error instanceof WorkerError ? LoadFailure.untold(error) : error;
      }
    };
  }

  async #send(
    key: string,
    placement: Placement,
    flight: Flight | undefined,
    signal: AbortSignal,
  ): Promise<Landed<V> | undefined> {
    const { offload, pool, typeId } = this.#shelf;
    const errand = new Errand(signal);
    const { port1, port2: port } = new MessageChannel();
    const pack = (): Cargo<'load'> => {
      const buffer = pool.buffers.acquire(0);
      errand.onCallOff = () => port1.close();
      return { buffer, task: { memory: buffer.memory, typeId, key, placement, flight, port }, parts: [port] };
    };
    try {
      return await offload.send(pool, errand, 'load', pool.enter(errand), pack, (answer, { buffer }) =>
        this.#receive(key, answer, buffer),
      );
    } finally {
      port1.close();
    }
  }

  #receive(key: string, answer: Answer, buffer: ExchangeBuffer): Landed<V> {
    if (answer.kind === 'threw') {
      const error = errorFrom(answer.words);
      throw LoadFailure.told(error, error.cause);
    }
    const { outcome: kind, handed } = answer;
    if (kind === 'lost') this.#shelf.count(GLOBAL_COUNTER.loadsLost);
    if (handed === undefined) return { kind, value: undefined };
    const { codec, version, length: end } = handed;
    const bytes = this.#shelf.pool.buffers.takeOut(handed, buffer);
    return { kind, value: this.#shelf.value(key, { codec, version, bytes, start: 0, end }) };
  }
}
