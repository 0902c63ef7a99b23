import { types } from 'node:util';
import { Encoder, Tag } from 'cbor-x/index-no-eval';
import { CborReader, TAG_ARRAY_BUFFER, TAG_DATA_VIEW } from './cbor-reader.js';
import type { FormCodec } from './codec.js';
import { mayMisspell } from './misspelling.js';
import { BINARY_PROTOTYPES } from './msgpack-extensions.js';
import { flatten } from './msgpack-flatten.js';
import { inflate } from './msgpack-inflate.js';
import { isPlainTree } from './msgpack-tree.js';

/** Opens a message in the graph form. CBOR begins no item with this byte, which ends items of unknown length. */
const GRAPH_MARK = 0xff;

/** Where cbor-x writes at first; it takes larger buffers as it needs them. */
const BUFFER_BYTES = 8_192;

/** Of the binary kinds those that cbor-x writes such that they can be told apart. */
const CBOR_BINARY: ReadonlySet<unknown> = new Set(
  [...BINARY_PROTOTYPES].filter((kind) => kind !== ArrayBuffer.prototype && kind !== DataView.prototype),
);

/** What cbor-x writes with is one for all encoders of a thread: so are the calls counted that it was asked to write. */
const shared = { writings: 0 };

/**
 * CBOR, and for what CBOR lacks the table of the graph form, see `msgpack-graph.ts`. cbor-x writes it, without record
 * definitions; a strict reader reads it.
 */
class CborCodec implements FormCodec {
  readonly name = 'cbor';
  readonly id = 4;
  readonly #encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: true }) as Encoder & {
    useBuffer(buffer: Buffer): void;
  };
  readonly #reader = new CborReader();
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

  encode(value: unknown): Uint8Array {
    if (isPlainTree(value, false, CBOR_BINARY)) {
      const bytes = this.#writeTree(value);
      if (bytes !== undefined && (!mayMisspell(bytes) || isPlainTree(value, true, CBOR_BINARY))) return bytes;
    }
    // The heads of a pair and of its first part take a byte each; the mark takes the place of the second.
    const bytes = this.#write([0, flatten(this.name, value).map(tagged)]).subarray(1);
    bytes[0] = GRAPH_MARK;
    return bytes;
  }

  /**
   * Undefined if the bytes are not to be trusted: a getter in the value has had another value written meanwhile, with
   * the same memory, or has changed its mind and returned what can't be written.
   */
  #writeTree(value: unknown): Buffer | undefined {
    const before = shared.writings;
    try {
      const bytes = this.#write(value);
      return shared.writings === before + 1 ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whatever an earlier call has left behind, cut short at any line, this one begins with a buffer of its own. */
  #write(value: unknown): Buffer {
    shared.writings += 1;
    this.#encoder.useBuffer(this.#buffer);
    const bytes = this.#encoder.encode(value);
    if (bytes.buffer !== this.#buffer.buffer) this.#buffer = Buffer.from(bytes.buffer);
    return bytes;
  }

  decode(source: Uint8Array, start: number, end: number): unknown {
    if (end > start && source[start] === GRAPH_MARK) return inflate(this.#reader.read(source, start + 1, end));
    return this.#reader.read(source, start, end);
  }
}

/** An entry of the table of a graph, such that a reader can tell what it was. */
function tagged(entry: unknown): unknown {
  if (types.isArrayBuffer(entry)) return new Tag(Buffer.from(entry), TAG_ARRAY_BUFFER);
  if (types.isDataView(entry)) {
    return new Tag(Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength), TAG_DATA_VIEW);
  }
  return entry;
}

/** A codec for the calling thread. */
export function createCborCodec(): FormCodec {
  return new CborCodec();
}
