import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr/pack';
import { ValueError } from '../errors.js';
import type { FormCodec } from './codec.js';
import { mayMisspell } from './misspelling.js';
import { flatten } from './msgpack-flatten.js';
import { inflate } from './msgpack-inflate.js';
import { MsgpackReader } from './msgpack-reader.js';
import { isPlainTree } from './msgpack-tree.js';
import { MsgpackWriter } from './msgpack-writer.js';
import { type ShapeLog, Shapes } from './shapes.js';

/**
 * Opens a message in the graph form or the shaped one. MessagePack leaves this byte unused, so that it opens no plain
 * message. Behind it stands an array, the table of a graph, or a byte below 0x80, the length of a text.
 */
const MARK = 0xc1;
const SHAPED_MAX = 0x7f;

/** Where msgpackr writes at first; it takes larger buffers as it needs them. */
const BUFFER_BYTES = 8_192;

const PLAIN_MODE = RESET_BUFFER_MODE;
const GRAPH_MODE = RESET_BUFFER_MODE | RESERVE_START_SPACE | 1;

/** The buffer that msgpackr writes to is one for all codecs of a thread: so is what is known of it. */
const shared = {
  /** Calls of `pack` under way, one from within another. */
  depth: 0,
  /** One of them has thrown. */
  isTorn: false,
};

/**
 * MessagePack, the default codec. Most values are trees of plain data and are written in the shaped form, see
 * `msgpack-writer.ts`, or without a log for the shapes as plain MessagePack. The others (Map, cycles, errors, …) are first laid out as a table, see `msgpack-graph.ts`.
 */
class MsgpackCodec implements FormCodec {
  readonly name = 'msgpack';
  readonly id = 1;
  readonly #packr = new Packr({
    useRecords: false,
    // Writes keys by Object.keys, own ones only, and the shortest map header.
    variableMapSize: true,
    moreTypes: true,
    useToJSON: false,
    writeFunction: refuseLateFunction,
  } as ConstructorParameters<typeof Packr>[0]);
  readonly #reader: MsgpackReader;
  readonly #shapes: Shapes | undefined;
  /** None while a call is under way: one that comes from its getters, or after it was cut short, makes another. */
  #writer: MsgpackWriter | undefined;

  constructor(log: ShapeLog | undefined) {
    this.#shapes = log && new Shapes(log);
    this.#reader = new MsgpackReader(this.#shapes);
  }

  encode(value: unknown): Uint8Array {
    if (this.#shapes !== undefined && typeof value === 'object' && value !== null) {
      return this.#shaped(value, this.#shapes) ?? this.#graph(value);
    }
    if (isPlainTree(value, false)) {
      const bytes = this.#pack(value, PLAIN_MODE);
      if (!mayMisspell(bytes) || isPlainTree(value, true)) return bytes;
    }
    return this.#graph(value);
  }

  encodeApart(values: readonly unknown[]): readonly Uint8Array[] | undefined {
    return this.#shapes && this.#written(this.#shapes, (writer) => writer.writeApart(values));
  }

  #shaped(value: object, shapes: Shapes): Uint8Array | undefined {
    return this.#written(shapes, (writer) => writer.write(value));
  }

  #written<R>(shapes: Shapes, write: (writer: MsgpackWriter) => R): R {
    const writer = this.#writer ?? new MsgpackWriter(shapes);
    this.#writer = undefined;
    try {
      return write(writer);
    } finally {
      this.#writer = writer;
    }
  }

  #graph(value: unknown): Uint8Array {
    const bytes = this.#pack(flatten(this.name, value), GRAPH_MODE);
    bytes[0] = MARK;
    return bytes;
  }

  #pack(value: unknown, mode: number): Buffer {
    if (shared.isTorn && shared.depth === 0) this.#renewBuffer();
    shared.depth += 1;
    try {
      const bytes = this.#packr.pack(value, mode);
      shared.depth -= 1;
      return bytes;
    } catch (error) {
      shared.depth -= 1;
      shared.isTorn = true;
      throw error;
    }
  }

  /**
   * The stack may have been full just when msgpackr exchanged its buffer, and left it with the view of another. Not while
   * an outer call is under way, from whose getter this one comes: msgpackr gives inner calls buffers of their own. Nor
   * behind a call that a time-out of vm has cut short, after which it takes every call for an inner one.
   */
  #renewBuffer(): void {
    this.#packr.useBuffer(Buffer.allocUnsafeSlow(BUFFER_BYTES));
    shared.isTorn = false;
  }

  decode(source: Uint8Array, start: number, end: number): unknown {
    return this.#read(source, start, end, undefined);
  }

  /** Only those; of a graph all. */
  decodeFields(source: Uint8Array, start: number, end: number, names: ReadonlySet<string>): unknown {
    return this.#read(source, start, end, names);
  }

  #read(source: Uint8Array, start: number, end: number, names: ReadonlySet<string> | undefined): unknown {
    if (end - start > 1 && source[start] === MARK) {
      if (source[start + 1]! <= SHAPED_MAX) return this.#reader.readShaped(source, start, end, names);
      return inflate(this.#reader.read(source, start + 1, end));
    }
    return this.#reader.read(source, start, end, names);
  }
}

/** A codec for the calling thread. With a log, objects are written by shapes that all threads share by it. */
export function createMsgpackCodec(log?: ShapeLog): FormCodec {
  return new MsgpackCodec(log);
}

/** Reached when a getter returns plain data once and a function the next time. */
function refuseLateFunction(): never {
  throw new ValueError('codec "msgpack" cannot store a function that a getter returned');
}
