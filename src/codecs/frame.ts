/**
 * The frame of a stored value that is more than a codec's bytes. In bytes:
 *
 *     0      codec (bits 0 to 2, 0 for raw bytes), CRC (bit 3), version (bit 4), compressed (bit 5); the other bits are 0
 *     1..4   with CRC: the CRC-32 of the rest, begun with the first byte in place of 0, little-endian
 *     then   with version: the version of the value, from 2 on, a number as below
 *     then   if compressed: compressor (bits 0 to 3), hard (bit 4), dictionary (bit 5), the other bits 0; the length of what was
 *            compressed; with a dictionary: the number of its record in the log
 *     then   the codec's bytes, compressed or not
 *
 * Numbers have 7 bits a byte, the lowest first, bit 7 for more to come, and one form only.
 *
 * A value that needs none of it is stored without a frame: its codec stands in the item's header.
 *
 * Codecs by number: 1 msgpack, 2 structured, 3 json, 4 cbor, 5 values in parts, always in a frame (see parts.ts), 6 the
 * codec object of the type itself. As the form of an item 5 is the engine's, for a value that is stored elsewhere
 * (engine/references.ts); it never gets here.
 */
import { crc32 } from 'node:zlib';
import { CodecError } from '../errors.js';

/** How a stored value is to be read, as the item's header says it: raw bytes, a codec by its id (1 to 4, 6), a frame. */
export const FORM_BYTES = 0;
/** Within a frame: a value in parts, each of a form of its own; see parts.ts. */
export const FORM_PARTS = 5;
export const FORM_FRAME = 7;

const CODEC_MASK = 7;
const FLAG_CRC = 8;
const FLAG_VERSION = 16;
const FLAG_COMPRESSED = 32;
const FLAGS = CODEC_MASK | FLAG_CRC | FLAG_VERSION | FLAG_COMPRESSED;
const CRC_BYTES = 4;

/** The highest version of a value: three bytes. */
export const VERSION_MAX = 65_535;
const VERSION_BYTES_MAX = 3;

const COMPRESSOR_MASK = 15;
const FLAG_HARD = 16;
const FLAG_DICTIONARY = 32;
const LENGTH_BYTES_MAX = 4;
const DICTIONARY_BYTES_MAX = 4;
/** Longest value that can be stored compressed. */
export const RAW_BYTES_MAX: number = 2 ** (7 * LENGTH_BYTES_MAX) - 1;
/** No head of a frame is longer. */
export const HEAD_BYTES_MAX: number = 1 + CRC_BYTES + VERSION_BYTES_MAX + 1 + LENGTH_BYTES_MAX + DICTIONARY_BYTES_MAX;

/** How the bytes in a frame were compressed. */
export interface CompressionHead {
  /** Its id, 1 to 15. */
  readonly compressor: number;
  /** As hard as is worth while: there is no point in trying again. */
  readonly isHard: boolean;
  /** Length of what was compressed, from 1 to RAW_BYTES_MAX. */
  readonly rawBytes: number;
  /** The log's number of the dictionary that it was compressed with; undefined without one. */
  readonly dictionary?: number | undefined;
}

/** What a frame says of the bytes in it. */
export interface FrameHead {
  /** 0 for raw bytes. */
  readonly codec: number;
  readonly hasCrc: boolean;
  /** From 1, which is not stored, to VERSION_MAX; bytes are of version 1. */
  readonly version: number;
  readonly compression?: CompressionHead | undefined;
}

/** Bytes of the frame around so many others. */
function headBytes({ hasCrc, version, compression }: FrameHead): number {
  const plain = versionAt(hasCrc) + (version === 1 ? 0 : numberBytes(version));
  return plain + (compression === undefined ? 0 : compressionBytes(compression));
}

function compressionBytes({ rawBytes, dictionary }: CompressionHead): number {
  return 1 + numberBytes(rawBytes) + (dictionary === undefined ? 0 : numberBytes(dictionary));
}

/** Where what is behind the CRC begins. */
function versionAt(hasCrc: boolean): number {
  return 1 + (hasCrc ? CRC_BYTES : 0);
}

/** A frame around `body`, in memory of its own. */
export function frame(head: FrameHead, body: Uint8Array): Uint8Array {
  const { codec, hasCrc, version, compression } = head;
  const bytes = Buffer.allocUnsafe(headBytes(head) + body.length);
  const flags = (version === 1 ? 0 : FLAG_VERSION) | (compression === undefined ? 0 : FLAG_COMPRESSED);
  bytes[0] = codec | (hasCrc ? FLAG_CRC : 0) | flags;
  let at = versionAt(hasCrc);
  if (version !== 1) at = writeNumber(bytes, at, version);
  if (compression !== undefined) at = writeCompression(bytes, at, compression);
  bytes.set(body, at);
  if (hasCrc) bytes.writeUInt32LE(crc32(bytes.subarray(1 + CRC_BYTES), bytes[0]), 1);
  return bytes;
}

