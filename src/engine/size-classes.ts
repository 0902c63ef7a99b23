/**
 * The chunk sizes that pages are cut into. They grow by a factor from the smallest to an eighth of a page, then
 * divide the page by 8, 7, 6, 5 and 4, so that nothing is left over at its end. An item takes one chunk of at most a
 * quarter of a page. A larger one is chained: it is cut into pieces, for which half a page and a whole page are
 * classes too; so the rounding of a large item is that of its last piece.
 */
import { alignUp, assert, CLASS_MAX } from '../../native-free/index.js';
import { CONTINUATION_BYTES } from './item.js';

/** A last piece may waste this share of its chunk before it is cut once more. */
const PIECE_WASTE_MAX = 1 / 16;
/** Pieces under this are not cut again: each costs a header and a hop. */
const PIECE_BYTES_MIN = 512;

export class SizeClasses {
  /** Chunk bytes of each class, ascending. */
  readonly bytes: readonly number[];
  readonly granules: Int32Array;
  readonly chunksPerPage: Int32Array;
  /** The largest item that takes one chunk. */
  readonly singleBytesMax: number;
  readonly #byGranule: Uint8Array;

  constructor(pageBytes: number, chunkBytesMin: number, growthFactor: number) {
    this.bytes = chunkSizes(pageBytes, chunkBytesMin, growthFactor);
    assert(this.bytes.length <= CLASS_MAX, 'too many slab classes');
    this.granules = Int32Array.from(this.bytes, (bytes) => bytes / 8);
    this.chunksPerPage = Int32Array.from(this.bytes, (bytes) => Math.floor(pageBytes / bytes));
    this.singleBytesMax = this.bytes[this.bytes.length - 3]!;
    this.#byGranule = new Uint8Array(pageBytes / 8 + 1);
    for (let granule = 0, id = 0; granule <= pageBytes / 8; granule++) {
      if (granule > this.granules[id]!) id++;
      this.#byGranule[granule] = id;
    }
  }

  get count(): number {
    return this.bytes.length;
  }

  /** The least class whose chunks hold `bytes`, at most a page. */
  classFor(bytes: number): number {
    return this.#byGranule[(bytes + 7) >>> 3]!;
  }

  /** The class of the next piece for `rest` bytes of a chained item, of which `header` bytes are lost to its header. */
  pieceClass(rest: number, header: number): number {
    const need = rest + header;
    const largest = this.count - 1;
    if (need >= this.bytes[largest]!) return largest;
    const fits = this.classFor(need);
    const waste = this.bytes[fits]! - need;
    if (fits === 0 || need <= PIECE_BYTES_MIN || waste <= this.bytes[fits]! * PIECE_WASTE_MAX) return fits;
    return fits - 1;
  }

  /** The classes of all pieces of a chained item, first piece first. */
  pieces(streamBytes: number, headBytes: number): number[] {
    const classes: number[] = [];
    let rest = streamBytes;
    for (let header = headBytes; rest > 0; header = CONTINUATION_BYTES) {
      const id = this.pieceClass(rest, header);
      classes.push(id);
      rest -= this.bytes[id]! - header;
    }
    return classes;
  }

  /** Granules of all those pieces. */
  pieceGranules(streamBytes: number, headBytes: number): number {
    let granules = 0;
    let rest = streamBytes;
    for (let header = headBytes; rest > 0; header = CONTINUATION_BYTES) {
      const id = this.pieceClass(rest, header);
      granules += this.granules[id]!;
      rest -= this.bytes[id]! - header;
    }
    return granules;
  }
}

/** How many classes a configuration makes; for checking it before anything is reserved. */
export function chunkSizes(pageBytes: number, chunkBytesMin: number, growthFactor: number): number[] {
  const sizes: number[] = [];
  for (let size = chunkBytesMin; size < pageBytes / 8; size = Math.max(size + 8, alignUp(size * growthFactor, 8))) {
    sizes.push(size);
    if (sizes.length > CLASS_MAX) return sizes;
  }
  for (const divisor of [8, 7, 6, 5, 4, 2, 1]) sizes.push(Math.floor(pageBytes / divisor / 8) * 8);
  // Close to the eighth the growing sizes come closer to it than a step: drop what the eighth makes superfluous.
  // A part of a small page may be less than the smallest chunk asked for.
  return sizes.filter((size, i) => size >= chunkBytesMin && (i === 0 || size > sizes[i - 1]!));
}
