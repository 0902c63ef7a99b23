/**
 * Values in parts: a light part, the value itself with null in place of its heavy properties, and each heavy property by
 * itself. So each is decoded, and decompressed, alone. In bytes:
 *
 *     0      heavy parts less one (bits 0 to 3), form of the light part (bits 4 to 6), bit 7 is 0
 *     then   length of the light part
 *     then   for each heavy one: which of the type's `lazy` it is (bits 0 to 3, rising), its form (bits 4 to 6), bit 7 is 0;
 *            its length
 *     then   the light part and the heavy ones, in that order, up to the end
 *
 * A form is that of frame.ts: the codec's number, or 7 for a frame, which has a compressed part. Lengths are numbers as
 * there.
 */
import { CodecError } from '../errors.js';
import { numberBytes, RAW_BYTES_MAX, readNumber, writeNumber } from './frame.js';

/** Most heavy properties of a type. */
export const HEAVY_MAX = 16;
/** The light part among others. */
export const LIGHT = -1;

const SLOT_MASK = 15;
const FORM_SHIFT = 4;
const FORM_MASK = 7;
const LENGTH_BYTES_MAX = 4;

/** A part within some bytes. */
export interface Section {
  /** Which of the type's `lazy` it is, or LIGHT. */
  readonly slot: number;
  readonly form: number;
  readonly start: number;
  readonly end: number;
}

/** A part to be stored. */
export interface Part {
  readonly slot: number;
  readonly form: number;
  readonly bytes: Uint8Array;
}

/** The light part and up to HEAVY_MAX others, slots rising, in memory of their own; undefined if one is too long. */
export function joinParts(parts: readonly Part[]): Uint8Array | undefined {
  if (parts.some(({ bytes }) => bytes.length > RAW_BYTES_MAX)) return undefined;
  let at = parts.reduce((sum, { bytes }) => sum + 1 + numberBytes(bytes.length), 0);
  const joined = Buffer.allocUnsafe(parts.reduce((sum, { bytes }) => sum + bytes.length, at));
  let headAt = 0;
  for (const { slot, form, bytes } of parts) {
    joined[headAt] = (slot === LIGHT ? parts.length - 2 : slot) | (form << FORM_SHIFT);
    headAt = writeNumber(joined, headAt + 1, bytes.length);
    joined.set(bytes, at);
    at += bytes.length;
  }
  return joined;
}

/** The parts in `source[start..end)`, the light one first. Throws `CodecError` for bytes that are none. */
export function sectionsIn(source: Uint8Array, start: number, end: number): readonly Section[] {
  const count = 2 + (start < end ? source[start]! & SLOT_MASK : 0);
  const heads: { slot: number; form: number; length: number }[] = [];
  let at = start;
  let lastSlot = LIGHT;
  for (let i = 0; i < count; i++) {
    const tag = at < end ? source[at]! : 0xff;
    const length = readNumber(source, at + 1, end, LENGTH_BYTES_MAX);
    const slot = i === 0 ? LIGHT : tag & SLOT_MASK;
    if (tag > 0x7f || length < 0 || (i > 0 && slot <= lastSlot))
      throw new CodecError('the parts of a value are forged');
    heads.push({ slot, form: (tag >>> FORM_SHIFT) & FORM_MASK, length });
    lastSlot = slot;
    at += 1 + numberBytes(length);
  }
  const sections = heads.map(({ slot, form, length }): Section => {
    const from = at;
    at += length;
    return { slot, form, start: from, end: at };
  });
  if (at !== end) throw new CodecError('the parts of a value are cut off, or more than it says');
  return sections;
}
