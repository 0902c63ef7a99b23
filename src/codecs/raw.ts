import { types } from 'node:util';
import { ValueError } from '../errors.js';
import type { FormCodec } from './codec.js';
import { fixedView } from './fixed-view.js';
import { FORM_BYTES } from './frame.js';
import { refusal, whatIs } from './value-path.js';

/** No codec: values are bytes, and stored as they are. */
class RawCodec implements FormCodec {
  readonly name = 'raw';
  readonly id: number = FORM_BYTES;

  encode(value: unknown): Uint8Array {
    if (types.isUint8Array(value)) return fixedView(value);
    throw new ValueError(`${refusal(this.name, whatIs(value), '')}: its values are Uint8Arrays`);
  }

  decode(source: Uint8Array, start: number, end: number): Uint8Array {
    return new Uint8Array(source.subarray(start, end));
  }
}

/** A codec for the calling thread. */
export function createRawCodec(): FormCodec {
  return new RawCodec();
}
