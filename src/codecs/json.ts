import { isUtf8 } from 'node:buffer';
import { CodecError } from '../errors.js';
import type { FormCodec } from './codec.js';
import { isJsonTree, stringifyStrictly } from './json-tree.js';
import { bytesOfText, type TextBytes } from './text-reader.js';

/** JSON as UTF-8. What JSON.stringify would drop or turn into something else is refused. */
class JsonCodec implements FormCodec {
  readonly name = 'json';
  readonly id = 3;

  encode(value: unknown): Uint8Array {
    return Buffer.from(isJsonTree(value) ? JSON.stringify(value) : stringifyStrictly(this.name, value));
  }

  decode(source: Uint8Array, start: number, end: number): unknown {
    const bytes: TextBytes = bytesOfText(source.subarray(start, end));
    if (!isUtf8(bytes)) throw new CodecError('codec "json" met bytes that are no UTF-8');
    try {
      return JSON.parse(bytes.utf8Slice(0, bytes.length));
    } catch (cause) {
      throw new CodecError('codec "json" cannot read these bytes', { cause });
    }
  }
}

/** A codec for the calling thread. */
export function createJsonCodec(): FormCodec {
  return new JsonCodec();
}
