/**
 * Makes a compressor's dictionary out of samples of values, in slices, so that no event loop is held for long. After
 * FastCover of Zstandard (a simplification of COVER: Liao, Petri, Moffat and Wirth, "Effective construction of relative
 * Lempel-Ziv dictionaries", WWW 2016):
 *
 * 1. For each string of GRAM bytes, by its hash: in how many samples does it occur?
 * 2. The samples, one behind the other, are cut into epochs. Of each epoch in turn the segment of SEGMENT bytes is taken whose
 *    strings, each counted once, occur in most samples; they count no more from then on. Until the dictionary is full, or
 *    nothing is left that occurs twice.
 *
 * Of a segment what occurs in one sample only is left out, but for a few bytes at a time, and as far as the hashes tell. The best
 * segments come last, nearest to what is compressed.
 */

/** Bytes of the strings that are counted. A match of fewer is worth little. */
const GRAM = 8;
const SEGMENT = 256;
/** Bytes that one sample alone has and that are kept, since what is on both sides of them is: one match less, or two. */
const GAP = 16;
/** Each epoch gives so many segments, if all give as many. */
const SEGMENTS_PER_EPOCH = 4;
const HASH_BITS = 18;
const HASH_SHIFT = 32 - HASH_BITS;
const COUNT_MAX = 65_535;
/** Sample bytes that a slice counts: some 0.2 ms. One that chooses a segment looks at about as many, or twice. */
const SLICE_BYTES = 2 ** 14;

/** Values to train on, one behind the other, of so many bytes in all. */
export class Samples {
  readonly bytes: Buffer;
  readonly ends: number[] = [];

  constructor(bytesMax: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytesMax);
  }

  get length(): number {
    return this.ends.at(-1) ?? 0;
  }

  /** Takes a sample, or what there is room for of it. */
  add(sample: Uint8Array): void {
    const at = this.length;
    const room = this.bytes.length - at;
    this.bytes.set(sample.length > room ? sample.subarray(0, room) : sample, at);
    this.ends.push(Math.min(this.bytes.length, at + sample.length));
  }

  get isFull(): boolean {
    return this.length === this.bytes.length || this.ends.length === COUNT_MAX;
  }
}

export class DictionaryTrainer {
  readonly #samples: Samples;
  readonly #counts = new Uint16Array(2 ** HASH_BITS);
  /** While counting: 1 + the sample in which a string was met last. While choosing: how often it is in the segment. */
  readonly #marks = new Uint16Array(2 ** HASH_BITS);
  readonly #epochs: number;
  readonly #parts: Buffer[] = [];
  #counted = 0;
  #epoch = 0;
  #emptyEpochs = 0;
  #room: number;

  /** A dictionary of so many bytes at most. */
  constructor(samples: Samples, bytesMax: number) {
    this.#samples = samples;
    this.#room = bytesMax;
    this.#epochs = Math.max(1, Math.floor(bytesMax / SEGMENT / SEGMENTS_PER_EPOCH));
  }

  /** Works for a slice. The dictionary once it is made, empty if the samples have nothing in common; undefined before. */
  step(): Uint8Array | undefined {
    if (this.#counted < this.#samples.ends.length) this.#countSome();
    else if (this.#room >= GRAM && this.#emptyEpochs < this.#epochs) this.#chooseFromEpoch();
    else return Buffer.concat(this.#parts.reverse());
    return undefined;
  }

  #countSome(): void {
    const { ends } = this.#samples;
    const begin = this.#startOf(this.#counted);
    while (this.#counted < ends.length && this.#startOf(this.#counted) < begin + SLICE_BYTES) {
      this.#count(this.#startOf(this.#counted), ends[this.#counted]!, this.#counted + 1);
      this.#counted += 1;
    }
    if (this.#counted === ends.length) this.#marks.fill(0);
  }

  #startOf(sample: number): number {
    return sample === 0 ? 0 : this.#samples.ends[sample - 1]!;
  }

  #count(start: number, end: number, mark: number): void {
    const { bytes } = this.#samples;
    for (let at = start; at + GRAM <= end; at++) {
      const slot = hashAt(bytes, at);
      if (this.#marks[slot] === mark) continue;
      this.#marks[slot] = mark;
      if (this.#counts[slot]! < COUNT_MAX) this.#counts[slot]! += 1;
    }
  }

  /** In how many samples the string in a slot occurs; 0 for what occurs in one. */
  #worth(slot: number): number {
    const count = this.#counts[slot]!;
    return count > 1 ? count : 0;
  }

  #chooseFromEpoch(): void {
    const { length } = this.#samples;
    const size = Math.max(SEGMENT, Math.ceil(length / this.#epochs));
    const start = this.#epoch * size;
    this.#epoch = (this.#epoch + 1) % this.#epochs;
    const segment = this.#bestSegment(start, Math.min(length, start + size) - GRAM + 1);
    if (segment < 0) this.#emptyEpochs += 1;
    else {
      this.#emptyEpochs = 0;
      this.#take(segment, Math.min(length, segment + SEGMENT) - GRAM + 1);
    }
  }

  /** Where the best segment begins of those with strings from `start` to `end`; -1 if there is none. */
  #bestSegment(start: number, end: number): number {
    const { bytes } = this.#samples;
    let best = -1;
    let most = 0;
    let score = 0;
    let first = start;
    for (let at = start; at < end; at++) {
      const slot = hashAt(bytes, at);
      if (this.#marks[slot]!++ === 0) score += this.#worth(slot);
      if (at - first > SEGMENT - GRAM) score -= this.#leave(first++);
      if (score <= most) continue;
      most = score;
      best = first;
    }
    while (first < end) this.#leave(first++);
    return best;
  }

  /** A string leaves the segment: what it took with it. */
  #leave(at: number): number {
    const slot = hashAt(this.#samples.bytes, at);
    return --this.#marks[slot]! === 0 ? this.#worth(slot) : 0;
  }

  /** Puts what occurs in several samples, of the strings from `start` to `end`, into the dictionary. */
  #take(start: number, end: number): void {
    const { bytes } = this.#samples;
    const part: Buffer[] = [];
    let from = start;
    let to = start;
    for (let at = start; at < end; at++) {
      if (this.#worth(hashAt(bytes, at)) === 0) continue;
      if (at > to + GAP) {
        part.push(bytes.subarray(from, to));
        from = at;
      }
      to = at + GRAM;
    }
    part.push(bytes.subarray(from, to));
    for (let at = start; at < end; at++) this.#counts[hashAt(bytes, at)] = 0;
    const taken = Buffer.concat(part).subarray(0, this.#room);
    this.#parts.push(taken);
    this.#room -= taken.length;
  }
}

function hashAt(bytes: Buffer, at: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
  return Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) >>> HASH_SHIFT;
}
