import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr/pack';
import { ValueError } from '../errors.js';
import type { Codec } from './codec.js';
import { flatten } from './msgpack-flatten.js';
import { inflate } from './msgpack-inflate.js';
import { MsgpackReader } from './msgpack-reader.js';
import { isPlainTree } from './msgpack-tree.js';

/** Opens a message in the graph form. MessagePack leaves this byte unused, so that it opens no plain message. */
const GRAPH_MARK = 0xc1;

const PLAIN_MODE = RESET_BUFFER_MODE;
const GRAPH_MODE = RESET_BUFFER_MODE | RESERVE_START_SPACE | 1;

/**
 * MessagePack, the default codec. Most values are trees of plain data and are written as plain MessagePack, without
 * record definitions. The others (Map, cycles, errors, …) are first laid out as a table, see `msgpack-graph.ts`.
 */
class MsgpackCodec implements Codec {
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
  readonly #reader = new MsgpackReader();

  encode(value: unknown): Uint8Array {
    if (isPlainTree(value, false)) {
      const bytes = this.#packr.pack(value, PLAIN_MODE);
      if (!mayMisspell(bytes) || isPlainTree(value, true)) return bytes;
    }
    const bytes = this.#packr.pack(flatten(this.name, value), GRAPH_MODE);
    bytes[0] = GRAPH_MARK;
    return bytes;
  }

  decode(source: Uint8Array, start: number, end: number): unknown {
    if (end > start && source[start] === GRAPH_MARK) return inflate(this.#reader.read(source, start + 1, end));
    return this.#reader.read(source, start, end);
  }
}

/** A codec for the calling thread. */
export function createMsgpackCodec(): Codec {
  return new MsgpackCodec();
}

/**
 * True if a lone surrogate may have been written: in a short string as three bytes from 0xed 0xa0 up, in a long one as
 * the replacement character, 0xef 0xbf 0xbd. To search the bytes costs a fraction of checking each string.
 */
function mayMisspell(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if (bytes[at + 1]! >> 5 === 0b101 && bytes[at + 2]! >> 6 === 0b10) return true;
  }
  for (let at = bytes.indexOf(0xef); at >= 0; at = bytes.indexOf(0xef, at + 1)) {
    if (bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) return true;
  }
  return false;
}

/** Reached when a getter returns plain data once and a function the next time. */
function refuseLateFunction(): never {
  throw new ValueError('codec "msgpack" cannot store a function that a getter returned');
}
