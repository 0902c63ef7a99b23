/**
 * The tag word of a slot: 8 bits of the hash, the type (3 bits), idle (1), and the policy's mark (20, see ports.ts).
 */
export const TAG_MASK: number = 0xffe00000 | 0;
export const TAG_IDLE = 0x00100000;
const TAG_HASH_MASK = 0xff000000 | 0;
const TYPE_SHIFT = 21;
/** Stands in a tag for the eighth type and all behind it. */
const TYPE_OTHER = 7;

/** The bits of a tag word that a lookup compares. */
export function tagOf(hash: number, type: number): number {
  return (hash & TAG_HASH_MASK) | (Math.min(type, TYPE_OTHER) << TYPE_SHIFT);
}

/** The type that a tag word tells, or -1 if the item must be asked. */
export function typeInTag(tag: number): number {
  const type = (tag >>> TYPE_SHIFT) & TYPE_OTHER;
  return type === TYPE_OTHER ? -1 : type;
}
