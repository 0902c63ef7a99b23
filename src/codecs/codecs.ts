import { createCborCodec } from './cbor.js';
import type { FormCodec } from './codec.js';
import { createJsonCodec } from './json.js';
import { createMsgpackCodec } from './msgpack.js';
import { createRawCodec } from './raw.js';
import type { ShapeLog } from './shapes.js';
import { createStructuredCodec } from './structured.js';

/** The codecs that a type may name. */
export const CODEC_NAMES = ['json', 'msgpack', 'cbor', 'raw', 'structured'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

/** The codec that a type without one of its own uses. */
export const DEFAULT_CODEC: CodecName = 'msgpack';

/**
 * Every built-in codec by name, for the calling thread: each thread makes its own, because codecs keep state. `log` is where
 * they share what they learn; without one, they learn nothing.
 */
export function createCodecs(log?: ShapeLog): ReadonlyMap<string, FormCodec> {
  const codecs = [
    createJsonCodec(),
    createMsgpackCodec(log),
    createCborCodec(),
    createRawCodec(),
    createStructuredCodec(),
  ];
  return new Map(codecs.map((codec) => [codec.name, codec]));
}
