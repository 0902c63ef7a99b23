/**
 * The frame of a stored value that is more than a codec's bytes. In bytes:
 *
 *     0      codec (bits 0 to 2, 0 for raw bytes), CRC (bit 3), version (bit 4); the other bits are 0
 *     1..4   with CRC: the CRC-32 of the rest, begun with the first byte in place of 0, little-endian
 *     then   with version: the version of the value, from 2 on, 7 bits a byte, the lowest first, bit 7 for more to come
 *     then   the codec's bytes
 *
 * A value that needs none of it is stored without a frame: its codec stands in the item's header.
 *
 * Codecs by number: 1 msgpack, 2 structured, 3 json, 4 cbor, 6 the codec object of the type itself.
 */
import { crc32 } from 'node:zlib';
import { CodecError } from '../errors.js';

/** How a stored value is to be read, as the item's header says it: raw bytes, a codec by its id (1 to 6), a frame. */
export const FORM_BYTES = 0;
export const FORM_FRAME = 7;

const CODEC_MASK = 7;
const FLAG_CRC = 8;
const FLAG_VERSION = 16;
const CRC_BYTES = 4;

/** The highest version of a value: three bytes. */
export const VERSION_MAX = 65_535;
const VERSION_BYTES_MAX = 3;

/** What a frame says of the bytes in it. */
export interface FrameHead {
  /** 0 for raw bytes. */
  readonly codec: number;
  readonly hasCrc: boolean;
  /** From 1, which is not stored, to VERSION_MAX; bytes are of version 1. */
  readonly version: number;
}

/** Where the version stands in a frame, if it has one. */
function versionAt(hasCrc: boolean): number {
  return 1 + (hasCrc ? CRC_BYTES : 0);
}

function versionBytes(version: number): number {
  if (version === 1) return 0;
  return version < 1 << 7 ? 1 : version < 1 << 14 ? 2 : VERSION_BYTES_MAX;
}

/** A frame around `body`, in memory of its own. */
export function frame(head: FrameHead, body: Uint8Array): Uint8Array {
  const { codec, hasCrc, version } = head;
  const start = versionAt(hasCrc) + versionBytes(version);
  const bytes = Buffer.allocUnsafe(start + body.length);
  bytes[0] = codec | (hasCrc ? FLAG_CRC : 0) | (version === 1 ? 0 : FLAG_VERSION);
  for (let at = versionAt(hasCrc), rest = version; at < start; at++, rest >>>= 7)
    bytes[at] = (rest & 0x7f) | (at + 1 < start ? 0x80 : 0);
  bytes.set(body, start);
  if (hasCrc) bytes.writeUInt32LE(crc32(bytes.subarray(1 + CRC_BYTES), bytes[0]), 1);
  return bytes;
}

/** The head of the frame in `source[start..end)`, and where what is in it begins. Throws `CodecError` on a forged one. */
export function unframe(source: Uint8Array, start: number, end: number): FrameHead & { readonly bodyStart: number } {
  const flags = start < end ? source[start]! : -1;
  if (flags < 0 || (flags & ~(CODEC_MASK | FLAG_CRC | FLAG_VERSION)) !== 0)
    throw new CodecError('not a frame of this version');
  const codec = flags & CODEC_MASK;
  const hasCrc = (flags & FLAG_CRC) !== 0;
  const at = start + versionAt(hasCrc);
  if (at > end) throw new CodecError('a frame ends within its head');
  if (hasCrc) checkCrc(source, start, end);
  const version = (flags & FLAG_VERSION) === 0 ? 1 : readVersion(source, at, end);
  if (version > 1 && codec === FORM_BYTES) throw new CodecError('bytes have no version');
  return { codec, hasCrc, version, bodyStart: at + versionBytes(version) };
}

/** Every version has one form only. */
function readVersion(source: Uint8Array, start: number, end: number): number {
  let version = 0;
  for (let i = 0; i < VERSION_BYTES_MAX && start + i < end; i++) {
    const byte = source[start + i]!;
    version |= (byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    if (version > 1 && version <= VERSION_MAX && versionBytes(version) === i + 1) return version;
    break;
  }
  throw new CodecError('the version of a value is forged or cut off');
}

function checkCrc(source: Uint8Array, start: number, end: number): void {
  const stored = new DataView(source.buffer, source.byteOffset).getUint32(start + 1, true);
  if (crc32(source.subarray(start + 1 + CRC_BYTES, end), source[start]) !== stored)
    throw new CodecError('the CRC of a value is wrong');
}
