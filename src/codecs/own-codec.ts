/** The codec object of a type, as a packer uses it. */
import { types } from 'node:util';
import { CodecError, OptionError, ValueError } from '../errors.js';
import type { Codec, FormCodec } from './codec.js';
import { fixedView } from './fixed-view.js';
import { whatIs } from './value-path.js';

/** How the plan of a type names its own codec object; no built-in codec is called so. */
export const OWN_CODEC = 'own';

export class OwnCodec implements FormCodec {
  readonly name: string = OWN_CODEC;
  readonly id = 6;
  readonly #type: string;
  readonly #codec: Codec;

  constructor(type: string, codec: Codec) {
    this.#type = type;
    this.#codec = codec;
  }

  encode(value: unknown): Uint8Array {
    const bytes: unknown = this.#codec.encode(value);
    if (types.isUint8Array(bytes)) return fixedView(bytes);
    const type = JSON.stringify(this.#type);
    throw new ValueError(`the codec of type ${type} encoded a value as ${whatIs(bytes)}: must be a Uint8Array`);
  }

  decode(source: Uint8Array, start: number, end: number): unknown {
    // A copy, since the user's code may read values within, and may keep what it gets.
    const value = this.#codec.decode(new Uint8Array(source.subarray(start, end)));
    if (value === undefined) throw new CodecError('the codec decoded undefined, which would look like a miss');
    return value;
  }
}

export function checkCodec(option: string, codec: unknown): asserts codec is Codec {
  const { encode, decode } = (typeof codec === 'object' && codec !== null ? codec : {}) as Partial<Codec>;
  if (typeof encode === 'function' && typeof decode === 'function') return;
  throw new OptionError(option, codec, 'must be an object with methods encode and decode');
}
