/**
 * All shared memory of one cache: its segments, and this thread's views over them. To attach is to construct views;
 * there is no other state. Views have fixed lengths and are made once.
 */
import { load, type Pairs, store, type Words } from '#atomics';
import { GRANULE_SHIFT, HEADER, LAYOUT_VERSION, type Layout, MAGIC, STATE_OPEN } from './layout.js';
import { OwnerTable } from './owners.js';

export interface ArenaIdentity {
  /** Hash of the whole configuration: threads with another must not attach. */
  readonly configHash: number;
  /** Four random words: the cache's id (2), the key of its hash (2). */
  readonly random: readonly [number, number, number, number];
}

export class Arena {
  readonly layout: Layout;
  readonly buffers: readonly SharedArrayBuffer[];
  readonly words: readonly Words[];
  readonly bytes: readonly Uint8Array<SharedArrayBuffer>[];
  /** The same memory as pairs of words, for what is compared and exchanged two words at once. */
  readonly #pairs: readonly Pairs[];
  /** The words of segment 0, where every table lies. */
  readonly meta: Words;
  readonly owners: OwnerTable;
  /** ref >>> segmentShift is the segment, (ref & segmentMask) << 1 the word in it. */
  readonly segmentShift: number;
  readonly segmentMask: number;

  private constructor(layout: Layout, buffers: readonly SharedArrayBuffer[]) {
    this.layout = layout;
    this.buffers = buffers;
    this.words = buffers.map((buffer) => new Int32Array(buffer, 0, buffer.byteLength >>> 2));
    this.bytes = buffers.map((buffer) => new Uint8Array(buffer, 0, buffer.byteLength));
    this.#pairs = buffers.map((buffer) => new BigInt64Array(buffer, 0, buffer.byteLength >>> 3));
    this.meta = this.words[0]!;
    this.owners = new OwnerTable(this.meta, layout.owners);
    this.segmentShift = Math.log2(layout.config.segmentBytes) - GRANULE_SHIFT;
    this.segmentMask = 2 ** this.segmentShift - 1;
  }

  /** Reserves the memory; the system commits it as it is touched. Throws the RangeError of a failed reservation. */
  static create(layout: Layout, identity: ArenaIdentity): Arena {
    const arena = new Arena(
      layout,
      layout.segments().map((bytes) => new SharedArrayBuffer(bytes)),
    );
    const { meta } = arena;
    meta[HEADER.version] = LAYOUT_VERSION;
    meta[HEADER.configHash] = identity.configHash;
    meta[HEADER.idLow] = identity.random[0];
    meta[HEADER.idHigh] = identity.random[1];
    meta[HEADER.hashKey0] = identity.random[2];
    meta[HEADER.hashKey1] = identity.random[3];
    meta[HEADER.state] = STATE_OPEN;
    store(meta, HEADER.magic, MAGIC);
    return arena;
  }

  /** Views over the segments of another thread's arena. `matches` tells whether the layout and hash agree. */
  static attach(layout: Layout, buffers: readonly SharedArrayBuffer[]): Arena {
    return new Arena(layout, buffers);
  }

  matches(configHash: number): boolean {
    const { meta } = this;
    return (
      load(meta, HEADER.magic) === MAGIC &&
      meta[HEADER.version] === LAYOUT_VERSION &&
      meta[HEADER.configHash] === configHash &&
      this.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0) === this.layout.bytesTotal
    );
  }

  get id(): string {
    return `${(this.meta[HEADER.idLow]! >>> 0).toString(16)}-${(this.meta[HEADER.idHigh]! >>> 0).toString(16)}`;
  }

  segmentOf(ref: number): number {
    return ref >>> this.segmentShift;
  }

  /** The words of the segment that a ref points into. The ref must lie in the arena. */
  wordsOf(ref: number): Words {
    return this.words[ref >>> this.segmentShift]!;
  }

  bytesOf(ref: number): Uint8Array<SharedArrayBuffer> {
    return this.bytes[ref >>> this.segmentShift]!;
  }

  /** The segment that a ref points into, in pairs of words. */
  pairsOf(ref: number): Pairs {
    return this.#pairs[ref >>> this.segmentShift]!;
  }

  /** Index of a ref's first word in its segment. */
  wordIndex(ref: number): number {
    return (ref & this.segmentMask) << 1;
  }
}
