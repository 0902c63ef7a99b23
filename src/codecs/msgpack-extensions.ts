import { CodecError } from '../errors.js';

/** In the order of their codes on the wire, which is msgpackr's. */
const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

const CODE_ARRAY_BUFFER = 16;
const CODE_DATA_VIEW = 17;

/** The codes by prototype, for binary kinds that are written as extensions. */
export const BINARY_CODES: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ...TYPED_ARRAYS.map((viewClass, code) => [viewClass.prototype, code] as const),
  [ArrayBuffer.prototype, CODE_ARRAY_BUFFER],
  [DataView.prototype, CODE_DATA_VIEW],
]);

const SECONDS_HIGH = 2 ** 32;

/** Prototypes of the binary kinds that are written as they are. Subclasses are not among them. */
export const BINARY_PROTOTYPES: ReadonlySet<unknown> = new Set([Buffer.prototype, ...BINARY_CODES.keys()]);

/** A code byte and the bytes of a typed array, an ArrayBuffer or a DataView, which get a buffer of their own. */
export function readBinary(bytes: Uint8Array, from: number, length: number): ArrayBufferView | ArrayBuffer {
  if (length < 1) throw new CodecError('binary extension without a code');
  const code = bytes[from]!;
  const buffer = new ArrayBuffer(length - 1);
  new Uint8Array(buffer).set(bytes.subarray(from + 1, from + length));
  if (code === CODE_ARRAY_BUFFER) return buffer;
  if (code === CODE_DATA_VIEW) return new DataView(buffer);
  const viewClass = TYPED_ARRAYS[code];
  if (viewClass === undefined) throw new CodecError(`unknown binary kind ${code}`);
  if (buffer.byteLength % viewClass.BYTES_PER_ELEMENT !== 0) throw new CodecError('binary value cut mid-element');
  return new viewClass(buffer);
}

/** The three timestamp forms of MessagePack, and the one-byte form that stands for an invalid date. */
export function readTimestamp(view: DataView, at: number, length: number): Date {
  if (length === 1) return new Date(Number.NaN);
  if (length === 4) return new Date(view.getUint32(at) * 1000);
  if (length === 8) {
    const first = view.getUint32(at);
    const seconds = (first & 3) * SECONDS_HIGH + view.getUint32(at + 4);
    return new Date(seconds * 1000 + (first >>> 2) / 1e6);
  }
  if (length === 12) {
    const seconds = view.getInt32(at + 4) * SECONDS_HIGH + view.getUint32(at + 8);
    return new Date(seconds * 1000 + view.getUint32(at) / 1e6);
  }
  throw new CodecError(`timestamp of ${length} bytes`);
}

/** The same bytes under the standard class that a subclass of a typed array extends. */
export function viewOfStandardClass(value: object): ArrayBufferView | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  const viewClass = TYPED_ARRAYS.find((candidate) => candidate.name === name);
  if (viewClass === undefined) return undefined;
  return new viewClass(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength / viewClass.BYTES_PER_ELEMENT);
}
