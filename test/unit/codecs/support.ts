import type { FormCodec } from '../../../src/codecs/codec.js';
import { type CodecName, createCodecs } from '../../../src/codecs/codecs.js';
import { logBed } from '../../support/logs.js';

/**
 * The codecs that keep nearly all that structured clone keeps. 'shapes' is msgpack with a log, as every cache has it;
 * 'msgpack' is the same without one.
 */
export const CODEC_NAMES = ['msgpack', 'shapes', 'cbor', 'structured'] as const;

const LOG_BYTES = 2 ** 18;

export function codecNamed(name: CodecName | 'shapes'): FormCodec {
  const log = name === 'shapes' ? logBed(LOG_BYTES).join() : undefined;
  const codec = createCodecs(log).get(name === 'shapes' ? 'msgpack' : name);
  if (codec === undefined) throw new Error(`no codec ${name}`);
  return codec;
}

/** Encodes, copies to the middle of scratch memory as the engine does, decodes, and then wipes the scratch. */
export function roundTrip(codec: FormCodec, value: unknown): unknown {
  const bytes = codec.encode(value);
  const scratch = new Uint8Array(bytes.length + 24).fill(0xa5);
  scratch.set(bytes, 8);
  const copy = codec.decode(scratch, 8, 8 + bytes.length);
  scratch.fill(0xff);
  return copy;
}

/** The bytes of `value`, in memory that later calls leave alone. */
export function encoded(codec: FormCodec, value: unknown): Uint8Array {
  return Uint8Array.from(codec.encode(value));
}

export function decoded(codec: FormCodec, bytes: Uint8Array): unknown {
  return codec.decode(bytes, 0, bytes.length);
}
