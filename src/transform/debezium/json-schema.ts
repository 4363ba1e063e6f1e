import { adjustedName } from '../../convert/schema-name.ts';
import type { ConnectField, ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { basicsOf, failed } from '../schema.ts';
import { JsonNumber, type JsonObject, type JsonTree } from './json-tree.ts';

export interface JsonSchemaStyle {
  /** NULL becomes a field of optional bytes instead of none. */
  readonly nullsAreBytes: boolean;
  /** `field.name.adjustment.mode` */
  readonly fieldNames: string;
}

/**
 * The Connect schema of a JSON document, as Debezium infers it (JsonSchemaData). Null where nothing tells the type: a NULL, an
 * empty array.
 * @throws IcestreamError transform.record: an array of several types
 */
export function inferSchema(
  name: string | null,
  json: JsonTree,
  style: JsonSchemaStyle,
): ConnectSchema | null {
  if (json === null) return style.nullsAreBytes ? { type: 'bytes', optional: true } : null;
  if (typeof json === 'string') return { type: 'string', optional: true };
  if (typeof json === 'boolean') return { type: 'boolean', optional: true };
  if (json instanceof JsonNumber) return { type: numberType(json), optional: true };
  if (Array.isArray(json)) {
    if (json.length === 0) return null;
    return { type: 'array', optional: true, values: inferElement(name, json, style) };
  }
  return inferStruct(name, json as JsonObject, style);
}

function numberType(number: JsonNumber): 'int32' | 'int64' | 'float64' {
  return number.kind === 'big' ? 'float64' : number.kind;
}

function inferStruct(name: string | null, json: JsonObject, style: JsonSchemaStyle): ConnectSchema {
  const fields = new Map<string, ConnectSchema>();
  for (const [given, value] of json) {
    const fieldName = adjustedName(given, style.fieldNames);
    const path = name === null || name.trim() === '' ? fieldName : `${name}.${fieldName}`;
    const schema = inferSchema(path, value, style);
    if (schema !== null && !fields.has(fieldName)) fields.set(fieldName, schema);
  }
  return { type: 'struct', optional: true, ...(name !== null && { name }), fields: fieldsOf(fields) };
}

function fieldsOf(fields: ReadonlyMap<string, ConnectSchema>): ConnectField[] {
  return [...fields].map(([name, schema]) => ({ name, schema }));
}

function inferElement(
  name: string | null,
  items: readonly JsonTree[],
  style: JsonSchemaStyle,
): ConnectSchema {
  const present = items.filter((item) => item !== null);
  const kinds = new Set(present.map(kindOf));
  if (kinds.size > 1) throw failed(`Field is not a homogenous array (${[...kinds].join(' x ')})`);
  if (present[0] instanceof Map) {
    const structs = present.map((item) => inferStruct(name, item as JsonObject, style));
    return [...new Map(structs.map((struct) => [schemaText(struct), struct])).values()].reduce(merge);
  }
  const schema = inferSchema(null, present[0] ?? null, style);
  if (schema === null) throw failed('An array has unrecognized member schema');
  return schema;
}

function kindOf(item: JsonTree): string {
  if (item instanceof JsonNumber) return numberType(item);
  if (Array.isArray(item)) return 'array';
  return item instanceof Map ? 'object' : typeof item;
}

/** The fields of both; one that only a NULL told about takes the type of the other. */
function merge(left: ConnectSchema, right: ConnectSchema): ConnectSchema {
  const fields = new Map(left.fields!.map(({ name, schema }) => [name, schema]));
  for (const { name, schema } of right.fields!) {
    const known = fields.get(name);
    if (known === undefined || (known.type === 'bytes' && schema.type !== 'bytes')) fields.set(name, schema);
  }
  // Merged, it is not optional any more.
  return { type: 'struct', optional: false, ...basicsOf(left), fields: fieldsOf(fields) };
}

/** A document as a value of its schema. @throws IcestreamError transform.record: a number that the type does not hold */
export function jsonValue(json: JsonTree, schema: ConnectSchema): ConnectValue {
  if (json === null) return null;
  if (json instanceof JsonNumber) return numberValue(json, schema);
  if (Array.isArray(json)) return json.map((item) => jsonValue(item, schema.values!));
  if (!(json instanceof Map)) return json as string | boolean;
  if (schema.type !== 'struct') throw failed(`An object is not a ${schema.type}`);
  return schema.fields!.map(({ name, schema }) => jsonValue(json.get(name) ?? null, schema));
}

function numberValue(number: JsonNumber, { type }: ConnectSchema): ConnectValue {
  if (number.kind !== type) throw failed(`A number of type ${number.kind} is not a ${type}`);
  return type === 'int64' ? BigInt(number.text) : Number(number.text);
}

/** The same object for schemas of the same content, so that converters plan each shape once. */
export class SchemaPool {
  readonly #known = new Map<string, ConnectSchema>();

  intern(schema: ConnectSchema): ConnectSchema {
    const text = schemaText(schema);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= SHAPES_MAX) this.#known.clear();
    this.#known.set(text, schema);
    return schema;
  }
}

/** Documents make their shapes up: more are not remembered. */
export const SHAPES_MAX = 10_000;

/** Equal for schemas that Connect holds equal. */
export function schemaText(schema: ConnectSchema): string {
  return JSON.stringify(schema, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
