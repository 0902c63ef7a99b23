import type { Codec } from './codec.js';
import { createMsgpackCodec } from './msgpack.js';
import { createStructuredCodec } from './structured.js';

/** The codec that a type without one of its own uses. */
export const DEFAULT_CODEC = 'msgpack';

/** Every built-in codec by name, for the calling thread: each thread makes its own, because codecs keep state. */
export function createCodecs(): ReadonlyMap<string, Codec> {
  return new Map([createMsgpackCodec(), createStructuredCodec()].map((codec) => [codec.name, codec]));
}
