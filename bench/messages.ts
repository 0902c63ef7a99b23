/**
 * Message types of Protocol Buffers for the values of a type, as somebody would write them down who knows all of the values: an object is a
 * message with a field for each key, but for rare ones, which share a text of JSON; a list in a list a message with one field;
 * and what is now this and now that a message with a field for each of these, of which one is set.
 */
import protobufjs from 'protobufjs';

/** Keys that are fields: the most frequent of those that occur so often. */
const FIELDS_MAX = 256;
const OCCURRENCES_MIN = 3;
/** The field of what has none; no key is called so. */
const REST = ' ';

type Scalar = 'bool' | 'int32' | 'double' | 'string';
type Schema =
  | { readonly kind: 'scalar'; readonly type: Scalar }
  | { readonly kind: 'list'; readonly of: Schema }
  | { readonly kind: 'message' | 'oneof'; readonly fields: ReadonlyMap<string, Schema> };

const TEXT: Schema = { kind: 'scalar', type: 'string' };

interface Messages {
  readonly type: protobufjs.Type;
  /** What the message type takes for each of the values. */
  readonly messages: readonly object[];
}

export function messagesOf(values: readonly unknown[]): Messages {
  const schema: Schema = oneOf(values);
  const type = typeOf('Value', schema, { made: 0 });
  return { type, messages: values.map((value) => convert(value, schema) as object) };
}

function schemaOf(values: readonly unknown[]): Schema {
  const present = values.filter((value) => !isNothing(value));
  const [kind = 'string', ...others] = new Set(present.map(kindOf));
  if (others.length > 0) return oneOf(present);
  if (kind === 'boolean') return { kind: 'scalar', type: 'bool' };
  if (kind === 'string') return { kind: 'scalar', type: 'string' };
  if (kind === 'number') return { kind: 'scalar', type: present.every(isInt32) ? 'int32' : 'double' };
  return kind === 'list' ? listOf(present as unknown[][]) : messageOf(present as Record<string, unknown>[]);
}

function isInt32(value: unknown): boolean {
  return ((value as number) | 0) === value;
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

/** One that stands for null, too, by no field at all. */
function oneOf(values: readonly unknown[]): Schema {
  const present = values.filter((value) => !isNothing(value));
  const fields = [...new Set(present.map(kindOf))].map((kind) => {
    return [kind, schemaOf(present.filter((value) => kindOf(value) === kind))] as const;
  });
  return { kind: 'oneof', fields: new Map(fields) };
}

function listOf(lists: readonly unknown[][]): Schema {
  const elements = lists.flat();
  return { kind: 'list', of: elements.includes(null) ? oneOf(elements) : schemaOf(elements) };
}

function messageOf(objects: readonly Record<string, unknown>[]): Schema {
  const byKey = new Map<string, unknown[]>();
  for (const object of objects) {
    for (const key of Object.keys(object)) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [object[key]]);
      else known.push(object[key]);
    }
  }
  const frequent = [...byKey].filter(([, values]) => values.length >= Math.min(OCCURRENCES_MIN, objects.length));
  const most = frequent.sort(([, a], [, b]) => b.length - a.length).slice(0, FIELDS_MAX);
  const fields = most.map(([key, values]) => [key, schemaOf(values)] as const);
  return { kind: 'message', fields: new Map([...fields, [REST, TEXT]]) };
}

function typeOf(name: string, schema: Schema, names: { made: number }): protobufjs.Type {
  const type = new protobufjs.Type(name);
  const fields = 'fields' in schema ? [...schema.fields] : [['items', schema] as const];
  fields.forEach(([key, of], i) => {
    addField(type, i + 1, fieldName(key), of, names);
  });
  return type;
}

function addField(type: protobufjs.Type, id: number, key: string, schema: Schema, names: { made: number }): void {
  const isList = schema.kind === 'list';
  const element = isList ? schema.of : schema;
  const rule = isList ? 'repeated' : undefined;
  if (element.kind === 'scalar') type.add(new protobufjs.Field(key, id, element.type, rule));
  else {
    names.made += 1;
    const inner = typeOf(`M${names.made}`, element, names);
    type.add(inner);
    type.add(new protobufjs.Field(key, id, inner.name, rule));
  }
}

/** An identifier, another for each key: protobufjs makes code of the names. */
function fieldName(key: string): string {
  return `_${key.replace(/\W/g, (char) => `$${char.charCodeAt(0)}`)}`;
}

function convert(value: unknown, schema: Schema): unknown {
  if (schema.kind === 'scalar') return value;
  if (schema.kind === 'list') return (value as unknown[]).map((element) => convertElement(element, schema.of));
  if (schema.kind === 'oneof') {
    const kind = kindOf(value);
    return isNothing(value) ? {} : { [fieldName(kind)]: convert(value, schema.fields.get(kind)!) };
  }
  return convertObject(value as object, schema.fields);
}

function convertObject(object: object, fields: ReadonlyMap<string, Schema>): object {
  const message: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    const schema = fields.get(key);
    if (schema === undefined) rest[key] = value;
    else if (!isNothing(value)) message[fieldName(key)] = convert(value, schema);
  }
  if (Object.keys(rest).length > 0) message[fieldName(REST)] = JSON.stringify(rest);
  return message;
}

/** A list in a list is a message of its own. */
function convertElement(element: unknown, schema: Schema): unknown {
  const converted = convert(element, schema);
  return schema.kind === 'list' ? { items: converted } : converted;
}
