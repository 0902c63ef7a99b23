/**
 * Message types of Protocol Buffers for the values of a type, as somebody would write them down who knows all of the values: an object is a
 * message with a field for each key, a list in a list a message with one field, what is now this and now that a message with a
 * field for each of these, of which one is set, and a dictionary its text as JSON.
 */
import protobufjs from 'protobufjs';

/** Objects with more keys, over all values, are dictionaries. */
const FIELDS_MAX = 512;

type Scalar = 'bool' | 'int32' | 'double' | 'string';
type Schema =
  | { readonly kind: 'scalar'; readonly type: Scalar }
  | { readonly kind: 'json' }
  | { readonly kind: 'list'; readonly of: Schema }
  | { readonly kind: 'message' | 'oneof'; readonly fields: ReadonlyMap<string, Schema> };

const JSON_TEXT: Schema = { kind: 'json' };

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
  if (byKey.size > FIELDS_MAX) return JSON_TEXT;
  const fields = [...byKey].map(([key, values]) => [key, schemaOf(values)] as const);
  return { kind: 'message', fields: new Map(fields) };
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
  else if (element.kind === 'json') type.add(new protobufjs.Field(key, id, 'string', rule));
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
  if (schema.kind === 'json') return JSON.stringify(value);
  if (schema.kind === 'list') return (value as unknown[]).map((element) => convertElement(element, schema.of));
  const properties = schema.kind === 'oneof' ? [[kindOf(value), value] as const] : Object.entries(value as object);
  const present = properties.filter(([, each]) => !isNothing(each));
  return Object.fromEntries(present.map(([key, each]) => [fieldName(key), convert(each, schema.fields.get(key)!)]));
}

/** A list in a list is a message of its own. */
function convertElement(element: unknown, schema: Schema): unknown {
  const converted = convert(element, schema);
  return schema.kind === 'list' ? { items: converted } : converted;
}
