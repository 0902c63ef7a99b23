/**
 * Shapes of objects, their keys in order, that all threads share: each is a record of the append-only log, and the
 * record's number names it in stored values. A thread finds the shape of an object in a tree of keys, in which each node
 * remembers the key that was asked for last: objects that resemble each other cost a comparison a key.
 */
import { LOG_BUSY, LOG_FULL, LOG_MOVED, RECORD_KIND, recordBytes } from '../../native-free/index.js';

/** What codecs and compressors need of the log; see `AppendLog`. */
export interface SharedLog {
  readonly count: number;
  kindOf(number: number): number;
  read(number: number): Uint8Array;
  append(kind: number, bytes: Uint8Array, seen: number): number;
}

/** The log as shapes have it. */
export interface ShapeLog extends SharedLog {
  /** Bytes of it that are not set aside for others. */
  readonly bytesTotal: number;
}

export interface Shape {
  readonly id: number;
  readonly keys: readonly string[];
}

/** Objects with more keys are dictionaries rather than records, and so are those whose keys take more bytes. */
export const SHAPE_KEYS_MAX = 64;
const SHAPE_BYTES_MAX = 2_048;
/** Part of that which shapes take. */
const LOG_PART = 0.5;
/** A shape is learned when a thread has met it so often; twice as often with each quarter of the room that is taken. */
const SIGHTINGS_MIN = 2;
/** Nodes for keys that are in no shape yet, before all of them are forgotten. */
const NODES_MAX = 8_192;
/** New keys that may follow one key; what has more is a dictionary. */
const BRANCHES_MAX = 256;
/** Others may append as often as this before a shape is left for the next time. */
const TRIES_MAX = 4;
/** Objects that are not looked at after the lock of the log could not be had. */
const PAUSE_OBJECTS = 10_000;

/** A place in the tree: the objects that begin with the same keys. */
export class ShapeNode {
  shape: Shape | undefined = undefined;
  sightings = 0;
  /** Children that were met, but for those by which shapes have been learned since. */
  grown = 0;
  lastKey: string | undefined = undefined;
  lastChild: ShapeNode | undefined = undefined;
  children: Map<string, ShapeNode> | undefined = undefined;
}

export class Shapes {
  root: ShapeNode = new ShapeNode();
  readonly #log: ShapeLog;
  readonly #byId: (Shape | undefined)[] = [];
  /** Records of the log that this thread has seen, and the bytes of those that are shapes. */
  #seen = 0;
  #bytesUsed = 0;
  #newNodes = 0;
  #pause = 0;
  #isFull = false;

  constructor(log: ShapeLog) {
    this.#log = log;
  }

  /** The shape with that number; undefined if the log has none. */
  byId(id: number): Shape | undefined {
    const known = this.#byId[id];
    if (known !== undefined) return known;
    this.#readOn();
    return this.#byId[id];
  }

  /** Where `key` leads from a node; undefined if no shape goes on like that and none is to be learned. */
  next(node: ShapeNode, key: string): ShapeNode | undefined {
    if (node.lastKey === key) return node.lastChild;
    const child = node.children?.get(key) ?? this.#grow(node, key);
    if (child === undefined) return undefined;
    node.lastKey = key;
    node.lastChild = child;
    return child;
  }

  #grow(node: ShapeNode, key: string): ShapeNode | undefined {
    if (this.#isFull) return undefined;
    this.#newNodes += 1;
    if (node.grown >= BRANCHES_MAX) return undefined;
    node.grown += 1;
    return addChild(node, key);
  }

  /** The shape of an object whose keys led to `node`; undefined as long as it isn't one. */
  learn(node: ShapeNode, keys: readonly string[]): Shape | undefined {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return undefined;
    }
    node.sightings += 1;
    if (node.sightings < this.#sightingsNeeded() || keys.includes('__proto__')) return undefined;
    this.#append(node, keys);
    return node.shape;
  }

  /** Forgets what was met and never learned, once there is much of it. Between two values. */
  tidy(): void {
    if (this.#newNodes < NODES_MAX) return;
    this.#newNodes = 0;
    this.root = new ShapeNode();
    for (const shape of this.#byId) if (shape !== undefined) this.#plant(shape);
  }

  #sightingsNeeded(): number {
    return SIGHTINGS_MIN << Math.floor((4 * this.#bytesUsed) / (this.#log.bytesTotal * LOG_PART));
  }

  #append(node: ShapeNode, keys: readonly string[]): void {
    const bytes = Buffer.from(JSON.stringify(keys));
    if (bytes.length > SHAPE_BYTES_MAX) return;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      this.#readOn();
      if (node.shape !== undefined || this.#isFull) return;
      const outcome = this.#log.append(RECORD_KIND.shape, bytes, this.#seen);
      if (outcome === LOG_FULL) this.#isFull = true;
      if (outcome === LOG_BUSY) this.#pause = PAUSE_OBJECTS;
      if (outcome >= 0) this.#readOn();
      if (outcome !== LOG_MOVED) return;
    }
  }

  /** Takes over the shapes that have come to the log since the last look. */
  #readOn(): void {
    const { count, bytesTotal } = this.#log;
    for (let number = this.#seen; number < count; number++) {
      if (this.#log.kindOf(number) !== RECORD_KIND.shape) continue;
      const bytes = this.#log.read(number);
      const shape: Shape = { id: number, keys: JSON.parse(Buffer.from(bytes).toString()) as string[] };
      this.#bytesUsed += recordBytes(bytes.length);
      this.#byId[number] = shape;
      this.#plant(shape);
    }
    this.#seen = count;
    if (this.#bytesUsed >= bytesTotal * LOG_PART) this.#isFull = true;
  }

  /** Two threads' records of the same keys can't be: whoever appends has seen all others. */
  #plant(shape: Shape): void {
    let node = this.root;
    for (const key of shape.keys) {
      node.grown = Math.max(0, node.grown - 1);
      node = node.children?.get(key) ?? addChild(node, key);
    }
    node.shape = shape;
  }
}

function addChild(node: ShapeNode, key: string): ShapeNode {
  const child = new ShapeNode();
  node.children ??= new Map();
  node.children.set(key, child);
  return child;
}
