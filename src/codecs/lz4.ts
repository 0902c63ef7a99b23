/**
 * LZ4 by WebAssembly: the module of the package `lz4-wasm-nodejs`, by calls of our own, since its own would allocate
 * whatever length a stream claims, copy twice, and go on with an instance that an operation was abandoned in.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CodecError } from '../errors.js';
import type { Compressor, Levels } from './compressor.js';

/** What of the module's exports is used. Pointers and lengths are bytes in `memory`. */
interface Lz4Instance {
  readonly memory: { readonly buffer: ArrayBuffer };
  __wbindgen_malloc(bytes: number): number;
  __wbindgen_free(at: number, bytes: number): void;
  /** Moves the stack that results are returned on; returns where it is. */
  __wbindgen_add_to_stack_pointer(bytes: number): number;
  /** Both take over the memory of their input. Result: pointer, length; for `decompress` also an error, and whether. */
  compress(result: number, at: number, bytes: number): void;
  decompress(result: number, at: number, bytes: number): void;
}

const require = createRequire(import.meta.url);

/** The module is made once a thread, by the first use. */
let compiled: object | undefined;

/** `WebAssembly`, of which the types of Node don't speak. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
};

const RESULT_BYTES = 16;
/** The block's raw length stands before it. The frame has it already, so it is not stored. */
const PREFIX_BYTES = 4;
/** An instance never gives memory back: one that has grown beyond this isn't kept. */
const KEPT_BYTES_MAX = 2 ** 24;

export class Lz4Compressor implements Compressor {
  readonly name = 'lz4';
  readonly id = 3;
  readonly levels: Levels = { least: 0, most: 0, usual: 0, hard: 0 };
  /** A byte of a match's length adds 255. */
  readonly ratioMax = 256;
  #instance: Lz4Instance | undefined;

  compress(bytes: Uint8Array): Uint8Array {
    const wasm = this.#take();
    const at = wasm.__wbindgen_malloc(bytes.length);
    new Uint8Array(wasm.memory.buffer).set(bytes, at);
    const compressed = call(wasm, 'compress', at, bytes.length, PREFIX_BYTES)!;
    this.#keep(wasm);
    return compressed;
  }

  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array {
    let raw: Uint8Array | undefined;
    try {
      const wasm = this.#take();
      const at = wasm.__wbindgen_malloc(PREFIX_BYTES + bytes.length);
      new DataView(wasm.memory.buffer).setUint32(at, rawBytes, true);
      new Uint8Array(wasm.memory.buffer).set(bytes, at + PREFIX_BYTES);
      raw = call(wasm, 'decompress', at, PREFIX_BYTES + bytes.length, 0);
      this.#keep(wasm);
    } catch (cause) {
      throw new CodecError('lz4 cannot decompress these bytes', { cause });
    }
    if (raw?.length === rawBytes) return raw;
    throw new CodecError(`lz4 cannot decompress these bytes to ${rawBytes}`);
  }

  /**
   * An instance, which is put back when it is done: a trap, a full stack or a time-out of vm in the middle may leave its
   * memory in any state, and then it is lost and the next call makes another.
   */
  #take(): Lz4Instance {
    const instance = this.#instance ?? instantiate();
    this.#instance = undefined;
    return instance;
  }

  #keep(wasm: Lz4Instance): void {
    if (wasm.memory.buffer.byteLength <= KEPT_BYTES_MAX) this.#instance = wasm;
  }
}

function instantiate(): Lz4Instance {
  if (compiled === undefined) {
    const file = require.resolve('lz4-wasm-nodejs/lz4_wasm_nodejs_bg.wasm');
    compiled = new WebAssembly.Module(readFileSync(file));
  }
  // The text of an error, which nobody needs.
  const imports = { __wbindgen_placeholder__: { __wbindgen_string_new: () => 0 } };
  return new WebAssembly.Instance(compiled, imports).exports as Lz4Instance;
}

/** A copy of the result from `skipped` on; undefined if there is an error instead. */
function call(
  wasm: Lz4Instance,
  operation: 'compress' | 'decompress',
  at: number,
  bytes: number,
  skipped: number,
): Uint8Array | undefined {
  const result = wasm.__wbindgen_add_to_stack_pointer(-RESULT_BYTES);
  wasm[operation](result, at, bytes);
  const [pointer, length, , isError] = new Int32Array(wasm.memory.buffer, result, RESULT_BYTES / 4);
  wasm.__wbindgen_add_to_stack_pointer(RESULT_BYTES);
  if (operation === 'decompress' && isError !== 0) return undefined;
  const copy = new Uint8Array(wasm.memory.buffer).slice(pointer! + skipped, pointer! + length!);
  wasm.__wbindgen_free(pointer!, length!);
  return copy;
}
