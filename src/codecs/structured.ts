import { DefaultDeserializer, DefaultSerializer } from 'node:v8';
import { CodecError, ValueError } from '../errors.js';
import type { FormCodec } from './codec.js';
import { locateUnclonable } from './structured-locate.js';
import { refusal } from './value-path.js';

/** V8's own format, that of `structuredClone`: keeps more kinds of values than MessagePack, in more bytes and time. */
class StructuredCodec implements FormCodec {
  readonly name = 'structured';
  readonly id = 2;

  encode(value: unknown): Uint8Array {
    const serializer = new RefusingSerializer();
    try {
      serializer.writeHeader();
      serializer.writeValue(value);
    } catch (error) {
      if (!(error instanceof Unclonable)) throw error;
      throw new ValueError(this.#refusal(value, error), { cause: error });
    }
    return serializer.releaseBuffer();
  }

  decode(source: Uint8Array, start: number, end: number): unknown {
    try {
      const deserializer = new CopyingDeserializer(source.subarray(start, end));
      deserializer.readHeader();
      return deserializer.readValue();
    } catch (cause) {
      throw new CodecError('codec "structured" cannot read these bytes', { cause });
    }
  }

  #refusal(value: unknown, error: Unclonable): string {
    const found = locateUnclonable(value);
    if (found === undefined) return `codec "${this.name}" cannot store the value: ${error.message}`;
    return refusal(this.name, found.what, found.path);
  }
}

/** A codec for the calling thread. */
export function createStructuredCodec(): FormCodec {
  return new StructuredCodec();
}

/** Tells V8's refusals from errors that getters throw, which pass through unchanged. */
class Unclonable extends Error {}

/** A function and not a class, because V8 calls it without `new` and Node with. */
function unclonable(message: string): Unclonable {
  return new Unclonable(message);
}

class RefusingSerializer extends DefaultSerializer {
  /** The hook by which both V8 and Node make the error for a value that cannot be cloned. */
  readonly _getDataCloneError: (message: string) => Unclonable = unclonable;

  /** Shared memory is refused: its bytes would be stored as an id that means nothing to another reader. */
  _getSharedArrayBufferId(): never {
    throw unclonable('a SharedArrayBuffer');
  }
}

const readView = (DefaultDeserializer.prototype as unknown as { _readHostObject(): ArrayBufferView })._readHostObject;

class CopyingDeserializer extends DefaultDeserializer {
  /** The hook that reads typed arrays, DataViews and Buffers. Node's own returns views of the source. */
  _readHostObject(): ArrayBufferView {
    return ownCopy(readView.call(this));
  }
}

function ownCopy(view: ArrayBufferView): ArrayBufferView {
  const buffer = new ArrayBuffer(view.byteLength);
  new Uint8Array(buffer).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  if (Buffer.isBuffer(view)) return Buffer.from(buffer);
  const viewClass = view.constructor as new (buffer: ArrayBuffer) => ArrayBufferView;
  return new viewClass(buffer);
}
