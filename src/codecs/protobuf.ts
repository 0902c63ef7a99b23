import { CodecError, ValueError } from '../errors.js';
import type { Codec } from './codec.js';

/**
 * A message type of protobufjs, by reflection or as its command line generates it; or of any library that has these
 * methods.
 */
export interface MessageType {
  encode(message: never): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  /** What is wrong with a message, or null. Without it what `encode` takes is taken. */
  verify?(message: never): string | null;
}

/**
 * A codec for messages of one type: `types.NAME.codec: protobuf(MessageType)`. `set` throws VELOCACHE_VALUE for what the
 * type's `verify` refuses or its `encode` can't write; properties that the type doesn't have are not stored, as is the way
 * of Protocol Buffers. `get` gives what the type's `decode` makes, which has the default of each field that was absent.
 */
export function protobuf<V extends object>(type: MessageType): Codec<V> {
  return {
    encode(value: V): Uint8Array {
      const wrong = type.verify?.(value as never) ?? null;
      if (wrong !== null) throw new ValueError(`the message type does not have such a value: ${wrong}`);
      try {
        return type.encode(value as never).finish();
      } catch (cause) {
        throw new ValueError('the message type cannot encode the value', { cause });
      }
    },
    decode(bytes: Uint8Array): V {
      try {
        return type.decode(bytes) as V;
      } catch (cause) {
        throw new CodecError('the message type cannot decode these bytes', { cause });
      }
    },
  };
}
