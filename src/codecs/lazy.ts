/**
 * Values of types with `lazy`: packed in parts, of which the light one is decoded at once and each heavy one when it is first
 * read. What has no heavy property, or is no plain object, or whose parts share an object, is packed whole.
 */
import { CodecError, ValueError } from '../errors.js';
import type { FormCodec } from './codec.js';
import type { Compressed, Compression } from './compression.js';
import { defer } from './deferred.js';
import { type CompressionHead, FORM_FRAME, frame, unframe } from './frame.js';
import { assign } from './msgpack-inflate.js';
import { joinParts, LIGHT, type Part, type Section, sectionsIn } from './parts.js';
import { areApart, type Split, split } from './split.js';

/** What is wanted of a value: its heavy properties when they are read, or at once; or those of these names, at least. */
export type Wanted = 'lazily' | 'whole' | ReadonlySet<string>;

export interface LazySetup {
  /** The heavy properties, up to HEAVY_MAX. */
  readonly names: readonly string[];
  /** The codec of every part, a built-in one. */
  readonly codec: FormCodec;
  readonly compression: Compression | undefined;
  /** Told when a heavy part does not decode as it is first read, which throws all the same. */
  readonly onUnreadable: (error: CodecError) => void;
}

export class LazyParts {
  readonly #setup: LazySetup;

  constructor(setup: LazySetup) {
    this.#setup = setup;
  }

  /** The parts of a value, in memory of their own; undefined for one that is to be packed whole. */
  encode(value: unknown): Uint8Array | undefined {
    const parts = split(value, this.#setup.names);
    const bytes = parts && this.#bytesOf(value as object, parts);
    if (bytes === undefined) return undefined;
    const { id: form } = this.#setup.codec;
    const slots = [LIGHT, ...parts!.heavy.map(({ slot }) => slot)];
    return joinParts(slots.map((slot, i) => ({ slot, form, bytes: bytes[i]! })));
  }

  /** Those of the light part first. */
  #bytesOf(value: object, parts: Split): readonly Uint8Array[] | undefined {
    const { codec } = this.#setup;
    const values = [parts.light, ...parts.heavy.map((heavy) => heavy.value)];
    const apart = codec.encodeApart?.(values);
    if (apart !== undefined) return apart;
    if (!areApart(value, parts, codec.name === 'structured')) return undefined;
    try {
      return values.map((each) => Buffer.from(codec.encode(each)));
    } catch (error) {
      // The codec refuses it again within the whole value, and then says where in that it is.
      if (error instanceof ValueError) return undefined;
      throw error;
    }
  }

