/**
 * The frame of a stored value that is more than a codec's bytes. In bytes:
 *
 *     0      codec (bits 0 to 2, 0 for raw bytes), CRC (bit 3); the other bits are 0
 *     1..4   with CRC: the CRC-32 of the rest, little-endian
 *     then   the codec's bytes
 *
 * A value that needs none of it is stored without a frame: its codec stands in the item's header.
 */
import { crc32 } from 'node:zlib';
import { CodecError } from '../errors.js';

/** How a stored value is to be read, as the item's header says it: raw bytes, a codec by its id (1 to 6), a frame. */
export const FORM_BYTES = 0;
export const FORM_FRAME = 7;

const CODEC_MASK = 7;
const FLAG_CRC = 8;
const CRC_BYTES = 4;

/** What a frame says of the bytes in it. */
export interface FrameHead {
  /** 0 for raw bytes. */
  readonly codec: number;
  readonly hasCrc: boolean;
}

/** Bytes of the frame around so many others. */
function headBytes({ hasCrc }: FrameHead): number {
  return 1 + (hasCrc ? CRC_BYTES : 0);
}

/** A frame around `body`, in memory of its own. */
export function frame(head: FrameHead, body: Uint8Array): Uint8Array {
  const start = headBytes(head);
  const bytes = Buffer.allocUnsafe(start + body.length);
  bytes[0] = head.codec | (head.hasCrc ? FLAG_CRC : 0);
  bytes.set(body, start);
  if (head.hasCrc) bytes.writeUInt32LE(crc32(bytes.subarray(1 + CRC_BYTES)), 1);
  return bytes;
}

/** The head of the frame in `source[start..end)`, and where what is in it begins. Throws `CodecError` on a forged one. */
export function unframe(source: Uint8Array, start: number, end: number): FrameHead & { readonly bodyStart: number } {
  const flags = start < end ? source[start]! : -1;
  if (flags < 0 || (flags & ~(CODEC_MASK | FLAG_CRC)) !== 0) throw new CodecError('not a frame of this version');
  const head: FrameHead = { codec: flags & CODEC_MASK, hasCrc: (flags & FLAG_CRC) !== 0 };
  const bodyStart = start + headBytes(head);
  if (bodyStart > end) throw new CodecError('a frame ends within its head');
  if (head.hasCrc) checkCrc(source, start + 1, end);
  return { ...head, bodyStart };
}

function checkCrc(source: Uint8Array, at: number, end: number): void {
  const stored = new DataView(source.buffer, source.byteOffset).getUint32(at, true);
  if (crc32(source.subarray(at + CRC_BYTES, end)) !== stored) throw new CodecError('the CRC of a value is wrong');
}