/** Returns where what follows begins. */
function writeCompression(bytes: Uint8Array, start: number, compression: CompressionHead): number {
  const { compressor, isHard, rawBytes, dictionary } = compression;
  bytes[start] = compressor | (isHard ? FLAG_HARD : 0) | (dictionary === undefined ? 0 : FLAG_DICTIONARY);
  const at = writeNumber(bytes, start + 1, rawBytes);
  return dictionary === undefined ? at : writeNumber(bytes, at, dictionary);
}

/** The frame with a CRC around raw bytes that come piece by piece. */
export class StreamedFrame {
  #crc = FORM_BYTES | FLAG_CRC;

  /** What stands before the bytes; before `add` has seen all of them it only has the right length. */
  head(): Uint8Array {
    const bytes = Buffer.alloc(headBytes({ codec: FORM_BYTES, hasCrc: true, version: 1 }));
    bytes[0] = FORM_BYTES | FLAG_CRC;
    bytes.writeUInt32LE(this.#crc, 1);
    return bytes;
  }

  /** The next of the bytes. */
  add(bytes: Uint8Array): void {
    this.#crc = crc32(bytes, this.#crc);
  }
}

/** The head of the frame in `source[start..end)`, and where what is in it begins. Throws `CodecError` on a forged one. */
export function unframe(source: Uint8Array, start: number, end: number): FrameHead & { readonly bodyStart: number } {
  const flags = start < end ? source[start]! : -1;
  if (flags < 0 || (flags & ~FLAGS) !== 0) throw new CodecError('not a frame of this version');
  const codec = flags & CODEC_MASK;
  const hasCrc = (flags & FLAG_CRC) !== 0;
  const at = start + versionAt(hasCrc);
  if (at > end) throw new CodecError('a frame ends within its head');
  if (hasCrc) checkCrc(source, start, end);
  const version = (flags & FLAG_VERSION) === 0 ? 1 : readVersion(source, at, end);
  if (version > 1 && codec === FORM_BYTES) throw new CodecError('bytes have no version');
  const plain = { codec, hasCrc, version };
  if ((flags & FLAG_COMPRESSED) === 0) return { ...plain, bodyStart: start + headBytes(plain) };
  const head = { ...plain, compression: readCompression(source, start + headBytes(plain), end) };
  return { ...head, bodyStart: start + headBytes(head) };
}

function readVersion(source: Uint8Array, start: number, end: number): number {
  const version = readNumber(source, start, end, VERSION_BYTES_MAX);
  if (version > 1 && version <= VERSION_MAX) return version;
  throw new CodecError('the version of a value is forged or cut off');
}

function readCompression(source: Uint8Array, start: number, end: number): CompressionHead {
  const flags = start < end ? source[start]! : 0;
  const compressor = flags & COMPRESSOR_MASK;
  const rawBytes = readNumber(source, start + 1, end, LENGTH_BYTES_MAX);
  if (compressor === 0 || (flags & ~(COMPRESSOR_MASK | FLAG_HARD | FLAG_DICTIONARY)) !== 0 || rawBytes < 1)
    throw new CodecError('how a value is compressed is forged or cut off');
  const head = { compressor, isHard: (flags & FLAG_HARD) !== 0, rawBytes };
  if ((flags & FLAG_DICTIONARY) === 0) return head;
  const dictionary = readNumber(source, start + 1 + numberBytes(rawBytes), end, DICTIONARY_BYTES_MAX);
  if (dictionary < 0) throw new CodecError('the dictionary of a value is forged or cut off');
  return { ...head, dictionary };
}

export function numberBytes(number: number): number {
  let bytes = 1;
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

/** Returns where what follows the number begins. */
export function writeNumber(bytes: Uint8Array, start: number, number: number): number {
  const end = start + numberBytes(number);
  for (let at = start, rest = number; at < end; at++, rest >>>= 7)
    bytes[at] = (rest & 0x7f) | (at + 1 < end ? 0x80 : 0);
  return end;
}

/** -1 for one that is cut off, longer than `bytesMax`, or not in its only form. */
export function readNumber(source: Uint8Array, start: number, end: number, bytesMax: number): number {
  let number = 0;
  for (let i = 0; i < bytesMax && start + i < end; i++) {
    const byte = source[start + i]!;
    number |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return numberBytes(number) === i + 1 ? number : -1;
  }
  return -1;
}

function checkCrc(source: Uint8Array, start: number, end: number): void {
  const stored = new DataView(source.buffer, source.byteOffset).getUint32(start + 1, true);
  if (crc32(source.subarray(start + 1 + CRC_BYTES, end), source[start]) !== stored)
    throw new CodecError('the CRC of a value is wrong');
}