  /** The same parts, compressed where it pays; `besideBytes` as for a whole value. */
  shrink(bytes: Uint8Array, besideBytes: number): Uint8Array {
    const { compression } = this.#setup;
    if (compression === undefined || !compression.isAllowed(bytes.length)) return bytes;
    let total = bytes.length;
    const shrunk = this.#remade(bytes, (part) => {
      const compressed = compression.shrink(part.bytes, besideBytes + total - part.bytes.length);
      const framed = compressed && this.#framed(part.slot, compressed);
      total += (framed ?? part).bytes.length - part.bytes.length;
      return framed;
    });
    return shrunk ?? bytes;
  }

  /** Stored parts in fewer bytes; undefined if that can't be had. Throws `CodecError`. */
  compact(bytes: Uint8Array): Uint8Array | undefined {
    const { compression } = this.#setup;
    if (compression === undefined) return undefined;
    return this.#remade(bytes, (part) => {
      const head = part.form === FORM_FRAME ? this.#headOf(part.bytes, 0, part.bytes.length) : undefined;
      if (head?.compression.isHard === true) return undefined;
      const raw = head ? compression.expand(head.compression, part.bytes.subarray(head.bodyStart)) : part.bytes;
      const squeezed = compression.squeeze(raw, part.bytes.length);
      return squeezed && this.#framed(part.slot, squeezed);
    });
  }

  /** The parts with each for which `remake` has another exchanged; undefined if it has none. */
  #remade(bytes: Uint8Array, remake: (part: Part) => Part | undefined): Uint8Array | undefined {
    let isOther = false;
    const parts = sectionsIn(bytes, 0, bytes.length).map(({ slot, form, start, end }) => {
      const part = { slot, form, bytes: bytes.subarray(start, end) };
      const other = remake(part);
      isOther ||= other !== undefined;
      return other ?? part;
    });
    return isOther ? joinParts(parts) : undefined;
  }

  #framed(slot: number, { head, bytes }: Compressed): Part {
    const framed = frame({ codec: this.#setup.codec.id, hasCrc: false, version: 1, compression: head }, bytes);
    return { slot, form: FORM_FRAME, bytes: framed };
  }

  /** The parts in `source[start..end)`, none compressed any more; undefined if none was. Throws `CodecError`. */
  expand(source: Uint8Array, start: number, end: number): Uint8Array | undefined {
    const sections = sectionsIn(source, start, end);
    if (sections.every(({ form }) => form !== FORM_FRAME)) return undefined;
    this.#checkTotal(source, sections);
    const { id } = this.#setup.codec;
    return joinParts(
      sections.map((section) => {
        const { slot, form, start: from, end: to } = section;
        if (form !== FORM_FRAME) return { slot, form, bytes: source.subarray(from, to) };
        return { slot, form: id, bytes: this.#expanded(source, from, to) };
      }),
    );
  }

  /** Each length is checked as it is expanded; here that all of them together are no more than a value may have. */
  #checkTotal(source: Uint8Array, sections: readonly Section[]): void {
    let total = 0;
    for (const { form, start, end } of sections)
      total += form === FORM_FRAME ? this.#headOf(source, start, end).compression.rawBytes : end - start;
    if (this.#setup.compression?.isAllowed(total) !== true)
      throw new CodecError(`the parts of a value can't have ${total} bytes in this cache`);
  }

  #headOf(source: Uint8Array, start: number, end: number): { compression: CompressionHead; bodyStart: number } {
    const { codec, hasCrc, version, compression, bodyStart } = unframe(source, start, end);
    if (codec !== this.#setup.codec.id || hasCrc || version !== 1 || compression === undefined)
      throw new CodecError('a part of a value has a frame that no part has');
    return { compression, bodyStart };
  }

  #expanded(source: Uint8Array, start: number, end: number): Uint8Array {
    const { compression } = this.#setup;
    if (compression === undefined) throw new CodecError('a part is compressed, of a type that never is');
    const head = this.#headOf(source, start, end);
    return compression.expand(head.compression, source.subarray(head.bodyStart, end));
  }

  /** The value in `source[start..end)`, private memory that will be overwritten, or what is wanted of it. Throws `CodecError`. */
  decode(source: Uint8Array, start: number, end: number, wanted: Wanted): object {
    const [first, ...heavy] = sectionsIn(source, start, end);
    if (typeof wanted === 'object') return this.#fields(source, first!, heavy, wanted);
    const light = this.#light(source, first!);
    for (const section of heavy) {
      const name = this.#nameOf(section);
      if (!Object.hasOwn(light, name) || light[name] !== null)
        throw new CodecError('a value has no place for its heavy property');
      if (wanted === 'whole') light[name] = this.#part(source, section);
      else this.#defer(light, name, source, section);
    }
    return light;
  }

  #nameOf({ slot }: Section): string {
    const name = this.#setup.names[slot];
    if (name === undefined) throw new CodecError(`there is no heavy property ${slot}`);
    return name;
  }

  #light(source: Uint8Array, section: Section, names?: ReadonlySet<string>): Record<string, unknown> {
    const light = this.#part(source, section, names);
    if (typeof light === 'object' && light !== null && Object.getPrototypeOf(light) === Object.prototype)
      return light as Record<string, unknown>;
    throw new CodecError('the light part of a value is no plain object');
  }

  #defer(light: object, name: string, source: Uint8Array, { slot, form, start, end }: Section): void {
    const bytes = new Uint8Array(source.subarray(start, end));
    defer(light, name, () => {
      try {
        return this.#part(bytes, { slot, form, start: 0, end: bytes.length });
      } catch (error) {
        if (error instanceof CodecError) this.#setup.onUnreadable(error);
        throw error;
      }
    });
  }

  #fields(source: Uint8Array, first: Section, heavy: readonly Section[], names: ReadonlySet<string>): object {
    const light = new Set(names);
    const found = heavy.filter((section) => light.delete(this.#nameOf(section)));
    const fields = light.size === 0 ? {} : this.#light(source, first, light);
    for (const section of found) assign(fields, this.#nameOf(section), this.#part(source, section));
    return fields;
  }

  #part(source: Uint8Array, section: Section, names?: ReadonlySet<string>): unknown {
    const { form, start, end } = section;
    if (form === FORM_FRAME) {
      const raw = this.#expanded(source, start, end);
      return this.#decoded(raw, 0, raw.length, names);
    }
    if (form !== this.#setup.codec.id) throw new CodecError(`a part of a value has the form ${form}`);
    return this.#decoded(source, start, end, names);
  }

  #decoded(source: Uint8Array, start: number, end: number, names: ReadonlySet<string> | undefined): unknown {
    return decodeWanted(this.#setup.codec, source, start, end, names);
  }
}

/** What a codec decodes, where only some properties are wanted as little as it can. */
export function decodeWanted(
  codec: FormCodec,
  source: Uint8Array,
  start: number,
  end: number,
  names: ReadonlySet<string> | undefined,
): unknown {
  if (names === undefined || codec.decodeFields === undefined) return codec.decode(source, start, end);
  return codec.decodeFields(source, start, end, names);
}
