import { type InspectOptions, inspect } from 'node:util';

/** Characters of a value in a message. */
const TEXT_MAX = 80;
const INSPECTION: InspectOptions = { depth: 0, customInspect: false, breakLength: Number.POSITIVE_INFINITY };

/** Base of every error the cache throws; `code` is stable across versions. */
export class VelocacheError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A value that the chosen codec cannot store. Nothing has been written. */
export class ValueError extends VelocacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('VELOCACHE_VALUE', message, options);
  }
}

/** Stored bytes that do not decode: damaged, truncated, or written by another codec. */
export class CodecError extends VelocacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('VELOCACHE_CODEC', message, options);
  }
}

/** An option or argument out of its bounds; the message names it, the value and the bound. */
export class OptionError extends VelocacheError {
  constructor(option: string, value: unknown, bound: string) {
    super('VELOCACHE_OPTION', `${option} is ${describe(value)}: ${bound}`);
  }
}

/** A key that is not a non-empty well-formed string of at most 65,535 UTF-8 bytes. */
export class KeyError extends VelocacheError {
  constructor(key: unknown, bound: string) {
    super('VELOCACHE_KEY', `key is ${describe(key)}: ${bound}`);
  }
}

/** The key and value together are larger than `slab.maxItem`. The old value of the key is kept. */
export class ItemTooLargeError extends VelocacheError {
  readonly itemBytes: number;

  constructor(itemBytes: number, itemBytesMax: number) {
    super('VELOCACHE_ITEM_TOO_LARGE', `key and value take ${itemBytes} bytes, slab.maxItem is ${itemBytesMax} bytes`);
    this.itemBytes = itemBytes;
  }
}

/** A lock could not be had within its bound, as may happen for a moment after a thread has died. Try again. */
export class BusyError extends VelocacheError {
  constructor(operation: string) {
    super('VELOCACHE_BUSY', `${operation} could not get a lock in time, probably behind a thread that died: try again`);
  }
}

/**
 * A worker of the cache's pool died over an asynchronous operation, or could not attach; `cause` is what is known of it.
 * A set may have been stored or not.
 */
export class WorkerError extends VelocacheError {
  constructor(operation: string, cause: unknown) {
    const words = cause instanceof Error ? shortened(cause.message) : describe(cause);
    super('VELOCACHE_WORKER', `a worker of the pool failed at ${operation}: ${words}`, { cause });
  }
}

/** The cache was closed, by its creator for all threads or by this thread for itself. */
export class ClosedError extends VelocacheError {
  constructor() {
    super('VELOCACHE_CLOSED', 'the cache is closed');
  }
}

/** `getBytes` or `readStream` met an entry that was stored by `set`. */
export class NotBytesError extends VelocacheError {
  constructor(key: string) {
    super('VELOCACHE_NOT_BYTES', `the entry of key ${describe(key)} was stored as a value: read it with get`);
  }
}

/** A load that another thread did for `fetch` failed; `cause` has the name, message and code of its error. */
export class LoadError extends VelocacheError {
  constructor(message: string, cause: Error) {
    super('VELOCACHE_LOAD', `the load in another thread failed: ${message}`, { cause });
  }
}

/** A stream that can't go on: other streams have the room for it, or its bytes are not as many as its option `size` says. */
export class StreamError extends VelocacheError {
  constructor(message: string) {
    super('VELOCACHE_STREAM', message);
  }
}

/** Not a handle, or one of another version of velocache or of another configuration. */
export class HandleError extends VelocacheError {
  constructor(message: string) {
    super('VELOCACHE_HANDLE_VERSION', message);
  }
}

/** A type that the cache was not created with. */
export class TypeNameError extends VelocacheError {
  constructor(name: string, names: readonly string[]) {
    super('VELOCACHE_TYPE', `there is no type ${describe(name)}; the types are ${names.join(', ')}`);
  }
}

/** All owner slots are taken by live threads. */
export class ThreadsError extends VelocacheError {
  constructor(threads: number) {
    super('VELOCACHE_THREADS', `${threads} threads are attached, which is the most a cache can have`);
  }
}

/** The system refused to reserve the memory. */
export class MemoryError extends VelocacheError {
  constructor(capacityBytes: number, cause: unknown) {
    super('VELOCACHE_MEMORY', `capacity is ${capacityBytes} bytes, which could not be reserved`, { cause });
  }
}

/** A value as it stands in a message: short, whatever it is and whatever its own code does. */
function describe(value: unknown): string {
  return shortened(typeof value === 'string' ? JSON.stringify(value.slice(0, TEXT_MAX)) : inspected(value));
}

function shortened(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 3)}...` : text;
}

function inspected(value: unknown): string {
  try {
    return inspect(value, INSPECTION);
  } catch {
    return `a value of type ${typeof value}`;
  }
}
